//! The form of a connector, between text and profile. The API token is never part of it: it goes in, and is not sent back.

use doorward_core::connector::{ConnectorProfile, ManagedGroups};
use serde_json::{Value, json};

use super::fields;
use crate::http::form::Fields;

/// Ways to say which groups follow Doorward: value and words.
const GROUPS: [(&str, &str); 3] = [
    ("prefix", "Those whose names begin with a prefix"),
    ("listed", "Those listed below"),
    ("none", "None: memberships stay as NetBox has them"),
];

/// The form as typed.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box of the form")]
pub(super) struct ConnectorDraft {
    url: String,
    manage: String,
    group_prefix: String,
    groups: String,
    push_profile: bool,
    push_username: bool,
    cut_off_denied: bool,
    is_enabled: bool,
}

impl ConnectorDraft {
    /// A connector as kept.
    pub(super) fn from_profile(profile: &ConnectorProfile) -> Self {
        let (manage, group_prefix, groups) = match &profile.groups {
            ManagedGroups::Prefix(prefix) => ("prefix", prefix.clone(), String::new()),
            ManagedGroups::Listed(names) if names.is_empty() => ("none", String::new(), String::new()),
            ManagedGroups::Listed(names) => {
                ("listed", String::new(), names.iter().map(|name| format!("{name}\n")).collect())
            }
        };
        Self {
            url: profile.url.clone(),
            manage: manage.to_owned(),
            group_prefix,
            groups,
            push_profile: profile.push_profile,
            push_username: profile.push_username,
            cut_off_denied: profile.cut_off_denied,
            is_enabled: profile.is_enabled,
        }
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        let is_on = |name| form.get(name) == "true";
        Self {
            url: form.get("url").trim().to_owned(),
            manage: form.get("manage").to_owned(),
            group_prefix: form.get("group_prefix").to_owned(),
            groups: form.get("groups").to_owned(),
            push_profile: is_on("push_profile"),
            push_username: is_on("push_username"),
            cut_off_denied: is_on("cut_off_denied"),
            is_enabled: is_on("is_enabled"),
        }
    }

    /// What was typed, over what was kept. Which of it is wrong, the operation says.
    pub(super) fn read(&self, before: ConnectorProfile) -> ConnectorProfile {
        let groups = match self.manage.as_str() {
            "prefix" => ManagedGroups::Prefix(self.group_prefix.clone()),
            "listed" => ManagedGroups::Listed(fields::lines(&self.groups).into_iter().collect()),
            "none" => ManagedGroups::none(),
            _ => before.groups,
        };
        ConnectorProfile {
            url: self.url.clone(),
            groups,
            push_profile: self.push_profile,
            push_username: self.push_username,
            cut_off_denied: self.cut_off_denied,
            is_enabled: self.is_enabled,
        }
    }

    /// What the template shows of it.
    pub(super) fn context(&self) -> Value {
        json!({
            "url": self.url,
            "manage": fields::choices(GROUPS, &self.manage),
            "group_prefix": self.group_prefix,
            "groups": self.groups,
            "push_profile": self.push_profile,
            "push_username": self.push_username,
            "cut_off_denied": self.cut_off_denied,
            "is_enabled": self.is_enabled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_survives_the_form() {
        let mut profile = ConnectorProfile::new("https://n.example.org/");
        for groups in [
            ManagedGroups::Prefix("netbox-".into()),
            ManagedGroups::Listed(["a".to_owned(), "b".to_owned()].into()),
            ManagedGroups::none(),
        ] {
            profile.groups = groups;
            profile.push_username = !profile.push_username;
            let read = ConnectorDraft::from_profile(&profile).read(ConnectorProfile::new(""));
            assert_eq!(read, profile);
        }
    }
}
