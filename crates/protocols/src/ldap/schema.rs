//! Which attribute types and object classes there are (RFC 4512, section 4).

use super::matching::Rule;

/// An attribute type.
#[derive(Debug, PartialEq, Eq)]
pub struct AttributeType {
    /// Names, the usual one first.
    pub names: &'static [&'static str],
    /// Object identifier.
    pub oid: &'static str,
    /// How values are compared.
    pub rule: Rule,
    /// Whether an entry has at most one value.
    pub is_single: bool,
    /// Whether it is only returned when asked for by name or with `+`.
    pub is_operational: bool,
    /// What it holds, for people.
    pub description: &'static str,
    /// Object identifier of the syntax (RFC 4517).
    pub syntax: &'static str,
}

/// The attribute type of a name or object identifier, whatever the case; options (`;binary`) do not count.
pub fn find(name: &[u8]) -> Option<&'static AttributeType> {
    let _ = name;
    None
}

/// The attribute types as definitions of the subschema (RFC 4512, section 4.1.2).
pub fn attribute_types() -> impl Iterator<Item = String> {
    std::iter::empty()
}

/// The object classes as definitions of the subschema (RFC 4512, section 4.1.1).
pub fn object_classes() -> impl Iterator<Item = String> {
    std::iter::empty()
}

/// The syntaxes as definitions of the subschema (RFC 4512, section 4.1.5).
pub fn ldap_syntaxes() -> impl Iterator<Item = String> {
    std::iter::empty()
}

/// The matching rules as definitions of the subschema (RFC 4512, section 4.1.3).
pub fn matching_rules() -> impl Iterator<Item = String> {
    std::iter::empty()
}
