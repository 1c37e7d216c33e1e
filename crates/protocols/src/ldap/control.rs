//! What clients add to a request (RFC 4511, section 4.1.11).

/// Simple paged results (RFC 2696).
pub const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// `ManageDsaIT` (RFC 3296): there are no referrals to manage, so it changes nothing.
pub const MANAGE_DSA_IT: &str = "2.16.840.1.113730.3.4.2";
/// Most controls of a request.
pub const CONTROLS_MAX: usize = 16;

/// The controls of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controls<'a> {
    /// Paged results.
    pub paged: Option<Paged<'a>>,
    /// Whether one is critical that nobody knows: `unavailableCriticalExtension`.
    pub unknown_critical: bool,
    /// The first such control.
    pub unknown_oid: Option<&'a [u8]>,
    /// Whether the value of a known control cannot be read, or it is there twice: `protocolError`.
    pub malformed: bool,
}

/// A page of results is asked for (RFC 2696, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paged<'a> {
    /// Most entries of the page; 0 asks for an estimate only (or, with a cookie, gives up).
    pub size: u32,
    /// Empty for the first page, then what came with the page before.
    pub cookie: &'a [u8],
}
