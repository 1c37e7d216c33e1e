//! What NetBox's own API tells.

use std::collections::BTreeSet;

use crate::recipes::AppVersion;

/// What NetBox's API tells.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Its version.
    pub version: Option<AppVersion>,
    /// Its users.
    pub users: Vec<AccountSeen>,
    /// Names of its groups; `None` if the token may not see them.
    pub groups: Option<BTreeSet<String>>,
    /// Whether the token may see permissions, which nothing here needs.
    pub sees_permissions: bool,
}

/// One user of NetBox.
#[derive(Debug, Clone, Default)]
pub struct AccountSeen {
    /// Username.
    pub username: String,
    /// Whether the account may be used.
    pub is_active: bool,
}

/// Why the API told nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InventoryError {
    /// The token is not accepted.
    Refused(String),
    /// The token may not see users.
    Forbidden(String),
    /// Anything else.
    Failed(String),
}
