//! What resource servers are told about tokens (RFC 7662, section 2.2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::oidc::id_token::ACR;

/// What clients may say a token is (RFC 7009, section 2.1). Only where to look first depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// `access_token`.
    Access,
    /// `refresh_token`.
    Refresh,
}

impl TokenType {
    /// Reads a `token_type_hint`. What is unknown is no hint.
    pub fn hinted(hint: Option<&str>) -> Self {
        if hint == Some("refresh_token") { Self::Refresh } else { Self::Access }
    }
}

/// What is known of a living token of the client that asks.
#[derive(Debug, Clone)]
pub struct Living<'a> {
    /// The client ID.
    pub client_id: &'a str,
    /// Whose token it is.
    pub username: &'a str,
    /// Its scopes, separated by spaces.
    pub scope: &'a str,
}

/// A refresh token's claims, which stand nowhere else.
#[derive(Debug, Clone)]
pub struct RefreshFacts<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// When the grant began.
    pub issued_at: Timestamp,
    /// When the person showed who they are.
    pub authenticated_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The answer for everything that is unknown, expired, revoked or somebody else's: nothing but that.
pub fn inactive() -> Value {
    json!({ "active": false })
}

/// The answer for a living access token: its own claims, as authentik does. The token must be one that was looked up: its
/// signature is not checked here.
pub fn of_access_token(token: &str, living: &Living<'_>) -> Value {
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice::<Map<String, Value>>(&payload).ok());
    let mut answer = claims.unwrap_or_default();
    answer.insert("token_type".to_owned(), json!("Bearer"));
    finish(answer, living)
}

/// The answer for a living refresh token.
pub fn of_refresh_token(facts: &RefreshFacts<'_>, living: &Living<'_>) -> Value {
    let answer = Map::from_iter([
        ("iss".to_owned(), json!(facts.issuer)),
        ("sub".to_owned(), json!(facts.subject)),
        ("aud".to_owned(), json!(living.client_id)),
        ("exp".to_owned(), json!(facts.expires_at.as_second())),
        ("iat".to_owned(), json!(facts.issued_at.as_second())),
        ("auth_time".to_owned(), json!(facts.authenticated_at.as_second())),
        ("acr".to_owned(), json!(ACR)),
    ]);
    finish(answer, living)
}

fn finish(mut answer: Map<String, Value>, living: &Living<'_>) -> Value {
    answer.extend([
        ("active".to_owned(), json!(true)),
        ("scope".to_owned(), json!(living.scope)),
        ("client_id".to_owned(), json!(living.client_id)),
        ("username".to_owned(), json!(living.username)),
    ]);
    Value::Object(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIVING: Living<'_> = Living { client_id: "c", username: "alice", scope: "openid" };

    #[test]
    fn claims_of_a_token_never_say_whose_it_is() {
        let claims = json!({ "sub": "s", "active": false, "username": "evil", "client_id": "evil", "scope": "admin" });
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let answer = of_access_token(&token, &LIVING);
        let expected = json!({
            "active": true, "sub": "s", "username": "alice", "client_id": "c", "scope": "openid", "token_type": "Bearer",
        });
        assert_eq!(answer, expected);
    }

    #[test]
    fn unknown_hints_are_none() {
        assert_eq!(TokenType::hinted(Some("refresh_token")), TokenType::Refresh);
        for hint in [None, Some("access_token"), Some("magic")] {
            assert_eq!(TokenType::hinted(hint), TokenType::Access);
        }
    }

    proptest! {
        #[test]
        fn no_token_panics(token in ".{0,200}") {
            prop_assert_eq!(&of_access_token(&token, &LIVING)["active"], &json!(true));
        }
    }
}
