//! Proof Key for Code Exchange (RFC 7636), method S256 only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use super::error::{ErrorCode, OAuthError};

/// Checks the challenge of an authorization request (RFC 7636, sections 4.2 and 4.3; `plain` is refused, RFC 9700,
/// section 2.1.1).
///
/// # Errors
/// `invalid_request` if a challenge is required and missing, is malformed, or its method is not S256.
pub fn check_challenge(
    challenge: Option<&str>,
    method: Option<&str>,
    required: bool,
) -> Result<Option<String>, OAuthError> {
    let refuse = |description| Err(OAuthError::new(ErrorCode::InvalidRequest, description));
    let Some(challenge) = challenge else {
        return match method {
            Some(_) => refuse("code_challenge_method is given without code_challenge"),
            None if required => refuse("Public clients must use PKCE: code_challenge is missing"),
            None => Ok(None),
        };
    };
    if method != Some("S256") {
        return refuse("Only the PKCE method S256 is supported");
    }
    let is_sha256 = URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32);
    if !is_sha256 {
        return refuse("code_challenge is not a base64url-encoded SHA-256 hash");
    }
    Ok(Some(challenge.to_owned()))
}

/// Checks the verifier of a token request against the challenge kept with the code (RFC 7636, section 4.6).
///
/// # Errors
/// `invalid_grant` if the verifier is missing, malformed or wrong, or if there was no challenge: a verifier without a
/// challenge is a downgrade (RFC 9700, section 4.8.2; CVE-2024-23647).
pub fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    let refuse = |description| Err(OAuthError::new(ErrorCode::InvalidGrant, description));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => refuse("code_verifier is given although the request had no code_challenge"),
        (Some(_), None) => refuse("code_verifier is missing"),
        (Some(challenge), Some(verifier)) => {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(legal) {
                return refuse("code_verifier must have 43 to 128 unreserved characters");
            }
            let matches: bool = s256(verifier).as_bytes().ct_eq(challenge.as_bytes()).into();
            if matches { Ok(()) } else { refuse("code_verifier does not match code_challenge") }
        }
    }
}

/// The S256 challenge of a verifier.
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_passes() {
        assert_eq!(s256(VERIFIER), CHALLENGE);
        assert_eq!(check_challenge(Some(CHALLENGE), Some("S256"), true), Ok(Some(CHALLENGE.to_owned())));
        assert_eq!(check_verifier(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
    }

    #[test]
    fn cve_2023_48228_a_missing_verifier_is_refused() {
        assert!(check_verifier(Some(CHALLENGE), None).is_err());
    }

    #[test]
    fn cve_2024_23647_a_verifier_without_challenge_is_refused() {
        assert!(check_verifier(None, Some(VERIFIER)).is_err());
    }

    #[test]
    fn weak_or_malformed_challenges_are_refused() {
        for (challenge, method) in [
            (Some(CHALLENGE), None),
            (Some(VERIFIER), Some("plain")),
            (Some("short"), Some("S256")),
            (None, Some("S256")),
        ] {
            assert!(check_challenge(challenge, method, false).is_err());
        }
        assert!(check_challenge(None, None, true).is_err());
        assert_eq!(check_challenge(None, None, false), Ok(None));
        assert!(check_verifier(Some(CHALLENGE), Some("too-short")).is_err());
        assert!(check_verifier(Some(CHALLENGE), Some(&VERIFIER.replace('d', "e"))).is_err());
    }
}
