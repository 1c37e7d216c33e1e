//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::id_token::ISSUED_AT_MARGIN;

/// The one event that a logout token is about.
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a logout token is good for: two minutes, as the specification advises (section 4). Each try has a new one.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(2);

/// What a logout token says.
#[derive(Debug, Clone)]
pub struct LogoutFacts<'a> {
    /// `iss`, as in the ID tokens of the application.
    pub issuer: &'a str,
    /// `aud`.
    pub client_id: &'a str,
    /// `sub`, as in the ID token.
    pub subject: &'a str,
    /// `sid`, as in the ID token.
    pub sid: &'a str,
    /// `jti`: new for every try, so that an application that remembers them takes the second try too.
    pub id: &'a str,
    /// Now.
    pub now: Timestamp,
}

impl LogoutFacts<'_> {
    /// The claims. There is never a `nonce`, so that no logout token passes for an ID token.
    pub fn claims(&self) -> Map<String, Value> {
        let issued_at = self.now.saturating_sub(ISSUED_AT_MARGIN).unwrap_or(self.now);
        let expires_at = self.now.saturating_add(LIFETIME).unwrap_or(self.now);
        Map::from_iter([
            ("iss".to_owned(), json!(self.issuer)),
            ("aud".to_owned(), json!(self.client_id)),
            ("iat".to_owned(), json!(issued_at.as_second())),
            ("exp".to_owned(), json!(expires_at.as_second())),
            ("jti".to_owned(), json!(self.id)),
            ("events".to_owned(), json!({ EVENT: {} })),
            ("sub".to_owned(), json!(self.subject)),
            ("sid".to_owned(), json!(self.sid)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::from_millis;

    #[test]
    fn a_logout_token_holds_what_the_specification_lists_and_nothing_else() {
        let facts = LogoutFacts {
            issuer: "https://id.example/application/o/a/",
            client_id: "client",
            subject: "alice",
            sid: "s",
            id: "once",
            now: from_millis(100_000),
        };
        let expected = json!({
            "iss": "https://id.example/application/o/a/",
            "aud": "client",
            "iat": 95,
            "exp": 220,
            "jti": "once",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            "sub": "alice",
            "sid": "s",
        });
        assert_eq!(Value::Object(facts.claims()), expected);
    }
}
