//! Reading tokens that come back, such as `id_token_hint`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::signing_key::KeyAlgorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::signature;

/// Longest token that is looked at, in bytes: what we make may hold 32 KiB of claims, which Base64 makes longer by a third.
pub const TOKEN_MAX: usize = 48 * 1024;

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Longer than 48 KiB.
    #[error("the token is longer than 48 KiB")]
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

/// For whom a token says that it is. Nothing of it is checked: this only says with whose keys to check it.
///
/// # Errors
/// It is too long, or no token.
pub fn alleged_audience(token: &str) -> Result<Vec<String>, VerifyError> {
    if token.len() > TOKEN_MAX {
        return Err(VerifyError::TooLong);
    }
    let payload = token.split('.').nth(1).ok_or(VerifyError::Malformed)?;
    let claims: Map<String, Value> = decoded(payload)?;
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(several)) => Ok(several.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => Err(VerifyError::Malformed),
    }
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
    let (signed, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(VerifyError::Malformed)?;
    let header: Header = decoded(header)?;
    // Old ID tokens may say nothing; access tokens always say what they are (RFC 9068, section 4).
    let found = header.typ.as_deref().unwrap_or("JWT");
    if !found.eq_ignore_ascii_case(expected) {
        return Err(VerifyError::WrongKind);
    }
    let kid = header.kid.ok_or(VerifyError::UnknownKey)?;
    let (algorithm, jwk) =
        keys.iter().find(|(_, jwk)| jwk.get("kid").is_some_and(|id| *id == kid)).ok_or(VerifyError::UnknownKey)?;
    if header.alg != algorithm.jws_name() {
        return Err(VerifyError::Invalid("it names another algorithm than its key's".to_owned()));
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| VerifyError::Malformed)?;
    if !signature::is_good(*algorithm, jwk, signed.as_bytes(), &signature) {
        return Err(VerifyError::Invalid("its signature is wrong".to_owned()));
    }
    let claims: Map<String, Value> = decoded(payload)?;
    let is_text = |name: &str, text: &str| claims.get(name).and_then(Value::as_str) == Some(text);
    let is_among = |list: &Value| list.as_array().is_some_and(|list| list.iter().any(|one| one == client_id));
    if !is_text("iss", issuer) {
        return Err(VerifyError::Invalid("it has another issuer".to_owned()));
    }
    if !is_text("aud", client_id) && !claims.get("aud").is_some_and(is_among) {
        return Err(VerifyError::Invalid("it is for another application".to_owned()));
    }
    if !claims.get("sub").is_some_and(Value::is_string) {
        return Err(VerifyError::Invalid("it is about nobody".to_owned()));
    }
    Ok(claims)
}

/// What of a header is looked at (RFC 7515, section 4.1).
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
}

fn decoded<T: for<'a> Deserialize<'a>>(part: &str) -> Result<T, VerifyError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| VerifyError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{
        generate::generate,
        jwk::public_jwk,
        signer::{Signer, TokenKind},
    };
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
    fn an_audience_may_be_a_list_and_the_rest_must_be_there() {
        let version = key(KeyAlgorithm::EcP521);
        let signer = Signer::new(&version).unwrap();
        let check = |member: &str, value: Value| {
            let mut claims = claims();
            claims.insert(member.to_owned(), value);
            let token = signer.sign(TokenKind::IdToken, &claims).unwrap();
            id_token_hint(&token, &published(&version), ISSUER, "client").is_ok()
        };
        assert!(check("aud", json!(["other", "client"])) && !check("aud", json!(["other"])));
        assert!(!check("aud", json!({ "client": true })) && !check("aud", json!("clien")));
        assert!(!check("iss", json!([ISSUER])) && !check("iss", Value::Null) && !check("sub", json!(1)));
    }

    /// Of the two kinds of RSA signatures only that of the key counts, whatever the header says.
    #[test]
    fn rsa_keys_keep_to_their_algorithm() {
        for (own, other) in [(KeyAlgorithm::Rsa, "PS256"), (KeyAlgorithm::RsaPss, "RS256")] {
            let version = key(own);
            let token = Signer::new(&version).unwrap().sign(TokenKind::IdToken, &claims()).unwrap();
            let (_, rest) = token.split_once('.').unwrap();
            let header = json!({ "alg": other, "kid": version.kid, "typ": "JWT" });
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
            assert!(id_token_hint(&forged, &published(&version), ISSUER, "client").is_err());
            let twin = if own == KeyAlgorithm::Rsa { KeyAlgorithm::RsaPss } else { KeyAlgorithm::Rsa };
            let confused = vec![(twin, public_jwk(&version).unwrap())];
            assert!(id_token_hint(&token, &confused, ISSUER, "client").is_err());
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
