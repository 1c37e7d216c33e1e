//! What a search asks for (RFC 4511, section 4.5.1).

use super::{
    ber::{Malformed, Reader, SEQUENCE},
    filter::{self, Filter},
};

/// Most attributes a search may name.
pub const ATTRIBUTES_MAX: usize = 1000;

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest<'a> {
    /// DN to begin at.
    pub base: &'a [u8],
    /// How far to look from there.
    pub scope: Scope,
    /// What to do with aliases; Doorward has none.
    pub deref: Deref,
    /// Most entries wanted; 0 for no limit.
    pub size_limit: u32,
    /// Longest time, in seconds; 0 for no limit.
    pub time_limit: u32,
    /// Names of attributes without values.
    pub types_only: bool,
    /// Which entries.
    pub filter: Filter<'a>,
    /// Which attributes; none means all user attributes (section 4.5.1.8).
    pub attributes: Vec<&'a [u8]>,
}

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The base only.
    Base,
    /// What stands directly under the base.
    One,
    /// The base and everything under it.
    Subtree,
    /// Everything under the base, but not the base (draft-sermersheim-ldap-subordinate-scope; `ldapsearch -s children`).
    Children,
}

/// When aliases are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deref {
    /// Never.
    Never,
    /// Under the base.
    Searching,
    /// To find the base.
    Finding,
    /// Always.
    Always,
}

/// Reads the content of a search request.
pub(super) fn decode(content: &[u8]) -> Result<SearchRequest<'_>, Malformed> {
    let mut reader = Reader::new(content);
    let base = reader.octets()?;
    let scope = match reader.enumerated()? {
        0 => Scope::Base,
        1 => Scope::One,
        2 => Scope::Subtree,
        3 => Scope::Children,
        _ => return Err(Malformed("There is no such scope")),
    };
    let deref = match reader.enumerated()? {
        0 => Deref::Never,
        1 => Deref::Searching,
        2 => Deref::Finding,
        3 => Deref::Always,
        _ => return Err(Malformed("There is no such way to follow aliases")),
    };
    let (size_limit, time_limit, types_only) = (reader.count()?, reader.count()?, reader.boolean()?);
    let (tag, filter) = reader.element()?;
    let filter = filter::decode(tag, filter)?;
    let attributes = attributes(reader.nested(SEQUENCE)?)?;
    reader.skip_rest()?;
    Ok(SearchRequest { base, scope, deref, size_limit, time_limit, types_only, filter, attributes })
}

fn attributes(mut reader: Reader<'_>) -> Result<Vec<&[u8]>, Malformed> {
    let mut attributes = Vec::new();
    while !reader.is_empty() {
        if attributes.len() >= ATTRIBUTES_MAX {
            return Err(Malformed("The search names more than 1000 attributes"));
        }
        attributes.push(reader.octets()?);
    }
    Ok(attributes)
}
