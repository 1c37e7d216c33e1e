//! Groups, and who belongs to them through other groups.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{id::GroupId, problem::Problems, user::attributes_fit};

/// Longest group name, in characters: what NetBox keeps.
pub const GROUP_NAME_MAX: usize = 150;

/// What an administrator may write about a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupProfile {
    /// Name; unique, whatever the case of its letters.
    pub name: String,
    /// Whether effective members administer Doorward.
    pub is_superuser: bool,
    /// Groups whose members this group's members are, too.
    pub parents: BTreeSet<GroupId>,
    /// Free attributes.
    pub attributes: Map<String, Value>,
}

/// A group as kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Identifier.
    pub id: GroupId,
    /// Small number, counted up from 1 and never used twice (authentik's `num_pk`).
    pub pk: i64,
    /// What can be edited.
    #[serde(flatten)]
    pub profile: GroupProfile,
    /// When it was made.
    pub created_at: Timestamp,
}

impl GroupProfile {
    /// A plain group of that name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), is_superuser: false, parents: BTreeSet::new(), attributes: Map::new() }
    }

    /// Checks the profile by itself.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        problems.require(!self.name.trim().is_empty(), "name", "Give the group a name.");
        problems.require(
            self.name.chars().count() <= GROUP_NAME_MAX,
            "name",
            "A group's name may have at most 150 characters.",
        );
        problems.require(
            !self.name.chars().any(char::is_control),
            "name",
            "A group's name cannot hold control characters.",
        );
        problems.require(attributes_fit(&self.attributes), "attributes", "Attributes may take at most 16 KiB as JSON.");
        problems.or(())
    }
}

/// All groups and how they hang together. Who is a member of what is not in here: that is asked per user.
#[derive(Debug, Clone, Default)]
pub struct GroupGraph {
    groups: BTreeMap<GroupId, Group>,
}

impl GroupGraph {
    /// Builds the graph.
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        Self { groups: groups.into_iter().map(|group| (group.id, group)).collect() }
    }

    /// A group by its identifier.
    pub fn get(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// A group by its name, whatever the case of the letters.
    pub fn by_name(&self, name: &str) -> Option<&Group> {
        let key = crate::user::key(name);
        self.iter().find(|group| crate::user::key(&group.profile.name) == key)
    }

    /// All groups, in order of their identifiers.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The groups given and all that lie above them. Unknown groups are left out; a cycle, should the database hold
    /// one, ends the walk.
    pub fn effective(&self, direct: impl IntoIterator<Item = GroupId>) -> BTreeSet<GroupId> {
        let mut found = BTreeSet::new();
        let mut open: Vec<GroupId> = direct.into_iter().collect();
        while let Some(id) = open.pop() {
            let Some(group) = self.groups.get(&id) else { continue };
            if found.insert(id) {
                open.extend(&group.profile.parents);
            }
        }
        found
    }

    /// The shortest way from one of the groups given up to `target`, both ends included; `None` if there is none.
    pub fn path(&self, direct: &BTreeSet<GroupId>, target: GroupId) -> Option<Vec<GroupId>> {
        let mut came_from: BTreeMap<GroupId, Option<GroupId>> = direct.iter().map(|id| (*id, None)).collect();
        let mut open: VecDeque<GroupId> = direct.iter().copied().collect();
        while let Some(id) = open.pop_front() {
            let Some(group) = self.groups.get(&id) else { continue };
            if id == target {
                let mut path: Vec<GroupId> =
                    std::iter::successors(Some(id), |id| came_from.get(id).copied().flatten()).collect();
                path.reverse();
                return Some(path);
            }
            for parent in &group.profile.parents {
                came_from.entry(*parent).or_insert_with(|| {
                    open.push_back(*parent);
                    Some(id)
                });
            }
        }
        None
    }

    /// The group and every group below it: those whose members are its effective members.
    pub fn descendants(&self, id: GroupId) -> BTreeSet<GroupId> {
        self.groups.keys().copied().filter(|candidate| self.effective([*candidate]).contains(&id)).collect()
    }

    /// Whether giving `group` these parents would make it its own ancestor.
    pub fn would_cycle(&self, group: GroupId, parents: &BTreeSet<GroupId>) -> bool {
        self.effective(parents.iter().copied()).contains(&group) || parents.contains(&group)
    }

    /// Whether any of the effective groups makes its members administrators.
    pub fn confers_superuser(&self, effective: &BTreeSet<GroupId>) -> bool {
        effective.iter().filter_map(|id| self.get(*id)).any(|group| group.profile.is_superuser)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use proptest::prelude::*;

    fn graph(count: usize, edges: &[(usize, usize)]) -> (GroupGraph, Vec<GroupId>) {
        let clock = Clock::system();
        let ids: Vec<_> = (0..count).map(|_| GroupId::new(&clock)).collect();
        let groups = ids.iter().enumerate().map(|(index, id)| {
            let mut profile = GroupProfile::named(format!("g{index}"));
            profile.parents =
                edges.iter().filter(|(child, _)| *child == index).map(|(_, parent)| ids[*parent]).collect();
            Group { id: *id, pk: i64::try_from(index).unwrap() + 1, profile, created_at: clock.now() }
        });
        (GroupGraph::new(groups.collect::<Vec<_>>()), ids)
    }

    #[test]
    fn membership_climbs_through_many_parents() {
        let (graph, ids) = graph(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]);
        assert_eq!(graph.effective([ids[0]]), ids.iter().copied().collect());
        assert_eq!(graph.effective([ids[1]]), BTreeSet::from([ids[1], ids[3]]));
        assert_eq!(graph.descendants(ids[3]), ids.iter().copied().collect());
        assert_eq!(graph.descendants(ids[1]), BTreeSet::from([ids[0], ids[1]]));
    }

    #[test]
    fn the_shortest_way_up_is_shown() {
        // 0 → 1 → 2 → 4, and 0 → 3 → 4.
        let (graph, ids) = graph(6, &[(0, 1), (1, 2), (2, 4), (0, 3), (3, 4)]);
        let from = |index: usize| BTreeSet::from([ids[index]]);
        assert_eq!(graph.path(&from(0), ids[4]), Some(vec![ids[0], ids[3], ids[4]]));
        assert_eq!(graph.path(&from(4), ids[4]), Some(vec![ids[4]]));
        assert_eq!(graph.path(&from(0), ids[5]), None);
        assert_eq!(graph.path(&BTreeSet::new(), ids[0]), None);
    }

    #[test]
    fn cycles_are_seen_before_they_are_made() {
        let (graph, ids) = graph(3, &[(0, 1), (1, 2)]);
        assert!(graph.would_cycle(ids[2], &BTreeSet::from([ids[0]])));
        assert!(graph.would_cycle(ids[0], &BTreeSet::from([ids[0]])));
        assert!(!graph.would_cycle(ids[0], &BTreeSet::from([ids[2]])));
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let (graph, ids) = graph(2, &[]);
        assert_eq!(graph.by_name("G1").map(|group| group.id), Some(ids[1]));
        assert!(graph.by_name("g2").is_none());
    }

    proptest! {
        /// Whatever edges are tried in whatever order: those accepted never close a circle, and every walk ends.
        #[test]
        fn accepted_parents_never_close_a_circle(edges in prop::collection::vec((0_usize..8, 0_usize..8), 0..40)) {
            let mut accepted: Vec<(usize, usize)> = Vec::new();
            for (child, parent) in edges {
                let (graph, ids) = graph(8, &accepted);
                // Identifiers differ between graphs, positions do not.
                if !graph.would_cycle(ids[child], &BTreeSet::from([ids[parent]])) {
                    accepted.push((child, parent));
                }
            }
            let (graph, ids) = graph(8, &accepted);
            for id in &ids {
                let above = graph.get(*id).unwrap().profile.parents.clone();
                prop_assert!(!graph.effective(above).contains(id));
            }
        }

        /// A circle that reached the database by other ways does not hang the walk.
        #[test]
        fn walks_end_even_in_circles(edges in prop::collection::vec((0_usize..6, 0_usize..6), 0..30)) {
            let (graph, ids) = graph(6, &edges);
            prop_assert!(graph.effective(ids.clone()).len() <= 6);
            let start = BTreeSet::from([ids[0]]);
            for id in &ids {
                let path = graph.path(&start, *id);
                prop_assert_eq!(path.is_some(), graph.effective(start.clone()).contains(id));
                prop_assert!(path.is_none_or(|path| path.first() == Some(&ids[0]) && path.last() == Some(id)));
            }
        }
    }
}
