//! Object permissions of NetBox: what accounts may do with what kinds of objects.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

    /// Whether the token's account may see entries of a list, such as `users/tokens/`. One entry is asked for at most.
    ///
    /// # Errors
    /// [`super::NetBoxError::Forbidden`], or why there is no answer.
    pub async fn may_see(&self, path: &str, what: &str) -> NetBoxResult<()> {
        self.get::<Value>(path, &[("limit", "1")], &format!("see {what}")).await.map(drop)
    }
}
