//! Users of NetBox. Whether somebody is a superuser is in no answer of NetBox, but it can be asked for.

use doorward_core::{random, secret::Secret};
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ENTRIES_MAX, Named, NetBox, NetBoxError, NetBoxResult, groups::NetBoxGroup};

/// Most accounts whose names begin alike that are looked through.
pub const ALIKE_MAX: usize = 2000;
/// How many hexadecimal digits NetBox puts behind a name that is taken.
pub const SUFFIX_LENGTH: usize = 16;

/// A user as NetBox shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct NetBoxUser {
    /// NetBox's number.
    pub id: i64,
    /// Username.
    pub username: String,
    /// Given name.
    #[serde(default)]
    pub first_name: String,
    /// Family name.
    #[serde(default)]
    pub last_name: String,
    /// E-mail address, or empty.
    #[serde(default)]
    pub email: String,
    /// Whether the account may be used.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// When the account was made.
    #[serde(default)]
    pub date_joined: Option<Timestamp>,
    /// When somebody last signed in with it.
    #[serde(default)]
    pub last_login: Option<Timestamp>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<NetBoxGroup>,
    /// Permissions given to the user directly.
    #[serde(default)]
    pub permissions: Vec<Named>,
}

fn yes() -> bool {
    true
}

/// Fields of a user that are to change; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UserChange {
    /// Username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the account may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// Numbers of all groups: replaces the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<i64>>,
}

impl UserChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a name that was taken became: the name with [`SUFFIX_LENGTH`] hexadecimal digits behind it.
pub fn is_suffixed(candidate: &str, username: &str) -> bool {
    candidate
        .strip_prefix(username)
        .is_some_and(|rest| rest.len() == SUFFIX_LENGTH && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// A password that nobody knows, and that meets every policy NetBox ships with.
pub fn unknown_password() -> Secret<String> {
    Secret::new(format!("Dw-1{}", random::alphanumeric(60)))
}

impl NetBox<'_> {
    /// A user by number.
    ///
    /// # Errors
    /// [`NetBoxError::NotFound`], or why there is no answer.
    pub async fn user(&self, id: i64) -> NetBoxResult<NetBoxUser> {
        self.get(&format!("users/users/{id}/"), &[], "see users").await.map_err(|error| no_user(error, id))
    }

    /// All users the token's account may see, by number.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn users(&self) -> NetBoxResult<Vec<NetBoxUser>> {
        self.list("users/users/", &[], "users", ENTRIES_MAX).await
    }

    /// The user with exactly this name.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn user_by_username(&self, username: &str) -> NetBoxResult<Option<NetBoxUser>> {
        let found: Vec<NetBoxUser> = self.list("users/users/", &[("username", username)], "users", ALIKE_MAX).await?;
        Ok(found.into_iter().find(|user| user.username == username))
    }

    /// The users with an e-mail address, whatever the case of its letters.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn users_by_email(&self, email: &str) -> NetBoxResult<Vec<NetBoxUser>> {
        let found: Vec<NetBoxUser> = self.list("users/users/", &[("email__ie", email)], "users", ALIKE_MAX).await?;
        Ok(found.into_iter().filter(|user| user.email.eq_ignore_ascii_case(email)).collect())
    }

    /// The users with this name, whatever the case of its letters, or with this name and the digits NetBox puts behind one
    /// that is taken.
    ///
    /// # Errors
    /// Why there is no answer; [`NetBoxError::TooMany`] if more than [`ALIKE_MAX`] begin alike.
    pub async fn users_called(&self, username: &str) -> NetBoxResult<Vec<NetBoxUser>> {
        let query = [("username__isw", username)];
        let found: Vec<NetBoxUser> = self.list("users/users/", &query, "users", ALIKE_MAX).await?;
        let is_it =
            |user: &NetBoxUser| user.username.eq_ignore_ascii_case(username) || is_suffixed(&user.username, username);
        Ok(found.into_iter().filter(is_it).collect())
    }

    /// Numbers of the superusers the token's account may see.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn superusers(&self) -> NetBoxResult<Vec<i64>> {
        let found: Vec<NetBoxUser> =
            self.list("users/users/", &[("is_superuser", "true")], "users", ENTRIES_MAX).await?;
        Ok(found.into_iter().map(|user| user.id).collect())
    }

    /// Whether a user is a superuser: NetBox never says so of a user, but can be asked for all superusers.
    ///
    /// # Errors
    /// Why there is no answer, or that NetBox does not know the question.
    pub async fn is_superuser(&self, id: i64) -> NetBoxResult<bool> {
        let number = id.to_string();
        let asked = |is_superuser: &'static str| [("id", number.clone()), ("is_superuser", is_superuser.to_owned())];
        let count = async |is_superuser| {
            let query = asked(is_superuser);
            let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let found: Vec<NetBoxUser> = self.list("users/users/", &query, "users", ALIKE_MAX).await?;
            Ok::<_, NetBoxError>(found.iter().filter(|user| user.id == id).count())
        };
        match (count("true").await?, count("false").await?) {
            (0, 1) => Ok(false),
            (1, 0) => Ok(true),
            (0, 0) => Err(NetBoxError::NotFound { what: format!("user number {id}") }),
            // A filter that is not known is passed over.
            _ => Err(self.not_netbox("it cannot be asked who is a superuser")),
        }
    }

    /// Writes fields of a user and returns the user as NetBox has it then.
    ///
    /// # Errors
    /// [`NetBoxError::NotFound`], what NetBox says is wrong, or why there is no answer.
    pub async fn change_user(&self, id: i64, change: &UserChange) -> NetBoxResult<NetBoxUser> {
        let body = serde_json::to_value(change).unwrap_or_else(|_| Value::Object(Map::new()));
        self.patch_user(id, &body).await
    }

    /// Replaces a user's groups.
    ///
    /// # Errors
    /// As [`NetBox::change_user`].
    pub async fn set_groups(&self, id: i64, groups: Vec<i64>) -> NetBoxResult<NetBoxUser> {
        self.change_user(id, &UserChange { groups: Some(groups), ..UserChange::default() }).await
    }

    /// Makes an account unusable: inactive, and with a password that nobody knows, which ends its web sessions for good.
    ///
    /// # Errors
    /// As [`NetBox::change_user`].
    pub async fn deactivate(&self, id: i64) -> NetBoxResult<NetBoxUser> {
        let password = unknown_password();
        self.patch_user(id, &json!({ "is_active": false, "password": password.expose() })).await
    }

    /// Makes an account usable again.
    ///
    /// # Errors
    /// As [`NetBox::change_user`].
    pub async fn reactivate(&self, id: i64) -> NetBoxResult<NetBoxUser> {
        self.change_user(id, &UserChange { is_active: Some(true), ..UserChange::default() }).await
    }

    async fn patch_user(&self, id: i64, body: &Value) -> NetBoxResult<NetBoxUser> {
        let changed = self.send(Method::PATCH, &format!("users/users/{id}/"), body, "change users").await;
        changed.map_err(|error| no_user(error, id))
    }
}

fn no_user(error: NetBoxError, id: i64) -> NetBoxError {
    match error {
        NetBoxError::NotFound { .. } => NetBoxError::NotFound { what: format!("user number {id}") },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::stub::{Stub, list, user};
    use super::*;
    use crate::outbound::Outbound;
    use proptest::prelude::*;

    #[test]
    fn only_sixteen_digits_behind_a_name_are_a_suffix() {
        assert!(is_suffixed("alicef683ea2d6f024ceb", "alice"));
        for other in
            ["alice", "alicef683ea2d6f024ce", "aliceF683EA2D6F024CEB", "bobf683ea2d6f024ceb", "alice-683ea2d6f024ceb"]
        {
            assert!(!is_suffixed(other, "alice"), "{other}");
        }
    }

    #[test]
    fn unknown_passwords_differ_and_meet_the_policy() {
        let (a, b) = (unknown_password(), unknown_password());
        assert_ne!(a.expose(), b.expose());
        assert!(a.expose().len() >= 12 && a.expose().contains('1') && a.expose().contains("Dw"));
    }

    #[tokio::test]
    async fn users_are_found_by_name_and_suffix() {
        let outbound = Outbound::default();
        let all = list(&[user(1, "Alice"), user(2, "alicef683ea2d6f024ceb"), user(3, "alicia"), user(4, "alice")]);
        let stub = Stub::new(&[("GET /api/users/users/", 200, &all)]);
        let netbox = stub.netbox(&outbound);
        let found = netbox.users_called("alice").await.unwrap();
        assert_eq!(found.iter().map(|user| user.id).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(netbox.user_by_username("alice").await.unwrap().map(|user| user.id), Some(4));
        assert!(stub.requests()[0].contains("username__isw=alice"), "{:?}", stub.requests());
    }

    #[tokio::test]
    async fn superusers_are_known_by_asking_both_ways() {
        let outbound = Outbound::default();
        let (one, none) = (list(&[user(7, "root")]), list(&[]));
        for (yes, no, expected) in
            [(&one, &none, Some(true)), (&none, &one, Some(false)), (&none, &none, None), (&one, &one, None)]
        {
            let stub = Stub::new(&[("is_superuser=true", 200, yes), ("is_superuser=false", 200, no)]);
            assert_eq!(stub.netbox(&outbound).is_superuser(7).await.ok(), expected);
        }
    }

    #[tokio::test]
    async fn changes_send_only_what_changes() {
        let outbound = Outbound::default();
        let answer = user(7, "alice").to_string();
        let stub = Stub::new(&[("PATCH /api/users/users/7/", 200, &answer)]);
        let netbox = stub.netbox(&outbound);
        netbox.set_groups(7, vec![3, 1]).await.unwrap();
        netbox.deactivate(7).await.unwrap();
        netbox.reactivate(7).await.unwrap();
        let bodies: Vec<String> = stub.requests().iter().map(|r| r.rsplit("\r\n").next().unwrap().to_owned()).collect();
        assert_eq!(bodies[0], r#"{"groups":[3,1]}"#);
        assert!(bodies[1].contains(r#""is_active":false"#) && bodies[1].contains(r#""password":"Dw-1"#), "{bodies:?}");
        assert_eq!(bodies[2], r#"{"is_active":true}"#);
        assert!(UserChange::default().is_empty());
    }

    #[tokio::test]
    async fn who_is_gone_is_named() {
        let outbound = Outbound::default();
        let stub = Stub::new(&[("GET /api/users/users/7/", 404, r#"{"detail":"Not found."}"#)]);
        let error = stub.netbox(&outbound).user(7).await.unwrap_err();
        assert_eq!(error, NetBoxError::NotFound { what: "user number 7".to_owned() });
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(text in "\\PC{0,200}", id in any::<i64>()) {
            let _ = serde_json::from_str::<NetBoxUser>(&text);
            let odd = json!({ "id": id, "username": text, "last_login": text, "groups": [{ "id": id, "name": text }] });
            let _ = serde_json::from_value::<NetBoxUser>(odd);
        }
    }
}
