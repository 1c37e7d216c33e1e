//! The attributes that entries have here.

use doorward_protocols::ldap::schema;

/// An attribute that a filter, a comparison or a selection names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// Classes.
    ObjectClass,
    /// Login name or group name.
    Cn,
    /// The same, as Active Directory calls it.
    SamAccountName,
    /// Hashed identifier, or the login name.
    Uid,
    /// Name to show.
    Name,
    /// Name to show.
    DisplayName,
    /// Given name.
    GivenName,
    /// Family name.
    Sn,
    /// E-mail address.
    Mail,
    /// Groups above.
    MemberOf,
    /// Number of a user.
    UidNumber,
    /// Number of a group, or of a user's own group.
    GidNumber,
    /// Home directory.
    HomeDirectory,
    /// Login shell.
    LoginShell,
    /// Name to show, for Unix.
    Gecos,
    /// DNs of members.
    Member,
    /// DNs of members.
    UniqueMember,
    /// Login names of members.
    MemberUid,
    /// Whether the account may be used.
    AkActive,
    /// Whether it administers Doorward.
    AkSuperuser,
    /// Name of a container.
    Ou,
    /// Name of a base.
    Dc,
    /// Operational: the entry's own name.
    EntryDn,
    /// Operational: the identifier.
    EntryUuid,
    /// Operational: when it was made.
    CreateTimestamp,
    /// Operational: when it was changed.
    ModifyTimestamp,
    /// Operational: the class that counts.
    StructuralObjectClass,
    /// Operational: where the schema is.
    SubschemaSubentry,
    /// Operational: whether something is below.
    HasSubordinates,
}

use Attribute as A;

/// All of them with their names, in the order in which they are written.
pub const ALL: [(Attribute, &str); 29] = [
    (A::ObjectClass, "objectClass"),
    (A::Cn, "cn"),
    (A::SamAccountName, "sAMAccountName"),
    (A::Uid, "uid"),
    (A::Name, "name"),
    (A::DisplayName, "displayName"),
    (A::GivenName, "givenName"),
    (A::Sn, "sn"),
    (A::Mail, "mail"),
    (A::UidNumber, "uidNumber"),
    (A::GidNumber, "gidNumber"),
    (A::HomeDirectory, "homeDirectory"),
    (A::LoginShell, "loginShell"),
    (A::Gecos, "gecos"),
    (A::MemberOf, "memberOf"),
    (A::Member, "member"),
    (A::UniqueMember, "uniqueMember"),
    (A::MemberUid, "memberUid"),
    (A::AkActive, "ak-active"),
    (A::AkSuperuser, "ak-superuser"),
    (A::Ou, "ou"),
    (A::Dc, "dc"),
    (A::EntryDn, "entryDN"),
    (A::EntryUuid, "entryUUID"),
    (A::CreateTimestamp, "createTimestamp"),
    (A::ModifyTimestamp, "modifyTimestamp"),
    (A::StructuralObjectClass, "structuralObjectClass"),
    (A::SubschemaSubentry, "subschemaSubentry"),
    (A::HasSubordinates, "hasSubordinates"),
];

impl Attribute {
    /// The attribute of the schema's type, if entries here have it other than as a free attribute.
    pub fn of(kind: &schema::AttributeType) -> Option<Self> {
        let name = kind.names.first()?;
        ALL.iter().find(|(_, known)| known == name).map(|(attribute, _)| *attribute)
    }

    /// Its name as it is written.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(attribute, _)| *attribute == self).map_or("", |(_, name)| name)
    }

    /// Whether it is given only to those who ask for it or for `+` (RFC 3673).
    pub fn is_operational(self) -> bool {
        matches!(
            self,
            A::EntryDn
                | A::EntryUuid
                | A::CreateTimestamp
                | A::ModifyTimestamp
                | A::StructuralObjectClass
                | A::SubschemaSubentry
                | A::HasSubordinates
        )
    }

    /// The key of the free attribute that takes its place on an entry, where one may.
    pub fn overridden_by(self) -> Option<&'static str> {
        Some(match self {
            A::SamAccountName => "samaccountname",
            A::Uid => "uid",
            A::Name => "name",
            A::DisplayName => "displayname",
            A::GivenName => "givenname",
            A::Sn => "sn",
            A::Mail => "mail",
            A::UidNumber => "uidnumber",
            A::GidNumber => "gidnumber",
            A::HomeDirectory => "homedirectory",
            A::LoginShell => "loginshell",
            A::Gecos => "gecos",
            A::Ou => "ou",
            A::Dc => "dc",
            _ => return None,
        })
    }
}

/// What a filter or a selection names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// An attribute that entries have by themselves.
    Known(Attribute),
    /// A free attribute, by its key.
    Custom(String),
}

/// Reads an attribute description (RFC 4512, section 2.5). `None` if it is not text. Nothing here has options, so that
/// `cn;lang-de` names what nobody has; only `;binary` does not count (RFC 4522).
pub fn named(description: &[u8]) -> Option<Named> {
    let text = std::str::from_utf8(description).ok()?;
    let (base, options) = text.split_once(';').unwrap_or((text, ""));
    if !options.is_empty() && !options.eq_ignore_ascii_case("binary") {
        return Some(Named::Custom(text.to_ascii_lowercase()));
    }
    if let Some(known) = schema::find(base.as_bytes()).and_then(Attribute::of) {
        return Some(Named::Known(known));
    }
    (!base.is_empty()).then(|| Named::Custom(base.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ldap::directory::custom;

    /// What an administrator writes stands in an attribute's place, or is left out; nothing is there half.
    #[test]
    fn every_attribute_is_replaced_or_protected() {
        for (attribute, name) in ALL {
            let attributes = serde_json::json!({ name: "7" });
            let shown = !custom::from_json(attributes.as_object().unwrap(), None).is_empty();
            assert_eq!(shown, attribute.overridden_by() == Some(name.to_lowercase().as_str()), "{name}");
        }
    }

    #[test]
    fn descriptions_with_options_name_what_nobody_has() {
        for known in ["cn", "CommonName", "2.5.4.3", "cn;binary"] {
            assert_eq!(named(known.as_bytes()), Some(Named::Known(A::Cn)), "{known}");
        }
        for (free, key) in
            [("Room", "room"), ("room;BINARY", "room"), ("CN;lang-de", "cn;lang-de"), ("cn;a;b", "cn;a;b")]
        {
            assert_eq!(named(free.as_bytes()), Some(Named::Custom(key.to_owned())), "{free}");
        }
        assert_eq!((named(b""), named(b"\xff")), (None, None));
    }
}
