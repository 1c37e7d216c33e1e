//! Finding things by name, with a hint at the command that lists or adds them.

use doorward_core::{
    claim_mapping::ClaimMapping,
    group::Group,
    signing_key::SigningKey,
    user::{User, key},
};
use doorward_server::{
    app::App,
    applications,
    directory::{groups, users},
    error::OperationError,
    keys,
    snapshot::ApplicationEntry,
};
use std::sync::Arc;

use crate::exit;

/// A group by name.
pub fn group(app: &App, name: &str) -> anyhow::Result<Group> {
    groups::find_by_name(app, name)
        .map_err(|error| hint(error, &format!("add it with: doorward group add {}", word(name))))
}

/// A user by username.
pub async fn user(app: &App, username: &str) -> anyhow::Result<User> {
    let found = users::find_by_username(app, username).await;
    found.map_err(|error| hint(error, "\"doorward user list\" shows all"))
}

/// An application by slug.
pub fn application(app: &App, slug: &str) -> anyhow::Result<Arc<ApplicationEntry>> {
    applications::find(app, slug).map_err(|error| hint(error, "\"doorward app list\" shows all slugs"))
}

/// A signing key by name.
pub fn signing_key(app: &App, name: &str) -> anyhow::Result<SigningKey> {
    keys::find(app, name).map_err(|error| hint(error, "\"doorward key list\" shows all"))
}

/// A claim mapping by name or identifier.
pub fn mapping(app: &App, name: &str) -> anyhow::Result<ClaimMapping> {
    let snapshot = app.snapshot();
    let found = snapshot
        .mappings
        .iter()
        .find(|mapping| key(&mapping.profile.name) == key(name) || mapping.id.to_string() == name);
    found
        .cloned()
        .ok_or_else(|| hint(OperationError::not_found("claim mapping", name), "\"doorward mapping list\" shows all"))
}

fn hint(error: OperationError, advice: &str) -> anyhow::Error {
    match error {
        OperationError::NotFound { .. } => exit::not_found(format!("{error}; {advice}")),
        other => other.into(),
    }
}

/// A word as a shell takes it.
pub fn word(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.@+/:=".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(word("netbox-admins"), "netbox-admins");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word("$(x) y"), "'$(x) y'");
    }
}
