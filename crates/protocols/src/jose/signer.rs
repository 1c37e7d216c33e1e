//! Signing tokens with a key that was parsed once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::signing_key::{KeyAlgorithm, KeyVersion};
use serde_json::{Map, Value, json};

use super::{KeyError, pair::Pair};

/// What a token says it is (`typ`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An ID token.
    IdToken,
    /// An access token (RFC 9068, section 2.1): cannot be taken for an ID token.
    AccessToken,
    /// A logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4).
    LogoutToken,
}

/// A key ready to sign.
#[derive(Debug)]
pub struct Signer {
    pair: Pair,
    /// Encoded headers: of ID tokens, of access tokens, of logout tokens.
    headers: [String; 3],
}

impl Signer {
    /// Makes a key version ready.
    ///
    /// # Errors
    /// If the key cannot be read.
    pub fn new(version: &KeyVersion) -> Result<Self, KeyError> {
        let header = |kind: &str| {
            let header = json!({ "alg": version.algorithm.jws_name(), "kid": version.kid, "typ": kind });
            URL_SAFE_NO_PAD.encode(header.to_string())
        };
        Ok(Self {
            pair: Pair::from_pkcs8(version.algorithm, version.private_key.expose())?,
            headers: [header("JWT"), header("at+jwt"), header("logout+jwt")],
        })
    }

    /// The key's kind.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.pair.algorithm()
    }

    /// A compact JWS (RFC 7515, section 7.1) of the claims.
    ///
    /// # Errors
    /// If the signature cannot be made.
    pub fn sign(&self, kind: TokenKind, claims: &Map<String, Value>) -> Result<String, KeyError> {
        let [id_token, access_token, logout_token] = &self.headers;
        let header = match kind {
            TokenKind::IdToken => id_token,
            TokenKind::AccessToken => access_token,
            TokenKind::LogoutToken => logout_token,
        };
        let payload = serde_json::to_vec(claims).map_err(|error| KeyError::Crypto(error.to_string()))?;
        let mut token = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = self.pair.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}
