//! Groups of NetBox.

use doorward_core::user::key;
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

    /// The group of this name, or else the only one whose name differs in the case of its letters.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn group_called(&self, name: &str) -> NetBoxResult<Option<NetBoxGroup>> {
        let found: Vec<NetBoxGroup> = self.list("users/groups/", &[("name__ie", name)], "groups", ENTRIES_MAX).await?;
        let mut alike = found.into_iter().filter(|group| key(&group.name) == key(name)).collect::<Vec<_>>();
        match alike.iter().position(|group| group.name == name) {
            Some(exact) => Ok(Some(alike.swap_remove(exact))),
            None if alike.len() == 1 => Ok(alike.pop()),
            None => Ok(None),
        }
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
    async fn a_group_is_found_by_its_name_and_else_by_its_letters() {
        let outbound = Outbound::default();
        for (names, expected) in
            [(vec!["ops", "Ops"], Some(1)), (vec!["Ops"], Some(1)), (vec!["OPS", "Ops"], None), (vec!["other"], None)]
        {
            let groups: Vec<_> = names.iter().zip(1..).map(|(name, id)| json!({ "id": id, "name": name })).collect();
            let stub = Stub::new(&[("name__ie=ops", 200, &list(&groups))]);
            let found = stub.netbox(&outbound).group_called("ops").await.unwrap();
            assert_eq!(found.map(|group| group.id), expected, "{names:?}");
        }
    }

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
