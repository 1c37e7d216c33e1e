//! Whether an entry passes a filter made ready.

use doorward_core::id::GroupId;
use doorward_protocols::ldap::{
    dn,
    matching::{Rule, matches_substrings},
};
use std::cmp::Ordering;

use super::{Match, Test};
use crate::ldap::{
    attribute::Named,
    entry::{self, Entry},
    members,
    names::{Kind, Place},
    view::View,
};

impl Test {
    /// Whether an entry passes; `None` is neither yes nor no.
    pub(in crate::ldap) fn passes(&self, entry: &Entry<'_>, view: &View) -> Option<bool> {
        match self {
            Self::And(parts) => all(parts.iter().map(|part| part.passes(entry, view))),
            Self::Or(parts) => {
                all(parts.iter().map(|part| part.passes(entry, view).map(|passes| !passes))).map(|none| !none)
            }
            Self::Not(part) => part.passes(entry, view).map(|passes| !passes),
            Self::Undefined => None,
            Self::Present(named) => Some(entry.has(named, view)),
            Self::Value(named, rule, wanted) => Some(has_value(entry, named, *rule, wanted, view)),
            Self::Class(name) => Some(entry::has_class(entry.classes(), name)),
            Self::MemberOf(group, nested) => Some(group.is_some_and(|group| is_below(entry, group, *nested, view))),
            Self::HasMember(member) => Some(members::is_member(entry, member, view)),
            Self::Populated(groups) => Some(match entry {
                Entry::Group(node) => groups.binary_search(&node.group.id).is_ok(),
                Entry::VirtualGroup(_) => true,
                Entry::Base | Entry::Container(_) | Entry::User(_) => false,
            }),
            Self::Is(place) => Some(place.as_ref().is_some_and(|place| is_at(entry, place))),
            Self::NameHolds(attribute, value) => Some(name_holds(entry, attribute.as_deref(), value, view)),
        }
    }
}

/// RFC 4511, section 4.5.1.7: false if any is false, else undefined if any is undefined, else true.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

/// An attribute that is in the schema, or that somebody has as a free attribute.
fn has_value(entry: &Entry<'_>, named: &Named, rule: Rule, wanted: &Match, view: &View) -> bool {
    let mut found = false;
    entry.values(named, view, &mut |value| {
        found = found || rule.prepare(value).is_some_and(|value| wanted.fits(rule, &value));
    });
    found
}

impl Match {
    fn fits(&self, rule: Rule, value: &[u8]) -> bool {
        match self {
            Self::Equal(wanted) => value == wanted,
            Self::AtLeast(wanted) => rule.order(value, wanted) != Ordering::Less,
            Self::AtMost(wanted) => rule.order(value, wanted) != Ordering::Greater,
            Self::Parts { initial, any, last } => {
                let any: Vec<&[u8]> = any.iter().map(Vec::as_slice).collect();
                matches_substrings(value, initial.as_deref(), &any, last.as_deref())
            }
        }
    }
}

fn is_below(entry: &Entry<'_>, group: GroupId, nested: bool, view: &View) -> bool {
    view.shows_group(group)
        && match entry {
            Entry::User(person) => view.is_member(person, group, nested),
            Entry::Group(node) => (if nested { &node.ancestors } else { &node.parents }).contains(&group),
            Entry::Base | Entry::Container(_) | Entry::VirtualGroup(_) => false,
        }
}

fn is_at(entry: &Entry<'_>, place: &Place) -> bool {
    let named = |kind: Kind, own: &str| *place == Place::Entry(kind, dn::normalize_value(own));
    match entry {
        Entry::Base => *place == Place::Base,
        Entry::Container(kind) => *place == Place::Container(*kind),
        Entry::User(person) => named(Kind::User, &person.username),
        Entry::Group(node) => named(Kind::Group, &node.group.profile.name),
        Entry::VirtualGroup(person) => named(Kind::VirtualGroup, &person.username),
    }
}

fn name_holds(entry: &Entry<'_>, attribute: Option<&str>, value: &str, view: &View) -> bool {
    let mut text = Vec::with_capacity(96);
    entry.write_dn(view, &mut text);
    let pairs = dn::parse(&text).unwrap_or_default();
    let mut pairs = pairs.rdns().iter().flat_map(dn::Rdn::pairs);
    pairs.any(|(name, own)| {
        attribute.is_none_or(|wanted| name.eq_ignore_ascii_case(wanted)) && dn::normalize_value(own) == value
    })
}
