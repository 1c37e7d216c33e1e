//! What can be done with signing keys.

use doorward_core::{
    id::SigningKeyId,
    signing_key::{KeyAlgorithm, KeyVersion, SigningKey, VersionState},
};
use doorward_protocols::jose::{generate::generate as generate_version, import::import as import_version};
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

/// Takes a key that somebody brings, as PEM.
///
/// # Errors
/// What is wrong with the PEM; that the name is taken or the key is there already.
pub async fn import(app: &App, actor: &Actor, name: &str, pem: &str) -> OperationResult<SigningKey> {
    let name = check_name(name)?;
    let version = import_version(&app.clock, pem, &name, app.clock.now())
        .map_err(|error| OperationError::invalid("pem", sentence(&error.to_string())))?;
    insert(app, actor, name, version).await
}

/// Gives a key a new version, which is published at once and signs after [`crate::config::Config::key_publication`],
/// or at once if `immediately`. The old version stays published until the last token signed with it has expired.
///
/// # Errors
/// That there is no such key, or that a new version waits already.
pub async fn rotate(app: &App, actor: &Actor, name: &str, immediately: bool) -> OperationResult<KeyVersion> {
    let key = find(app, name)?;
    let now = app.clock.now();
    if let Some(next) = key.versions.iter().find(|version| version.activates_at > now)
        && !immediately
    {
        return Err(OperationError::Denied(format!(
            "A new version of \"{}\" is published already and signs from {}.",
            key.name,
            next.activates_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        )));
    }
    let algorithm = key.active(now).map_or(KeyAlgorithm::Rsa, |version| version.algorithm);
    let wait = if immediately { jiff::SignedDuration::ZERO } else { app.config.key_publication };
    // After every version that signs or signed, so that there is never a tie about which one does.
    let signing = key.versions.iter().map(|version| version.activates_at).filter(|at| *at <= now);
    let earliest = signing.max().and_then(|at| at.saturating_add(jiff::SignedDuration::from_millis(1)).ok());
    let activates_at = now.saturating_add(wait).unwrap_or(now).max(earliest.unwrap_or(now));
    let version = make(app, algorithm, &key.name, activates_at).await?;
    // A version that waits was made before whatever calls for haste: it never signs.
    let waiting: Vec<_> = key.versions.iter().filter(|version| version.activates_at > now).map(|v| v.id).collect();
    let (kept, cipher, id) = (version.clone(), app.cipher.clone(), key.id);
    app.change(move |tx| {
        Box::pin(async move {
            for version in waiting {
                store::signing_key::delete_version(tx, version).await?;
            }
            store::signing_key::insert_version(tx, &cipher, id, &kept).await
        })
    })
    .await?;
    events::changed(app, actor, format!("rotated the signing key {}", key.name)).await;
    Ok(version)
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
    let key = SigningKey { id: SigningKeyId::new(&app.clock), name, versions: vec![version] };
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
