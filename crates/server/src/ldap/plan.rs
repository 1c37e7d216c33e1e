//! Where a search looks: the entries that a filter could let pass, found by the indexes where they can tell.
//!
//! What is found here is always tested afterwards, so a plan may name too many entries but never too few.

use doorward_core::{id::GroupId, ldap_provider::UidSource};
use std::collections::BTreeSet;

use super::{
    attribute::{Attribute, Named},
    directory::{People, index::Field},
    entry, members,
    names::{Kind, Place},
    test::{Lookup, Match, Member, Test},
};

/// Most people found by how a value begins; beyond it everybody is looked at in order.
const BEGINNINGS_MAX: usize = 10_000;

/// The people a search looks at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Candidates {
    /// Everybody.
    All,
    /// These, by number.
    These(BTreeSet<i64>),
}

use Candidates::{All, These};

/// So few people are tested faster than the members of a group are gathered.
const FEW: usize = 64;

/// The people whose entry of a kind (user, or their own group) could pass.
pub(super) fn people(test: &Test, kind: Kind, lookup: Lookup<'_>) -> Candidates {
    match test {
        Test::And(parts) => all_of(parts, kind, lookup),
        Test::Or(parts) => parts.iter().map(|part| people(part, kind, lookup)).fold(nobody(), together),
        Test::Value(Named::Known(attribute), _, wanted) => by_attribute(*attribute, wanted, lookup),
        Test::Value(Named::Custom(key), _, Match::Equal(value)) if kind == Kind::User => {
            These(equal(&Field::Custom(key.as_str().into()), value, lookup.people).collect())
        }
        Test::MemberOf(group, _) if kind == Kind::User => match group.and_then(|id| lookup.view.groups.get(id)) {
            // Everybody below, whether that counts or not; the test tells.
            Some(node) => These(members::everybody_below(node, lookup.people)),
            None => nobody(),
        },
        Test::HasMember(Member::Person(person)) if kind == Kind::VirtualGroup => These([person.pk].into()),
        Test::Is(Some(Place::Entry(of, name))) if *of == kind => {
            These(lookup.people.by_username(name).iter().map(|person| person.pk).collect())
        }
        Test::Undefined | Test::MemberOf(..) | Test::HasMember(_) | Test::Is(_) => nobody(),
        Test::Populated(_) if kind == Kind::User => nobody(),
        Test::Class(name) if !entry::has_class(kind, name) => nobody(),
        Test::Not(_)
        | Test::Present(_)
        | Test::Value(..)
        | Test::Class(_)
        | Test::NameHolds(..)
        | Test::Populated(_) => All,
    }
}

/// The fewest that one of the parts finds. Parts that gather the members of groups are asked only if the others find many.
fn all_of(parts: &[Test], kind: Kind, lookup: Lookup<'_>) -> Candidates {
    let (costly, cheap): (Vec<&Test>, Vec<&Test>) = parts.iter().partition(|part| gathers(part));
    let find = |found, parts: Vec<&Test>| parts.into_iter().map(|part| people(part, kind, lookup)).fold(found, smaller);
    match find(All, cheap) {
        These(few) if few.len() <= FEW => These(few),
        found => find(found, costly),
    }
}

fn gathers(test: &Test) -> bool {
    match test {
        Test::And(parts) | Test::Or(parts) => parts.iter().any(gathers),
        Test::MemberOf(group, _) => group.is_some(),
        _ => false,
    }
}

fn nobody() -> Candidates {
    These(BTreeSet::new())
}

fn smaller(a: Candidates, b: Candidates) -> Candidates {
    match (a, b) {
        (These(a), These(b)) => These(if a.len() <= b.len() { a } else { b }),
        (These(one), All) | (All, These(one)) => These(one),
        (All, All) => All,
    }
}

fn together(a: Candidates, b: Candidates) -> Candidates {
    match (a, b) {
        (These(mut a), These(b)) => {
            a.extend(b);
            These(a)
        }
        _ => All,
    }
}

fn by_attribute(attribute: Attribute, wanted: &Match, lookup: Lookup<'_>) -> Candidates {
    let custom = attribute.overridden_by().map(|key| Field::Custom(key.into()));
    let fields: &[Field] = match attribute {
        Attribute::Cn | Attribute::SamAccountName => &[Field::Username],
        Attribute::Uid => match lookup.view.uid_source() {
            // A user's own group keeps the hashed identifier.
            UidSource::Username => &[Field::Username, Field::HashedUid],
            UidSource::HashedUserId => &[Field::HashedUid],
        },
        Attribute::Mail => &[Field::Email],
        // Who has no name is shown by username.
        Attribute::Name | Attribute::DisplayName | Attribute::Gecos => &[Field::Name, Field::Username],
        Attribute::UidNumber | Attribute::GidNumber => return by_number(wanted, custom.as_ref(), lookup),
        Attribute::EntryUuid => return by_id(wanted, lookup.people),
        _ => return All,
    };
    let fields = fields.iter().chain(&custom);
    match wanted {
        Match::Equal(value) => These(fields.flat_map(|field| equal(field, value, lookup.people)).collect()),
        Match::Parts { initial: Some(initial), .. } => beginning(fields, initial, lookup.people),
        _ => All,
    }
}

fn equal<'p>(field: &Field, value: &[u8], people: &'p People) -> impl Iterator<Item = i64> + use<'p> {
    let found: Vec<i64> =
        std::str::from_utf8(value).map(|value| people.index().equal(field, value).collect()).unwrap_or_default();
    found.into_iter()
}

fn beginning<'f>(fields: impl Iterator<Item = &'f Field>, initial: &[u8], people: &People) -> Candidates {
    let Ok(initial) = std::str::from_utf8(initial) else { return nobody() };
    let mut found = BTreeSet::new();
    for field in fields {
        found.extend(people.index().beginning(field, initial).take(BEGINNINGS_MAX));
        if found.len() >= BEGINNINGS_MAX {
            return All;
        }
    }
    These(found)
}

fn by_number(wanted: &Match, custom: Option<&Field>, lookup: Lookup<'_>) -> Candidates {
    let Match::Equal(value) = wanted else { return All };
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    let own = number.and_then(|number| lookup.view.numbers().user_of(number));
    let overriding = custom.into_iter().flat_map(|field| equal(field, value, lookup.people));
    These(own.into_iter().chain(overriding).collect())
}

fn by_id(wanted: &Match, people: &People) -> Candidates {
    let Match::Equal(value) = wanted else { return All };
    let id = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    These(id.and_then(|id| people.by_id(id)).iter().map(|person| person.pk).collect())
}

/// The groups that could pass, in no order; `None`: any.
pub(super) fn groups(test: &Test, lookup: Lookup<'_>) -> Option<Vec<GroupId>> {
    let tree = &lookup.view.groups;
    match test {
        Test::And(parts) => parts.iter().filter_map(|part| groups(part, lookup)).min_by_key(Vec::len),
        Test::Or(parts) => {
            parts.iter().map(|part| groups(part, lookup)).collect::<Option<Vec<_>>>().map(|found| found.concat())
        }
        Test::Value(Named::Known(Attribute::Cn), _, Match::Equal(name)) => {
            let name = std::str::from_utf8(name).unwrap_or_default();
            Some(tree.by_name(name).iter().map(|node| node.group.id).collect())
        }
        Test::Value(Named::Known(Attribute::GidNumber), _, Match::Equal(number)) if !tree.knows("gidnumber") => {
            let number = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
            let pk = number.and_then(|number| lookup.view.numbers().group_of(number));
            Some(pk.and_then(|pk| tree.by_pk(pk)).iter().map(|node| node.group.id).collect())
        }
        Test::HasMember(member) => Some(match member {
            Member::Nobody => Vec::new(),
            Member::Person(person) => lookup.view.groups_of(person),
            Member::Group(group) => tree.get(*group).map(|node| node.parents.clone()).unwrap_or_default(),
        }),
        Test::Is(Some(Place::Entry(Kind::Group, name))) => {
            Some(tree.by_name(name).iter().map(|node| node.group.id).collect())
        }
        Test::Undefined | Test::MemberOf(None, _) | Test::Is(_) => Some(Vec::new()),
        Test::Populated(groups) => Some(groups.clone()),
        Test::Class(name) if !entry::has_class(Kind::Group, name) => Some(Vec::new()),
        Test::Not(_)
        | Test::Present(_)
        | Test::Value(..)
        | Test::Class(_)
        | Test::MemberOf(Some(_), _)
        | Test::NameHolds(..) => None,
    }
}
