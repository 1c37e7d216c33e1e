//! An entry fetched from the directory, held while it is looked at.

use doorward_core::id::GroupId;
use std::sync::Arc;

use super::{
    directory::{People, person::Person},
    entry::Entry,
    names::{Kind, Place},
    view::View,
};

/// What an entry is made of.
#[derive(Debug)]
pub(super) enum Found {
    /// The base.
    Base,
    /// A container.
    Container(Kind),
    /// A user, or their own group.
    Person(Kind, Arc<Person>),
    /// A group.
    Group(GroupId),
}

impl Found {
    /// What stands at a place, if the reader may see it.
    pub(super) fn at(place: &Place, view: &View, people: &People) -> Option<Self> {
        Some(match place {
            Place::Base => Self::Base,
            Place::Container(kind) => Self::Container(*kind),
            Place::Entry(Kind::Group, name) => {
                let id = view.groups.by_name(name)?.group.id;
                view.shows_group(id).then_some(Self::Group(id))?
            }
            Place::Entry(kind, name) => {
                let person = people.by_username(name).filter(|person| view.shows_user(person.id))?;
                Self::Person(*kind, person.clone())
            }
            Place::Nowhere(_) => return None,
        })
    }

    /// As an entry. `None` for a group that is gone, which cannot be while the view holds the groups.
    pub(super) fn entry<'f>(&'f self, view: &'f View) -> Option<Entry<'f>> {
        Some(match self {
            Self::Base => Entry::Base,
            Self::Container(kind) => Entry::Container(*kind),
            Self::Person(Kind::VirtualGroup, person) => Entry::VirtualGroup(person),
            Self::Person(_, person) => Entry::User(person),
            Self::Group(id) => Entry::Group(view.groups.get(*id)?),
        })
    }

    /// Its number, by which entries of a kind are sorted.
    pub(super) fn position(&self, view: &View) -> i64 {
        match self {
            Self::Base | Self::Container(_) => 1,
            Self::Person(_, person) => person.pk,
            Self::Group(id) => view.groups.get(*id).map_or(0, |node| node.group.pk),
        }
    }
}
