//! Device authorization (RFC 8628): the code people type, the answer to devices, and how often they may ask.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

use super::{authorize::scopes, error::OAuthError, parameters::Parameters};

/// Length of a device code: letters and digits, 762 bits (authentik's).
pub const DEVICE_CODE_LENGTH: usize = 128;
/// Digits of a user code (authentik's). A thousand million of them: guessing is slowed down where they are typed (RFC 8628,
/// section 5.1).
pub const USER_CODE_DIGITS: usize = 9;
/// How long a code can be typed and allowed, and the tokens be fetched. Not authentik's `access_code_validity`, a minute by
/// default, in which nobody who has to sign in first is done; and not longer, because whoever phishes with a code would have
/// longer, too (RFC 8628, section 5.4).
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How long a device waits between two questions, at first (RFC 8628, section 3.2).
pub const INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// By how much the interval grows whenever a device asks too early (RFC 8628, section 3.5).
pub const SLOWER: SignedDuration = SignedDuration::from_secs(5);
/// The interval grows no further: no device that goes on asking shall be shut out for its whole code.
pub const INTERVAL_MAX: SignedDuration = SignedDuration::from_mins(1);
/// How much too early a question may come: what was sent in time can be on its way for less time than the one before.
pub const EARLY: SignedDuration = SignedDuration::from_secs(1);
/// Longest text that is read as a user code, in bytes.
const TYPED_MAX: usize = 64;

/// The scopes that a device asks for (RFC 8628, section 3.1): those that are configured (CVE-2024-52287). None asked for
/// means all of them but offline access, as at the authorization endpoint.
///
/// # Errors
/// `invalid_scope` if the parameter is malformed.
pub fn requested_scopes(
    parameters: &Parameters,
    configured: &BTreeSet<String>,
) -> Result<BTreeSet<String>, OAuthError> {
    scopes(parameters.get("scope"), configured)
}

/// A code as typed, without what people put between digits. `None` if it cannot be one.
pub fn read_user_code(typed: &str) -> Option<String> {
    if typed.len() > TYPED_MAX {
        return None;
    }
    let is_between = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let code: String = typed.chars().filter(|c| !is_between(*c)).collect();
    (code.len() == USER_CODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// A code in groups of three, as people read and compare it.
pub fn grouped(user_code: &str) -> String {
    let mut out = String::with_capacity(user_code.len() + user_code.len() / 3);
    for (index, digit) in user_code.chars().enumerate() {
        if index > 0 && index % 3 == 0 {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

/// The answer to a device (RFC 8628, section 3.2).
#[derive(Debug, Clone, Serialize)]
pub struct DeviceAuthorizationResponse {
    /// What the device asks with.
    pub device_code: String,
    /// What the person types: digits, without anything between them.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code, for a QR code.
    pub verification_uri_complete: String,
    /// For how long, in seconds.
    pub expires_in: i64,
    /// How long to wait between two questions, in seconds.
    pub interval: i64,
}

impl DeviceAuthorizationResponse {
    /// The answer for new codes, with the address of the page.
    pub fn new(device_code: String, user_code: String, page: String) -> Self {
        Self {
            device_code,
            verification_uri_complete: format!("{page}?code={user_code}"),
            user_code,
            verification_uri: page,
            expires_in: LIFETIME.as_secs(),
            interval: INTERVAL.as_secs(),
        }
    }
}

/// When a device asked last, and how long it has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    asked_at: Timestamp,
    interval: SignedDuration,
}

impl Pace {
    /// Takes note of a question. Says whether it came too early, for which the interval has grown (RFC 8628, section 3.5,
    /// `slow_down`). The first question is never too early.
    pub fn asked(before: Option<Self>, now: Timestamp) -> (Self, bool) {
        let Some(before) = before else { return (Self { asked_at: now, interval: INTERVAL }, false) };
        let is_early = now.duration_since(before.asked_at) < before.interval - EARLY;
        let interval = if is_early { (before.interval + SLOWER).min(INTERVAL_MAX) } else { before.interval };
        (Self { asked_at: now, interval }, is_early)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::from_millis;
    use proptest::prelude::*;

    #[test]
    fn codes_are_read_as_people_write_them() {
        for typed in
            ["123456789", "123-456-789", " 123 456 789\n", "123.456.789", "12–34–56–789", "123\u{a0}456\u{a0}789"]
        {
            assert_eq!(read_user_code(typed).as_deref(), Some("123456789"), "{typed:?}");
        }
        for typed in ["", "12345678", "1234567890", "12345678a", "١٢٣٤٥٦٧٨٩", "123+456+789", "-123456789x"] {
            assert_eq!(read_user_code(typed), None, "{typed:?}");
        }
        assert_eq!(read_user_code(&format!("{}123456789", " ".repeat(TYPED_MAX))), None);
        assert_eq!(grouped("123456789"), "123-456-789");
    }

    #[test]
    fn scopes_that_are_not_configured_are_dropped() {
        let configured = ["email", "offline_access", "openid"].map(str::to_owned).into();
        let read = |form: &str| requested_scopes(&Parameters::parse(form.as_bytes()).unwrap(), &configured);
        assert_eq!(read("scope=openid+admin").unwrap(), ["openid".to_owned()].into());
        assert_eq!(read("").unwrap(), ["email", "openid"].map(str::to_owned).into());
        assert!(read("scope=op%22en").is_err());
    }

    /// RFC 8628, section 3.5.
    #[test]
    fn whoever_asks_too_early_waits_five_seconds_longer_every_time() {
        let at = |second: i64| from_millis(second * 1000);
        let (pace, early) = Pace::asked(None, at(0));
        assert_eq!((early, pace.interval), (false, INTERVAL));
        let (pace, early) = Pace::asked(Some(pace), at(5));
        assert!(!early);
        let (pace, early) = Pace::asked(Some(pace), from_millis(9_100));
        assert!(!early, "a little early is in time");
        let (pace, early) = Pace::asked(Some(pace), at(12));
        assert_eq!((early, pace.interval.as_secs()), (true, 10));
        let (pace, early) = Pace::asked(Some(pace), at(17));
        assert_eq!((early, pace.interval.as_secs()), (true, 15), "the old interval is not enough any more");
        let (mut pace, early) = Pace::asked(Some(pace), at(32));
        assert_eq!((early, pace.interval.as_secs()), (false, 15), "it stays as long as it has become");
        for _ in 0..100 {
            pace = Pace::asked(Some(pace), at(32)).0;
        }
        assert_eq!(pace.interval, INTERVAL_MAX);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_digits(typed in ".{0,80}") {
            if let Some(code) = read_user_code(&typed) {
                prop_assert!(code.len() == USER_CODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()));
            }
        }

        #[test]
        fn what_is_grouped_reads_back(code in "[0-9]{9}") {
            prop_assert_eq!(read_user_code(&grouped(&code)), Some(code));
        }
    }
}
