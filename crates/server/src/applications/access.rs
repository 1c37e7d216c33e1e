//! Who may use an application.

use doorward_core::{access_rule::AccessRule, application::Application, id::UserId};
use std::collections::BTreeSet;

use crate::{
    app::App,
    directory::{groups, person::Person, users},
    error::OperationResult,
};

/// Whether a person may use an application now. Asked at every issuance.
pub fn is_allowed(application: &Application, person: &Person) -> bool {
    person.user.profile.is_active && application.profile.access.allows(person.user.id, &person.groups)
}

/// Makes a rule from names: `everyone` alone, or groups and users.
///
/// # Errors
/// That there is no such group or user.
pub async fn rule(app: &App, group_names: &[String], usernames: &[String]) -> OperationResult<AccessRule> {
    if group_names.iter().any(|name| name.eq_ignore_ascii_case("everyone")) {
        return Ok(AccessRule::Everyone);
    }
    let groups = group_names
        .iter()
        .map(|name| Ok(groups::find_by_name(app, name)?.id))
        .collect::<OperationResult<BTreeSet<_>>>()?;
    let mut people: BTreeSet<UserId> = BTreeSet::new();
    for username in usernames {
        people.insert(users::find_by_username(app, username).await?.id);
    }
    Ok(AccessRule::Only { groups, users: people })
}
