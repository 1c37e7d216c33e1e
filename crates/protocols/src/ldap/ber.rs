//! BER as LDAP restricts it: definite lengths, primitive strings, one-byte tags (RFC 4511, section 5.1).

use std::fmt;

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
/// Tags whose low bits are all set go on in the next byte.
const LONG_TAG: u8 = 0x1f;
/// A length of four bytes follows: always long enough, so it can be reserved before the content is known.
const WIDE_LENGTH: [u8; 5] = [0x84, 0, 0, 0, 0];

/// Why bytes are not the BER that LDAP speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BerError {
    /// The data ends before the element does.
    Truncated,
    /// Another element was due.
    Tag,
    /// Tags of more than one byte do not occur in LDAP.
    LongTag,
    /// RFC 4511, section 5.1: only the definite form is used.
    Indefinite,
    /// A length of more than four bytes.
    LongLength,
    /// More bytes than allowed.
    TooLarge,
    /// An integer is empty or out of range.
    Integer,
    /// A truth value has not exactly one byte.
    Boolean,
    /// Something follows where nothing may.
    Trailing,
    /// Nested too deep.
    Depth,
}

impl BerError {
    /// What is wrong, for people.
    pub fn problem(self) -> &'static str {
        match self {
            Self::Truncated => "The data ends inside an element",
            Self::Tag => "An element is missing or has an unexpected tag",
            Self::LongTag => "A tag has more than one byte",
            Self::Indefinite => "A length is of the indefinite form",
            Self::LongLength => "A length has more than four bytes",
            Self::TooLarge => "The message is too large",
            Self::Integer => "An integer is empty or out of range",
            Self::Boolean => "A truth value has not exactly one byte",
            Self::Trailing => "Something follows the last element",
            Self::Depth => "Elements are nested too deep",
        }
    }
}

impl fmt::Display for BerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem())
    }
}

impl std::error::Error for BerError {}

/// What is wrong with the inside of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl From<BerError> for Malformed {
    fn from(error: BerError) -> Self {
        Self(error.problem())
    }
}

/// The length in bytes of the first message in a buffer, header included; the buffer may hold less than that. Nothing if
/// more bytes are needed to tell.
///
/// # Errors
/// If no message can begin like that, or it would be longer than `max` bytes.
pub fn frame_length(buffer: &[u8], max: usize) -> Result<Option<usize>, BerError> {
    let Some((&tag, rest)) = buffer.split_first() else { return Ok(None) };
    if tag != SEQUENCE {
        return Err(BerError::Tag);
    }
    let Some((used, length)) = length(rest)? else { return Ok(None) };
    let total = length.saturating_add(used + 1);
    if total > max { Err(BerError::TooLarge) } else { Ok(Some(total)) }
}

/// How many bytes a length takes, and the length. Nothing if it is not complete.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, BerError> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let low = usize::from(first & 0x7f);
    if first < 0x80 {
        return Ok(Some((1, low)));
    }
    match low {
        0 => Err(BerError::Indefinite),
        1..=4 => Ok(rest.get(..low).map(|digits| {
            let length = digits.iter().fold(0, |length, &digit| (length << 8) | usize::from(digit));
            (1 + low, length)
        })),
        _ => Err(BerError::LongLength),
    }
}

/// Checks that bytes are elements to the last, in what is constructed, too.
///
/// # Errors
/// If they are not, or are nested deeper than [`DEPTH_MAX`].
pub fn check(bytes: &[u8]) -> Result<(), BerError> {
    // A list instead of recursion: the depth comes from outside.
    let mut open = vec![Reader::new(bytes)];
    while let Some(reader) = open.last_mut() {
        if reader.is_empty() {
            open.pop();
            continue;
        }
        let (tag, content) = reader.element()?;
        if tag & CONSTRUCTED != 0 {
            if open.len() >= DEPTH_MAX {
                return Err(BerError::Depth);
            }
            open.push(Reader::new(content));
        }
    }
    Ok(())
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

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is: tag and content.
    pub fn element(&mut self) -> Result<(u8, &'a [u8]), BerError> {
        let (&tag, rest) = self.rest.split_first().ok_or(BerError::Truncated)?;
        if tag & LONG_TAG == LONG_TAG {
            return Err(BerError::LongTag);
        }
        let (used, length) = length(rest)?.ok_or(BerError::Truncated)?;
        let after = rest.get(used..).ok_or(BerError::Truncated)?;
        let (content, rest) = after.split_at_checked(length).ok_or(BerError::Truncated)?;
        self.rest = rest;
        Ok((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Result<&'a [u8], BerError> {
        self.optional(tag)?.ok_or(BerError::Tag)
    }

    /// The content of the next element if it has this tag; else it is left where it is.
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, BerError> {
        if self.rest.first() == Some(&tag) { self.element().map(|(_, content)| Some(content)) } else { Ok(None) }
    }

    /// The elements in the next one, which must have this tag.
    pub fn nested(&mut self, tag: u8) -> Result<Self, BerError> {
        self.expect(tag).map(Self::new)
    }

    /// An `OCTET STRING`.
    pub fn octets(&mut self) -> Result<&'a [u8], BerError> {
        self.expect(OCTETS)
    }

    /// An `INTEGER` of at most eight bytes.
    pub fn integer(&mut self) -> Result<i64, BerError> {
        integer(self.expect(INTEGER)?)
    }

    /// An `INTEGER` from 0 to 2147483647 (`maxInt` of RFC 4511).
    pub fn count(&mut self) -> Result<u32, BerError> {
        i32::try_from(self.integer()?).ok().and_then(|value| u32::try_from(value).ok()).ok_or(BerError::Integer)
    }

    /// An `ENUMERATED`.
    pub fn enumerated(&mut self) -> Result<i64, BerError> {
        integer(self.expect(ENUMERATED)?)
    }

    /// A `BOOLEAN`.
    pub fn boolean(&mut self) -> Result<bool, BerError> {
        boolean(self.expect(BOOLEAN)?)
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<(), BerError> {
        if self.is_empty() { Ok(()) } else { Err(BerError::Trailing) }
    }

    /// Passes over what an extension may have added at the end of a sequence (RFC 4511, section 4), which must be
    /// well-formed all the same.
    pub fn skip_rest(self) -> Result<(), BerError> {
        if self.is_empty() { Ok(()) } else { check(self.rest) }
    }
}

/// The content of an integer (two's complement, at most eight bytes).
pub fn integer(content: &[u8]) -> Result<i64, BerError> {
    let (&first, rest) = content.split_first().ok_or(BerError::Integer)?;
    if content.len() > 8 {
        return Err(BerError::Integer);
    }
    let sign = i64::from(i8::from_be_bytes([first]));
    Ok(rest.iter().fold(sign, |value, &byte| (value << 8) | i64::from(byte)))
}

/// The content of a truth value: everything but 0 is true.
pub fn boolean(content: &[u8]) -> Result<bool, BerError> {
    match content {
        [byte] => Ok(*byte != 0),
        _ => Err(BerError::Boolean),
    }
}

/// Appends an element with this content.
pub fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    put_length(out, content.len());
    out.extend_from_slice(content);
}

/// Appends an integer in as few bytes as it needs.
pub fn put_integer(out: &mut Vec<u8>, tag: u8, value: i64) {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0 };
    // A leading byte that only repeats the sign is left out, unless the next one would then change it.
    let spare =
        bytes.windows(2).take_while(|pair| matches!(pair, [first, next] if *first == sign && (*next ^ sign) < 0x80));
    let (_, content) = bytes.split_at(spare.count());
    put(out, tag, content);
}

/// Begins an element whose length is not known yet. What comes back is for [`close`].
#[must_use]
pub fn open(out: &mut Vec<u8>, tag: u8) -> usize {
    out.extend_from_slice(&[tag, 0]);
    out.len()
}

/// Ends an element begun with [`open`]: content of 128 bytes and more is moved to make room for its length.
pub fn close(out: &mut Vec<u8>, start: usize) {
    let length = out.len().saturating_sub(start);
    if let (Ok(short @ ..0x80), Some(place)) = (u8::try_from(length), out.get_mut(start - 1)) {
        *place = short;
        return;
    }
    let bytes = length.to_be_bytes();
    let digits = significant(&bytes);
    out.splice(start..start, digits.iter().copied());
    if let (Ok(count), Some(place)) = (u8::try_from(digits.len()), out.get_mut(start - 1)) {
        *place = 0x80 | count;
    }
}

/// Like [`open`], for what is usually long: the length takes five bytes and the content stays where it is.
#[must_use]
pub fn open_wide(out: &mut Vec<u8>, tag: u8) -> usize {
    out.push(tag);
    out.extend_from_slice(&WIDE_LENGTH);
    out.len()
}

/// Ends an element begun with [`open_wide`]. The content must be smaller than 4 GiB.
pub fn close_wide(out: &mut [u8], start: usize) {
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start.saturating_sub(4)..start) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    if let Ok(short @ ..0x80) = u8::try_from(length) {
        out.push(short);
    } else {
        let bytes = length.to_be_bytes();
        let digits = significant(&bytes);
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0x7f));
        out.extend_from_slice(digits);
    }
}

/// A number in bytes without leading zeros.
fn significant(bytes: &[u8]) -> &[u8] {
    bytes.split_at(bytes.iter().take_while(|byte| **byte == 0).count()).1
}
