//! The REST API of NetBox, as far as Doorward needs it: users, groups, API tokens, permissions. Typed, bounded, and with
//! errors that say what to change.

mod error;
pub mod groups;
pub mod permissions;
mod request;
pub mod status;
#[cfg(test)]
mod stub;
pub mod tokens;
pub mod users;

pub use error::{NetBoxError, NetBoxResult};

use doorward_core::secret::Secret;
use std::time::Duration;
use url::Url;

use crate::outbound::Outbound;

/// How long one request may take. A NetBox that was just started takes seconds for its first answer.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// How many entries are asked for at once; NetBox gives fewer if `MAX_PAGE_SIZE` says so.
pub const PAGE: usize = 200;
/// Most entries of one kind that are read.
pub const ENTRIES_MAX: usize = 100_000;
/// Length of an API token of version 1, in characters.
pub const V1_LENGTH: usize = 40;
/// Longest API token that is taken, in bytes.
pub const TOKEN_MAX: usize = 200;

/// A NetBox and the API token to talk to it with.
#[derive(Debug)]
pub struct NetBox<'a> {
    outbound: &'a Outbound,
    base: Url,
    token: Secret<String>,
    timeout: Duration,
}

/// Somebody or something that an entry names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(from = "AnyName")]
pub struct Named {
    /// NetBox's number for it.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// NetBox calls the name of a user otherwise than that of a group.
#[derive(serde::Deserialize)]
struct AnyName {
    id: i64,
    name: Option<String>,
    username: Option<String>,
    display: Option<String>,
}

impl From<AnyName> for Named {
    fn from(any: AnyName) -> Self {
        Self { id: any.id, name: any.name.or(any.username).or(any.display).unwrap_or_default() }
    }
}

/// What is wrong with an API token by its form alone; `None` if nothing is.
pub fn token_problem(token: &str) -> Option<&'static str> {
    if token.len() > TOKEN_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("An API token of NetBox is a single word; copy it as NetBox shows it once.");
    }
    match token.strip_prefix("nbt_") {
        Some(rest) => {
            let is_whole = rest.split_once('.').is_some_and(|(key, secret)| !key.is_empty() && !secret.is_empty());
            (!is_whole).then_some(
                "This is only the first half of a token of version 2. The whole of it has the form nbt_KEY.TOKEN, \
                 which NetBox shows once, when the token is made.",
            )
        }
        None => (token.len() != V1_LENGTH)
            .then_some("An API token of NetBox has the form nbt_KEY.TOKEN (version 2) or 40 characters (version 1)."),
    }
}

/// What goes into the header: the word before it depends on the version, which shows in the form.
fn authorization(token: &str) -> String {
    let scheme = if token.starts_with("nbt_") { "Bearer" } else { "Token" };
    format!("{scheme} {token}")
}

impl<'a> NetBox<'a> {
    /// A NetBox at an address (with or without a path, such as `https://example.org/netbox/`).
    pub fn new(outbound: &'a Outbound, base: Url, token: Secret<String>) -> Self {
        Self { outbound, base, token, timeout: TIMEOUT }
    }

    /// With another limit for the time of one request.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Its address.
    pub fn base(&self) -> &Url {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_by_their_form() {
        let v1 = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(token_problem(v1), None);
        assert_eq!(authorization(v1), format!("Token {v1}"));
        assert_eq!(token_problem("nbt_Ab12.cdef"), None);
        assert_eq!(authorization("nbt_Ab12.cdef"), "Bearer nbt_Ab12.cdef");
        let spaced = format!("{} 3", &v1[..38]);
        for bad in ["", "abc", "nbt_Ab12", "nbt_.x", "nbt_x.", &v1[1..], &spaced, &format!("nbt_a.{}", "x".repeat(200))]
        {
            assert!(token_problem(bad).is_some(), "{bad}");
        }
        assert!(token_problem(&format!("Token {v1}")).is_some());
    }
}
