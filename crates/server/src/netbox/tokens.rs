//! API tokens of NetBox. Their secrets are never read: of those of version 1 NetBox's `key` is the secret itself.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{ENTRIES_MAX, Named, NetBox, NetBoxResult};

/// An API token as NetBox shows it, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct ApiToken {
    /// NetBox's number.
    pub id: i64,
    /// 1 or 2.
    #[serde(default = "one", deserialize_with = "number")]
    pub version: i64,
    /// Whose it is.
    pub user: Named,
    /// What it is for, as its owner wrote.
    #[serde(default)]
    pub description: String,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// When it ends, if ever.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// When it was last used, if ever.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
    /// Whether it can be used. NetBox before 4.5 has no such switch.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether it may change things.
    #[serde(default)]
    pub write_enabled: bool,
}

fn one() -> i64 {
    1
}

fn yes() -> bool {
    true
}

/// A number, or a choice that is described by its value.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(from)?;
    let number = value.as_i64().or_else(|| value.get("value").and_then(Value::as_i64));
    number.ok_or_else(|| serde::de::Error::custom("the version of a token is not a number"))
}

impl NetBox<'_> {
    /// All API tokens the token's account may see, by number.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn tokens(&self) -> NetBoxResult<Vec<ApiToken>> {
        self.list("users/tokens/", &[], "API tokens", ENTRIES_MAX).await
    }

    /// The API tokens of one user.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn tokens_of(&self, user: i64) -> NetBoxResult<Vec<ApiToken>> {
        let number = user.to_string();
        let found: Vec<ApiToken> =
            self.list("users/tokens/", &[("user_id", number.as_str())], "API tokens", ENTRIES_MAX).await?;
        // A filter that is not known would be passed over.
        Ok(found.into_iter().filter(|token| token.user.id == user).collect())
    }

    /// An API token by number.
    ///
    /// # Errors
    /// [`super::NetBoxError::NotFound`], or why there is no answer.
    pub async fn token(&self, id: i64) -> NetBoxResult<ApiToken> {
        self.get(&format!("users/tokens/{id}/"), &[], "see API tokens").await
    }

    /// Makes an API token unusable until somebody enables it again.
    ///
    /// # Errors
    /// [`super::NetBoxError::NotFound`], what NetBox says is wrong, or why there is no answer.
    pub async fn disable_token(&self, id: i64) -> NetBoxResult<ApiToken> {
        let body = json!({ "enabled": false });
        self.send(Method::PATCH, &format!("users/tokens/{id}/"), &body, "change API tokens").await
    }

    /// Deletes an API token. Says whether there was one.
    ///
    /// # Errors
    /// Why it was not deleted.
    pub async fn delete_token(&self, id: i64) -> NetBoxResult<bool> {
        self.delete(&format!("users/tokens/{id}/"), "delete API tokens").await
    }
}

#[cfg(test)]
mod tests {
    use super::super::stub::{Stub, list};
    use super::*;
    use crate::outbound::Outbound;

    #[tokio::test]
    async fn secrets_of_tokens_are_left_where_they_are() {
        let outbound = Outbound::default();
        let secret = "0123456789abcdef0123456789abcdef01234567";
        let tokens = list(&[
            json!({ "id": 1, "version": 1, "key": secret, "token": secret, "display": secret,
                    "user": { "id": 7, "username": "alice", "display": "alice (A)" } }),
            json!({ "id": 2, "version": { "value": 2, "label": "v2" }, "user": { "id": 8, "username": "bob" },
                    "expires": "2026-01-02T03:04:05Z", "enabled": false }),
        ]);
        let stub = Stub::new(&[("GET /api/users/tokens/", 200, &tokens)]);
        let found = stub.netbox(&outbound).tokens().await.unwrap();
        assert!(!format!("{found:?}").contains(secret) && !json!(found).to_string().contains(secret));
        assert_eq!((found[0].user.name.as_str(), found[0].enabled, found[1].version), ("alice", true, 2));
        assert_eq!(stub.netbox(&outbound).tokens_of(8).await.unwrap(), found[1..]);
    }

    #[tokio::test]
    async fn deleting_says_whether_there_was_one() {
        let outbound = Outbound::default();
        let stub = Stub::new(&[("DELETE /api/users/tokens/1/", 204, ""), ("DELETE /api/users/tokens/2/", 404, "{}")]);
        assert!(stub.netbox(&outbound).delete_token(1).await.unwrap());
        assert!(!stub.netbox(&outbound).delete_token(2).await.unwrap());
    }
}
