//! What can be done with signing keys.

mod rotation;

pub use rotation::{replace_leaked, rotate, rotate_due, set_schedule};

use doorward_core::{
    id::SigningKeyId,
    lifetime::Lifetime,
    signing_key::{KeyAlgorithm, KeyVersion, SigningKey, VersionState},
};
use doorward_protocols::jose::{
    generate::generate as generate_version,
    import::{RsaScheme, import as import_version},
};
use doorward_store as store;

use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
};

/// Generates a new key.
///
/// # Errors
/// That the name is taken or empty.
pub async fn generate(app: &App, actor: &Actor, name: &str, algorithm: KeyAlgorithm) -> OperationResult<SigningKey> {
    let name = check_name(name)?;
    let version = make(app, algorithm, &name, app.clock.now()).await?;
    insert(app, actor, name, version).await
}

/// Takes a key that somebody brings, as PEM. `scheme`: how it signs if it is an RSA key.
///
/// # Errors
/// What is wrong with the PEM; that the name is taken or the key is there already.
pub async fn import(app: &App, actor: &Actor, name: &str, pem: &str, scheme: RsaScheme) -> OperationResult<SigningKey> {
    let name = check_name(name)?;
    let version = import_version(&app.clock, pem, scheme, &name, app.clock.now())
        .map_err(|error| OperationError::invalid("pem", sentence(&error.to_string())))?;
    insert(app, actor, name, version).await
}

/// Removes a key that no application uses.
///
/// # Errors
/// That there is no such key, or which applications use it.
pub async fn delete(app: &App, actor: &Actor, name: &str) -> OperationResult<()> {
    let key = find(app, name)?;
    let users = used_by(app, key.id);
    if !users.is_empty() {
        return Err(OperationError::Denied(format!(
            "The key \"{}\" signs for {}; give them another key first.",
            key.name,
            users.join(", ")
        )));
    }
    if app.snapshot().keys.len() == 1 {
        return Err(OperationError::Denied("This is the only signing key; applications need one.".to_owned()));
    }
    let id = key.id;
    app.change(move |tx| Box::pin(async move { store::signing_key::delete(tx, id).await })).await?;
    events::changed(app, actor, format!("deleted the signing key {}", key.name)).await;
    Ok(())
}

/// A key by name or identifier.
///
/// # Errors
/// That there is no such key.
pub fn find(app: &App, name: &str) -> OperationResult<SigningKey> {
    app.snapshot().key(name).cloned().ok_or_else(|| OperationError::not_found("signing key", name))
}

/// Names of the applications whose tokens a key signs.
pub fn used_by(app: &App, key: SigningKeyId) -> Vec<String> {
    let snapshot = app.snapshot();
    let clients = snapshot.clients().filter(|client| client.provider.profile.signing_key == key);
    clients.map(|client| client.application.profile.name.clone()).collect()
}

/// Forgets private keys whose last token has expired. Says how many.
///
/// # Errors
/// What the database says.
pub async fn forget_expired(app: &App) -> OperationResult<usize> {
    let snapshot = app.snapshot();
    let now = app.clock.now();
    let expired: Vec<_> = snapshot
        .keys
        .iter()
        .flat_map(|key| key.states(now, snapshot.longest_lifetime(key.id)))
        .filter(|(_, state)| *state == VersionState::Expired)
        .map(|(version, _)| version.id)
        .collect();
    let count = expired.len();
    if count > 0 {
        app.change(move |tx| {
            Box::pin(async move {
                for version in expired {
                    store::signing_key::delete_version(tx, version).await?;
                }
                Ok(())
            })
        })
        .await?;
    }
    Ok(count)
}

async fn make(
    app: &App,
    algorithm: KeyAlgorithm,
    name: &str,
    activates_at: jiff::Timestamp,
) -> OperationResult<KeyVersion> {
    let (clock, name) = (app.clock.clone(), name.to_owned());
    let task = tokio::task::spawn_blocking(move || generate_version(&clock, algorithm, &name, activates_at));
    let made = task.await.map_err(|error| OperationError::Internal(error.to_string()))?;
    made.map_err(|error| OperationError::Internal(error.to_string()))
}

async fn insert(app: &App, actor: &Actor, name: String, version: KeyVersion) -> OperationResult<SigningKey> {
    let (id, rotation_interval) = (SigningKeyId::new(&app.clock), Lifetime::seconds(0));
    let key = SigningKey { id, name, versions: vec![version], rotation_interval, rotations: 0 };
    let (kept, cipher) = (key.clone(), app.cipher.clone());
    app.change(move |tx| Box::pin(async move { store::signing_key::insert(tx, &cipher, &kept).await })).await.map_err(
        |error| match error {
            OperationError::Store(store::Error::Conflict(what)) if what.contains("kid") => {
                OperationError::invalid("pem", "This key is there already.")
            }
            OperationError::Store(store::Error::Conflict(_)) => {
                OperationError::invalid("name", "There is a signing key of that name.")
            }
            other => other,
        },
    )?;
    events::changed(app, actor, format!("added the signing key {}", key.name)).await;
    Ok(key)
}

fn check_name(name: &str) -> OperationResult<String> {
    let name = name.trim();
    let fits = (1..=150).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(OperationError::invalid("name", "Give the key a name of at most 150 characters."))
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
