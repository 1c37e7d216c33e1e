//! Who is in a group, as the group's entry says.

use doorward_core::id::{GroupId, LdapProviderId};
use doorward_protocols::ldap::answer::{EntryWriter, append_value};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    attribute::Attribute,
    directory::{Directory, People, group_tree::GroupNode, person::Person},
    entry::{Entry, write_name},
    names::Kind,
    prepared_filter::Member,
    view::View,
};

/// Most bytes of prepared members kept. What does not fit is made anew each time.
const PREPARED_MAX: usize = 64 * 1024 * 1024;

/// The members of groups as they are written, kept until somebody joins, leaves or is renamed.
#[derive(Debug, Default)]
pub struct Prepared(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    lists: HashMap<(LdapProviderId, GroupId), Arc<List>>,
    bytes: usize,
}

/// The members of one group, encoded.
#[derive(Debug)]
struct List {
    stamp: Stamp,
    /// DNs: users, then groups directly below.
    dns: Vec<u8>,
    /// Login names.
    usernames: Vec<u8>,
}

/// What a list was made of: the groups of this moment and the last change of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    snapshot: i64,
    members: i64,
    count: usize,
}

/// Writes the members of a group under an attribute's name, if there are any.
pub(super) fn write(
    node: &GroupNode,
    attribute: Attribute,
    view: &View,
    directory: &Directory,
    entry: &mut EntryWriter<'_>,
) {
    let is_username = attribute == Attribute::MemberUid;
    let (own, all);
    let values: &[u8] = if let Some(reader) = view.only() {
        own = values_for(reader, node, is_username, view);
        &own
    } else {
        all = list(node, view, directory);
        if is_username { &all.usernames } else { &all.dns }
    };
    if !values.is_empty() {
        entry.attribute(attribute.name());
        entry.encoded_values(values);
    }
}

/// What a person may see of a group: themselves, and groups of theirs below it.
fn values_for(reader: &Person, node: &GroupNode, is_username: bool, view: &View) -> Vec<u8> {
    let mut values = Vec::new();
    let is_in = view.is_member(reader, node.group.id, view.is_nested());
    match (is_in, is_username) {
        (true, true) => append_value(&mut values, reader.username.as_bytes()),
        (true, false) => append_dn(&reader.rdn, Kind::User, view, &mut values),
        (false, _) => {}
    }
    if !is_username {
        append_children(node, view, &mut values);
    }
    values
}

fn list(node: &GroupNode, view: &View, directory: &Directory) -> Arc<List> {
    let key = (view.client.provider.id, node.group.id);
    let people = directory.people();
    let stamp = stamp(node, view, &people);
    let mut kept = directory.members.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(list) = kept.lists.get(&key).filter(|list| list.stamp == stamp) {
        return list.clone();
    }
    drop(kept);
    let list = Arc::new(make(node, stamp, view, &people));
    drop(people);
    kept = directory.members.0.lock().unwrap_or_else(PoisonError::into_inner);
    kept.keep(key, list.clone());
    list
}

impl Kept {
    fn keep(&mut self, key: (LdapProviderId, GroupId), list: Arc<List>) {
        self.bytes = self.bytes.saturating_add(list.size());
        if let Some(old) = self.lists.insert(key, list) {
            self.bytes = self.bytes.saturating_sub(old.size());
        }
        if self.bytes > PREPARED_MAX {
            self.lists.clear();
            self.bytes = 0;
        }
    }
}

impl List {
    fn size(&self) -> usize {
        self.dns.len() + self.usernames.len()
    }
}

/// The groups whose direct members count.
fn sources<'n>(node: &'n GroupNode, view: &View) -> &'n [GroupId] {
    if view.is_nested() { &node.descendants } else { std::slice::from_ref(&node.group.id) }
}

fn stamp(node: &GroupNode, view: &View, people: &People) -> Stamp {
    let lists = sources(node, view).iter().filter_map(|id| people.index().members(*id));
    let (members, count) =
        lists.fold((0, 0), |(stamp, count), list| (stamp.max(list.stamp), count + list.people.len()));
    Stamp { snapshot: view.groups.revision, members, count }
}

fn make(node: &GroupNode, stamp: Stamp, view: &View, people: &People) -> List {
    let mut list = List { stamp, dns: Vec::new(), usernames: Vec::new() };
    for person in numbers(sources(node, view), people).into_iter().filter_map(|pk| people.get(pk)) {
        append_dn(&person.rdn, Kind::User, view, &mut list.dns);
        append_value(&mut list.usernames, person.username.as_bytes());
    }
    append_children(node, view, &mut list.dns);
    list
}

/// How many direct members a group and those below it have together; who is in several counts as often.
pub(super) fn count_below(node: &GroupNode, people: &People) -> usize {
    node.descendants.iter().filter_map(|id| people.index().members(*id)).map(|members| members.people.len()).sum()
}

/// The numbers of everybody in a group or a group below it.
pub(super) fn everybody_below(node: &GroupNode, people: &People) -> BTreeSet<i64> {
    numbers(&node.descendants, people)
}

fn numbers(groups: &[GroupId], people: &People) -> BTreeSet<i64> {
    let mut lists = groups.iter().filter_map(|id| people.index().members(*id)).map(|members| &members.people);
    let mut all = lists.next().cloned().unwrap_or_default();
    for list in lists {
        all.extend(list);
    }
    all
}

fn append_children(node: &GroupNode, view: &View, out: &mut Vec<u8>) {
    let children = node.children.iter().filter(|id| view.shows_group(**id));
    for child in children.filter_map(|id| view.groups.get(*id)) {
        append_dn(&child.rdn, Kind::Group, view, out);
    }
}

fn append_dn(rdn: &str, kind: Kind, view: &View, out: &mut Vec<u8>) {
    let mut dn = Vec::with_capacity(96);
    write_name(rdn, view.names().container(kind), &mut dn);
    append_value(out, &dn);
}

/// Whether somebody is a member of an entry, as far as the reader may know.
pub(super) fn is_member(entry: &Entry<'_>, member: &Member, view: &View) -> bool {
    match (entry, member) {
        (Entry::Group(node), Member::Person(person)) => {
            view.shows_user(person.id) && view.is_member(person, node.group.id, view.is_nested())
        }
        (Entry::Group(node), Member::Group(group)) => view.shows_group(*group) && node.children.contains(group),
        (Entry::VirtualGroup(own), Member::Person(person)) => own.id == person.id,
        _ => false,
    }
}

/// The groups that have members, as far as the reader may know; `users`: users, not groups. Sorted.
pub(super) fn populated(users: bool, view: &View, people: &People) -> Vec<GroupId> {
    let has_people = |node: &GroupNode| match view.only() {
        Some(reader) => view.is_member(reader, node.group.id, view.is_nested()),
        None => sources(node, view)
            .iter()
            .any(|id| people.index().members(*id).is_some_and(|members| !members.people.is_empty())),
    };
    let has_children = |node: &GroupNode| !users && node.children.iter().any(|id| view.shows_group(*id));
    let nodes = view.groups.after(0).filter(|node| has_people(node) || has_children(node));
    let mut found: Vec<GroupId> = nodes.map(|node| node.group.id).collect();
    found.sort_unstable();
    found
}
