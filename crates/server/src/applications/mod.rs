//! Applications with their providers: operations.

pub mod access;
pub mod from_recipe;
pub mod preview;

use doorward_core::{
    access_rule::AccessRule,
    application::{Application, ApplicationProfile},
    id::{ApplicationId, ProviderId},
    problem::Problems,
    provider::{Provider, ProviderProfile, new_client_secret},
    redirect_uri::{MatchingMode, RedirectUri},
    secret::Secret,
};
use doorward_protocols::oauth::redirect_uri;
use doorward_store as store;
use std::sync::Arc;

use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
    snapshot::{Client, Snapshot},
};

/// A provider's profile with what a new application gets unless told otherwise: the first signing key, the default claim
/// mappings.
pub fn default_provider(snapshot: &Snapshot, name: &str) -> OperationResult<ProviderProfile> {
    let rs256 = snapshot.keys.iter().find(|key| key.name == crate::setup::DEFAULT_KEY);
    let key = rs256
        .or(snapshot.keys.first())
        .ok_or_else(|| OperationError::Denied("There is no signing key; add one first.".to_owned()))?;
    let mut profile = ProviderProfile::new(name, key.id);
    let defaults = snapshot.mappings.iter().filter(|mapping| mapping.is_default);
    profile.mappings = defaults.map(|mapping| mapping.id).collect();
    Ok(profile)
}

/// Adds an application and its provider, with a new client secret.
///
/// # Errors
/// Everything that is wrong with the input; that slug or client ID are taken.
pub async fn create(
    app: &App,
    actor: &Actor,
    profile: ApplicationProfile,
    provider: ProviderProfile,
) -> OperationResult<Arc<Client>> {
    check(&app.snapshot(), &profile, &provider)?;
    let application = Application { id: ApplicationId::new(&app.clock), profile, created_at: app.clock.now() };
    let provider = Provider {
        id: ProviderId::new(&app.clock),
        application: application.id,
        profile: provider,
        client_secret: new_client_secret(),
    };
    let (slug, name) = (application.profile.slug.clone(), application.profile.name.clone());
    let cipher = app.cipher.clone();
    app.change(move |tx| {
        Box::pin(async move {
            store::application::insert(tx, &application).await?;
            store::provider::insert(tx, &cipher, &provider).await
        })
    })
    .await
    .map_err(explain)?;
    events::changed(app, actor, format!("added the application {name}")).await;
    find(app, &slug)
}

/// Writes an application and its provider.
///
/// # Errors
/// As [`create`]; that there is no such application.
pub async fn update(
    app: &App,
    actor: &Actor,
    slug: &str,
    profile: ApplicationProfile,
    provider: ProviderProfile,
) -> OperationResult<Arc<Client>> {
    let client = find(app, slug)?;
    check(&app.snapshot(), &profile, &provider)?;
    let (application_id, provider_id) = (client.application.id, client.provider.id);
    let (new_slug, name) = (profile.slug.clone(), profile.name.clone());
    app.change(move |tx| {
        Box::pin(async move {
            store::application::update(tx, application_id, &profile).await?;
            store::provider::update(tx, provider_id, &provider).await
        })
    })
    .await
    .map_err(explain)?;
    events::changed(app, actor, format!("changed the application {name}")).await;
    find(app, &new_slug)
}

/// Adds a redirect URI to an application: what the error page offers to an administrator.
///
/// # Errors
/// What is wrong with the URI; that there is no such application.
pub async fn add_redirect_uri(app: &App, actor: &Actor, slug: &str, uri: &str) -> OperationResult<()> {
    let client = find(app, slug)?;
    let mut provider = client.provider.profile.clone();
    let uri = RedirectUri::exact(uri);
    if !provider.redirect_uris.contains(&uri) {
        provider.redirect_uris.push(uri);
        update(app, actor, slug, client.application.profile.clone(), provider).await?;
    }
    Ok(())
}

/// Replaces an application's client secret. The old one is refused from now on.
///
/// # Errors
/// That there is no such application.
pub async fn rotate_secret(app: &App, actor: &Actor, slug: &str) -> OperationResult<Secret<String>> {
    let client = find(app, slug)?;
    let secret = new_client_secret();
    let (kept, cipher, id) = (secret.clone(), app.cipher.clone(), client.provider.id);
    app.change(move |tx| Box::pin(async move { store::provider::update_secret(tx, &cipher, id, &kept).await })).await?;
    events::changed(app, actor, format!("replaced the client secret of {}", client.application.profile.name)).await;
    Ok(secret)
}

/// Shows an application's client secret, and writes down who saw it.
///
/// # Errors
/// That there is no such application, or that the actor may not.
pub async fn reveal_secret(app: &App, actor: &Actor, slug: &str) -> OperationResult<Secret<String>> {
    let client = find(app, slug)?;
    if !actor.is_superuser {
        return Err(OperationError::Denied("Only administrators can see client secrets.".to_owned()));
    }
    events::changed(app, actor, format!("looked at the client secret of {}", client.application.profile.name)).await;
    Ok(client.provider.client_secret.clone())
}

/// Removes an application with its provider, grants and tokens.
///
/// # Errors
/// That there is no such application.
pub async fn delete(app: &App, actor: &Actor, slug: &str) -> OperationResult<()> {
    let client = find(app, slug)?;
    let id = client.application.id;
    app.change(move |tx| Box::pin(async move { store::application::delete(tx, id).await })).await?;
    events::changed(app, actor, format!("deleted the application {}", client.application.profile.name)).await;
    Ok(())
}

/// An application by its slug.
///
/// # Errors
/// That there is no such application.
pub fn find(app: &App, slug: &str) -> OperationResult<Arc<Client>> {
    app.snapshot().by_slug(slug).cloned().ok_or_else(|| OperationError::not_found("application", slug))
}

fn check(snapshot: &Snapshot, profile: &ApplicationProfile, provider: &ProviderProfile) -> OperationResult<()> {
    let mut problems = Problems::default();
    for found in [profile.check(), provider.check()] {
        problems.0.extend(found.err().unwrap_or_default().0);
    }
    for uri in &provider.redirect_uris {
        if let Err(error) = redirect_uri::check_registration(uri) {
            let what = if uri.matching_mode == MatchingMode::Regex { "expression" } else { "address" };
            problems.add("redirect_uris", format!("The {what} \"{}\" is refused: {error}.", uri.url));
        }
    }
    if !snapshot.keys.iter().any(|key| key.id == provider.signing_key) {
        problems.add("signing_key", "This signing key does not exist.");
    }
    if provider.mappings.iter().any(|id| snapshot.mapping(*id).is_none()) {
        problems.add("mappings", "One of the claim mappings does not exist.");
    }
    if let AccessRule::Only { groups, .. } = &profile.access
        && groups.iter().any(|id| snapshot.groups.get(*id).is_none())
    {
        problems.add("allow_groups", "One of the groups does not exist.");
    }
    Ok(problems.or(())?)
}

fn explain(error: OperationError) -> OperationError {
    match error {
        OperationError::Store(store::Error::Conflict(what)) if what.contains("slug") => {
            OperationError::invalid("slug", "There is an application with this slug.")
        }
        OperationError::Store(store::Error::Conflict(what)) if what.contains("client_id") => {
            OperationError::invalid("client_id", "Another application has this client ID.")
        }
        other => other,
    }
}
