//! What has to change in an account, as words for people and as a request for NetBox. Pure: the dry run shows this, and
//! nothing else is done.

use doorward_core::{connector::ManagedGroups, user::key};
use serde::Serialize;
use std::fmt;

use super::desired::{Access, Contents, Desired};
use crate::netbox::{
    groups::NetBoxGroup,
    users::{NetBoxUser, UserChange},
};

/// What is said of an account that somebody made inactive by hand.
pub const INACTIVE: &str = "The account is inactive in NetBox, and it was not Doorward that made it so; it stays inactive \
                            until somebody activates it there.";

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A group is made.
    CreateGroup {
        /// Its name.
        group: String,
    },
    /// A membership begins.
    Join {
        /// In which group.
        group: String,
    },
    /// A membership ends.
    Leave {
        /// In which group.
        group: String,
    },
    /// A field gets another value.
    Set {
        /// Which, as people call it.
        field: &'static str,
        /// What it was.
        from: String,
        /// What it becomes.
        to: String,
    },
    /// The account becomes unusable: inactive, a password that nobody knows, API tokens disabled.
    CutOff {
        /// Why, to be read after the person's name.
        why: String,
    },
    /// The account becomes usable again.
    LetIn,
}

/// What has to change, and what cannot be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What changes.
    pub changes: Vec<Change>,
    /// What an administrator should know, or empty.
    pub warning: String,
}

/// What is known beside the account itself.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Whether this connector made the account unusable.
    pub is_cut_off: bool,
    /// Whether the same was pushed before: then only what differs is done again.
    pub is_pushed: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateGroup { group } => write!(f, "make the group {group}"),
            Self::Join { group } => write!(f, "join {group}"),
            Self::Leave { group } => write!(f, "leave {group}"),
            Self::Set { field, from, to } => write!(f, "{field}: \"{from}\" becomes \"{to}\""),
            Self::CutOff { why } => {
                write!(f, "cut off, who {why}: inactive, a password that nobody knows, API tokens disabled")
            }
            Self::LetIn => f.write_str("active again (API tokens stay disabled)"),
        }
    }
}

/// What has to change in an account.
pub fn plan(desired: &Desired, account: &NetBoxUser, managed: &ManagedGroups, known: Known) -> Plan {
    let mut plan = Plan::default();
    match &desired.access {
        Access::Closed(why) => {
            // An account that others made inactive still has a password and tokens.
            if account.is_active || !known.is_pushed {
                plan.changes.push(Change::CutOff { why: (*why).to_owned() });
            }
        }
        Access::Open(contents) => {
            if !account.is_active && known.is_cut_off {
                plan.changes.push(Change::LetIn);
            } else if !account.is_active {
                plan.warning = INACTIVE.to_owned();
            }
            plan.changes.extend(fields(contents, account));
            plan.changes.extend(memberships(contents, account, managed));
        }
    }
    plan
}

fn fields(contents: &Contents, account: &NetBoxUser) -> Vec<Change> {
    let mut wanted: Vec<(&'static str, &String, &String)> = Vec::new();
    if let Some(username) = &contents.username {
        wanted.push(("username", &account.username, username));
    }
    if let Some(profile) = &contents.profile {
        wanted.push(("first name", &account.first_name, &profile.first_name));
        wanted.push(("last name", &account.last_name, &profile.last_name));
        wanted.push(("e-mail address", &account.email, &profile.email));
    }
    let differing = wanted.into_iter().filter(|(_, from, to)| from != to);
    differing.map(|(field, from, to)| Change::Set { field, from: from.clone(), to: to.clone() }).collect()
}

fn memberships(contents: &Contents, account: &NetBoxUser, managed: &ManagedGroups) -> Vec<Change> {
    let joined = |name: &str| account.groups.iter().any(|group| key(&group.name) == key(name));
    let wanted = |name: &str| contents.groups.iter().any(|group| key(group) == key(name));
    let join = contents.groups.iter().filter(|name| !joined(name)).map(|name| Change::Join { group: name.clone() });
    let managed = account.groups.iter().filter(|group| managed.includes(&group.name));
    let leave = managed.filter(|group| !wanted(&group.name)).map(|group| Change::Leave { group: group.name.clone() });
    join.chain(leave).collect()
}

impl Plan {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether the account becomes unusable.
    pub fn cuts_off(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::CutOff { .. }))
    }

    /// Names of the groups that are joined.
    pub fn joins(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().filter_map(|change| match change {
            Change::Join { group } => Some(group.as_str()),
            _ => None,
        })
    }

    /// Whether memberships change.
    pub fn moves_groups(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Join { .. } | Change::Leave { .. }))
    }

    /// The request for NetBox, cutting off aside. `account`: as it is at this moment, because the list of groups is
    /// replaced as a whole; `joined`: the groups to join, with their numbers.
    pub fn request(&self, account: &NetBoxUser, joined: &[NetBoxGroup]) -> UserChange {
        let mut request = UserChange::default();
        for change in &self.changes {
            match change {
                Change::LetIn => request.is_active = Some(true),
                Change::Set { field: "username", to, .. } => request.username = Some(to.clone()),
                Change::Set { field: "first name", to, .. } => request.first_name = Some(to.clone()),
                Change::Set { field: "last name", to, .. } => request.last_name = Some(to.clone()),
                Change::Set { field: "e-mail address", to, .. } => request.email = Some(to.clone()),
                _ => {}
            }
        }
        if self.moves_groups() {
            let left = |group: &NetBoxGroup| {
                self.changes.iter().any(|change| matches!(change, Change::Leave { group: name } if *name == group.name))
            };
            let stay = account.groups.iter().filter(|group| !left(group)).chain(joined);
            let mut numbers: Vec<i64> = stay.map(|group| group.id).collect();
            numbers.sort_unstable();
            numbers.dedup();
            request.groups = Some(numbers);
        }
        request
    }

    /// In words, one change a line.
    pub fn words(&self) -> Vec<String> {
        self.changes.iter().map(ToString::to_string).collect()
    }
}

/// Whether an account came out as wished: in the managed groups it shall be in and no others, and still in every group of
/// others that it was in. If not, somebody wrote at the same time.
pub fn is_settled(contents: &Contents, before: &NetBoxUser, after: &NetBoxUser, managed: &ManagedGroups) -> bool {
    let foreign = before.groups.iter().filter(|group| !managed.includes(&group.name));
    memberships(contents, after, managed).is_empty() && foreign.into_iter().all(|group| after.groups.contains(group))
}

#[cfg(test)]
mod tests {
    use super::super::desired::ProfileFields;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn account(groups: &[&str]) -> NetBoxUser {
        let groups = groups.iter().zip(1..).map(|(name, id)| NetBoxGroup { id, name: (*name).to_owned() }).collect();
        let json = serde_json::json!({ "id": 7, "username": "alice", "first_name": "Alice", "email": "a@example.org" });
        NetBoxUser { groups, ..serde_json::from_value(json).unwrap() }
    }

    fn wanted(groups: &[&str]) -> Desired {
        let groups = groups.iter().map(|name| (*name).to_owned()).collect();
        let access = Access::Open(Contents { groups, ..Contents::default() });
        Desired { username: "alice".into(), email: String::new(), access }
    }

    fn contents(desired: &Desired) -> &Contents {
        match &desired.access {
            Access::Open(contents) => contents,
            Access::Closed(_) => panic!(),
        }
    }

    const NEW: Known = Known { is_cut_off: false, is_pushed: false };
    const DONE: Known = Known { is_cut_off: false, is_pushed: true };

    fn managed() -> ManagedGroups {
        ManagedGroups::Prefix("nb-".into())
    }

    #[test]
    fn managed_groups_come_and_go_and_others_stay() {
        let before = account(&["nb-old", "by hand", "nb-both"]);
        let plan = plan(&wanted(&["nb-both", "nb-new"]), &before, &managed(), NEW);
        assert_eq!(plan.words(), ["join nb-new", "leave nb-old"]);
        let new = NetBoxGroup { id: 9, name: "nb-new".into() };
        assert_eq!(plan.request(&before, &[new]).groups, Some(vec![2, 3, 9]));
    }

    #[test]
    fn a_foreign_group_that_came_meanwhile_is_kept() {
        let plan = plan(&wanted(&["nb-new"]), &account(&["by hand"]), &managed(), NEW);
        let now = account(&["by hand", "also by hand"]);
        assert_eq!(plan.request(&now, &[NetBoxGroup { id: 9, name: "nb-new".into() }]).groups, Some(vec![1, 2, 9]));
    }

    #[test]
    fn nothing_to_do_is_nothing_sent() {
        let plan = plan(&wanted(&["nb-a"]), &account(&["NB-A", "x"]), &managed(), NEW);
        assert!(plan.is_empty() && plan.request(&account(&["NB-A"]), &[]).is_empty());
    }

    #[test]
    fn fields_are_pushed_only_where_they_differ() {
        let mut desired = wanted(&[]);
        if let Access::Open(contents) = &mut desired.access {
            let profile = ProfileFields {
                first_name: "Alice".into(),
                last_name: "Example".into(),
                email: "b@example.org".into(),
            };
            contents.profile = Some(profile);
            contents.username = Some("alicia".into());
        }
        let plan = plan(&desired, &account(&[]), &managed(), NEW);
        assert_eq!(
            plan.words(),
            [
                "username: \"alice\" becomes \"alicia\"",
                "last name: \"\" becomes \"Example\"",
                "e-mail address: \"a@example.org\" becomes \"b@example.org\"",
            ]
        );
        let request = plan.request(&account(&[]), &[]);
        assert_eq!((request.first_name, request.groups, request.is_active), (None, None, None));
        assert_eq!((request.last_name.as_deref(), request.email.as_deref()), (Some("Example"), Some("b@example.org")));
        assert_eq!(request.username.as_deref(), Some("alicia"));
    }

    #[test]
    fn who_is_closed_is_cut_off_once() {
        let closed = Desired::deleted("alice");
        assert!(plan(&closed, &account(&["nb-a"]), &managed(), NEW).cuts_off());
        // Active again by somebody else's hand: cut off again.
        assert!(plan(&closed, &account(&[]), &managed(), DONE).cuts_off());
        let inactive = NetBoxUser { is_active: false, ..account(&[]) };
        assert!(plan(&closed, &inactive, &managed(), NEW).cuts_off(), "password and tokens are still good");
        assert!(plan(&closed, &inactive, &managed(), DONE).is_empty());
    }

    #[test]
    fn only_what_doorward_cut_off_is_let_in_again() {
        let inactive = NetBoxUser { is_active: false, ..account(&[]) };
        let known = Known { is_cut_off: true, is_pushed: false };
        let again = plan(&wanted(&[]), &inactive, &managed(), known);
        assert_eq!(again.changes, [Change::LetIn]);
        assert_eq!(again.request(&inactive, &[]).is_active, Some(true));
        let by_hand = plan(&wanted(&[]), &inactive, &managed(), NEW);
        assert!(by_hand.is_empty() && by_hand.warning.contains("not Doorward"));
        assert!(plan(&wanted(&[]), &account(&[]), &managed(), known).is_empty());
    }

    #[test]
    fn what_others_wrote_meanwhile_shows() {
        let desired = wanted(&["nb-a"]);
        let before = account(&["by hand"]);
        assert!(is_settled(contents(&desired), &before, &account(&["by hand", "nb-a"]), &managed()));
        assert!(!is_settled(contents(&desired), &before, &account(&["by hand"]), &managed()));
        assert!(!is_settled(contents(&desired), &before, &account(&["x", "nb-a"]), &managed()));
        assert!(!is_settled(contents(&desired), &before, &account(&["by hand", "nb-a", "nb-b"]), &managed()));
    }

    fn names() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set(prop::sample::select(vec!["nb-a", "nb-b", "NB-C", "x", "y", "Nb-d", "z"]), 0..7)
            .prop_map(|names| names.into_iter().map(str::to_owned).collect())
    }

    proptest! {
        /// Whatever stood before: afterwards the managed groups are those wished, all others are as they were, and a second
        /// plan finds nothing to do.
        #[test]
        fn a_plan_carried_out_leaves_nothing_to_do(before in names(), after in names()) {
            let all: Vec<String> = before.union(&after).cloned().collect();
            let number = |name: &String| i64::try_from(all.iter().position(|n| n == name).unwrap()).unwrap() + 1;
            let group = |name: &String| NetBoxGroup { id: number(name), name: name.clone() };
            let wish: BTreeSet<String> = after.into_iter().filter(|name| managed().includes(name)).collect();
            let mut before_account = account(&[]);
            before_account.groups = before.iter().map(group).collect();
            let desired = wanted(&wish.iter().map(String::as_str).collect::<Vec<_>>());
            let first = plan(&desired, &before_account, &managed(), NEW);
            let joined: Vec<_> = first.joins().map(|name| group(&name.to_owned())).collect();
            let mut now = before_account.clone();
            if let Some(numbers) = first.request(&before_account, &joined).groups {
                now.groups = all.iter().map(group).filter(|group| numbers.contains(&group.id)).collect();
            }
            prop_assert!(plan(&desired, &now, &managed(), NEW).is_empty());
            prop_assert!(is_settled(contents(&desired), &before_account, &now, &managed()));
            let foreign = |account: &NetBoxUser| -> BTreeSet<String> {
                account.groups.iter().map(|g| g.name.clone()).filter(|name| !managed().includes(name)).collect()
            };
            prop_assert_eq!(foreign(&now), foreign(&before_account));
        }
    }
}
