//! Authenticator apps: a code of six digits, new every 30 seconds, shown beside the password.

use jiff::Timestamp;

use crate::{id::UserId, secret::Secret};

/// Digits of a code.
pub const CODE_DIGITS: usize = 6;

/// A person's authenticator app as kept.
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// Whose it is.
    pub user: UserId,
    /// What the app and Doorward share.
    pub secret: Secret<Vec<u8>>,
    /// When a code of it first came back.
    pub confirmed_at: Timestamp,
    /// The last time step whose code was used; a code of it or of an earlier one is refused.
    pub last_step: i64,
}

/// Whether a text is a code: six digits.
pub fn is_code(text: &str) -> bool {
    text.len() == CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A code as typed into a field, without the spaces that many apps show in it.
pub fn code_from_field(typed: &str) -> Option<String> {
    let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    is_code(&code).then_some(code)
}

/// Password and code where both come in one field, as `password;123456`. Only the last semicolon counts, and only if a
/// code stands behind it: the password itself may hold more.
pub fn split_code(field: &str) -> Option<(&str, &str)> {
    field.rsplit_once(';').filter(|(_, code)| is_code(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_semicolon_parts_password_and_code() {
        for (field, parts) in [
            ("pw;123456", Some(("pw", "123456"))),
            ("p;w;123456", Some(("p;w", "123456"))),
            ("pw;111111;222222", Some(("pw;111111", "222222"))),
            (";123456", Some(("", "123456"))),
            ("pw;12345", None),
            ("pw;1234567", None),
            ("pw;12345a", None),
            ("pw;１２３４５６", None),
            ("pw; 123456", None),
            ("pw123456", None),
            ("", None),
        ] {
            assert_eq!(split_code(field), parts, "{field}");
        }
    }

    #[test]
    fn a_code_may_be_typed_in_two_groups() {
        assert_eq!(code_from_field(" 123 456 ").as_deref(), Some("123456"));
        for text in ["", "12345", "1234567", "12a456"] {
            assert_eq!(code_from_field(text), None, "{text}");
        }
    }
}
