//! Codes of authenticator apps: time-based one-time passwords (RFC 6238) with what every app understands: SHA-1, six
//! digits, 30 seconds.

use doorward_core::{random, secret::Secret};
use jiff::Timestamp;
use totp_rs::{Builder, Totp};

/// Length of a secret, in bytes (RFC 4226, section 4, R6: 160 bits recommended).
const SECRET: usize = 20;
/// Steps that a clock may be slow or fast (RFC 6238, section 5.2: one at most).
const SKEW: u16 = 1;

/// A new secret to share with an app.
pub fn new_secret() -> Secret<Vec<u8>> {
    Secret::new(random::bytes::<SECRET>().to_vec())
}

fn totp(secret: &Secret<Vec<u8>>, issuer: Option<&str>, account: &str) -> Option<Totp> {
    // A colon parts issuer and account in the label.
    let label = |text: &str| text.replace(':', " ");
    Builder::new()
        .with_secret(secret.expose().clone())
        .with_skew(SKEW)
        .with_issuer(issuer.map(label))
        .with_account_name(label(account))
        .build()
        .ok()
}

/// The time step whose code this is: the present one, or the one before or after. A secret that cannot be one has no
/// codes.
pub fn matching_step(secret: &Secret<Vec<u8>>, code: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.as_second()).ok()?;
    let step = totp(secret, None, "")?.check(code, seconds)?;
    i64::try_from(step).ok()
}

/// The code at a moment.
pub fn code(secret: &Secret<Vec<u8>>, now: Timestamp) -> Option<String> {
    let seconds = u64::try_from(now.as_second()).ok()?;
    Some(totp(secret, None, "")?.generate(seconds).to_string())
}

/// The secret as people type it into an app (RFC 4648, section 6, without padding).
pub fn base32(secret: &Secret<Vec<u8>>) -> String {
    totp(secret, None, "").map(|totp| totp.secret().to_base32()).unwrap_or_default()
}

/// The address that a QR code holds (`otpauth://totp/…`, Google Authenticator's key URI format).
pub fn url(secret: &Secret<Vec<u8>>, issuer: &str, account: &str) -> Option<String> {
    totp(secret, Some(issuer), account)?.to_url().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::from_millis;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        from_millis(seconds * 1000)
    }

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        for (time, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&secret, at(time)).as_deref(), Some(expected));
            assert_eq!(matching_step(&secret, expected, at(time)), Some(time / 30));
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_no_more() {
        let secret = new_secret();
        let shown = code(&secret, at(3_000_000)).unwrap();
        for (seconds, is_good) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let step = matching_step(&secret, &shown, at(3_000_000 + seconds));
            assert_eq!(step.is_some(), is_good, "{seconds}");
            assert!(step.is_none_or(|step| step == 100_000));
        }
    }

    #[test]
    fn the_address_names_issuer_and_account() {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        assert_eq!(base32(&secret), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let url = url(&secret, "id.example.org", "al:ice & b@example.org").unwrap();
        let url = url::Url::parse(&url).unwrap();
        assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")));
        assert_eq!(url.path(), "/id.example.org:al%20ice%20%26%20b%40example.org");
        assert!(url.query_pairs().any(|(name, value)| name == "issuer" && value == "id.example.org"));
        assert!(url.query_pairs().any(|(name, value)| name == "secret" && value == base32(&secret)));
    }

    #[test]
    fn a_damaged_secret_has_no_codes() {
        assert_eq!(matching_step(&Secret::new(Vec::new()), "000000", at(59)), None);
        assert_eq!(matching_step(&new_secret(), "000000", at(-59)), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}", seconds in any::<i32>()) {
            let secret = Secret::new(vec![7; 20]);
            let _ = matching_step(&secret, &text, at(i64::from(seconds)));
            let _ = url(&secret, &text, &text);
        }
    }
}
