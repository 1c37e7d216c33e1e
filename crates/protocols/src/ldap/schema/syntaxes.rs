//! Syntaxes (RFC 4517, section 3.3; RFC 4530, section 2.1).

pub(in crate::ldap) const ATTRIBUTE: &str = "1.3.6.1.4.1.1466.115.121.1.3";
pub(in crate::ldap) const BOOLEAN: &str = "1.3.6.1.4.1.1466.115.121.1.7";
pub(in crate::ldap) const DN: &str = "1.3.6.1.4.1.1466.115.121.1.12";
pub(in crate::ldap) const TEXT: &str = "1.3.6.1.4.1.1466.115.121.1.15";
pub(in crate::ldap) const TIME: &str = "1.3.6.1.4.1.1466.115.121.1.24";
pub(in crate::ldap) const IA5: &str = "1.3.6.1.4.1.1466.115.121.1.26";
pub(in crate::ldap) const INTEGER: &str = "1.3.6.1.4.1.1466.115.121.1.27";
pub(in crate::ldap) const JPEG: &str = "1.3.6.1.4.1.1466.115.121.1.28";
pub(in crate::ldap) const RULE: &str = "1.3.6.1.4.1.1466.115.121.1.30";
pub(in crate::ldap) const NUMERIC: &str = "1.3.6.1.4.1.1466.115.121.1.36";
pub(in crate::ldap) const CLASS: &str = "1.3.6.1.4.1.1466.115.121.1.37";
pub(in crate::ldap) const OID: &str = "1.3.6.1.4.1.1466.115.121.1.38";
pub(in crate::ldap) const OCTETS: &str = "1.3.6.1.4.1.1466.115.121.1.40";
pub(in crate::ldap) const SYNTAX: &str = "1.3.6.1.4.1.1466.115.121.1.54";
pub(in crate::ldap) const SUBSTRINGS: &str = "1.3.6.1.4.1.1466.115.121.1.58";
pub(in crate::ldap) const UUID: &str = "1.3.6.1.1.16.1";

/// All of them, with the descriptions of the RFCs.
pub(super) const SYNTAXES: &[(&str, &str)] = &[
    (ATTRIBUTE, "Attribute Type Description"),
    (BOOLEAN, "Boolean"),
    (DN, "DN"),
    (TEXT, "Directory String"),
    (TIME, "Generalized Time"),
    (IA5, "IA5 String"),
    (INTEGER, "INTEGER"),
    (JPEG, "JPEG"),
    (RULE, "Matching Rule Description"),
    (NUMERIC, "Numeric String"),
    (CLASS, "Object Class Description"),
    (OID, "OID"),
    (OCTETS, "Octet String"),
    (SYNTAX, "LDAP Syntax Description"),
    (SUBSTRINGS, "Substring Assertion"),
    (UUID, "UUID"),
];
