//! What NetBox does with what it is told about a person: which account it takes, which groups it adds and removes, and
//! what becomes of superuser status. Pure; what NetBox does was seen on NetBox 4.7.3 with the settings that the recipe
//! prints.

mod account;
mod groups;
mod superuser;
#[cfg(test)]
mod tests;

pub use account::{AccountEffect, cleaned};
pub use groups::GroupsEffect;
pub use superuser::{SuperuserChange, SuperuserEffect};

use doorward_core::method::Method;
use serde::Serialize;
use serde_json::Value;

use crate::netbox::users::NetBoxUser;

/// The oldest NetBox in which a setting alone carries superuser status over OpenID Connect.
pub const SUPERUSER_SETTING: (u32, u32) = (4, 7);

/// What NetBox is told at a sign-in. `None`: it is not told, and leaves things as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// The username, before NetBox does anything with it.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Names of groups.
    pub groups: Option<Vec<String>>,
    /// The claim `netbox_superuser`; OpenID Connect only.
    pub superuser: Option<Value>,
}

/// How NetBox is set up, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// How people sign in.
    pub method: Method,
    /// First two numbers of NetBox's version.
    pub release: (u32, u32),
    /// Groups whose members are superusers.
    pub superuser_groups: Vec<String>,
    /// Groups that follow Doorward, by name.
    pub managed_groups: Vec<String>,
    /// Groups whose names begin so follow Doorward.
    pub group_prefix: Option<String>,
}

/// What NetBox has at present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// Accounts with the person's name, whatever the case of its letters, or with the name and sixteen digits behind it.
    pub accounts: Vec<PresentAccount>,
    /// The account that is known to be theirs, by NetBox's number.
    pub linked: Option<i64>,
}

/// An account of NetBox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentAccount {
    /// What NetBox shows of it.
    pub user: NetBoxUser,
    /// Whether it is a superuser, if that could be found out.
    pub is_superuser: Option<bool>,
}

/// A field of the account that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Which.
    pub field: &'static str,
    /// What is there now, if that is known.
    pub before: Option<String>,
    /// What will be there.
    pub after: String,
}

/// What a sign-in does in NetBox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// How the person signs in.
    pub method: Method,
    /// Which account it is.
    pub account: AccountEffect,
    /// The account, as a sentence.
    pub account_text: String,
    /// Fields that are written.
    pub fields: Vec<FieldChange>,
    /// Groups.
    pub groups: GroupsEffect,
    /// Superuser status.
    pub superuser: SuperuserEffect,
    /// What an administrator should look at.
    pub warnings: Vec<String>,
}

/// What a sign-in with this would do. `present`: what NetBox has, if it could be asked.
pub fn effect(setup: &Setup, told: &Told, present: Option<&Present>) -> Effect {
    let chosen = account::choose(setup.method, told, present);
    let groups = groups::effect(setup, told, chosen.present);
    let superuser = superuser::effect(setup, told, chosen.present);
    let fields = account::fields(setup, told, chosen.present, &chosen.effect);
    let mut warnings = chosen.warnings;
    warnings.extend(superuser.warning());
    if told.first_name.as_deref().unwrap_or_default().is_empty()
        && told.last_name.as_deref().unwrap_or_default().is_empty()
    {
        warnings
            .push("first and last name are empty in NetBox: Doorward has no given and family name for them".to_owned());
    }
    Effect {
        method: setup.method,
        account_text: chosen.effect.sentence(),
        account: chosen.effect,
        fields,
        groups,
        superuser,
        warnings,
    }
}

impl Setup {
    /// Whether a group follows Doorward. Upper and lower case differ, as in NetBox. Behind a proxy all do.
    fn follows(&self, name: &str) -> bool {
        self.method == Method::Proxy
            || self.managed_groups.iter().any(|managed| managed == name)
            || self.group_prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Whether a setting alone carries superuser status over OpenID Connect.
    fn has_superuser_setting(&self) -> bool {
        self.release >= SUPERUSER_SETTING
    }
}
