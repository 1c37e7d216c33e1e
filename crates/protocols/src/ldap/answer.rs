//! Answers, appended to the buffer that goes to the client.

use super::{
    message::ResponseKind,
    result::{LdapResult, ResultCode},
};

/// The answer to a request that ends with a plain result; `Search` means `SearchResultDone`.
pub fn result(out: &mut Vec<u8>, id: i32, kind: ResponseKind, result: &LdapResult<'_>) {
    let _ = (out, id, kind, result);
}

/// The end of a search; with the estimate and the cookie of a page (RFC 2696).
pub fn search_done(out: &mut Vec<u8>, id: i32, result: &LdapResult<'_>, paged: Option<(u32, &[u8])>) {
    let _ = (out, id, result, paged);
}

/// The answer to an extended request.
pub fn extended(out: &mut Vec<u8>, id: i32, result: &LdapResult<'_>, name: Option<&str>, value: Option<&[u8]>) {
    let _ = (out, id, result, name, value);
}

/// The notice that the server closes the connection (RFC 4511, section 4.4.1).
pub fn disconnection(out: &mut Vec<u8>, code: ResultCode, message: &str) {
    let _ = (out, code, message);
}

/// A search result entry written attribute by attribute, straight into the buffer.
#[derive(Debug)]
#[must_use]
pub struct EntryWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> EntryWriter<'o> {
    /// Begins an entry.
    pub fn begin(out: &'o mut Vec<u8>, id: i32, dn: &[u8]) -> Self {
        let _ = (id, dn);
        Self { out }
    }

    /// Begins an attribute with an empty set of values.
    pub fn attribute(&mut self, name: &str) {
        let _ = name;
    }

    /// Adds a value to the attribute begun last.
    pub fn value(&mut self, value: &[u8]) {
        let _ = value;
    }

    /// Ends the entry.
    pub fn end(self) {
        let _ = self.out;
    }

    /// Takes the entry back: the buffer is as it was before.
    pub fn discard(self) {}
}

/// Appends one value of a set, as [`EntryWriter::encoded_values`] takes it.
pub fn append_value(out: &mut Vec<u8>, value: &[u8]) {
    let _ = (out, value);
}

impl EntryWriter<'_> {
    /// Adds values that were encoded before by [`append_value`].
    pub fn encoded_values(&mut self, values: &[u8]) {
        let _ = values;
    }
}
