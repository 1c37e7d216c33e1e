//! App passwords: long random secrets for clients that can only send a name and a password.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cipher::sha256_hex,
    id::{AppPasswordId, ApplicationId, UserId},
    random,
    secret::Secret,
};

/// Letters and digits of an app password: 238 bits, so that one SHA-256 keeps it.
pub const LENGTH: usize = 40;
/// Most app passwords of one user.
pub const PER_USER_MAX: i64 = 50;
/// Longest name, in characters.
pub const NAME_MAX: usize = 150;

/// An app password as kept. The secret is shown once and then kept as a hash only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppPassword {
    /// Identifier.
    pub id: AppPasswordId,
    /// Whose it is.
    pub user: UserId,
    /// The only application it is good for; `None` for all.
    pub application: Option<ApplicationId>,
    /// What it is for, in its owner's words.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, within an hour.
    pub last_used_at: Option<Timestamp>,
}

impl AppPassword {
    /// Whether it is good for an application now.
    pub fn is_good_for(&self, application: ApplicationId, now: Timestamp) -> bool {
        self.application.is_none_or(|only| only == application) && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A new secret: letters and digits only, so that no configuration file needs quotes around it.
pub fn new_secret() -> Secret<String> {
    Secret::new(random::alphanumeric(LENGTH))
}

/// What is kept of a secret.
pub fn hash(secret: &str) -> String {
    sha256_hex(secret.as_bytes())
}
