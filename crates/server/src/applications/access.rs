//! Who may use an application.

use doorward_core::{
    access_rule::AccessRule,
    application::Application,
    id::UserId,
    network::{Networks, Place},
};
use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    app::App,
    directory::{groups, person::Person, users},
    error::OperationResult,
};

/// Why somebody may not use an application. The words are for the log and for administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAccess {
    /// The account is disabled.
    #[error("the user is disabled")]
    Disabled,
    /// The access rule lets neither them nor one of their groups in.
    #[error("neither the user nor one of their groups is listed in the access rule")]
    Rule,
    /// They are somewhere else than they should be.
    #[error("none of the application's networks holds {0}")]
    Network(IpAddr),
}

/// Looks whether a person may use an application from where they are, now. Asked at every issuance.
///
/// # Errors
/// The first reason why not.
pub fn check(application: &Application, person: &Person, place: Place) -> Result<(), NoAccess> {
    let profile = &application.profile;
    if !person.user.profile.is_active {
        return Err(NoAccess::Disabled);
    }
    if !profile.access.allows(person.user.id, &person.groups) {
        return Err(NoAccess::Rule);
    }
    check_place(&profile.networks, place)
}

/// Looks whether whoever a token was made for may go on using the application. The client itself may, as long as its account
/// is active: the access rule is about others.
///
/// # Errors
/// The first reason why not.
pub fn check_holder(application: &Application, person: &Person, is_clients_own: bool) -> Result<(), NoAccess> {
    if !is_clients_own {
        return check(application, person, Place::Server);
    }
    if person.user.profile.is_active { Ok(()) } else { Err(NoAccess::Disabled) }
}

/// Looks whether an application may be used from a place, whoever it is.
///
/// # Errors
/// [`NoAccess::Network`].
pub fn check_place(networks: &Networks, place: Place) -> Result<(), NoAccess> {
    match place {
        Place::Browser(address) if !networks.allow(place) => Err(NoAccess::Network(address)),
        Place::Browser(_) | Place::Server => Ok(()),
    }
}

/// Whether a person may use an application from where they are, now.
pub fn is_allowed(application: &Application, person: &Person, place: Place) -> bool {
    check(application, person, place).is_ok()
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
