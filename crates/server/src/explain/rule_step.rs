//! What the access rule says about somebody, and through which groups.

use doorward_core::{access_rule::AccessRule, id::GroupId};
use std::collections::BTreeSet;

use super::{
    access_steps::{Facts, step},
    report::{Finding, Step},
};

/// Most names that stand in one sentence.
const NAMES_SHOWN: usize = 10;

impl Facts<'_> {
    /// What the access rule says.
    pub(super) fn rule(&self) -> Step {
        let (name, user) = (self.username(), self.person.user.id);
        match &self.profile().access {
            AccessRule::Everyone => step("access rule", Finding::Yes, "it is open to everyone who can sign in"),
            AccessRule::Only { users, .. } if users.contains(&user) => {
                step("access rule", Finding::Yes, format!("it names {name}"))
            }
            AccessRule::Only { groups, users } => match self.way_in(groups) {
                Some(text) => step("access rule", Finding::Yes, text),
                None => step("access rule", Finding::No, self.kept_out(groups, users.len())),
            },
        }
    }

    /// Through which of the groups they are let in, and by way of which others.
    fn way_in(&self, groups: &BTreeSet<GroupId>) -> Option<String> {
        let paths = groups.iter().filter_map(|group| self.snapshot.groups.path(self.direct, *group));
        let path = paths.min_by_key(Vec::len)?;
        let names: Vec<&str> = path.iter().map(|id| self.group_name(*id)).collect();
        let (last, first) = (names.last()?, names.first()?);
        let nested = names.windows(2).filter_map(|pair| match pair {
            [below, above] => Some(format!(", and {below} is in {above}")),
            _ => None,
        });
        let name = self.username();
        Some(format!("it names the group {last}; {name} is a member of {first}{}", nested.collect::<String>()))
    }

    fn kept_out(&self, groups: &BTreeSet<GroupId>, users: usize) -> String {
        let name = self.username();
        if groups.is_empty() && users == 0 {
            return format!("it lets nobody in yet; doorward app edit {} --allow … says who may", self.profile().slug);
        }
        let listed = if groups.is_empty() {
            format!("names {users} people, and not {name}")
        } else {
            let names: Vec<&str> = groups.iter().map(|id| self.group_name(*id)).collect();
            let people = if users == 0 { String::new() } else { format!(" and {users} people") };
            format!("names {}{people}; {name} is not among them", in_words_list(&names))
        };
        let own: Vec<&str> = self.person.groups(self.snapshot).map(|group| group.profile.name.as_str()).collect();
        let own = if own.is_empty() { "is in no group".to_owned() } else { format!("is in {}", in_words_list(&own)) };
        format!("it {listed}: {name} {own}")
    }

    fn group_name(&self, id: GroupId) -> &str {
        self.snapshot.groups.get(id).map_or("a group that is gone", |group| &group.profile.name)
    }
}

fn in_words_list(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).copied().collect();
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
