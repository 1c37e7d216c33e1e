//! Access rules in forms and lists.

use doorward_core::{access_rule::AccessRule, application::ApplicationProfile, network::Networks, problem::Problems};
use std::collections::BTreeSet;

use super::fields;
use crate::{app::App, error::OperationResult};

/// Ways to say who may use an application: value and words.
pub(super) const CHOICES: [(&str, &str); 2] =
    [("everyone", "Everyone who can sign in here"), ("groups", "Only the groups and people chosen below")];

/// A rule as typed.
#[derive(Debug, Clone, Default)]
pub(super) struct AccessDraft {
    /// `everyone`, `groups`, or empty while nothing was chosen.
    pub(super) access: String,
    /// Names of groups.
    pub(super) groups: BTreeSet<String>,
    /// Usernames, one per line.
    pub(super) users: String,
    /// Networks, one per line.
    pub(super) networks: String,
}

impl AccessDraft {
    /// The rule and the networks as kept.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn from_profile(app: &App, profile: &ApplicationProfile) -> OperationResult<Self> {
        let networks: String = profile.networks.iter().map(|network| format!("{network}\n")).collect();
        let AccessRule::Only { groups, users: people } = &profile.access else {
            return Ok(Self { access: "everyone".to_owned(), networks, ..Self::default() });
        };
        Ok(Self {
            networks,
            access: "groups".to_owned(),
            groups: fields::group_names(&app.snapshot(), groups),
            users: fields::usernames(app, people).await?.join("\n"),
        })
    }

    /// The rule that was typed. Nobody is let in until it is said who.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn read(&self, app: &App, problems: &mut Problems) -> OperationResult<AccessRule> {
        match self.access.as_str() {
            "everyone" => Ok(AccessRule::Everyone),
            "groups" => Ok(AccessRule::Only {
                groups: fields::group_ids(&app.snapshot(), &self.groups, "allow_groups", problems),
                users: fields::user_ids(app, &fields::lines(&self.users), "allow_users", problems).await?,
            }),
            _ => {
                problems.add("access", "Choose who may use it.");
                Ok(AccessRule::nobody())
            }
        }
    }
}

/// The networks that were typed. Any, when one of them cannot be read: then nothing is saved.
pub(super) fn networks(text: &str, problems: &mut Problems) -> Networks {
    Networks::parse(text.lines()).unwrap_or_else(|error| {
        problems.add("networks", fields::sentence(&error));
        Networks::default()
    })
}

/// The rule in a few words.
pub(super) fn summary(rule: &AccessRule) -> String {
    let AccessRule::Only { groups, users } = rule else { return "Everyone".to_owned() };
    let count = |number: usize, one: &str, many: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {many}")),
    };
    let parts: Vec<String> = [count(groups.len(), "group", "groups"), count(users.len(), "person", "people")]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() { "Nobody".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::{
        clock::Clock,
        id::{GroupId, UserId},
    };

    #[test]
    fn rules_in_words() {
        let clock = Clock::system();
        let only = |groups: usize, users: usize| AccessRule::Only {
            groups: (0..groups).map(|_| GroupId::new(&clock)).collect(),
            users: (0..users).map(|_| UserId::new(&clock)).collect(),
        };
        assert_eq!(summary(&AccessRule::Everyone), "Everyone");
        assert_eq!(summary(&only(0, 0)), "Nobody");
        assert_eq!(summary(&only(1, 0)), "1 group");
        assert_eq!(summary(&only(2, 1)), "2 groups, 1 person");
    }
}
