//! What becomes of superuser status in NetBox.

use doorward_core::method::Method;
use serde::Serialize;
use serde_json::Value;

use super::{PresentAccount, Setup, Told};

/// What happens to superuser status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuperuserChange {
    /// They have it from now on, or still.
    Granted,
    /// They do not have it from now on, or still not.
    Revoked,
    /// It stays as it is.
    Unchanged,
    /// The sign-in fails over it.
    Fails,
}

/// What happens to superuser status, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuperuserEffect {
    /// What happens.
    pub change: SuperuserChange,
    /// What it is now, if that is known.
    pub before: Option<bool>,
    /// Why.
    pub why: String,
}

impl SuperuserEffect {
    /// What should be looked at before the sign-in.
    pub(super) fn warning(&self) -> Option<String> {
        match (self.change, self.before) {
            (SuperuserChange::Revoked, Some(true)) => {
                Some(format!("superuser status in NetBox is taken away: {}", self.why))
            }
            (SuperuserChange::Fails, _) => Some(format!("NetBox answers 500: {}", self.why)),
            _ => None,
        }
    }
}

pub(super) fn effect(setup: &Setup, told: &Told, present: Option<&PresentAccount>) -> SuperuserEffect {
    let (change, why) = match setup.method {
        Method::Oidc => by_claim(setup, told),
        Method::Ldap | Method::Proxy => by_membership(setup, told),
    };
    SuperuserEffect { change, before: present.and_then(|account| account.is_superuser), why }
}

fn by_claim(setup: &Setup, told: &Told) -> (SuperuserChange, String) {
    if setup.superuser_groups.is_empty() {
        let why = "no superuser groups were named, so that NetBox is not set up to listen".to_owned();
        return (SuperuserChange::Unchanged, why);
    }
    match &told.superuser {
        Some(Value::Bool(true)) => (SuperuserChange::Granted, member_of(setup, told, "netbox_superuser is true")),
        Some(Value::Bool(false)) => {
            let why = format!("netbox_superuser is false: they are not in {}", setup.superuser_groups.join(" or "));
            (SuperuserChange::Revoked, why)
        }
        None | Some(Value::Null) => {
            let why =
                "the claim netbox_superuser is missing, and NetBox leaves a superuser a superuser then; give the \
                       application its claim mapping back, and the scope of that"
                    .to_owned();
            (SuperuserChange::Unchanged, why)
        }
        Some(other) if setup.has_superuser_setting() => {
            let why = format!("netbox_superuser is {other}; it must be true or false");
            (SuperuserChange::Fails, why)
        }
        Some(other) => (SuperuserChange::Unchanged, format!("netbox_superuser is {other}, and not true or false")),
    }
}

fn by_membership(setup: &Setup, told: &Told) -> (SuperuserChange, String) {
    let names = told.groups.as_deref().unwrap_or_default();
    if setup.superuser_groups.iter().any(|group| names.contains(group)) {
        return (SuperuserChange::Granted, member_of(setup, told, "NetBox's settings name the group"));
    }
    match (setup.method, setup.superuser_groups.is_empty()) {
        (Method::Proxy, true) => {
            let why = "no superuser groups were named, and behind a proxy everybody else loses it".to_owned();
            (SuperuserChange::Revoked, why)
        }
        (_, true) => (SuperuserChange::Unchanged, "no superuser groups were named".to_owned()),
        (_, false) => (SuperuserChange::Revoked, format!("they are not in {}", setup.superuser_groups.join(" or "))),
    }
}

fn member_of(setup: &Setup, told: &Told, because: &str) -> String {
    let names = told.groups.as_deref().unwrap_or_default();
    let own = setup.superuser_groups.iter().find(|group| names.contains(group));
    own.map_or_else(|| because.to_owned(), |group| format!("{because}: they are in {group}"))
}
