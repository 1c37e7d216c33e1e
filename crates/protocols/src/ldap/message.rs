//! The envelope of every request and what it may hold (RFC 4511, section 4.1.1).

use std::fmt;

use super::{
    ber::{BerError, Malformed, Reader, SEQUENCE, integer},
    control::{self, Controls},
    search::{self, SearchRequest},
};

/// Largest message taken, in bytes.
pub const FRAME_MAX: usize = 128 * 1024;

/// A request as it came. Everything is borrowed from the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Number given by the client, 1 to 2147483647; answers repeat it.
    pub id: i32,
    /// What is asked.
    pub request: Request<'a>,
    /// What was added to it.
    pub controls: Controls<'a>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// Prove who one is (RFC 4511, section 4.2).
    Bind(BindRequest<'a>),
    /// End the connection (section 4.3). There is no answer.
    Unbind,
    /// Find entries (section 4.5).
    Search(SearchRequest<'a>),
    /// Whether an entry has a value (section 4.10).
    Compare(CompareRequest<'a>),
    /// Stop working on the message of that number (section 4.11). There is no answer.
    Abandon(i32),
    /// An operation named by an object identifier (section 4.12).
    Extended(ExtendedRequest<'a>),
    /// Add the entry of that DN.
    Add(&'a [u8]),
    /// Change the entry of that DN.
    Modify(&'a [u8]),
    /// Delete the entry of that DN.
    Delete(&'a [u8]),
    /// Rename or move the entry of that DN.
    ModifyDn(&'a [u8]),
}

/// A bind request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindRequest<'a> {
    /// Version of the protocol; only 3 is of use.
    pub version: i64,
    /// DN, or what stands in its place.
    pub name: &'a [u8],
    /// What proves it.
    pub authentication: Authentication<'a>,
}

/// What proves who one is. The password is never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// A password, in the clear.
    Simple(&'a [u8]),
    /// SASL; the credentials are not kept.
    Sasl {
        /// Name of the mechanism.
        mechanism: &'a [u8],
    },
    /// A choice nobody knows, by its tag.
    Other(u8),
}

impl fmt::Debug for Authentication<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(_) => f.write_str("Simple(…)"),
            Self::Sasl { mechanism } => write!(f, "Sasl({})", mechanism.escape_ascii()),
            Self::Other(tag) => write!(f, "Other({tag:#04x})"),
        }
    }
}

/// A compare request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareRequest<'a> {
    /// DN of the entry.
    pub entry: &'a [u8],
    /// Attribute to look at.
    pub attribute: &'a [u8],
    /// Value it may have.
    pub value: &'a [u8],
}

/// An extended request. The value is not printed: it may hold passwords (RFC 3062).
#[derive(Clone, PartialEq, Eq)]
pub struct ExtendedRequest<'a> {
    /// Object identifier of the operation.
    pub name: &'a [u8],
    /// Its parameters.
    pub value: Option<&'a [u8]>,
}

impl fmt::Debug for ExtendedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtendedRequest({})", self.name.escape_ascii())
    }
}

/// A message that cannot be read. With number and kind an answer is possible; else the connection gets a notice of
/// disconnection (RFC 4511, section 4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct DecodeError {
    /// Number of the message, if it could be read.
    pub id: Option<i32>,
    /// Kind of the answer, if there is one and the rest of the message can be told from the next.
    pub answer: Option<ResponseKind>,
    /// What is wrong, for the client and the log.
    pub problem: &'static str,
}

/// Kinds of final answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseKind {
    /// `BindResponse`.
    Bind,
    /// `SearchResultDone`.
    Search,
    /// `ModifyResponse`.
    Modify,
    /// `AddResponse`.
    Add,
    /// `DelResponse`.
    Delete,
    /// `ModifyDNResponse`.
    ModifyDn,
    /// `CompareResponse`.
    Compare,
    /// `ExtendedResponse`.
    Extended,
}

impl Request<'_> {
    /// The kind of answer that ends it; `None` for those that have none.
    pub fn response(&self) -> Option<ResponseKind> {
        Some(match self {
            Self::Unbind | Self::Abandon(_) => return None,
            Self::Bind(_) => ResponseKind::Bind,
            Self::Search(_) => ResponseKind::Search,
            Self::Compare(_) => ResponseKind::Compare,
            Self::Extended(_) => ResponseKind::Extended,
            Self::Add(_) => ResponseKind::Add,
            Self::Modify(_) => ResponseKind::Modify,
            Self::Delete(_) => ResponseKind::Delete,
            Self::ModifyDn(_) => ResponseKind::ModifyDn,
        })
    }
}

impl ResponseKind {
    /// The tag of the answer.
    pub fn tag(self) -> u8 {
        match self {
            Self::Bind => 0x61,
            Self::Search => 0x65,
            Self::Modify => 0x67,
            Self::Add => 0x69,
            Self::Delete => 0x6b,
            Self::ModifyDn => 0x6d,
            Self::Compare => 0x6f,
            Self::Extended => 0x78,
        }
    }
}

/// Tags of requests.
mod tag {
    pub(super) const BIND: u8 = 0x60;
    pub(super) const UNBIND: u8 = 0x42;
    pub(super) const SEARCH: u8 = 0x63;
    pub(super) const MODIFY: u8 = 0x66;
    pub(super) const ADD: u8 = 0x68;
    pub(super) const DELETE: u8 = 0x4a;
    pub(super) const MODIFY_DN: u8 = 0x6c;
    pub(super) const COMPARE: u8 = 0x6e;
    pub(super) const ABANDON: u8 = 0x50;
    pub(super) const EXTENDED: u8 = 0x77;
    pub(super) const CONTROLS: u8 = 0xa0;
}

/// Reads a frame: exactly one message.
///
/// # Errors
/// What is wrong with it, and whether it can be answered.
pub fn decode(frame: &[u8]) -> Result<Message<'_>, DecodeError> {
    let (mut rest, id) = envelope(frame).map_err(|error| DecodeError {
        id: None,
        answer: None,
        problem: match error {
            BerError::Integer => "The message has no proper number",
            other => other.problem(),
        },
    })?;
    let failed = |answer, problem| DecodeError { id: Some(id), answer, problem };
    let (tag, content) = rest.element().map_err(|error| failed(None, error.problem()))?;
    let answer = answered(tag);
    if answer.is_none() && !matches!(tag, tag::UNBIND | tag::ABANDON) {
        return Err(failed(None, "There is no such request"));
    }
    let malformed = |error: Malformed| failed(answer, error.0);
    let request = request(tag, content).map_err(malformed)?;
    let controls = added(rest).map_err(malformed)?;
    Ok(Message { id, request, controls })
}

/// What follows the number of the message, and the number.
fn envelope(frame: &[u8]) -> Result<(Reader<'_>, i32), BerError> {
    let mut outer = Reader::new(frame);
    let mut envelope = outer.nested(SEQUENCE)?;
    outer.end()?;
    // RFC 4511, section 4.1.1.1: 0 is for notices of the server.
    let id = i32::try_from(envelope.integer()?).ok().filter(|id| *id > 0).ok_or(BerError::Integer)?;
    Ok((envelope, id))
}

/// The kind of the answer to a request of that tag.
fn answered(tag: u8) -> Option<ResponseKind> {
    match tag {
        tag::BIND => Some(ResponseKind::Bind),
        tag::SEARCH => Some(ResponseKind::Search),
        tag::MODIFY => Some(ResponseKind::Modify),
        tag::ADD => Some(ResponseKind::Add),
        tag::DELETE => Some(ResponseKind::Delete),
        tag::MODIFY_DN => Some(ResponseKind::ModifyDn),
        tag::COMPARE => Some(ResponseKind::Compare),
        tag::EXTENDED => Some(ResponseKind::Extended),
        _ => None,
    }
}

fn request(tag: u8, content: &[u8]) -> Result<Request<'_>, Malformed> {
    Ok(match tag {
        tag::BIND => Request::Bind(bind(content)?),
        tag::SEARCH => Request::Search(search::decode(content)?),
        tag::COMPARE => Request::Compare(compare(content)?),
        tag::EXTENDED => Request::Extended(extended(content)?),
        tag::ADD => Request::Add(dn_first(content)?),
        tag::MODIFY => Request::Modify(dn_first(content)?),
        tag::MODIFY_DN => Request::ModifyDn(dn_first(content)?),
        tag::DELETE => Request::Delete(content),
        tag::ABANDON => Request::Abandon(i32::try_from(integer(content)?).map_err(|_| BerError::Integer)?),
        _ if content.is_empty() => Request::Unbind,
        _ => return Err(BerError::Trailing.into()),
    })
}

fn bind(content: &[u8]) -> Result<BindRequest<'_>, Malformed> {
    let mut reader = Reader::new(content);
    let version = reader.integer()?;
    let name = reader.octets()?;
    let authentication = match reader.element()? {
        (0x80, password) => Authentication::Simple(password),
        (0xa3, sasl) => {
            let mut sasl = Reader::new(sasl);
            let mechanism = sasl.octets()?;
            sasl.skip_rest()?;
            Authentication::Sasl { mechanism }
        }
        (other, _) => Authentication::Other(other),
    };
    reader.skip_rest()?;
    Ok(BindRequest { version, name, authentication })
}

fn compare(content: &[u8]) -> Result<CompareRequest<'_>, Malformed> {
    let mut reader = Reader::new(content);
    let entry = reader.octets()?;
    let mut assertion = reader.nested(SEQUENCE)?;
    let (attribute, value) = (assertion.octets()?, assertion.octets()?);
    assertion.skip_rest()?;
    reader.skip_rest()?;
    Ok(CompareRequest { entry, attribute, value })
}

fn extended(content: &[u8]) -> Result<ExtendedRequest<'_>, Malformed> {
    let mut reader = Reader::new(content);
    let name = reader.expect(0x80)?;
    let value = reader.optional(0x81)?;
    reader.skip_rest()?;
    Ok(ExtendedRequest { name, value })
}

/// The DN a request begins with. The rest is refused whatever it says, but must be well-formed.
fn dn_first(content: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(content);
    let dn = reader.octets()?;
    reader.skip_rest()?;
    Ok(dn)
}

/// The controls after a request.
fn added(mut rest: Reader<'_>) -> Result<Controls<'_>, Malformed> {
    let controls = match rest.optional(tag::CONTROLS)? {
        Some(content) => control::decode(content)?,
        None => Controls::default(),
    };
    rest.skip_rest()?;
    Ok(controls)
}
