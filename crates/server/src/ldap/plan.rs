//! Where a search looks: the entries that a filter could let pass, found by the indexes where they can tell.
//!
//! What is found here is always tested afterwards, so a plan may name too many entries but never too few. It takes a
//! bounded time: no more people are gathered than [`limits::GATHERED`].

use doorward_core::{id::GroupId, ldap_provider::UidSource};
use std::collections::BTreeSet;

use super::{
    attribute::{Attribute, Named},
    directory::{People, index::Field},
    entry, limits, members,
    names::{Kind, Place},
    prepared_filter::{Lookup, Match, Member, Test},
};

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
    people_within(limits::GATHERED, test, kind, lookup)
}

/// The same with another limit.
pub(super) fn people_within(most: usize, test: &Test, kind: Kind, lookup: Lookup<'_>) -> Candidates {
    Planner { kind, lookup, left: most }.people(test)
}

/// Gathers people for one search.
struct Planner<'l> {
    kind: Kind,
    lookup: Lookup<'l>,
    /// How many may still be gathered.
    left: usize,
}

impl Planner<'_> {
    fn people(&mut self, test: &Test) -> Candidates {
        match test {
            Test::And(parts) => self.all_of(parts),
            Test::Or(parts) => self.any_of(parts),
            Test::Value(Named::Known(attribute), _, wanted) => self.by_attribute(*attribute, wanted),
            Test::Value(Named::Custom(key), _, Match::Equal(value)) if self.kind == Kind::User => {
                self.equal(&[Field::Custom(key.as_str().into())], value)
            }
            Test::MemberOf(group, _) if self.kind == Kind::User => self.below(*group),
            Test::HasMember(Member::Person(person)) if self.kind == Kind::VirtualGroup => These([person.pk].into()),
            Test::Is(Some(Place::Entry(of, name))) if *of == self.kind => {
                These(self.lookup.people.by_username(name).iter().map(|person| person.pk).collect())
            }
            Test::Undefined | Test::MemberOf(..) | Test::HasMember(_) | Test::Is(_) => nobody(),
            Test::Populated(_) if self.kind == Kind::User => nobody(),
            Test::Class(name) if !entry::has_class(entry::classes_of(self.kind), name) => nobody(),
            Test::Not(_)
            | Test::Present(_)
            | Test::Value(..)
            | Test::Class(_)
            | Test::NameHolds(..)
            | Test::Populated(_) => All,
        }
    }

    /// The fewest that one of the parts finds. Parts that gather the members of groups are asked only if the others find
    /// many.
    fn all_of(&mut self, parts: &[Test]) -> Candidates {
        let (costly, cheap): (Vec<&Test>, Vec<&Test>) = parts.iter().partition(|part| gathers(part));
        let mut found = All;
        for part in cheap.into_iter().chain(costly) {
            if matches!(&found, These(few) if few.len() <= FEW) {
                break;
            }
            found = smaller(found, self.people(part));
        }
        found
    }

    fn any_of(&mut self, parts: &[Test]) -> Candidates {
        let mut all = BTreeSet::new();
        for part in parts {
            let These(found) = self.people(part) else { return All };
            all.extend(found);
        }
        These(all)
    }

    /// Everybody below a group, whether that counts or not; the test tells.
    fn below(&mut self, group: Option<GroupId>) -> Candidates {
        let people = self.lookup.people;
        match group.and_then(|id| self.lookup.view.groups.get(id)) {
            None => nobody(),
            Some(node) if members::count_below(node, people) > self.left => All,
            Some(node) => self.gather(members::everybody_below(node, people).into_iter()),
        }
    }

    fn gather(&mut self, numbers: impl Iterator<Item = i64>) -> Candidates {
        let mut found = BTreeSet::new();
        for number in numbers {
            if self.left == 0 {
                return All;
            }
            self.left -= 1;
            found.insert(number);
        }
        These(found)
    }

    fn by_attribute(&mut self, attribute: Attribute, wanted: &Match) -> Candidates {
        let fields: &[Field] = match attribute {
            Attribute::Cn | Attribute::SamAccountName => &[Field::Username],
            Attribute::Uid => match self.lookup.view.uid_source() {
                // A user's own group keeps the hashed identifier.
                UidSource::Username => &[Field::Username, Field::HashedUid],
                UidSource::HashedUserId => &[Field::HashedUid],
            },
            Attribute::Mail => &[Field::Email],
            // Who has no name is shown by username.
            Attribute::Name | Attribute::DisplayName | Attribute::Gecos => &[Field::Name, Field::Username],
            Attribute::UidNumber | Attribute::GidNumber => return self.by_number(attribute, wanted),
            Attribute::EntryUuid => return by_id(wanted, self.lookup.people),
            _ => return All,
        };
        let fields: Vec<Field> = fields.iter().cloned().chain(overriding(attribute)).collect();
        match wanted {
            Match::Equal(value) => self.equal(&fields, value),
            Match::Parts { initial: Some(initial), .. } => self.beginning(&fields, initial),
            _ => All,
        }
    }

    fn equal(&mut self, fields: &[Field], value: &[u8]) -> Candidates {
        let Ok(value) = std::str::from_utf8(value) else { return nobody() };
        let index = self.lookup.people.index();
        self.gather(fields.iter().flat_map(|field| index.equal(field, value)))
    }

    fn beginning(&mut self, fields: &[Field], initial: &[u8]) -> Candidates {
        let Ok(initial) = std::str::from_utf8(initial) else { return nobody() };
        let index = self.lookup.people.index();
        self.gather(fields.iter().flat_map(|field| index.beginning(field, initial)))
    }

    fn by_number(&mut self, attribute: Attribute, wanted: &Match) -> Candidates {
        let Match::Equal(value) = wanted else { return All };
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        let own = number.and_then(|number| self.lookup.view.numbers().user_of(number));
        let fields: Vec<Field> = overriding(attribute).into_iter().collect();
        match self.equal(&fields, value) {
            These(mut found) => {
                found.extend(own);
                These(found)
            }
            All => All,
        }
    }
}

/// The free attribute that may stand in an attribute's place.
fn overriding(attribute: Attribute) -> Option<Field> {
    attribute.overridden_by().map(|key| Field::Custom(key.into()))
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
        Test::Class(name) if !entry::has_class(entry::classes_of(Kind::Group), name) => Some(Vec::new()),
        Test::Not(_)
        | Test::Present(_)
        | Test::Value(..)
        | Test::Class(_)
        | Test::MemberOf(Some(_), _)
        | Test::NameHolds(..) => None,
    }
}
