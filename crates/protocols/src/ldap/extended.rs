//! Extended operations (RFC 4511, section 4.12).

use std::fmt;

use super::ber::{BerError, Reader, SEQUENCE, close, open, put};

/// `StartTLS` (RFC 4511, section 4.14).
pub const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// Who am I? (RFC 4532).
pub const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";
/// Password modify (RFC 3062).
pub const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
/// The server closes the connection (RFC 4511, section 4.4.1).
pub const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// Whose password is to be changed (RFC 3062, section 2.1). The passwords are never printed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PasswordModify<'a> {
    /// Whose; without it, of whoever asks.
    pub user: Option<&'a [u8]>,
    /// The password until now.
    pub old: Option<&'a [u8]>,
    /// The password from now on; without it, one is made.
    pub new: Option<&'a [u8]>,
}

impl fmt::Debug for PasswordModify<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.map(<[u8]>::escape_ascii);
        match user {
            Some(user) => write!(f, "PasswordModify({user})"),
            None => f.write_str("PasswordModify"),
        }
    }
}

/// Reads the value of a password modify request.
///
/// # Errors
/// If it is not what RFC 3062 says.
pub fn password_modify(value: Option<&[u8]>) -> Result<PasswordModify<'_>, BerError> {
    let Some(value) = value else { return Ok(PasswordModify::default()) };
    let mut outer = Reader::new(value);
    let mut inner = outer.nested(SEQUENCE)?;
    outer.end()?;
    let request =
        PasswordModify { user: inner.optional(0x80)?, old: inner.optional(0x81)?, new: inner.optional(0x82)? };
    inner.skip_rest()?;
    Ok(request)
}

/// The value of the response that tells a password that was made (RFC 3062, section 2).
pub fn generated_password(password: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(password.len() + 8);
    let sequence = open(&mut out, SEQUENCE);
    put(&mut out, 0x80, password.as_bytes());
    close(&mut out, sequence);
    out
}
