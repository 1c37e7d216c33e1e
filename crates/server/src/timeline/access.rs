//! What an access rule says about a person, in words for the timeline.

use doorward_core::{access_rule::AccessRule, application::Application};

use crate::{applications::access::NoAccess, directory::person::Person, snapshot::Snapshot};

/// Most groups that are named.
const NAMED_MAX: usize = 5;

/// Why a person may use an application, or why not; `is_allowed` is what was decided.
pub fn access_text(snapshot: &Snapshot, application: &Application, person: &Person, is_allowed: bool) -> String {
    let username = &person.user.profile.username;
    if !person.user.profile.is_active {
        return format!("{username} is disabled");
    }
    match &application.profile.access {
        AccessRule::Everyone if is_allowed => "The access rule lets everyone in".to_owned(),
        AccessRule::Only { users, .. } if is_allowed && users.contains(&person.user.id) => {
            format!("The access rule names {username}")
        }
        AccessRule::Only { groups, .. } if is_allowed && !groups.is_disjoint(&person.groups) => {
            let names = named(snapshot, groups.intersection(&person.groups));
            format!("The access rule lets in members of {names}")
        }
        AccessRule::Only { groups, .. } if !is_allowed && groups.is_empty() => {
            format!("{username} is not named in the access rule, and it names no group")
        }
        AccessRule::Only { groups, .. } if !is_allowed => {
            let names = named(snapshot, groups);
            format!("{username} is in none of the groups that the access rule names ({names})")
        }
        _ if is_allowed => format!("The access rule lets {username} in"),
        _ => format!("the access rule does not let {username} in"),
    }
}

/// Why a person was refused, as [`access_text`], or because of where they are.
pub fn refusal_text(snapshot: &Snapshot, application: &Application, person: &Person, why: NoAccess) -> String {
    match why {
        NoAccess::Network(_) => why.to_string(),
        NoAccess::Disabled | NoAccess::Rule => access_text(snapshot, application, person, false),
    }
}

fn named<'a>(snapshot: &Snapshot, groups: impl IntoIterator<Item = &'a doorward_core::id::GroupId>) -> String {
    let mut names: Vec<&str> =
        groups.into_iter().filter_map(|id| snapshot.groups.get(*id)).map(|group| group.profile.name.as_str()).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    let shown = names.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
