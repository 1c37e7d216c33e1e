//! A provider's directory as one reader may see it.

use doorward_core::{
    id::{GroupId, UserId},
    ldap_provider::{PosixNumbers, UidSource},
};
use std::sync::Arc;

use super::{
    directory::{
        group_tree::{GroupNode, GroupTree},
        person::Person,
    },
    names::Names,
};
use crate::snapshot::LdapClient;

/// Who reads.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    /// A service account of the provider: everything.
    Everything,
    /// A person: themselves and their groups, and of those only their own membership.
    Only(Arc<Person>),
}

/// A provider's directory, its groups and who reads it: what every entry is written and every filter evaluated with.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The provider.
    pub client: Arc<LdapClient>,
    /// The groups of this moment.
    pub groups: Arc<GroupTree>,
    reader: Reader,
    /// The reader's effective groups, sorted; empty for those who read everything.
    own_groups: Vec<GroupId>,
}

impl View {
    /// A view for a reader.
    pub(super) fn new(client: Arc<LdapClient>, groups: Arc<GroupTree>, reader: Reader) -> Self {
        let own_groups = match &reader {
            Reader::Everything => Vec::new(),
            Reader::Only(person) => groups.effective(&person.direct, client.provider.profile.nested_groups),
        };
        Self { client, groups, reader, own_groups }
    }

    /// The names of the tree.
    pub(super) fn names(&self) -> &Names {
        &self.client.names
    }

    /// Whether members of groups below count as members.
    pub(super) fn is_nested(&self) -> bool {
        self.client.provider.profile.nested_groups
    }

    /// What `uid` holds.
    pub(super) fn uid_source(&self) -> UidSource {
        self.client.provider.profile.uid_source
    }

    /// Numbers for users and groups.
    pub(super) fn numbers(&self) -> PosixNumbers {
        self.client.provider.profile.numbers()
    }

    /// The person who reads, unless everything may be read.
    pub(super) fn only(&self) -> Option<&Arc<Person>> {
        match &self.reader {
            Reader::Everything => None,
            Reader::Only(person) => Some(person),
        }
    }

    /// The groups that a person who reads may see; none for those who read everything.
    pub(super) fn own_groups(&self) -> &[GroupId] {
        &self.own_groups
    }

    /// Whether a person, and the group that is theirs, may be seen.
    pub(super) fn shows_user(&self, id: UserId) -> bool {
        self.only().is_none_or(|reader| reader.id == id)
    }

    /// Whether a group may be seen.
    pub(super) fn shows_group(&self, id: GroupId) -> bool {
        self.only().is_none() || self.own_groups.binary_search(&id).is_ok()
    }

    /// The effective groups of a person.
    pub(super) fn groups_of(&self, person: &Person) -> Vec<GroupId> {
        self.groups.effective(&person.direct, self.is_nested())
    }

    /// Whether a person is in a group, by way of others if that counts.
    pub(super) fn is_member(&self, person: &Person, group: GroupId, nested: bool) -> bool {
        let is_above =
            |direct: &GroupId| nested && self.groups.get(*direct).is_some_and(|node| node.ancestors.contains(&group));
        self.groups.get(group).is_some() && person.direct.iter().any(|direct| *direct == group || is_above(direct))
    }

    /// The groups directly above a group, and those above them if that counts.
    pub(super) fn groups_above<'v>(&'v self, node: &'v GroupNode) -> &'v [GroupId] {
        if self.is_nested() { &node.ancestors } else { &node.parents }
    }

    /// Whether a person administers Doorward.
    pub(super) fn is_superuser(&self, person: &Person) -> bool {
        let confers = |id: &GroupId| self.groups.get(*id).is_some_and(|node| node.group.profile.is_superuser);
        // Power comes through parents whether or not this provider shows them.
        self.groups.effective(&person.direct, true).iter().any(confers)
    }
}
