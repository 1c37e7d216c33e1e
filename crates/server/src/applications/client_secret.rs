//! Replacing client secrets, with a time in which the old one still works.

use doorward_core::{
    clock::after,
    lifetime::Lifetime,
    problem::Problems,
    provider::{ClientType, KEEP_SECRET_MAX, PreviousSecret, new_client_secret},
    secret::Secret,
};
use doorward_store as store;
use jiff::Timestamp;

use super::find_client;
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
    snapshot::Client,
};

/// Replaces an application's client secret. The old one is refused from now on, or after a time of at most thirty days; one
/// from before that is refused at once, since two are accepted at most.
///
/// # Errors
/// That there is no such application; that it is a public client, which has no secret; that the time is too long.
pub async fn rotate(app: &App, actor: &Actor, slug: &str, keep_old_for: Lifetime) -> OperationResult<Secret<String>> {
    let client = find_client(app, slug)?;
    check_is_confidential(&client)?;
    if keep_old_for > KEEP_SECRET_MAX {
        return Err(OperationError::invalid("keep_old_for", "The old client secret may work for days=30 at most."));
    }
    let secret = new_client_secret();
    let (kept, cipher, id) = (secret.clone(), app.cipher.clone(), client.provider.id);
    let expires_at = after(app.clock.now(), keep_old_for.duration());
    let is_kept = !keep_old_for.duration().is_zero();
    app.change(move |tx| {
        Box::pin(async move {
            // Read here: of two who replace it at once, the second keeps what the first was given.
            let old = if is_kept { store::provider::secret(tx, &cipher, id).await? } else { None };
            let previous = old.map(|secret| PreviousSecret { secret, expires_at });
            store::provider::update_secret(tx, &cipher, id, &kept, previous.as_ref()).await
        })
    })
    .await?;
    let until = if is_kept { format!("; the old one works for {keep_old_for}") } else { String::new() };
    let name = &client.application.profile.name;
    events::changed(app, actor, format!("replaced the client secret of {name}{until}")).await;
    Ok(secret)
}

/// Whether the client keeps a secret at all. That of a public client is looked at nowhere: a new one would change nothing,
/// and whoever asked for one would believe that it did.
///
/// # Errors
/// What to change.
pub fn check_is_confidential(client: &Client) -> Result<(), Problems> {
    if client.provider.profile.client_type == ClientType::Confidential {
        return Ok(());
    }
    let (slug, name) = (&client.application.profile.slug, &client.application.profile.name);
    Err(Problems::one(
        "client_type",
        format!(
            "{name} is a public client: it has no client secret, and there is none to replace. If it is a server that can \
             keep one, choose the client type Confidential first (on its page under Advanced, or with \"doorward app edit \
             {slug} --confidential\"); then replace the secret."
        ),
    ))
}

/// Refuses the client secret before the present one from now on. Says whether it was accepted until then.
///
/// # Errors
/// That there is no such application.
pub async fn stop_old(app: &App, actor: &Actor, slug: &str) -> OperationResult<bool> {
    let client = find_client(app, slug)?;
    let id = client.provider.id;
    let stopped =
        app.change(move |tx| Box::pin(async move { store::provider::forget_previous_secret(tx, id).await })).await?;
    if stopped {
        let name = &client.application.profile.name;
        events::changed(app, actor, format!("stopped accepting the old client secret of {name}")).await;
    }
    Ok(stopped)
}

/// The client secret before the present one, while it is accepted.
#[derive(Debug, Clone, Copy)]
pub struct OldSecret {
    /// Until when.
    pub expires_at: Timestamp,
    /// When somebody last came with it, within an hour.
    pub used_at: Option<Timestamp>,
}

/// What is known of an application's old client secret, while it is accepted.
///
/// # Errors
/// What the database says.
pub async fn old(app: &App, client: &Client) -> OperationResult<Option<OldSecret>> {
    let Some(previous) = client.provider.living_previous_secret(app.clock.now()) else { return Ok(None) };
    let id = client.provider.id;
    let used_at = app.db.read(move |tx| Box::pin(store::provider::previous_secret_use(tx, id))).await?;
    Ok(Some(OldSecret { expires_at: previous.expires_at, used_at }))
}
