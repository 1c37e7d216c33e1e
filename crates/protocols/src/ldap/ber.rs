//! BER as LDAP restricts it: definite lengths, primitive strings, one-byte tags (RFC 4511, section 5.1).

/// `BOOLEAN`.
pub const BOOLEAN: u8 = 0x01;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `OCTET STRING`.
pub const OCTETS: u8 = 0x04;
/// `ENUMERATED`.
pub const ENUMERATED: u8 = 0x0a;
/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;
/// `SET`.
pub const SET: u8 = 0x31;
/// Deepest nesting that [`check`] follows.
pub const DEPTH_MAX: usize = 64;

/// The bit of a tag that says that elements stand inside.
const CONSTRUCTED: u8 = 0x20;

/// Why bytes are not the BER that LDAP speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    /// The element ends before its length says.
    #[error("the data ends inside an element")]
    Truncated,
    /// Another element was due.
    #[error("an element has an unexpected tag")]
    Tag,
    /// Tags of more than one byte do not occur in LDAP.
    #[error("a tag has more than one byte")]
    LongTag,
    /// RFC 4511, section 5.1: only the definite form is used.
    #[error("a length is of the indefinite form")]
    Indefinite,
    /// A length of more than four bytes.
    #[error("a length has more than four bytes")]
    LongLength,
    /// More bytes than allowed.
    #[error("the message is too large")]
    TooLarge,
    /// An integer that is empty or does not fit.
    #[error("an integer is empty or out of range")]
    Integer,
    /// A truth value that has not one byte.
    #[error("a truth value has not exactly one byte")]
    Boolean,
    /// Something follows where nothing may.
    #[error("something follows the last element")]
    Trailing,
    /// Nested too deep.
    #[error("elements are nested too deep")]
    Depth,
}

/// The length in bytes of the first message in a buffer, header included; the buffer may hold less than that. Nothing if
/// more bytes are needed to tell.
///
/// # Errors
/// If no message can begin like that, or it would be longer than `max` bytes.
pub fn frame_length(buffer: &[u8], max: usize) -> Result<Option<usize>, BerError> {
    let _ = (buffer, max);
    Ok(None)
}

/// Reads elements one after the other and never beyond its bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}
