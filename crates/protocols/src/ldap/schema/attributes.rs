//! The attribute types (RFC 2307, 2798, 3112, 4512, 4519, 4524, 4530, 5020; authentik's and Microsoft's).

use super::{
    AttributeType,
    syntaxes::{ATTRIBUTE, BOOLEAN, CLASS, DN, IA5, INTEGER, JPEG, OCTETS, OID, RULE, SYNTAX, TEXT, TIME, UUID},
};
use crate::ldap::matching::Rule::{self, Boolean, CaseExact, CaseIgnore, Dn, Integer, Octet, Oid, Time};

type Names = &'static [&'static str];

/// An attribute with any number of values.
const fn many(
    names: Names,
    oid: &'static str,
    rule: Rule,
    syntax: &'static str,
    description: &'static str,
) -> AttributeType {
    AttributeType { names, oid, rule, is_single: false, is_operational: false, description, syntax }
}

/// An attribute with one value.
const fn one(
    names: Names,
    oid: &'static str,
    rule: Rule,
    syntax: &'static str,
    description: &'static str,
) -> AttributeType {
    AttributeType { is_single: true, ..many(names, oid, rule, syntax, description) }
}

/// An attribute of the server's own.
const fn operational(kind: AttributeType) -> AttributeType {
    AttributeType { is_operational: true, ..kind }
}

/// All attribute types. Object identifiers under 2.25 are made from a UUID (ITU-T X.667), since authentik's attributes
/// have none.
pub static ATTRIBUTE_TYPES: &[AttributeType] = &[
    many(&["objectClass"], "2.5.4.0", Oid, OID, "What kinds of entry it is"),
    many(&["cn", "commonName"], "2.5.4.3", CaseIgnore, TEXT, "Username, or name of the group"),
    many(&["sn", "surname"], "2.5.4.4", CaseIgnore, TEXT, "Family name"),
    many(&["l", "localityName"], "2.5.4.7", CaseIgnore, TEXT, "Place"),
    many(&["st", "stateOrProvinceName"], "2.5.4.8", CaseIgnore, TEXT, "State or province"),
    many(&["street", "streetAddress"], "2.5.4.9", CaseIgnore, TEXT, "Street and number"),
    many(&["o", "organizationName"], "2.5.4.10", CaseIgnore, TEXT, "Organization"),
    many(&["ou", "organizationalUnitName"], "2.5.4.11", CaseIgnore, TEXT, "Organizational unit"),
    many(&["title"], "2.5.4.12", CaseIgnore, TEXT, "Position"),
    many(&["description"], "2.5.4.13", CaseIgnore, TEXT, "Description"),
    many(&["postalCode"], "2.5.4.17", CaseIgnore, TEXT, "Postal code"),
    many(&["telephoneNumber"], "2.5.4.20", CaseIgnore, TEXT, "Telephone number"),
    many(&["member"], "2.5.4.31", Dn, DN, "Members of the group"),
    many(&["userPassword"], "2.5.4.35", Octet, OCTETS, "Password; never shown"),
    many(&["name"], "2.5.4.41", CaseIgnore, TEXT, "Name to show"),
    many(&["givenName", "gn"], "2.5.4.42", CaseIgnore, TEXT, "Given name"),
    many(&["initials"], "2.5.4.43", CaseIgnore, TEXT, "Initials"),
    one(&["distinguishedName"], "2.5.4.49", Dn, DN, "DN of the entry"),
    many(&["uniqueMember"], "2.5.4.50", Dn, DN, "Members of the group"),
    one(&["c", "countryName"], "2.5.4.6", CaseIgnore, TEXT, "Two-letter country code"),
    many(&["uid", "userid"], "0.9.2342.19200300.100.1.1", CaseIgnore, TEXT, "Identifier of the user"),
    many(&["mail", "rfc822Mailbox"], "0.9.2342.19200300.100.1.3", CaseIgnore, IA5, "E-mail address"),
    many(&["manager"], "0.9.2342.19200300.100.1.10", Dn, DN, "Manager"),
    one(&["dc", "domainComponent"], "0.9.2342.19200300.100.1.25", CaseIgnore, IA5, "Part of a domain name"),
    many(
        &["mobile", "mobileTelephoneNumber"],
        "0.9.2342.19200300.100.1.41",
        CaseIgnore,
        TEXT,
        "Mobile telephone number",
    ),
    many(&["jpegPhoto"], "0.9.2342.19200300.100.1.60", Octet, JPEG, "Picture"),
    many(&["departmentNumber"], "2.16.840.1.113730.3.1.2", CaseIgnore, TEXT, "Department"),
    one(&["employeeNumber"], "2.16.840.1.113730.3.1.3", CaseIgnore, TEXT, "Number within the organization"),
    many(&["employeeType"], "2.16.840.1.113730.3.1.4", CaseIgnore, TEXT, "Kind of employment"),
    one(&["preferredLanguage"], "2.16.840.1.113730.3.1.39", CaseIgnore, TEXT, "Language"),
    one(&["displayName"], "2.16.840.1.113730.3.1.241", CaseIgnore, TEXT, "Name to show"),
    one(&["uidNumber"], "1.3.6.1.1.1.1.0", Integer, INTEGER, "Number of the user on Unix"),
    one(&["gidNumber"], "1.3.6.1.1.1.1.1", Integer, INTEGER, "Number of the group on Unix"),
    one(&["gecos"], "1.3.6.1.1.1.1.2", CaseIgnore, TEXT, "Name to show on Unix"),
    one(&["homeDirectory"], "1.3.6.1.1.1.1.3", CaseExact, IA5, "Home directory"),
    one(&["loginShell"], "1.3.6.1.1.1.1.4", CaseExact, IA5, "Shell"),
    many(&["memberUid"], "1.3.6.1.1.1.1.12", CaseIgnore, TEXT, "Usernames of the members; case does not count"),
    many(&["sshPublicKey"], "1.3.6.1.4.1.24552.500.1.1.1.13", CaseExact, TEXT, "OpenSSH public key"),
    many(&["memberOf"], "1.2.840.113556.1.2.102", Dn, DN, "Groups it is a member of"),
    one(&["sAMAccountName"], "1.2.840.113556.1.4.221", CaseIgnore, TEXT, "Username, or name of the group"),
    one(
        &["ak-active", "goauthentik.io/ldap/active"],
        "2.25.118075333021091627829981460247089589417.1.1",
        Boolean,
        BOOLEAN,
        "Whether the account may be used",
    ),
    one(
        &["ak-superuser", "goauthentik.io/ldap/superuser"],
        "2.25.118075333021091627829981460247089589417.1.2",
        Boolean,
        BOOLEAN,
        "Whether it confers administration",
    ),
    operational(one(&["entryDN"], "1.3.6.1.1.20", Dn, DN, "DN of the entry")),
    operational(one(&["entryUUID"], "1.3.6.1.1.16.4", CaseIgnore, UUID, "UUID of the entry")),
    operational(one(&["createTimestamp"], "2.5.18.1", Time, TIME, "When it was made")),
    operational(one(&["modifyTimestamp"], "2.5.18.2", Time, TIME, "When it was last changed")),
    operational(one(&["structuralObjectClass"], "2.5.21.9", Oid, OID, "What kind of entry it is first of all")),
    operational(one(&["subschemaSubentry"], "2.5.18.10", Dn, DN, "Where the schema is")),
    operational(one(&["hasSubordinates"], "2.5.18.9", Boolean, BOOLEAN, "Whether entries stand under it")),
    operational(one(
        &["numSubordinates"],
        "1.3.6.1.4.1.453.16.2.103",
        Integer,
        INTEGER,
        "How many entries stand directly under it",
    )),
    operational(many(&["namingContexts"], "1.3.6.1.4.1.1466.101.120.5", Dn, DN, "Where the trees begin")),
    operational(many(&["supportedExtension"], "1.3.6.1.4.1.1466.101.120.7", Oid, OID, "Extended operations")),
    operational(many(&["supportedControl"], "1.3.6.1.4.1.1466.101.120.13", Oid, OID, "Controls")),
    operational(many(&["supportedSASLMechanisms"], "1.3.6.1.4.1.1466.101.120.14", CaseIgnore, TEXT, "SASL mechanisms")),
    operational(many(
        &["supportedLDAPVersion"],
        "1.3.6.1.4.1.1466.101.120.15",
        Integer,
        INTEGER,
        "Versions of the protocol",
    )),
    operational(many(&["supportedFeatures"], "1.3.6.1.4.1.4203.1.3.5", Oid, OID, "Features")),
    operational(one(&["vendorName"], "1.3.6.1.1.4", CaseExact, TEXT, "Who makes the server")),
    operational(one(&["vendorVersion"], "1.3.6.1.1.5", CaseExact, TEXT, "Version of the server")),
    operational(many(&["matchingRules"], "2.5.21.4", CaseIgnore, RULE, "Matching rules")),
    operational(many(&["attributeTypes"], "2.5.21.5", CaseIgnore, ATTRIBUTE, "Attribute types")),
    operational(many(&["objectClasses"], "2.5.21.6", CaseIgnore, CLASS, "Object classes")),
    operational(many(&["ldapSyntaxes"], "1.3.6.1.4.1.1466.101.120.16", CaseIgnore, SYNTAX, "Syntaxes")),
];
