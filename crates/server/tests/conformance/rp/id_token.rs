//! ID tokens, checked without Doorward's own code (OpenID Connect Core 1.0, sections 2, 3.1.3.7, 3.2.2.10, 3.3.2.11).

use aws_lc_rs::{
    digest,
    signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Run, claims::check_standard_claims};
use crate::support::OAuthClient;

/// A JWT whose signature was right.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub raw: String,
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

impl Signed {
    #[track_caller]
    pub(crate) fn text(&self, claim: &str) -> &str {
        self.claims.get(claim).and_then(Value::as_str).unwrap_or_else(|| panic!("no {claim} in {:?}", self.claims))
    }

    #[track_caller]
    pub(crate) fn number(&self, claim: &str) -> i64 {
        self.claims.get(claim).and_then(Value::as_i64).unwrap_or_else(|| panic!("no {claim} in {:?}", self.claims))
    }

    #[track_caller]
    pub(crate) fn has_none_of(&self, claims: &[&str]) {
        for claim in claims {
            assert!(!self.claims.contains_key(*claim), "unasked {claim} in {:?}", self.claims);
        }
    }
}

impl Run {
    /// Checks the signature with the published keys, which are told apart by `kid`.
    #[track_caller]
    pub(crate) fn verified(&self, raw: &str) -> Signed {
        let (message, signature) = raw.rsplit_once('.').unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        let read = |part: &str| -> Map<String, Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        let signed = Signed { raw: raw.to_owned(), header: read(header), claims: read(claims) };
        assert_eq!(signed.header["alg"], "RS256", "the default (OpenID Connect Core 1.0, section 3.1.3.7)");
        let with_kid: Vec<_> = self.keys.iter().filter(|key| key["kid"] == signed.header["kid"]).collect();
        let [key] = with_kid[..] else { panic!("no single key {:?} in {:?}", signed.header["kid"], self.keys) };
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&"RSA".into(), &"RS256".into(), &"sig".into()));
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        RsaPublicKeyComponents { n: bytes("n"), e: bytes("e") }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap_or_else(|_| panic!("the signature is wrong: {raw}"));
        signed
    }

    /// What is checked of every ID token.
    #[track_caller]
    pub(crate) fn check_id_token(&self, client: &OAuthClient, raw: &str, nonce: Option<&str>) -> Signed {
        let token = self.verified(raw);
        let now = self.op.clock.now().as_second();
        assert_eq!(token.text("iss"), self.metadata["issuer"]);
        assert_eq!(token.text("aud"), client.client_id);
        assert!(!token.text("sub").is_empty() && token.text("sub").len() <= 255 && token.text("sub").is_ascii());
        assert!(token.number("exp") > now && token.number("exp") < now + 50 * 365 * 86_400);
        assert!(token.number("iat") <= now && token.number("iat") >= now - 300);
        assert!(token.number("auth_time") <= now, "auth_time in the future");
        assert!(!token.text("acr").is_empty());
        assert!(!token.text("sid").is_empty());
        assert_eq!(token.claims.get("nonce").and_then(Value::as_str), nonce);
        check_standard_claims(&token.claims);
        token
    }
}

/// `at_hash` and `c_hash` of RS256: the left half of SHA-256.
pub(crate) fn half_hash(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, value.as_bytes()).as_ref()[..16])
}
