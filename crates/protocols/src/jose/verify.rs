//! Reading tokens that come back, such as `id_token_hint`.

use doorward_core::signing_key::KeyAlgorithm;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::Jwk};
use serde_json::{Map, Value};

/// Longest token that is looked at, in bytes.
pub const TOKEN_MAX: usize = 8 * 1024;

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Longer than 8 KiB.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Not a compact JWS.
    #[error("the token is malformed")]
    Malformed,
    /// An ID token where an access token has to be, or the other way round.
    #[error("the token is of another kind")]
    WrongKind,
    /// No such key.
    #[error("the token was not signed with a key of this application")]
    UnknownKey,
    /// Signature, issuer or audience are not right.
    #[error("the token is not valid: {0}")]
    Invalid(String),
}

/// Checks an ID token of ours: signature, issuer and audience, but not expiry, since expired ID tokens are valid hints
/// (OpenID Connect RP-Initiated Logout 1.0, section 4). The algorithm is the key's, whatever the token says.
///
/// # Errors
/// Why it is not believed.
pub fn id_token_hint(
    token: &str,
    keys: &[(KeyAlgorithm, Value)],
    issuer: &str,
    client_id: &str,
) -> Result<Map<String, Value>, VerifyError> {
    check(token, "JWT", keys, issuer, client_id)
}

/// Checks an access token of ours (RFC 9068, section 4): signature, issuer, audience and kind. Whether it has expired or was
/// revoked is kept with it.
///
/// # Errors
/// Why it is not believed.
pub fn access_token(
    token: &str,
    keys: &[(KeyAlgorithm, Value)],
    issuer: &str,
    client_id: &str,
) -> Result<Map<String, Value>, VerifyError> {
    check(token, "at+jwt", keys, issuer, client_id)
}

fn check(
    token: &str,
    expected: &str,
    keys: &[(KeyAlgorithm, Value)],
    issuer: &str,
    client_id: &str,
) -> Result<Map<String, Value>, VerifyError> {
    if token.len() > TOKEN_MAX {
        return Err(VerifyError::TooLong);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| VerifyError::Malformed)?;
    // Old ID tokens may say nothing; access tokens always say what they are (RFC 9068, section 4).
    let found = header.typ.as_deref().unwrap_or("JWT");
    if !found.eq_ignore_ascii_case(expected) {
        return Err(VerifyError::WrongKind);
    }
    let kid = header.kid.ok_or(VerifyError::UnknownKey)?;
    let (algorithm, jwk) =
        keys.iter().find(|(_, jwk)| jwk.get("kid").is_some_and(|id| *id == kid)).ok_or(VerifyError::UnknownKey)?;
    let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| VerifyError::UnknownKey)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| VerifyError::UnknownKey)?;
    let mut validation = Validation::new(match algorithm {
        KeyAlgorithm::Rsa => Algorithm::RS256,
        KeyAlgorithm::EcP256 => Algorithm::ES256,
        KeyAlgorithm::EcP384 => Algorithm::ES384,
        KeyAlgorithm::Ed25519 => Algorithm::EdDSA,
    });
    validation.validate_exp = false;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[client_id]);
    validation.set_required_spec_claims(&["iss", "aud", "sub"]);
    let data = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation)
        .map_err(|error| VerifyError::Invalid(error.to_string()))?;
    Ok(data.claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{
        generate::generate,
        jwk::public_jwk,
        signer::{Signer, TokenKind},
    };
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use doorward_core::{clock::Clock, signing_key::KeyVersion};
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;

    const ISSUER: &str = "https://id.example/";

    fn key(algorithm: KeyAlgorithm) -> KeyVersion {
        generate(&Clock::system(), algorithm, "test", Timestamp::UNIX_EPOCH).unwrap()
    }

    fn claims() -> Map<String, Value> {
        json!({ "iss": ISSUER, "aud": "client", "sub": "alice", "exp": 1 }).as_object().unwrap().clone()
    }

    fn published(version: &KeyVersion) -> Vec<(KeyAlgorithm, Value)> {
        vec![(version.algorithm, public_jwk(version).unwrap())]
    }

    #[test]
    fn own_tokens_are_believed_also_when_expired() {
        for (algorithm, ..) in KeyAlgorithm::ALL {
            let version = key(algorithm);
            let token = Signer::new(&version).unwrap().sign(TokenKind::IdToken, &claims()).unwrap();
            assert_eq!(id_token_hint(&token, &published(&version), ISSUER, "client").unwrap(), claims());
        }
    }

    #[test]
    fn foreign_tampered_and_unsigned_tokens_are_not() {
        let (version, other) = (key(KeyAlgorithm::EcP256), key(KeyAlgorithm::EcP256));
        let signer = Signer::new(&version).unwrap();
        let token = signer.sign(TokenKind::IdToken, &claims()).unwrap();
        let check = |token: &str, keys: &[_]| id_token_hint(token, keys, ISSUER, "client");
        assert_eq!(check(&token, &published(&other)), Err(VerifyError::UnknownKey));
        assert!(id_token_hint(&token, &published(&version), ISSUER, "other").is_err());
        assert!(id_token_hint(&token, &published(&version), "https://other/", "client").is_err());
        let access_token = signer.sign(TokenKind::AccessToken, &claims()).unwrap();
        assert_eq!(check(&access_token, &published(&version)), Err(VerifyError::WrongKind));
        let logout_token = signer.sign(TokenKind::LogoutToken, &claims()).unwrap();
        assert_eq!(check(&logout_token, &published(&version)), Err(VerifyError::WrongKind));
        let payload = token.split('.').nth(1).unwrap();
        for header in [
            json!({ "alg": "none", "kid": version.kid }),
            json!({ "alg": "HS256", "kid": version.kid, "typ": "JWT" }),
            json!({ "alg": "RS256", "kid": version.kid, "typ": "JWT" }),
        ] {
            let forged = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header.to_string()));
            assert!(check(&forged, &published(&version)).is_err(), "{header}");
        }
        let mut tampered = token.into_bytes();
        let middle = tampered.len() / 2;
        tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
        assert!(check(&String::from_utf8(tampered).unwrap(), &published(&version)).is_err());
        assert_eq!(check(&"a".repeat(TOKEN_MAX + 1), &[]), Err(VerifyError::TooLong));
    }

    proptest! {
        #[test]
        fn no_token_panics(token in "[ -~]{0,300}") {
            let _ = id_token_hint(&token, &[], ISSUER, "client");
        }
    }
}
