//! Who may use an application.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::id::{GroupId, UserId};

/// Who may use an application. There is no default that lets people in: everyone is a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "allow", rename_all = "lowercase")]
pub enum AccessRule {
    /// Every active user.
    Everyone,
    /// Effective members of any of the groups, and the users named.
    Only {
        /// Groups whose effective members are let in.
        groups: BTreeSet<GroupId>,
        /// Users let in by name.
        users: BTreeSet<UserId>,
    },
}

impl AccessRule {
    /// Lets nobody in: what a new application starts with.
    pub fn nobody() -> Self {
        Self::Only { groups: BTreeSet::new(), users: BTreeSet::new() }
    }

    /// Whether the rule lets this user in. Whether the user is active is checked beside it, not here.
    pub fn allows(&self, user: UserId, effective_groups: &BTreeSet<GroupId>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only { groups, users } => users.contains(&user) || !groups.is_disjoint(effective_groups),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn nobody_means_nobody_and_groups_or_users_let_in() {
        let clock = Clock::system();
        let (user, other, group) = (UserId::new(&clock), UserId::new(&clock), GroupId::new(&clock));
        let member = BTreeSet::from([group]);
        assert!(!AccessRule::nobody().allows(user, &member));
        let rule = AccessRule::Only { groups: member.clone(), users: BTreeSet::from([user]) };
        assert!(rule.allows(user, &BTreeSet::new()));
        assert!(rule.allows(other, &member));
        assert!(!rule.allows(other, &BTreeSet::new()));
        assert!(AccessRule::Everyone.allows(other, &BTreeSet::new()));
    }
}
