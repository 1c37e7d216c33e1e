//! Who is found by what, without looking at everybody.

use doorward_core::id::GroupId;
use doorward_protocols::ldap::dn::normalize_value;
use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
};

use super::person::Person;

/// What people are found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The login name: `cn`, `sAMAccountName`, and `uid` where the provider says so.
    Username,
    /// The e-mail address: `mail`.
    Email,
    /// The hashed identifier: `uid` as authentik has it.
    HashedUid,
    /// The name to show: `displayName`, `name`.
    Name,
    /// A free attribute, by its key.
    Custom(Box<str>),
}

/// A field, a value in the form that is compared, and whose it is: sorted, so that one value and all values that begin
/// alike are ranges.
type Term = (Field, Box<str>, i64);

/// The direct members of a group.
#[derive(Debug, Default)]
pub struct Members {
    /// Numbers of the members.
    pub people: BTreeSet<i64>,
    /// Moves when the members or one of their names change.
    pub stamp: i64,
}

/// The indexes of the directory.
#[derive(Debug, Default)]
pub struct Index {
    terms: BTreeSet<Term>,
    members: HashMap<GroupId, Members>,
}

impl Index {
    /// Takes in a person.
    pub fn insert(&mut self, person: &Person) {
        self.terms.extend(terms(person));
        for group in &person.direct {
            let members = self.members.entry(*group).or_default();
            members.people.insert(person.pk);
            members.stamp = members.stamp.max(person.revision);
        }
    }

    /// Forgets a person, as they were taken in. `revision` is that of the change.
    pub fn remove(&mut self, person: &Person, revision: i64) {
        for term in terms(person) {
            self.terms.remove(&term);
        }
        for group in &person.direct {
            if let Some(members) = self.members.get_mut(group) {
                members.people.remove(&person.pk);
                members.stamp = members.stamp.max(revision);
            }
        }
    }

    /// People whose field has this value, in the form that is compared.
    pub fn equal<'i>(&'i self, field: &'i Field, value: &'i str) -> impl Iterator<Item = i64> + 'i {
        let from = (field.clone(), Box::from(value), i64::MIN);
        self.from(from).take_while(move |(f, v, _)| f == field && &**v == value).map(|(.., pk)| *pk)
    }

    /// People whose field begins so.
    pub fn beginning<'i>(&'i self, field: &'i Field, prefix: &'i str) -> impl Iterator<Item = i64> + 'i {
        let from = (field.clone(), Box::from(prefix), i64::MIN);
        self.from(from).take_while(move |(f, v, _)| f == field && v.starts_with(prefix)).map(|(.., pk)| *pk)
    }

    fn from(&self, first: Term) -> impl Iterator<Item = &Term> {
        self.terms.range((Bound::Included(first), Bound::Unbounded))
    }

    /// Whether anybody has a free attribute of that key.
    pub fn knows(&self, key: &str) -> bool {
        let field = Field::Custom(key.into());
        self.from((field.clone(), Box::default(), i64::MIN)).next().is_some_and(|(found, ..)| *found == field)
    }

    /// The direct members of a group.
    pub fn members(&self, group: GroupId) -> Option<&Members> {
        self.members.get(&group)
    }
}

fn terms(person: &Person) -> impl Iterator<Item = Term> + '_ {
    let own = [
        (Field::Username, &person.username),
        (Field::Email, &person.email),
        (Field::HashedUid, &person.uid),
        (Field::Name, &person.name),
    ];
    let own = own.into_iter().filter(|(_, value)| !value.is_empty());
    let custom = person
        .custom
        .iter()
        .flat_map(|custom| custom.values.iter().map(|value| (Field::Custom(custom.key.clone()), value)));
    own.chain(custom).map(|(field, value)| (field, normalize_value(value).into(), person.pk))
}
