//! Distinguished names as text (RFC 4514).

use std::{borrow::Cow, fmt};

use super::{
    ber::{OCTETS, Reader},
    schema,
};

/// Longest DN, in bytes.
pub const DN_MAX: usize = 4096;
/// Most RDNs of a DN.
pub const RDNS_MAX: usize = 64;

/// Why a text is not a DN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// Longer than 4096 bytes, or more than 64 RDNs.
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
    /// Attribute types as written, and values without escapes; at least one.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    fn write_normalized(&self, out: &mut String) {
        if let [(kind, value)] = self.pairs() {
            write_normalized(kind, value, out);
            return;
        }
        let normalized = |(kind, value): &(String, String)| {
            let mut pair = String::new();
            write_normalized(kind, value, &mut pair);
            pair
        };
        let mut pairs: Vec<String> = self.0.iter().map(normalized).collect();
        pairs.sort_unstable();
        out.push_str(&pairs.join("+"));
    }
}

fn write_normalized(kind: &str, value: &str, out: &mut String) {
    let name = schema::find(kind.as_bytes()).map_or(kind, |kind| kind.name());
    out.extend(name.chars().map(|letter| letter.to_ascii_lowercase()));
    out.push('=');
    out.push_str(&escape(&normalize_value(value)));
}

impl PartialEq for Rdn {
    fn eq(&self, other: &Self) -> bool {
        let normalized = |rdn: &Self| {
            let mut text = String::new();
            rdn.write_normalized(&mut text);
            text
        };
        self.0 == other.0 || normalized(self) == normalized(other)
    }
}

impl Eq for Rdn {}

impl Dn {
    /// The form in which DNs are compared: the usual names of attribute types in lower case, values as
    /// [`normalize_value`] makes them, one way to escape, no spaces around separators, parts of an RDN sorted.
    pub fn normalized(&self) -> String {
        let mut out = String::new();
        for (index, rdn) in self.rdns.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            rdn.write_normalized(&mut out);
        }
        out
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
        self.rdns.split_first().map(|(_, parent)| Self { rdns: parent.to_vec() })
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns.iter().enumerate() {
            let mut separator = if index > 0 { "," } else { "" };
            for (kind, value) in rdn.pairs() {
                write!(f, "{separator}{kind}={}", escape(value))?;
                separator = "+";
            }
        }
        Ok(())
    }
}

/// Reads a DN. The empty text is the root.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &[u8]) -> Result<Dn, DnError> {
    if text.len() > DN_MAX {
        return Err(DnError::TooLong);
    }
    let mut rest = std::str::from_utf8(text).map_err(|_| DnError::Encoding)?.trim_start_matches(' ');
    let mut rdns = Vec::new();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (kind, after) = read_type(rest)?;
        let (value, separator, after) = read_value(after)?;
        pairs.push((kind.to_owned(), value));
        if separator != Some('+') {
            rdns.push(Rdn(std::mem::take(&mut pairs)));
        }
        if rdns.len() > RDNS_MAX {
            return Err(DnError::TooLong);
        }
        rest = after.trim_start_matches(' ');
        if separator.is_some() && rest.is_empty() {
            return Err(DnError::Type);
        }
    }
    Ok(Dn { rdns })
}

/// An attribute type, and what follows its `=` (RFC 4514, section 3: `attributeType`).
fn read_type(text: &str) -> Result<(&str, &str), DnError> {
    let (kind, rest) = text.split_once('=').ok_or(DnError::Type)?;
    let kind = kind.trim_matches(' ');
    let is_name = kind.starts_with(|c: char| c.is_ascii_alphabetic())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_oid = kind.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()));
    if is_name || is_oid { Ok((kind, rest)) } else { Err(DnError::Type) }
}

/// A value without its escapes, the separator that ends it, and what follows (RFC 4514, section 3: `attributeValue`).
fn read_value(text: &str) -> Result<(String, Option<char>, &str), DnError> {
    let text = text.trim_start_matches(' ');
    if let Some(hex) = text.strip_prefix('#') {
        return read_hex(hex);
    }
    let mut value = Vec::new();
    // Spaces after this many bytes stand before a separator and do not count.
    let mut kept = 0;
    let mut separator = None;
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        match next {
            ',' | '+' => {
                separator = Some(next);
                break;
            }
            '"' | ';' | '<' | '>' | '\0' => return Err(DnError::Value),
            '\\' => {
                let (byte, rest) = read_escape(chars.as_str())?;
                chars = rest.chars();
                value.push(byte);
                kept = value.len();
            }
            other => {
                value.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                kept = if other == ' ' { kept } else { value.len() };
            }
        }
    }
    value.truncate(kept);
    let value = String::from_utf8(value).map_err(|_| DnError::Encoding)?;
    Ok((value, separator, chars.as_str()))
}

/// What stands behind a backslash: two hexadecimal digits or a special character (RFC 4514, section 3: `pair`).
fn read_escape(text: &str) -> Result<(u8, &str), DnError> {
    let mut byte = [0];
    if let Some((digits, rest)) = text.split_at_checked(2)
        && hex::decode_to_slice(digits, &mut byte).is_ok()
    {
        return Ok((u8::from_be_bytes(byte), rest));
    }
    match text.as_bytes().first() {
        Some(special @ (b'\\' | b'"' | b'+' | b',' | b';' | b'<' | b'>' | b' ' | b'#' | b'=')) => {
            Ok((*special, text.get(1..).unwrap_or_default()))
        }
        _ => Err(DnError::Value),
    }
}

/// A value in hexadecimal digits: the BER of a string (RFC 4514, section 3: `hexstring`).
fn read_hex(text: &str) -> Result<(String, Option<char>, &str), DnError> {
    let end = text.find([',', '+']).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).ok_or(DnError::Value)?;
    let bytes = hex::decode(digits.trim_end_matches(' ')).map_err(|_| DnError::Value)?;
    let mut reader = Reader::new(&bytes);
    // OCTET STRING, UTF8String, PrintableString, IA5String.
    let value = match reader.element() {
        Ok((OCTETS | 0x0c | 0x13 | 0x16, content)) if reader.is_empty() => content,
        _ => return Err(DnError::Value),
    };
    let value = String::from_utf8(value.to_vec()).map_err(|_| DnError::Encoding)?;
    let mut chars = rest.chars();
    Ok((value, chars.next(), chars.as_str()))
}

/// A value as it stands in a DN (RFC 4514, section 2.4). Control characters are escaped, too, so that a DN is one line.
pub fn escape(value: &str) -> Cow<'_, str> {
    let last = value.len().saturating_sub(1);
    let needs = |index: usize, c: char| match c {
        '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
        ' ' => index == 0 || index == last,
        '#' => index == 0,
        other => other.is_ascii_control(),
    };
    if !value.char_indices().any(|(index, c)| needs(index, c)) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len() + 8);
    for (index, c) in value.char_indices() {
        if c.is_ascii_control() {
            out.push('\\');
            out.push_str(&hex::encode_upper(c.encode_utf8(&mut [0; 4])));
            continue;
        }
        if needs(index, c) {
            out.push('\\');
        }
        out.push(c);
    }
    Cow::Owned(out)
}

/// A value in the form in which `caseIgnoreMatch` compares it: lower case, no spaces around, single ones inside.
///
/// Compatibility forms are kept apart (RFC 4518, section 2.3, would fold them): usernames that differ for the rest of
/// Doorward must not become one here.
pub fn normalize_value(value: &str) -> String {
    let folded = value.to_lowercase();
    let mut out = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
