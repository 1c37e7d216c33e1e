//! Groups of NetBox.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ENTRIES_MAX, NetBox, NetBoxError, NetBoxResult};

/// A group as NetBox shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct NetBoxGroup {
    /// NetBox's number.
    pub id: i64,
    /// Name; unique, and upper and lower case differ.
    pub name: String,
}

impl NetBox<'_> {
    /// All groups the token's account may see, by number.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn groups(&self) -> NetBoxResult<Vec<NetBoxGroup>> {
        self.list("users/groups/", &[], "groups", ENTRIES_MAX).await
    }

    /// The group with exactly this name.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn group_by_name(&self, name: &str) -> NetBoxResult<Option<NetBoxGroup>> {
        let found: Vec<NetBoxGroup> = self.list("users/groups/", &[("name", name)], "groups", ENTRIES_MAX).await?;
        Ok(found.into_iter().find(|group| group.name == name))
    }

    /// Makes a group. Where another was faster, returns the other's.
    ///
    /// # Errors
    /// What NetBox says is wrong, or why there is no answer.
    pub async fn create_group(&self, name: &str, description: &str) -> NetBoxResult<NetBoxGroup> {
        let body = json!({ "name": name, "description": description });
        match self.send(Method::POST, "users/groups/", &body, "add groups").await {
            Err(refused @ NetBoxError::Refused { status: 400, .. }) => self.group_by_name(name).await?.ok_or(refused),
            made => made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stub::{Stub, list};
    use super::*;
    use crate::outbound::Outbound;

    #[tokio::test]
    async fn a_group_that_another_made_first_is_found() {
        let outbound = Outbound::default();
        let there = list(&[json!({ "id": 4, "name": "ops" })]);
        let taken = r#"{"name":["group with this name already exists."]}"#;
        let stub = Stub::new(&[("POST /api/users/groups/", 400, taken), ("GET /api/users/groups/", 200, &there)]);
        assert_eq!(stub.netbox(&outbound).create_group("ops", "").await.unwrap().id, 4);
        let stub = Stub::new(&[("POST /api/users/groups/", 400, taken), ("GET /api/users/groups/", 200, &list(&[]))]);
        let error = stub.netbox(&outbound).create_group("ops", "").await.unwrap_err();
        assert!(error.to_string().contains("already exists"), "{error}");
    }
}
