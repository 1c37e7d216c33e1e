//! Which entries a search wants (RFC 4511, section 4.5.1.7).

/// Deepest nesting of a filter.
pub const DEPTH_MAX: usize = 32;
/// Most nodes of a filter altogether; the pieces of a substring assertion count, too.
pub const PARTS_MAX: usize = 1024;

/// A filter. `And` and `Or` without parts are true and false (RFC 4526).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter<'a> {
    /// All of them.
    And(Vec<Filter<'a>>),
    /// One of them.
    Or(Vec<Filter<'a>>),
    /// Not that.
    Not(Box<Filter<'a>>),
    /// `(attribute=value)`.
    Equality {
        /// Attribute description.
        attribute: &'a [u8],
        /// Assertion value.
        value: &'a [u8],
    },
    /// `(attribute=initial*any*last)`.
    Substrings {
        /// Attribute description.
        attribute: &'a [u8],
        /// What the value begins with.
        initial: Option<&'a [u8]>,
        /// What it holds, in that order.
        any: Vec<&'a [u8]>,
        /// What it ends with.
        last: Option<&'a [u8]>,
    },
    /// `(attribute>=value)`.
    GreaterOrEqual {
        /// Attribute description.
        attribute: &'a [u8],
        /// Assertion value.
        value: &'a [u8],
    },
    /// `(attribute<=value)`.
    LessOrEqual {
        /// Attribute description.
        attribute: &'a [u8],
        /// Assertion value.
        value: &'a [u8],
    },
    /// `(attribute=*)`.
    Present(&'a [u8]),
    /// `(attribute~=value)`.
    Approx {
        /// Attribute description.
        attribute: &'a [u8],
        /// Assertion value.
        value: &'a [u8],
    },
    /// `(attribute:dn:rule:=value)`; attribute or rule is there.
    Extensible {
        /// Name or object identifier of the matching rule.
        rule: Option<&'a [u8]>,
        /// Attribute description; without it, every attribute the rule applies to.
        attribute: Option<&'a [u8]>,
        /// Assertion value.
        value: &'a [u8],
        /// Whether the attributes of the DN count, too.
        dn_attributes: bool,
    },
}
