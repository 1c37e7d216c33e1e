//! Distinguished names as text (RFC 4514).

use std::{borrow::Cow, fmt};

/// Longest DN, in bytes.
pub const DN_MAX: usize = 4096;
/// Most RDNs of a DN, and most attributes of an RDN.
pub const RDNS_MAX: usize = 64;

/// Why a text is not a DN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// Longer than 4096 bytes, or more than 64 parts.
    #[error("the DN is too long")]
    TooLong,
    /// Not UTF-8, or an escaped value is not.
    #[error("the DN is not UTF-8")]
    Encoding,
    /// An attribute type is missing or malformed.
    #[error("the DN has a malformed attribute type")]
    Type,
    /// A value is malformed.
    #[error("the DN has a malformed value")]
    Value,
}

/// A distinguished name, from the leaf to the root. Two are equal if their normalized forms are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dn {
    rdns: Vec<Rdn>,
}

/// One step of a DN: attribute types and values, seldom more than one pair.
#[derive(Debug, Clone)]
pub struct Rdn(Vec<(String, String)>);

impl Rdn {
    /// Attribute types as written, and values without escapes.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl PartialEq for Rdn {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Rdn {}

/// Reads a DN. The empty text is the root.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &[u8]) -> Result<Dn, DnError> {
    let _ = text;
    Err(DnError::Value)
}

impl Dn {
    /// The form in which DNs are compared.
    pub fn normalized(&self) -> String {
        String::new()
    }

    /// Whether it is the root.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// Its steps, from the leaf to the root.
    pub fn rdns(&self) -> &[Rdn] {
        &self.rdns
    }

    /// Whether it is the base or stands under it.
    pub fn ends_with(&self, base: &Self) -> bool {
        self.rdns.ends_with(&base.rdns)
    }

    /// What it stands directly under; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        None
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("")
    }
}

/// A value as it stands in a DN (RFC 4514, section 2.4).
pub fn escape(value: &str) -> Cow<'_, str> {
    Cow::Borrowed(value)
}

/// A value in the form in which `caseIgnoreMatch` compares it.
pub fn normalize_value(value: &str) -> String {
    value.to_lowercase()
}
