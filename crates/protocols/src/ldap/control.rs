//! What clients add to a request (RFC 4511, section 4.1.11).

use super::ber::{BOOLEAN, BerError, Malformed, OCTETS, Reader, SEQUENCE, boolean};

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

/// Reads the controls of a message.
pub(super) fn decode(content: &[u8]) -> Result<Controls<'_>, Malformed> {
    let mut reader = Reader::new(content);
    let mut controls = Controls::default();
    for _ in 0..CONTROLS_MAX {
        if reader.is_empty() {
            return Ok(controls);
        }
        let mut control = reader.nested(SEQUENCE)?;
        let oid = control.octets()?;
        let is_critical = control.optional(BOOLEAN)?.map(boolean).transpose()?.unwrap_or(false);
        let value = control.optional(OCTETS)?;
        control.skip_rest()?;
        controls.add(oid, is_critical, value);
    }
    reader.end().map_err(|_| Malformed("The request has more than 16 controls"))?;
    Ok(controls)
}

impl<'a> Controls<'a> {
    fn add(&mut self, oid: &'a [u8], is_critical: bool, value: Option<&'a [u8]>) {
        if oid == PAGED_RESULTS.as_bytes() {
            match value.map(paged) {
                Some(Ok(paged)) if self.paged.is_none() => self.paged = Some(paged),
                _ => self.malformed = true,
            }
        } else if is_critical && oid != MANAGE_DSA_IT.as_bytes() {
            self.unknown_critical = true;
            self.unknown_oid.get_or_insert(oid);
        }
    }
}

fn paged(value: &[u8]) -> Result<Paged<'_>, BerError> {
    let mut outer = Reader::new(value);
    let mut inner = outer.nested(SEQUENCE)?;
    outer.end()?;
    let paged = Paged { size: inner.count()?, cookie: inner.octets()? };
    inner.skip_rest()?;
    Ok(paged)
}
