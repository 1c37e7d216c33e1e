//! The entries of the tree: what each attribute of each holds.

use doorward_core::{id::GroupId, ldap_provider::UidSource};
use jiff::Timestamp;

use super::{
    attribute::{Attribute, Named},
    directory::{custom::Custom, group_tree::GroupNode, person::Person},
    fixed::SUBSCHEMA,
    names::Kind,
    view::View,
};

/// Home directories, unless an attribute says otherwise.
const HOME: &str = "/home/";
/// The shell, unless an attribute says otherwise: the one that is everywhere.
const SHELL: &str = "/bin/sh";

const USER_CLASSES: [&str; 7] =
    ["top", "person", "organizationalPerson", "inetOrgPerson", "user", "posixAccount", "goauthentik.io/ldap/user"];
/// The last one is that of users' own groups alone.
const GROUP_CLASSES: [&str; 6] = [
    "group",
    "groupOfUniqueNames",
    "groupOfNames",
    "goauthentik.io/ldap/group",
    "posixGroup",
    "goauthentik.io/ldap/virtual-group",
];
const BASE_CLASSES: [&str; 2] = ["top", "domain"];
const CONTAINER_CLASSES: [&str; 2] = ["top", "nsContainer"];

/// The names of the classes of a kind.
pub(super) fn classes_of(kind: Kind) -> &'static [&'static str] {
    let [of_groups @ .., _] = &GROUP_CLASSES;
    match kind {
        Kind::User => &USER_CLASSES,
        Kind::Group => of_groups,
        Kind::VirtualGroup => &GROUP_CLASSES,
    }
}

/// Whether one of some classes has this name, whatever the case of its letters.
pub(super) fn has_class(classes: &[&str], name: &str) -> bool {
    classes.iter().any(|class| class.eq_ignore_ascii_case(name))
}

/// An entry.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry<'e> {
    /// The base.
    Base,
    /// `ou=users` and its like.
    Container(Kind),
    /// A user.
    User(&'e Person),
    /// A group.
    Group(&'e GroupNode),
    /// A user's own group.
    VirtualGroup(&'e Person),
}

/// Takes values one by one.
pub(super) type Sink<'s> = dyn FnMut(&[u8]) + 's;

impl Entry<'_> {
    /// Its distinguished name, appended.
    pub(super) fn write_dn(&self, view: &View, out: &mut Vec<u8>) {
        let (rdn, kind) = match self {
            Self::Base => return out.extend_from_slice(view.names().base.as_bytes()),
            Self::Container(kind) => return out.extend_from_slice(view.names().container(*kind).as_bytes()),
            Self::User(person) => (&person.rdn, Kind::User),
            Self::Group(node) => (&node.rdn, Kind::Group),
            Self::VirtualGroup(person) => (&person.rdn, Kind::VirtualGroup),
        };
        write_name(rdn, view.names().container(kind), out);
    }

    /// The attributes that administrators gave it.
    pub(super) fn custom(&self) -> &[Custom] {
        match self {
            Self::User(person) => &person.custom,
            Self::Group(node) => &node.custom,
            Self::Base | Self::Container(_) | Self::VirtualGroup(_) => &[],
        }
    }

    /// A free attribute by its key.
    pub(super) fn custom_of(&self, key: &str) -> Option<&Custom> {
        let custom = self.custom();
        custom.binary_search_by(|custom| (*custom.key).cmp(key)).ok().and_then(|at| custom.get(at))
    }

    /// The values of what a filter names.
    pub(super) fn values(&self, named: &Named, view: &View, sink: &mut Sink<'_>) {
        match named {
            Named::Known(attribute) => self.known_values(*attribute, view, sink),
            Named::Custom(key) => {
                for value in self.custom_of(key).iter().flat_map(|custom| &custom.values) {
                    sink(value.as_bytes());
                }
            }
        }
    }

    /// Whether it has a value of what a filter names. Members of groups are not looked at here: [`super::members`].
    pub(super) fn has(&self, named: &Named, view: &View) -> bool {
        let mut found = false;
        self.values(named, view, &mut |_| found = true);
        found
    }

    /// The names of its classes.
    pub(super) fn classes(&self) -> &'static [&'static str] {
        match self {
            Self::Base => &BASE_CLASSES,
            Self::Container(_) => &CONTAINER_CLASSES,
            Self::User(_) => classes_of(Kind::User),
            Self::Group(_) => classes_of(Kind::Group),
            Self::VirtualGroup(_) => classes_of(Kind::VirtualGroup),
        }
    }

    /// The values of an attribute of the schema.
    pub(super) fn known_values(&self, attribute: Attribute, view: &View, sink: &mut Sink<'_>) {
        if let Some(custom) = attribute.overridden_by().and_then(|key| self.custom_of(key)) {
            return custom.values.iter().for_each(|value| sink(value.as_bytes()));
        }
        match attribute {
            Attribute::EntryDn => {
                let mut dn = Vec::with_capacity(96);
                self.write_dn(view, &mut dn);
                sink(&dn);
            }
            Attribute::SubschemaSubentry => sink(SUBSCHEMA.as_bytes()),
            Attribute::ObjectClass => self.classes().iter().for_each(|class| sink(class.as_bytes())),
            _ => match self {
                Self::Base => base_values(attribute, view, sink),
                Self::Container(kind) => container_values(*kind, attribute, sink),
                Self::User(person) => user_values(person, attribute, view, sink),
                Self::Group(node) => group_values(node, attribute, view, sink),
                Self::VirtualGroup(person) => virtual_values(person, attribute, view, sink),
            },
        }
    }
}

/// `cn=` a name below a container, appended.
pub(super) fn write_name(rdn: &str, container: &str, out: &mut Vec<u8>) {
    for part in ["cn=", rdn, ",", container] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn text(value: &str, sink: &mut Sink<'_>) {
    if !value.is_empty() {
        sink(value.as_bytes());
    }
}

fn number(value: i64, sink: &mut Sink<'_>) {
    sink(value.to_string().as_bytes());
}

/// RFC 4517, section 3.3.13.
fn time(value: Timestamp, sink: &mut Sink<'_>) {
    sink(value.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes());
}

fn truth(value: bool, sink: &mut Sink<'_>) {
    sink(if value { b"TRUE" } else { b"FALSE" });
}

fn base_values(attribute: Attribute, view: &View, sink: &mut Sink<'_>) {
    match attribute {
        Attribute::StructuralObjectClass => sink(b"domain"),
        Attribute::HasSubordinates => sink(b"TRUE"),
        Attribute::Dc => text(view.names().dc(), sink),
        _ => {}
    }
}

fn container_values(kind: Kind, attribute: Attribute, sink: &mut Sink<'_>) {
    match attribute {
        Attribute::StructuralObjectClass => sink(b"nsContainer"),
        Attribute::HasSubordinates => sink(b"TRUE"),
        Attribute::Ou | Attribute::Cn => sink(kind.ou().as_bytes()),
        _ => {}
    }
}

fn user_values(person: &Person, attribute: Attribute, view: &View, sink: &mut Sink<'_>) {
    let shown = if person.name.is_empty() { &person.username } else { &person.name };
    match attribute {
        Attribute::Cn | Attribute::SamAccountName => text(&person.username, sink),
        Attribute::Uid => text(uid(person, view), sink),
        Attribute::Name | Attribute::DisplayName | Attribute::Gecos => text(shown, sink),
        Attribute::GivenName => text(&person.given_name, sink),
        // `person` must have one (RFC 4519, section 3.12).
        Attribute::Sn => text(if person.family_name.is_empty() { shown } else { &person.family_name }, sink),
        Attribute::Mail => text(&person.email, sink),
        Attribute::MemberOf => {
            let groups = view.groups_of(person);
            group_names(&groups, view, sink);
        }
        Attribute::UidNumber | Attribute::GidNumber => number(view.numbers().of_user(person.pk), sink),
        Attribute::HomeDirectory => text(&format!("{HOME}{}", person.username), sink),
        Attribute::LoginShell => text(SHELL, sink),
        Attribute::AkActive => truth(person.is_active, sink),
        Attribute::AkSuperuser => truth(view.is_superuser(person), sink),
        Attribute::EntryUuid => text(&person.id.to_string(), sink),
        Attribute::CreateTimestamp => time(person.created_at, sink),
        Attribute::ModifyTimestamp => time(person.updated_at, sink),
        Attribute::StructuralObjectClass => sink(b"inetOrgPerson"),
        Attribute::HasSubordinates => sink(b"FALSE"),
        _ => {}
    }
}

fn uid<'p>(person: &'p Person, view: &View) -> &'p str {
    match view.uid_source() {
        UidSource::HashedUserId => &person.uid,
        UidSource::Username => &person.username,
    }
}

/// DNs of those groups that the reader may see.
fn group_names(groups: &[GroupId], view: &View, sink: &mut Sink<'_>) {
    let mut dn = Vec::with_capacity(96);
    for node in groups.iter().filter(|id| view.shows_group(**id)).filter_map(|id| view.groups.get(*id)) {
        dn.clear();
        write_name(&node.rdn, view.names().container(Kind::Group), &mut dn);
        sink(&dn);
    }
}

/// Members are not among them: they are looked up by [`super::members`].
fn group_values(node: &GroupNode, attribute: Attribute, view: &View, sink: &mut Sink<'_>) {
    match attribute {
        Attribute::Cn | Attribute::SamAccountName => text(&node.group.profile.name, sink),
        Attribute::Uid | Attribute::EntryUuid => text(&node.group.id.to_string(), sink),
        Attribute::GidNumber => number(view.numbers().of_group(node.group.pk), sink),
        Attribute::MemberOf => group_names(view.groups_above(node), view, sink),
        Attribute::AkSuperuser => sink(if node.group.profile.is_superuser { b"true" } else { b"false" }),
        Attribute::CreateTimestamp => time(node.group.created_at, sink),
        Attribute::StructuralObjectClass => sink(b"groupOfNames"),
        Attribute::HasSubordinates => sink(b"FALSE"),
        _ => {}
    }
}

fn virtual_values(person: &Person, attribute: Attribute, view: &View, sink: &mut Sink<'_>) {
    match attribute {
        Attribute::Cn | Attribute::SamAccountName | Attribute::MemberUid => text(&person.username, sink),
        Attribute::Uid => text(&person.uid, sink),
        Attribute::GidNumber => Entry::User(person).known_values(Attribute::GidNumber, view, sink),
        Attribute::Member | Attribute::UniqueMember => {
            let mut dn = Vec::with_capacity(96);
            Entry::User(person).write_dn(view, &mut dn);
            sink(&dn);
        }
        Attribute::AkSuperuser => sink(b"false"),
        Attribute::CreateTimestamp => time(person.created_at, sink),
        Attribute::StructuralObjectClass => sink(b"groupOfNames"),
        Attribute::HasSubordinates => sink(b"FALSE"),
        _ => {}
    }
}
