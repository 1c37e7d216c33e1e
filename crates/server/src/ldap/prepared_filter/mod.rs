//! A filter made ready: names resolved, values prepared, so that an entry is tested without looking anything up twice.

mod passes;

use doorward_core::id::GroupId;
use doorward_protocols::ldap::{
    dn,
    filter::Filter,
    matching::{Part, Rule},
    schema,
};
use std::sync::Arc;

use super::{
    attribute::{Attribute, Named, named},
    directory::{People, person::Person},
    members,
    names::{Kind, Place},
    view::View,
};

/// Whose membership is asked about.
#[derive(Debug, Clone)]
pub(super) enum Member {
    /// Nobody who exists.
    Nobody,
    /// A user.
    Person(Arc<Person>),
    /// A group directly below.
    Group(GroupId),
}

/// How an ordered or substring test is made.
#[derive(Debug)]
pub(super) enum Match {
    /// The same value.
    Equal(Vec<u8>),
    /// This value or a later one.
    AtLeast(Vec<u8>),
    /// This value or an earlier one.
    AtMost(Vec<u8>),
    /// These parts in this order.
    Parts {
        /// Beginning.
        initial: Option<Vec<u8>>,
        /// In between.
        any: Vec<Vec<u8>>,
        /// End.
        last: Option<Vec<u8>>,
    },
}

/// A filter made ready (RFC 4511, section 4.5.1.7).
#[derive(Debug)]
pub(super) enum Test {
    /// All of them.
    And(Vec<Test>),
    /// Any of them.
    Or(Vec<Test>),
    /// Not this.
    Not(Box<Test>),
    /// Neither true nor false: what the filter names is not known, or the value does not fit.
    Undefined,
    /// It has a value.
    Present(Named),
    /// One of its values matches.
    Value(Named, Rule, Match),
    /// It belongs to a class, by the class's name.
    Class(String),
    /// It lies below a group; `bool`: also by way of other groups.
    MemberOf(Option<GroupId>, bool),
    /// Somebody is a member of it.
    HasMember(Member),
    /// It is one of these groups, which have members.
    Populated(Vec<GroupId>),
    /// It has this name.
    Is(Option<Place>),
    /// Its own name holds this value.
    NameHolds(Option<String>, String),
}

/// What names are looked up in while a filter is made ready.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'l> {
    /// The people.
    pub people: &'l People,
    /// The groups, the tree and the reader.
    pub view: &'l View,
}

impl Lookup<'_> {
    /// Whether anybody whom the reader may see has a free attribute of that key.
    fn knows(self, key: &str) -> bool {
        let view = self.view;
        match view.only() {
            None => self.people.index().knows(key) || view.groups.knows(key),
            Some(reader) => {
                let groups = view.own_groups().iter().filter_map(|id| view.groups.get(*id));
                let mut custom = reader.custom.iter().chain(groups.flat_map(|node| &node.custom));
                custom.any(|custom| &*custom.key == key)
            }
        }
    }
}

impl Test {
    /// Makes a filter ready. Never fails: what cannot be understood is undefined.
    pub(super) fn new(filter: &Filter<'_>, lookup: Lookup<'_>) -> Self {
        match filter {
            Filter::And(parts) => Self::And(parts.iter().map(|part| Self::new(part, lookup)).collect()),
            Filter::Or(parts) => Self::Or(parts.iter().map(|part| Self::new(part, lookup)).collect()),
            Filter::Not(part) => Self::Not(Box::new(Self::new(part, lookup))),
            Filter::Present(attribute) => Self::present(attribute, lookup),
            Filter::Equality { attribute, value } | Filter::Approx { attribute, value } => {
                Self::equal(attribute, value, lookup)
            }
            Filter::GreaterOrEqual { attribute, value } => Self::ordered(attribute, value, lookup, Match::AtLeast),
            Filter::LessOrEqual { attribute, value } => Self::ordered(attribute, value, lookup, Match::AtMost),
            Filter::Substrings { attribute, initial, any, last } => {
                Self::parts(attribute, *initial, any, *last, lookup).unwrap_or(Self::Undefined)
            }
            Filter::Extensible { rule, attribute, value, dn_attributes } => {
                Self::extensible(*rule, *attribute, value, *dn_attributes, lookup)
            }
        }
    }

    fn present(attribute: &[u8], lookup: Lookup<'_>) -> Self {
        match known(attribute, lookup) {
            None => Self::Undefined,
            Some((
                Named::Known(attribute @ (Attribute::Member | Attribute::UniqueMember | Attribute::MemberUid)),
                _,
            )) => {
                let users = attribute == Attribute::MemberUid;
                Self::Populated(members::populated(users, lookup.view, lookup.people))
            }
            Some((name, _)) => Self::Present(name),
        }
    }

    /// That an attribute has a value.
    pub(super) fn equal(attribute: &[u8], value: &[u8], lookup: Lookup<'_>) -> Self {
        let Some((name, rule)) = known(attribute, lookup) else { return Self::Undefined };
        Self::equal_by(name, rule, value, lookup)
    }

    fn equal_by(name: Named, rule: Rule, value: &[u8], lookup: Lookup<'_>) -> Self {
        let nested = lookup.view.is_nested();
        match name {
            Named::Known(Attribute::ObjectClass) => match class(value) {
                Some(class) => Self::Class(class),
                None => Self::Undefined,
            },
            Named::Known(Attribute::MemberOf) => match place(value, lookup) {
                Ok(place) => Self::MemberOf(group(place, lookup), nested),
                Err(_) => Self::Undefined,
            },
            Named::Known(Attribute::Member | Attribute::UniqueMember) => match place(value, lookup) {
                Ok(place) => Self::HasMember(member(place, lookup)),
                Err(_) => Self::Undefined,
            },
            Named::Known(Attribute::MemberUid) => match std::str::from_utf8(value) {
                Ok(name) => Self::HasMember(person(&dn::normalize_value(name), lookup)),
                Err(_) => Self::Undefined,
            },
            Named::Known(Attribute::EntryDn) => place(value, lookup).map_or(Self::Undefined, Self::Is),
            name => match rule.prepare(value) {
                Some(value) => Self::Value(name, rule, Match::Equal(value.into_owned())),
                None => Self::Undefined,
            },
        }
    }

    fn ordered(attribute: &[u8], value: &[u8], lookup: Lookup<'_>, make: fn(Vec<u8>) -> Match) -> Self {
        match known(attribute, lookup) {
            Some((name, rule)) if rule.is_ordered() => match rule.prepare(value) {
                Some(value) => Self::Value(name, rule, make(value.into_owned())),
                None => Self::Undefined,
            },
            _ => Self::Undefined,
        }
    }

    fn parts(
        attribute: &[u8],
        initial: Option<&[u8]>,
        any: &[&[u8]],
        last: Option<&[u8]>,
        lookup: Lookup<'_>,
    ) -> Option<Self> {
        let (name, rule) = known(attribute, lookup)?;
        let prepare = |value: Option<&[u8]>, part: Part| match value {
            None => Some(None),
            Some(value) => rule.prepare_part(value, part).map(|value| Some(value.into_owned())),
        };
        let initial = prepare(initial, Part::Initial)?;
        let last = prepare(last, Part::Last)?;
        let any = any.iter().map(|value| rule.prepare_part(value, Part::Any).map(std::borrow::Cow::into_owned));
        let any = any.collect::<Option<Vec<_>>>()?;
        Some(Self::Value(name, rule, Match::Parts { initial, any, last }))
    }

    /// RFC 4511, section 4.5.1.7.7.
    fn extensible(
        rule: Option<&[u8]>,
        attribute: Option<&[u8]>,
        value: &[u8],
        dn_attributes: bool,
        lookup: Lookup<'_>,
    ) -> Self {
        let rule = match rule.map(Rule::from_oid_or_name) {
            Some(None) => return Self::Undefined,
            Some(Some(rule)) => Some(rule),
            None => None,
        };
        let of_attribute = match attribute {
            Some(attribute) => match (known(attribute, lookup), rule) {
                // In chain, as Active Directory has it: through groups, whatever the provider does otherwise.
                (Some((Named::Known(Attribute::MemberOf), _)), Some(Rule::Dn)) => {
                    place(value, lookup).map_or(Self::Undefined, |place| Self::MemberOf(group(place, lookup), true))
                }
                (Some((name, own)), rule) => Self::equal_by(name, rule.unwrap_or(own), value, lookup),
                (None, _) => Self::Undefined,
            },
            // A rule alone would mean every attribute of that syntax.
            None => Self::Undefined,
        };
        if !dn_attributes {
            return of_attribute;
        }
        let Ok(text) = std::str::from_utf8(value) else { return Self::Undefined };
        let attribute = attribute.map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
        Self::Or(vec![of_attribute, Self::NameHolds(attribute, dn::normalize_value(text))])
    }

    /// How many single tests it takes at most.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::weight).sum::<usize>() + 1,
            Self::Not(part) => part.weight() + 1,
            _ => 1,
        }
    }
}

fn known(description: &[u8], lookup: Lookup<'_>) -> Option<(Named, Rule)> {
    let name = named(description)?;
    if let Some(kind) = schema::find(description) {
        return Some((name, kind.rule));
    }
    let Named::Custom(key) = &name else { return None };
    lookup.knows(key).then_some((name, Rule::CaseIgnore))
}

/// A class by its name in lower case, given by name or by object identifier.
fn class(value: &[u8]) -> Option<String> {
    let name = Rule::Oid.prepare(value.trim_ascii())?;
    Some(std::str::from_utf8(&name).ok()?.to_ascii_lowercase())
}

fn place(value: &[u8], lookup: Lookup<'_>) -> Result<Option<Place>, dn::DnError> {
    Ok(lookup.view.names().place(&dn::parse(value)?))
}

fn group(place: Option<Place>, lookup: Lookup<'_>) -> Option<GroupId> {
    match place {
        Some(Place::Entry(Kind::Group, name)) => lookup.view.groups.by_name(&name).map(|node| node.group.id),
        _ => None,
    }
}

fn member(place: Option<Place>, lookup: Lookup<'_>) -> Member {
    match place {
        Some(Place::Entry(Kind::User, name)) => person(&name, lookup),
        Some(Place::Entry(Kind::Group, name)) => {
            lookup.view.groups.by_name(&name).map_or(Member::Nobody, |node| Member::Group(node.group.id))
        }
        _ => Member::Nobody,
    }
}

fn person(name: &str, lookup: Lookup<'_>) -> Member {
    lookup.people.by_username(name).map_or(Member::Nobody, |person| Member::Person(person.clone()))
}
