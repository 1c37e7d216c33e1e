//! Object permissions of NetBox: what accounts may do with what kinds of objects.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use std::collections::BTreeSet;

use super::{ENTRIES_MAX, Named, NetBox, NetBoxError, NetBoxResult};

/// A permission as NetBox shows it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Permission {
    /// NetBox's number.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Whether it counts.
    #[serde(default)]
    pub enabled: bool,
    /// Kinds of objects, such as `users.user`.
    #[serde(default)]
    pub object_types: Vec<String>,
    /// `view`, `add`, `change`, `delete`, and others.
    #[serde(default)]
    pub actions: Vec<String>,
    /// For which objects: an object, a list of alternatives, or null for all.
    #[serde(default)]
    pub constraints: Value,
    /// Users who have it.
    #[serde(default)]
    pub users: Vec<Named>,
    /// Groups whose members have it.
    #[serde(default)]
    pub groups: Vec<Named>,
}

impl NetBox<'_> {
    /// All permissions, if the token's account may see them; the least-privileged one may not.
    ///
    /// # Errors
    /// [`super::NetBoxError::Forbidden`], or why there is no answer.
    pub async fn permissions(&self) -> NetBoxResult<Vec<Permission>> {
        self.list("users/permissions/", &[], "permissions", ENTRIES_MAX).await
    }

    /// What the token's account may do at an address besides reading: of `POST` (add) and `PUT` (change) those that are
    /// allowed. Nothing is changed by asking.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn actions(&self, path: &str) -> NetBoxResult<BTreeSet<String>> {
        match self.options(path).await {
            Ok(options) => Ok(options.actions.keys().cloned().collect()),
            Err(NetBoxError::Forbidden { .. }) => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether the token's account may change a user. It sends what cannot be taken, so that nothing changes: NetBox looks
    /// at who may change whom before it looks at what is sent. (`OPTIONS` leaves constraints out.)
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn may_change_user(&self, user: i64) -> NetBoxResult<bool> {
        let nonsense = json!({ "groups": "not a list" });
        match self.send::<Value>(Method::PATCH, &format!("users/users/{user}/"), &nonsense, "change users").await {
            Ok(_) | Err(NetBoxError::Refused { .. }) => Ok(true),
            Err(NetBoxError::Forbidden { .. } | NetBoxError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the token's account may see entries of a list, such as `users/tokens/`. One entry is asked for at most.
    ///
    /// # Errors
    /// [`super::NetBoxError::Forbidden`], or why there is no answer.
    pub async fn may_see(&self, path: &str, what: &str) -> NetBoxResult<()> {
        self.get::<Value>(path, &[("limit", "1")], &format!("see {what}")).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stub::Stub;
    use crate::outbound::Outbound;

    #[tokio::test]
    async fn whom_the_token_reaches_shows_without_changing_anybody() {
        let outbound = Outbound::default();
        for (status, expected) in [(400, true), (404, false), (403, false)] {
            let stub = Stub::new(&[("PATCH /api/users/users/7/", status, "{}"), ("GET /api/status/", 200, "{}")]);
            assert_eq!(stub.netbox(&outbound).may_change_user(7).await, Ok(expected));
            assert!(stub.requests()[0].ends_with(r#"{"groups":"not a list"}"#));
        }
    }

    #[tokio::test]
    async fn what_may_be_done_is_asked_for() {
        let outbound = Outbound::default();
        let stub = Stub::new(&[
            ("OPTIONS /api/users/groups/", 200, r#"{"name":"x","actions":{"POST":{"name":{}}}}"#),
            ("OPTIONS /api/users/users/", 200, r#"{"name":"x"}"#),
            ("OPTIONS /api/users/permissions/", 403, "{}"),
            ("GET /api/status/", 200, "{}"),
        ]);
        let netbox = stub.netbox(&outbound);
        assert_eq!(netbox.actions("users/groups/").await.unwrap(), ["POST".to_owned()].into());
        assert!(netbox.actions("users/users/").await.unwrap().is_empty());
        assert!(netbox.actions("users/permissions/").await.unwrap().is_empty());
    }
}
