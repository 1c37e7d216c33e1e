//! How operations end, in words for the person who reads the client's error message.

use doorward_protocols::ldap::result::{LdapResult, ResultCode};
use std::borrow::Cow;

/// The end of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The result code.
    pub code: ResultCode,
    /// The diagnostic message.
    pub message: Cow<'static, str>,
    /// For `noSuchObject`: how far the tree is there.
    pub matched: String,
}

impl Answer {
    /// A code with words.
    pub(super) fn new(code: ResultCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), matched: String::new() }
    }

    /// It went well.
    pub(super) fn success() -> Self {
        Self::new(ResultCode::Success, "")
    }

    /// The database is away.
    pub(super) fn unavailable() -> Self {
        Self::new(ResultCode::Unavailable, "the database cannot be reached; try again")
    }

    /// A password would travel in the clear.
    pub(super) fn unprotected() -> Self {
        let message = "passwords are not accepted over an unprotected connection from another machine: use LDAPS or \
                       StartTLS, or set ldap_allow_plaintext";
        Self::new(ResultCode::ConfidentialityRequired, message)
    }

    /// Nobody has signed in.
    pub(super) fn sign_in_first() -> Self {
        Self::new(ResultCode::InsufficientAccessRights, "bind first: anonymous clients see the root DSE only")
    }

    /// As it is written.
    pub(super) fn result(&self) -> LdapResult<'_> {
        LdapResult { code: self.code, matched_dn: &self.matched, message: &self.message }
    }
}
