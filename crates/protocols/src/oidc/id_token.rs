//! The claims of ID and access tokens (OpenID Connect Core 1.0, section 2; RFC 9068).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::signing_key::KeyAlgorithm;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// How far `iat` is set back: NetBox refuses a token whose `iat` lies two seconds ahead of its own clock.
pub const ISSUED_AT_MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// The authentication context class that is always reached (authentik's).
pub const ACR: &str = "goauthentik.io/providers/oauth2/default";

/// What tokens say about one authorization.
#[derive(Debug, Clone)]
pub struct TokenFacts<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `aud`, and `azp` in access tokens.
    pub client_id: &'a str,
    /// When the person showed who they are.
    pub authenticated_at: Timestamp,
    /// `amr`, separated by spaces.
    pub methods: &'a str,
    /// `sid`; empty without a session.
    pub sid: &'a str,
    /// Now.
    pub now: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// What comes with an ID token and is bound to it by a hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct Companions<'a> {
    /// The access token: `at_hash`.
    pub access_token: Option<&'a str>,
    /// The code: `c_hash`.
    pub code: Option<&'a str>,
}

impl TokenFacts<'_> {
    /// The claims both kinds of token share. There is no `nbf`: it could only make clients refuse.
    fn base(&self, extra: &Map<String, Value>) -> Map<String, Value> {
        let issued_at = self.now.saturating_sub(ISSUED_AT_MARGIN).unwrap_or(self.now);
        let mut claims = extra.clone();
        claims.extend([
            ("iss".to_owned(), json!(self.issuer)),
            ("sub".to_owned(), json!(self.subject)),
            ("aud".to_owned(), json!(self.client_id)),
            ("exp".to_owned(), json!(self.expires_at.as_second())),
            ("iat".to_owned(), json!(issued_at.as_second())),
            ("auth_time".to_owned(), json!(self.authenticated_at.as_second())),
            ("acr".to_owned(), json!(ACR)),
        ]);
        // Who came with a client secret or an app password signed in by no method that has a name (RFC 8176).
        let methods: Vec<&str> = self.methods.split(' ').filter(|method| !method.is_empty()).collect();
        claims.remove("amr");
        if !methods.is_empty() {
            claims.insert("amr".to_owned(), json!(methods));
        }
        claims.remove("sid");
        if !self.sid.is_empty() {
            claims.insert("sid".to_owned(), json!(self.sid));
        }
        claims
    }

    /// The claims of an ID token. `extra` never overwrites them.
    pub fn id_token(
        &self,
        extra: &Map<String, Value>,
        nonce: Option<&str>,
        companions: Companions<'_>,
        algorithm: KeyAlgorithm,
    ) -> Map<String, Value> {
        let mut claims = self.base(extra);
        for (name, bound) in [("at_hash", companions.access_token), ("c_hash", companions.code)] {
            claims.remove(name);
            if let Some(bound) = bound {
                claims.insert(name.to_owned(), json!(half_hash(bound, algorithm)));
            }
        }
        claims.remove("nonce");
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        claims
    }

    /// The claims of an access token: authentik's, with `jti` for those who follow RFC 9068.
    pub fn access_token(&self, extra: &Map<String, Value>, scope: &str, uid: &str) -> Map<String, Value> {
        let mut claims = self.base(extra);
        claims.extend([
            ("azp".to_owned(), json!(self.client_id)),
            ("client_id".to_owned(), json!(self.client_id)),
            ("scope".to_owned(), json!(scope)),
            ("uid".to_owned(), json!(uid)),
            ("jti".to_owned(), json!(uid)),
        ]);
        claims
    }
}

/// `at_hash` and `c_hash`: the left half of the hash that goes with the signature's algorithm (OpenID Connect Core 1.0,
/// sections 3.1.3.6 and 3.3.2.11; SHA-512 for Ed25519).
pub fn half_hash(token: &str, algorithm: KeyAlgorithm) -> String {
    let hash = match algorithm {
        KeyAlgorithm::Rsa | KeyAlgorithm::RsaPss | KeyAlgorithm::EcP256 => &digest::SHA256,
        KeyAlgorithm::EcP384 => &digest::SHA384,
        KeyAlgorithm::EcP521 | KeyAlgorithm::Ed25519 => &digest::SHA512,
    };
    let full = digest::digest(hash, token.as_bytes());
    let half = full.as_ref().get(..full.as_ref().len() / 2).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::from_millis;

    #[test]
    fn extra_claims_never_overwrite_what_tokens_stand_on() {
        let facts = TokenFacts {
            issuer: "https://id.example/",
            subject: "alice",
            client_id: "client",
            authenticated_at: from_millis(1_000),
            methods: "pwd mfa",
            sid: "s",
            now: from_millis(100_000),
            expires_at: from_millis(200_000),
        };
        let mut evil = Map::new();
        for name in ["iss", "sub", "aud", "exp", "iat", "nonce", "sid", "at_hash", "c_hash", "auth_time", "amr", "acr"]
        {
            evil.insert(name.to_owned(), json!("evil"));
        }
        let alone = facts.id_token(&evil, None, Companions::default(), KeyAlgorithm::Rsa);
        assert!(!alone.values().any(|value| value == "evil"), "{alone:?}");
        assert!(!alone.contains_key("at_hash") && !alone.contains_key("c_hash") && !alone.contains_key("nonce"));
        let companions = Companions { access_token: Some("token"), code: Some("code") };
        let claims = facts.id_token(&evil, Some("n"), companions, KeyAlgorithm::Rsa);
        assert_eq!(claims["c_hash"], half_hash("code", KeyAlgorithm::Rsa));
        assert!(!claims.values().any(|value| value == "evil"), "{claims:?}");
        assert_eq!(claims["iat"], 95);
        assert_eq!(claims["exp"], 200);
        assert_eq!(claims["amr"], json!(["pwd", "mfa"]));
        assert!(!claims.contains_key("nbf"));
    }

    #[test]
    fn at_hash_is_the_left_half_of_the_algorithms_hash() {
        // OpenID Connect Core 1.0, appendix A.3: this access token has this at_hash.
        assert_eq!(
            half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", KeyAlgorithm::Rsa),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_eq!(URL_SAFE_NO_PAD.decode(half_hash("x", KeyAlgorithm::EcP384)).unwrap().len(), 24);
        for long in [KeyAlgorithm::Ed25519, KeyAlgorithm::EcP521] {
            assert_eq!(URL_SAFE_NO_PAD.decode(half_hash("x", long)).unwrap().len(), 32);
        }
        assert_eq!(half_hash("x", KeyAlgorithm::RsaPss), half_hash("x", KeyAlgorithm::Rsa));
    }
}
