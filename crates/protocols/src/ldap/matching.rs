//! How values are compared (RFC 4517, section 4; RFC 4518).

use std::{borrow::Cow, cmp::Ordering};

/// How the values of an attribute are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Text, whatever the case and the number of spaces.
    CaseIgnore,
    /// Text, whatever the number of spaces.
    CaseExact,
    /// Distinguished names.
    Dn,
    /// Whole numbers of any size.
    Integer,
    /// `TRUE` or `FALSE`, whatever the case: authentik writes both.
    Boolean,
    /// Bytes.
    Octet,
    /// Names or object identifiers of classes and attribute types.
    Oid,
    /// Points in time (RFC 4517, section 3.3.13).
    Time,
}

/// Where a piece of a substring assertion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `initial*`.
    Initial,
    /// `*any*`.
    Any,
    /// `*last`.
    Last,
}

impl Rule {
    /// The form in which two values are compared. Nothing if the value does not fit the syntax: the assertion is then
    /// `Undefined`.
    pub fn prepare<'v>(self, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
        Some(Cow::Borrowed(value))
    }

    /// The same for a piece of a substring assertion, which may begin or end with a space that counts. Nothing if the
    /// rule has no substrings.
    pub fn prepare_part<'v>(self, value: &'v [u8], part: Part) -> Option<Cow<'v, [u8]>> {
        let _ = part;
        Some(Cow::Borrowed(value))
    }

    /// Whether `>=` and `<=` mean something.
    pub fn is_ordered(self) -> bool {
        !matches!(self, Self::Dn | Self::Boolean | Self::Oid)
    }

    /// How two prepared values stand to one another.
    pub fn order(self, a: &[u8], b: &[u8]) -> Ordering {
        a.cmp(b)
    }

    /// The rule of a name or object identifier in an extensible match.
    pub fn from_oid_or_name(name: &[u8]) -> Option<Self> {
        let _ = name;
        None
    }
}

/// Whether a prepared value has these prepared pieces, in that order and without overlap (RFC 4511, section 4.5.1.7.2).
pub fn matches_substrings(value: &[u8], initial: Option<&[u8]>, any: &[impl AsRef<[u8]>], last: Option<&[u8]>) -> bool {
    let _ = (value, initial, any, last);
    false
}
