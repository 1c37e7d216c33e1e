//! All groups with what a directory asks about them, prepared once per snapshot.

use doorward_core::{
    group::{Group, GroupGraph},
    id::GroupId,
};
use doorward_protocols::ldap::dn::{escape, normalize_value};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::custom::{self, Custom};

/// A group and its place.
#[derive(Debug)]
pub struct GroupNode {
    /// The group.
    pub group: Group,
    /// Its name as the value of a distinguished name (RFC 4514).
    pub rdn: Box<str>,
    /// Free attributes as LDAP can show them.
    pub custom: Box<[Custom]>,
    /// The groups directly above.
    pub parents: Vec<GroupId>,
    /// The groups directly below.
    pub children: Vec<GroupId>,
    /// All groups above.
    pub ancestors: Vec<GroupId>,
    /// The group itself and all below.
    pub descendants: Vec<GroupId>,
}

/// All groups.
#[derive(Debug, Default)]
pub struct GroupTree {
    /// Revision of the snapshot it was made of.
    pub revision: i64,
    nodes: BTreeMap<GroupId, GroupNode>,
    by_name: HashMap<String, GroupId>,
    by_pk: BTreeMap<i64, GroupId>,
    /// Keys of all free attributes.
    keys: HashSet<Box<str>>,
}

impl GroupTree {
    /// From the groups of a snapshot.
    pub fn new(graph: &GroupGraph, revision: i64) -> Self {
        let mut tree = Self { revision, ..Self::default() };
        for group in graph.iter() {
            let mut ancestors: Vec<GroupId> = graph.effective([group.id]).into_iter().collect();
            ancestors.retain(|id| *id != group.id);
            let parents = group.profile.parents.iter().copied().filter(|id| graph.get(*id).is_some()).collect();
            tree.by_name.insert(normalize_value(&group.profile.name), group.id);
            tree.by_pk.insert(group.pk, group.id);
            let node = GroupNode {
                rdn: escape(&group.profile.name).into(),
                custom: custom::from_json(&group.profile.attributes, None),
                group: group.clone(),
                parents,
                children: Vec::new(),
                ancestors,
                descendants: vec![group.id],
            };
            tree.keys.extend(node.custom.iter().map(|custom| custom.key.clone()));
            tree.nodes.insert(group.id, node);
        }
        tree.link_downwards();
        tree
    }

    fn link_downwards(&mut self) {
        let upwards: Vec<(GroupId, Vec<GroupId>, Vec<GroupId>)> =
            self.nodes.values().map(|node| (node.group.id, node.parents.clone(), node.ancestors.clone())).collect();
        for (id, parents, ancestors) in upwards {
            for parent in parents {
                if let Some(node) = self.nodes.get_mut(&parent) {
                    node.children.push(id);
                }
            }
            for ancestor in ancestors {
                if let Some(node) = self.nodes.get_mut(&ancestor) {
                    node.descendants.push(id);
                }
            }
        }
    }

    /// A group by identifier.
    pub fn get(&self, id: GroupId) -> Option<&GroupNode> {
        self.nodes.get(&id)
    }

    /// A group by name, in the form that is compared.
    pub fn by_name(&self, prepared: &str) -> Option<&GroupNode> {
        self.by_name.get(prepared).and_then(|id| self.get(*id))
    }

    /// A group by number.
    pub fn by_pk(&self, pk: i64) -> Option<&GroupNode> {
        self.by_pk.get(&pk).and_then(|id| self.get(*id))
    }

    /// All groups after a number, by number.
    pub fn after(&self, pk: i64) -> impl Iterator<Item = &GroupNode> {
        self.by_pk.range(pk.saturating_add(1)..).filter_map(|(_, id)| self.get(*id))
    }

    /// Whether any group has a free attribute of that key.
    pub fn knows(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// The groups given and, if `nested`, all above them; each once, in no order that matters.
    pub fn effective(&self, direct: &[GroupId], nested: bool) -> Vec<GroupId> {
        let mut found: Vec<GroupId> = direct.iter().copied().filter(|id| self.nodes.contains_key(id)).collect();
        if nested {
            for id in direct {
                found.extend(self.get(*id).into_iter().flat_map(|node| &node.ancestors));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
