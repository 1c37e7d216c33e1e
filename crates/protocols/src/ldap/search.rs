//! What a search asks for (RFC 4511, section 4.5.1).

use super::filter::Filter;

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
