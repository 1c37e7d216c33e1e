//! Connectors: what pushes users, groups and deactivation into an application, and what they know of its accounts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{
    application::is_web_address,
    group::GROUP_NAME_MAX,
    id::{ApplicationId, ConnectorId, ConnectorJobId, UserId},
    problem::Problems,
    secret::Secret,
    user::key,
};

/// Most groups that can be listed by name.
pub const LISTED_MAX: usize = 1000;

/// To what kind of application a connector goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// NetBox, by its REST API.
    Netbox,
}

impl ConnectorKind {
    /// The name kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Netbox => "netbox",
        }
    }

    /// The kind of that name.
    pub fn parse(text: &str) -> Option<Self> {
        (text == "netbox").then_some(Self::Netbox)
    }
}

/// Which groups a connector makes, and of which it decides who is a member. All others belong to whoever made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagedGroups {
    /// Those whose names begin so, whatever the case of the letters.
    Prefix(String),
    /// Those of these names.
    Listed(BTreeSet<String>),
}

impl ManagedGroups {
    /// No group at all.
    pub fn none() -> Self {
        Self::Listed(BTreeSet::new())
    }

    /// Whether a group of this name is managed.
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::Prefix(prefix) => key(name).starts_with(&key(prefix)),
            Self::Listed(names) => names.contains(name) || names.iter().any(|listed| key(listed) == key(name)),
        }
    }
}

/// What an administrator may write about a connector, the token aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch by itself")]
pub struct ConnectorProfile {
    /// The application's own address.
    pub url: String,
    /// Which groups are managed.
    pub groups: ManagedGroups,
    /// Whether given name, family name and e-mail address are pushed.
    pub push_profile: bool,
    /// Whether the username is pushed as well.
    pub push_username: bool,
    /// Whether people whom the access rule no longer lets in are cut off, as disabled and deleted people always are.
    pub cut_off_denied: bool,
    /// Whether it works at all.
    pub is_enabled: bool,
}

impl ConnectorProfile {
    /// The defaults, with no group managed yet.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            groups: ManagedGroups::none(),
            push_profile: true,
            push_username: false,
            cut_off_denied: true,
            is_enabled: true,
        }
    }

    /// Checks the profile by itself.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        problems.require(
            is_web_address(&self.url) && !self.url.contains(['?', '#', '@']),
            "url",
            "Give the application's own address, such as https://netbox.example.org/.",
        );
        match &self.groups {
            ManagedGroups::Prefix(prefix) => {
                problems.require(
                    !prefix.trim().is_empty() && prefix.chars().count() <= GROUP_NAME_MAX,
                    "group_prefix",
                    "Give the beginning of the managed groups' names, such as netbox-: without one, every group of the \
                     application would be managed, also those made by hand.",
                );
            }
            ManagedGroups::Listed(names) => {
                problems.require(names.len() <= LISTED_MAX, "groups", "List at most 1000 groups, or use a prefix.");
                problems.require(
                    names.iter().all(|name| !name.trim().is_empty() && name.chars().count() <= GROUP_NAME_MAX),
                    "groups",
                    "A group's name has 1 to 150 characters.",
                );
            }
        }
        problems.or(())
    }
}

/// How a connector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorState {
    /// Nothing is known to be wrong.
    Well,
    /// The application cannot be reached or is not well; it is tried again by itself.
    Failing,
    /// The application refuses the token: somebody must give a new one.
    Refused,
}

impl ConnectorState {
    /// The name kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Failing => "failing",
            Self::Refused => "refused",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Well, Self::Failing, Self::Refused].into_iter().find(|state| state.as_str() == text)
    }
}

/// A connector as kept.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Identifier.
    pub id: ConnectorId,
    /// Whose it is.
    pub application: ApplicationId,
    /// To what kind of application it goes.
    pub kind: ConnectorKind,
    /// What can be edited.
    pub profile: ConnectorProfile,
    /// The API token.
    pub token: Secret<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The revision of the directory whose changes are in the queue.
    pub directory_cursor: i64,
    /// The revision of the snapshot whose changes are in the queue.
    pub snapshot_cursor: i64,
    /// How it is, and since when.
    pub health: ConnectorHealth,
    /// The last run for everybody.
    pub run: Option<ConnectorRun>,
}

/// How a connector is, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectorHealth {
    /// How it is.
    pub state: ConnectorState,
    /// What is wrong, in words.
    pub text: String,
    /// Since when.
    pub since: Timestamp,
    /// How often in a row it failed.
    pub failures: i64,
    /// When it is tried again.
    pub resume_at: Timestamp,
}

/// A run for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ConnectorRun {
    /// When it began.
    pub at: Timestamp,
    /// For how many people.
    pub total: i64,
}

/// What a connector knows of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectedPerson {
    /// Who. The user may be deleted by now.
    pub user: UserId,
    /// Username, as last known.
    pub username: String,
    /// When they were last seen on their way to the application.
    pub seen_at: Option<Timestamp>,
    /// The account, if it is known.
    pub account: Option<LinkedAccount>,
    /// When this connector made the account unusable.
    pub cut_off_at: Option<Timestamp>,
    /// Fingerprint of what was pushed last, or empty.
    #[serde(skip)]
    pub pushed: String,
    /// When it was pushed.
    pub pushed_at: Option<Timestamp>,
    /// What an administrator should know, or empty.
    pub warning: String,
}

/// An account of the application that belongs to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkedAccount {
    /// The application's number for it.
    pub id: i64,
    /// Its name when it was last seen.
    pub name: String,
    /// When it was linked.
    pub linked_at: Timestamp,
}

/// How a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its time.
    Waiting,
    /// A node is at it.
    Running,
    /// Something is in its way that does not pass by itself; it is tried again seldom.
    Failed,
}

impl JobState {
    /// The name kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// What comes first in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobRank {
    /// Somebody is to be cut off.
    CutOff,
    /// Somebody changed or signed in.
    Change,
    /// Everybody is looked at.
    Run,
}

impl JobRank {
    /// The number kept in the database; less comes first.
    pub fn number(self) -> i64 {
        match self {
            Self::CutOff => 0,
            Self::Change => 1,
            Self::Run => 2,
        }
    }

    /// The rank of that number.
    pub fn from_number(number: i64) -> Self {
        match number {
            0 => Self::CutOff,
            1 => Self::Change,
            _ => Self::Run,
        }
    }
}

/// A job of the queue: bring one person's account in line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectorJob {
    /// Identifier.
    pub id: ConnectorJobId,
    /// Of which connector.
    #[serde(skip)]
    pub connector: ConnectorId,
    /// For whom.
    pub user: UserId,
    /// How it is.
    pub state: JobState,
    /// What comes first.
    pub rank: JobRank,
    /// How often it was tried without success.
    pub attempts: i64,
    /// When it was first put into the queue.
    pub queued_at: Timestamp,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// Which node has it, or empty.
    #[serde(skip)]
    pub claimed_by: String,
    /// Until when; afterwards another may take it.
    #[serde(skip)]
    pub claimed_until: Timestamp,
    /// The run it belongs to.
    #[serde(skip)]
    pub run_at: Option<Timestamp>,
    /// Why the last try failed, or empty.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prefix_or_a_list_says_what_is_managed() {
        let prefix = ManagedGroups::Prefix("netbox-".into());
        assert!(prefix.includes("netbox-ops") && prefix.includes("NetBox-Ops") && prefix.includes("netbox-"));
        assert!(!prefix.includes("ops") && !prefix.includes("my-netbox-ops") && !prefix.includes("netbox"));
        let listed = ManagedGroups::Listed(["ops".to_owned()].into());
        assert!(listed.includes("ops") && listed.includes("Ops") && !listed.includes("ops2"));
        assert!(!ManagedGroups::none().includes(""));
    }

    #[test]
    fn what_would_manage_everything_is_refused() {
        let field = |profile: &ConnectorProfile| profile.check().unwrap_err().0.first().map(|problem| problem.field);
        let mut profile = ConnectorProfile::new("https://netbox.example.org/");
        assert!(profile.check().is_ok());
        for empty in ["", " "] {
            profile.groups = ManagedGroups::Prefix(empty.into());
            assert_eq!(field(&profile), Some("group_prefix"));
        }
        profile.groups = ManagedGroups::Listed((0..=LISTED_MAX).map(|n| n.to_string()).collect());
        assert_eq!(field(&profile), Some("groups"));
        profile.groups = ManagedGroups::Listed([String::new()].into());
        assert_eq!(field(&profile), Some("groups"));
        for url in ["", "netbox", "ftp://x/", "https://u:p@n/", "https://n/?a", "https://n/#a"] {
            assert_eq!(field(&ConnectorProfile::new(url)), Some("url"), "{url}");
        }
    }

    #[test]
    fn names_in_the_database_read_back() {
        for state in [ConnectorState::Well, ConnectorState::Failing, ConnectorState::Refused] {
            assert_eq!(ConnectorState::parse(state.as_str()), Some(state));
        }
        for state in [JobState::Waiting, JobState::Running, JobState::Failed] {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
        }
        for rank in [JobRank::CutOff, JobRank::Change, JobRank::Run] {
            assert_eq!(JobRank::from_number(rank.number()), rank);
        }
        assert!(
            JobRank::CutOff.number() < JobRank::Change.number() && JobRank::Change.number() < JobRank::Run.number()
        );
        assert_eq!(ConnectorKind::parse(ConnectorKind::Netbox.as_str()), Some(ConnectorKind::Netbox));
        assert_eq!(ConnectorKind::parse("scim"), None);
    }

    proptest! {
        #[test]
        fn no_prefix_takes_a_group_that_does_not_begin_with_it(prefix in "[a-zA-Z-]{1,8}", name in "\\PC{0,20}") {
            let managed = ManagedGroups::Prefix(prefix.clone());
            let longer = format!("{prefix}{}", name.trim_end());
            prop_assert!(managed.includes(&longer));
            if managed.includes(&name) {
                prop_assert!(key(&name).starts_with(&key(&prefix)));
            }
        }
    }
}
