//! Which groups of NetBox somebody is put into and taken out of.

use doorward_core::method::Method;
use serde::Serialize;

use super::{PresentAccount, Setup, Told};

/// Longest name of a group in NetBox, in characters.
const NAME_MAX: usize = 150;

/// What happens to memberships.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupsEffect {
    /// Joined; if NetBox was not asked, some of them may be there already.
    pub added: Vec<String>,
    /// Left. Empty if NetBox was not asked.
    pub removed: Vec<String>,
    /// Stay, because Doorward says so.
    pub kept: Vec<String>,
    /// Stay, because they do not follow Doorward.
    pub untouched: Vec<String>,
    /// Told by Doorward and passed over, because they do not follow it.
    pub ignored: Vec<String>,
    /// What else is to be said.
    pub text: String,
}

pub(super) fn effect(setup: &Setup, told: &Told, present: Option<&PresentAccount>) -> GroupsEffect {
    let Some(names) = &told.groups else {
        let held = present.map(|account| account.user.groups.iter().map(|group| group.name.clone()).collect());
        let text = "NetBox is told of no groups, so that memberships stay as they are".to_owned();
        return GroupsEffect { untouched: held.unwrap_or_default(), text, ..GroupsEffect::default() };
    };
    let takes = |name: &String| setup.follows(name) && name.chars().count() <= NAME_MAX;
    let (mut wanted, ignored): (Vec<String>, Vec<String>) = names.iter().cloned().partition(takes);
    wanted.sort();
    wanted.dedup();
    let Some(account) = present else {
        return GroupsEffect { added: wanted, ignored, text: others(setup), ..GroupsEffect::default() };
    };
    let held: Vec<String> = account.user.groups.iter().map(|group| group.name.clone()).collect();
    let (kept, added) = wanted.iter().cloned().partition(|name| held.contains(name));
    let (left, untouched) =
        held.into_iter().filter(|name| !wanted.contains(name)).partition(|name| setup.follows(name));
    GroupsEffect { added, removed: left, kept, untouched, ignored, text: others(setup) }
}

/// What happens to the groups of NetBox that Doorward does not name.
fn others(setup: &Setup) -> String {
    if setup.method == Method::Proxy {
        return "they leave all other groups: behind a proxy, memberships are exactly those in Doorward, and are read when a \
                session of NetBox begins"
            .to_owned();
    }
    let listed = setup.managed_groups.join(", ");
    match (&setup.group_prefix, setup.managed_groups.is_empty()) {
        (Some(prefix), true) => format!("they leave all other groups whose names begin with {prefix}"),
        (Some(prefix), false) => format!("they leave all others of {listed} and of those that begin with {prefix}"),
        (None, false) => format!("they leave all others of {listed}"),
        (None, true) => "no group of NetBox follows Doorward".to_owned(),
    }
}
