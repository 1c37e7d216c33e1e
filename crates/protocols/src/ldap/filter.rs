//! Which entries a search wants (RFC 4511, section 4.5.1.7).

use super::ber::{Malformed, Reader, SEQUENCE, boolean};

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

/// Reads a filter from its tag and content.
pub(super) fn decode(tag: u8, content: &[u8]) -> Result<Filter<'_>, Malformed> {
    Budget { parts: PARTS_MAX }.filter(tag, content, DEPTH_MAX)
}

/// How many parts are left. The depth is passed along, so that recursion ends, too.
struct Budget {
    parts: usize,
}

impl Budget {
    fn spend(&mut self) -> Result<(), Malformed> {
        self.parts = self.parts.checked_sub(1).ok_or(Malformed("The filter has more than 1024 parts"))?;
        Ok(())
    }

    fn filter<'a>(&mut self, tag: u8, content: &'a [u8], depth: usize) -> Result<Filter<'a>, Malformed> {
        self.spend()?;
        let depth = depth.checked_sub(1).ok_or(Malformed("The filter is nested deeper than 32 levels"))?;
        let reader = Reader::new(content);
        Ok(match tag {
            0xa0 => Filter::And(self.parts(reader, depth)?),
            0xa1 => Filter::Or(self.parts(reader, depth)?),
            0xa2 => Filter::Not(Box::new(self.only(reader, depth)?)),
            0xa3 => assertion(reader, |attribute, value| Filter::Equality { attribute, value })?,
            0xa4 => self.substrings(reader)?,
            0xa5 => assertion(reader, |attribute, value| Filter::GreaterOrEqual { attribute, value })?,
            0xa6 => assertion(reader, |attribute, value| Filter::LessOrEqual { attribute, value })?,
            0x87 => Filter::Present(content),
            0xa8 => assertion(reader, |attribute, value| Filter::Approx { attribute, value })?,
            0xa9 => extensible(reader)?,
            _ => return Err(Malformed("There is no such kind of filter")),
        })
    }

    fn parts<'a>(&mut self, mut reader: Reader<'a>, depth: usize) -> Result<Vec<Filter<'a>>, Malformed> {
        let mut parts = Vec::new();
        while !reader.is_empty() {
            let (tag, content) = reader.element()?;
            parts.push(self.filter(tag, content, depth)?);
        }
        Ok(parts)
    }

    fn only<'a>(&mut self, mut reader: Reader<'a>, depth: usize) -> Result<Filter<'a>, Malformed> {
        let (tag, content) = reader.element()?;
        reader.end()?;
        self.filter(tag, content, depth)
    }

    fn substrings<'a>(&mut self, mut reader: Reader<'a>) -> Result<Filter<'a>, Malformed> {
        let attribute = reader.octets()?;
        let mut pieces = reader.nested(SEQUENCE)?;
        reader.skip_rest()?;
        if pieces.is_empty() {
            return Err(Malformed("A substring assertion is empty"));
        }
        let initial = pieces.optional(0x80)?;
        let mut any = Vec::new();
        while let Some(piece) = pieces.optional(0x81)? {
            self.spend()?;
            any.push(piece);
        }
        let last = pieces.optional(0x82)?;
        pieces.end().map_err(|_| Malformed("The pieces of a substring assertion are out of order"))?;
        Ok(Filter::Substrings { attribute, initial, any, last })
    }
}

fn assertion<'a>(
    mut reader: Reader<'a>,
    make: impl FnOnce(&'a [u8], &'a [u8]) -> Filter<'a>,
) -> Result<Filter<'a>, Malformed> {
    let (attribute, value) = (reader.octets()?, reader.octets()?);
    reader.skip_rest()?;
    Ok(make(attribute, value))
}

fn extensible(mut reader: Reader<'_>) -> Result<Filter<'_>, Malformed> {
    let rule = reader.optional(0x81)?;
    let attribute = reader.optional(0x82)?;
    let value = reader.expect(0x83)?;
    let dn_attributes = reader.optional(0x84)?.map(boolean).transpose()?.unwrap_or(false);
    reader.skip_rest()?;
    if rule.is_none() && attribute.is_none() {
        return Err(Malformed("An extensible match names neither attribute nor rule"));
    }
    Ok(Filter::Extensible { rule, attribute, value, dn_attributes })
}
