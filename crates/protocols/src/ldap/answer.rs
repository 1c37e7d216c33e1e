//! Answers, appended to the buffer that goes to the client.

use super::{
    ber::{ENUMERATED, INTEGER, OCTETS, SEQUENCE, SET, close, close_wide, open, open_wide, put, put_integer},
    control::PAGED_RESULTS,
    extended::NOTICE_OF_DISCONNECTION,
    message::ResponseKind,
    result::{LdapResult, ResultCode},
};

/// The answer to a request that ends with a plain result; `Search` means `SearchResultDone`.
pub fn result(out: &mut Vec<u8>, id: i32, kind: ResponseKind, result: &LdapResult<'_>) {
    let envelope = begin(out, id);
    let body = begin_result(out, kind, result);
    close(out, body);
    close(out, envelope);
}

/// The end of a search; with the estimate (entries altogether, 0 if unknown) and the cookie of a page (RFC 2696).
pub fn search_done(out: &mut Vec<u8>, id: i32, result: &LdapResult<'_>, paged: Option<(u32, &[u8])>) {
    let envelope = begin(out, id);
    let body = begin_result(out, ResponseKind::Search, result);
    close(out, body);
    if let Some((estimate, cookie)) = paged {
        let controls = open(out, 0xa0);
        let control = open(out, SEQUENCE);
        put(out, OCTETS, PAGED_RESULTS.as_bytes());
        let value = open(out, OCTETS);
        let page = open(out, SEQUENCE);
        put_integer(out, INTEGER, i64::from(estimate));
        put(out, OCTETS, cookie);
        for start in [page, value, control, controls] {
            close(out, start);
        }
    }
    close(out, envelope);
}

/// The answer to an extended request.
pub fn extended(out: &mut Vec<u8>, id: i32, result: &LdapResult<'_>, name: Option<&str>, value: Option<&[u8]>) {
    let envelope = begin(out, id);
    let body = begin_result(out, ResponseKind::Extended, result);
    if let Some(name) = name {
        put(out, 0x8a, name.as_bytes());
    }
    if let Some(value) = value {
        put(out, 0x8b, value);
    }
    close(out, body);
    close(out, envelope);
}

/// The notice that the server closes the connection (RFC 4511, section 4.4.1).
pub fn disconnection(out: &mut Vec<u8>, code: ResultCode, message: &str) {
    extended(out, 0, &LdapResult::new(code, message), Some(NOTICE_OF_DISCONNECTION), None);
}

fn begin(out: &mut Vec<u8>, id: i32) -> usize {
    let envelope = open(out, SEQUENCE);
    put_integer(out, INTEGER, i64::from(id));
    envelope
}

fn begin_result(out: &mut Vec<u8>, kind: ResponseKind, result: &LdapResult<'_>) -> usize {
    let body = open(out, kind.tag());
    put_integer(out, ENUMERATED, i64::from(result.code.code()));
    put(out, OCTETS, result.matched_dn.as_bytes());
    put(out, OCTETS, result.message.as_bytes());
    body
}

/// Appends a value as [`EntryWriter::encoded_values`] takes it, for sets that are written again and again.
pub fn append_value(out: &mut Vec<u8>, value: &[u8]) {
    put(out, OCTETS, value);
}

/// A search result entry written attribute by attribute, straight into the buffer. It must be ended or discarded.
#[derive(Debug)]
#[must_use]
pub struct EntryWriter<'o> {
    out: &'o mut Vec<u8>,
    /// Where the contents of the envelope, the entry and the list of attributes begin.
    envelope: usize,
    entry: usize,
    attributes: usize,
    /// Where the contents of the attribute begun last and of its values begin.
    attribute: Option<(usize, usize)>,
}

impl<'o> EntryWriter<'o> {
    /// Begins an entry.
    pub fn begin(out: &'o mut Vec<u8>, id: i32, dn: &[u8]) -> Self {
        let envelope = open_wide(out, SEQUENCE);
        put_integer(out, INTEGER, i64::from(id));
        let entry = open_wide(out, 0x64);
        put(out, OCTETS, dn);
        let attributes = open_wide(out, SEQUENCE);
        Self { out, envelope, entry, attributes, attribute: None }
    }

    /// Begins an attribute with an empty set of values.
    pub fn attribute(&mut self, name: &str) {
        self.end_attribute();
        let attribute = open(self.out, SEQUENCE);
        put(self.out, OCTETS, name.as_bytes());
        let values = open(self.out, SET);
        self.attribute = Some((attribute, values));
    }

    /// Adds a value to the attribute begun last; without one, nothing happens.
    pub fn value(&mut self, value: &[u8]) {
        if self.attribute.is_some() {
            put(self.out, OCTETS, value);
        }
    }

    /// Adds values that [`append_value`] encoded before.
    pub fn encoded_values(&mut self, values: &[u8]) {
        if self.attribute.is_some() {
            self.out.extend_from_slice(values);
        }
    }

    /// Ends the entry.
    pub fn end(mut self) {
        self.end_attribute();
        for start in [self.attributes, self.entry, self.envelope] {
            close_wide(self.out, start);
        }
    }

    /// Takes the entry back: the buffer is as it was before.
    pub fn discard(self) {
        // The envelope has a header of six bytes.
        self.out.truncate(self.envelope.saturating_sub(6));
    }

    fn end_attribute(&mut self) {
        if let Some((attribute, values)) = self.attribute.take() {
            close(self.out, values);
            close(self.out, attribute);
        }
    }
}
