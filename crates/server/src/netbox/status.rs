//! What NetBox says about itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{NetBox, NetBoxResult, users::NetBoxUser};

/// NetBox's own account of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Status {
    /// Version, such as `4.7.3`.
    #[serde(rename = "netbox-version")]
    pub netbox_version: String,
    /// Version of Django.
    #[serde(rename = "django-version", default)]
    pub django_version: String,
    /// Installed plugins and their versions.
    #[serde(default)]
    pub plugins: serde_json::Map<String, Value>,
}

impl Status {
    /// The first two numbers of the version.
    pub fn release(&self) -> Option<(u32, u32)> {
        release(&self.netbox_version)
    }
}

/// The first two numbers of a version such as `4.7.3` or `v4.7-Docker`.
pub fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

impl NetBox<'_> {
    /// What NetBox says about itself: every account may see that.
    ///
    /// # Errors
    /// Why there is no answer; [`super::NetBoxError::Unauthorized`] if the token is not accepted.
    pub async fn status(&self) -> NetBoxResult<Status> {
        self.get("status/", &[], "see the status").await
    }

    /// The account the token belongs to. NetBox knows the address since 4.5.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn own_account(&self) -> NetBoxResult<NetBoxUser> {
        self.get("authentication-check/", &[], "see its own account").await
    }
}

#[cfg(test)]
mod tests {
    use super::super::stub::Stub;
    use super::*;
    use crate::outbound::Outbound;

    #[test]
    fn releases_are_read_from_versions() {
        for (version, expected) in
            [("4.7.3", Some((4, 7))), ("v4.10-Docker-3", Some((4, 10))), ("4", None), ("", None), ("x.y", None)]
        {
            assert_eq!(release(version), expected, "{version}");
        }
    }

    #[tokio::test]
    async fn the_token_travels_in_the_header_of_its_version() {
        let outbound = Outbound::default();
        let stub = Stub::new(&[("GET /api/status/", 200, r#"{"netbox-version":"4.7.3","plugins":{"a":"1"}}"#)]);
        let status = stub.netbox(&outbound).status().await.unwrap();
        assert_eq!((status.release(), status.plugins.len()), (Some((4, 7)), 1));
        assert!(stub.requests()[0].contains("authorization: Bearer nbt_key.token"), "{:?}", stub.requests());
    }
}
