//! What of an entry is wanted, and writing it.

use doorward_protocols::ldap::answer::EntryWriter;
use std::collections::BTreeSet;

use super::{
    attribute::{ALL, Attribute, Named, named},
    directory::{Directory, custom::Custom},
    entry::Entry,
    members,
    view::View,
};

/// The attributes a search wants (RFC 4511, section 4.5.1.8).
#[derive(Debug, Default)]
pub(super) struct Selection {
    all_user: bool,
    all_operational: bool,
    /// Attributes of the schema, as bits in the order of their list.
    known: u64,
    /// Keys of free attributes.
    custom: BTreeSet<String>,
    types_only: bool,
}

impl Selection {
    /// Reads the list: empty is all but the operational ones, `*` likewise, `+` the operational ones (RFC 3673), `1.1`
    /// none.
    pub(super) fn new(list: &[&[u8]], types_only: bool) -> Self {
        let mut selection = Self { all_user: list.is_empty(), types_only, ..Self::default() };
        for description in list {
            match *description {
                b"*" => selection.all_user = true,
                b"+" => selection.all_operational = true,
                b"1.1" => {}
                description => match named(description) {
                    Some(Named::Known(attribute)) => selection.known |= bit(attribute),
                    Some(Named::Custom(key)) => drop(selection.custom.insert(key)),
                    None => {}
                },
            }
        }
        selection
    }

    fn wants(&self, attribute: Attribute) -> bool {
        let wholesale = if attribute.is_operational() { self.all_operational } else { self.all_user };
        wholesale || self.known & bit(attribute) != 0
    }

    fn wants_custom(&self, key: &str) -> bool {
        self.all_user || self.custom.contains(key)
    }

    /// Appends an entry with what is wanted of it.
    pub(super) fn write(&self, id: i32, entry: &Entry<'_>, view: &View, directory: &Directory, out: &mut Vec<u8>) {
        let mut dn = Vec::with_capacity(128);
        entry.write_dn(view, &mut dn);
        let mut writer = EntryWriter::begin(out, id, &dn);
        for (attribute, name) in ALL.iter().filter(|(attribute, _)| self.wants(*attribute)) {
            match (attribute, entry) {
                (Attribute::Member | Attribute::UniqueMember | Attribute::MemberUid, Entry::Group(node))
                    if !self.types_only =>
                {
                    members::write(node, *attribute, view, directory, &mut writer);
                }
                (Attribute::Member | Attribute::UniqueMember | Attribute::MemberUid, Entry::Group(node)) => {
                    let groups = members::populated(*attribute == Attribute::MemberUid, view, &directory.people());
                    if groups.binary_search(&node.group.id).is_ok() {
                        writer.attribute(name);
                    }
                }
                _ => {
                    let mut is_begun = false;
                    entry.known_values(*attribute, view, &mut |value| {
                        if !is_begun {
                            writer.attribute(name);
                            is_begun = true;
                        }
                        if !self.types_only {
                            writer.value(value);
                        }
                    });
                }
            }
        }
        self.write_custom(entry, &mut writer);
        writer.end();
    }

    fn write_custom(&self, entry: &Entry<'_>, writer: &mut EntryWriter<'_>) {
        for custom in free(entry).filter(|custom| self.wants_custom(&custom.key)) {
            writer.attribute(&custom.name);
            let values = custom.values.iter().filter(|_| !self.types_only);
            values.for_each(|value| writer.value(value.as_bytes()));
        }
    }
}

/// The free attributes of an entry that are written as such: what takes the place of an attribute of the schema is
/// written in its place.
pub(super) fn free<'e>(entry: &'e Entry<'_>) -> impl Iterator<Item = &'e Custom> {
    let takes_a_place =
        |custom: &&Custom| ALL.iter().any(|(attribute, _)| attribute.overridden_by() == Some(&custom.key));
    entry.custom().iter().filter(move |custom| !takes_a_place(custom))
}

fn bit(attribute: Attribute) -> u64 {
    1 << (attribute as u64)
}
