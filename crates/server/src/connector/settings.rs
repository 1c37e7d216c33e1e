//! Setting up a connector. Its token goes in and never comes out again.

use doorward_core::{
    connector::{Connector, ConnectorHealth, ConnectorKind, ConnectorProfile, ConnectorState, ManagedGroups},
    id::ConnectorId,
    problem::Problems,
    secret::Secret,
};
use doorward_store as store;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::{Connected, find, run};
use crate::{
    actor::Actor,
    app::App,
    applications,
    error::{OperationError, OperationResult},
    events,
    netbox::token_problem,
    web_address::origin,
};

/// A connector as it is shown: everything but the token.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectorView {
    /// The application's slug.
    pub application: String,
    /// To what kind of application it goes.
    pub kind: ConnectorKind,
    /// What can be edited.
    #[serde(flatten)]
    pub profile: ConnectorProfile,
    /// When it was made.
    pub created_at: Timestamp,
    /// How it is.
    pub health: ConnectorHealth,
    /// How far it is.
    pub progress: run::Progress,
}

/// Gives an application a connector.
///
/// # Errors
/// Everything that is wrong with the input; that there is no such application, or that it has a connector.
pub async fn create(
    app: &App,
    actor: &Actor,
    slug: &str,
    profile: ConnectorProfile,
    token: Secret<String>,
) -> OperationResult<()> {
    let entry = applications::find(app, slug)?;
    if app.snapshot().connectors.contains_key(&entry.application.id) {
        return Err(OperationError::Denied(format!("{slug} has a connector already.")));
    }
    let profile = tidied(profile);
    check(&profile, Some(&token))?;
    let now = app.clock.now();
    let connector = Connector {
        id: ConnectorId::new(&app.clock),
        application: entry.application.id,
        kind: ConnectorKind::Netbox,
        profile,
        token,
        created_at: now,
        directory_cursor: 0,
        snapshot_cursor: 0,
        health: well(now),
        run: None,
    };
    let cipher = app.cipher.clone();
    let url = connector.profile.url.clone();
    app.change(move |tx| Box::pin(async move { store::connector::insert(tx, &cipher, &connector).await })).await?;
    let name = &entry.application.profile.name;
    events::changed(app, actor, format!("gave {name} a connector to {url}")).await;
    Ok(())
}

/// Writes a connector's settings and, if given, its token; a new token is tried at once. Whoever moves the connector to
/// another server must give a token: else the old one would be sent there, to be read.
///
/// # Errors
/// Everything that is wrong with the input; that there is no such application, or that it has no connector.
pub async fn update(
    app: &App,
    actor: &Actor,
    slug: &str,
    profile: ConnectorProfile,
    token: Option<Secret<String>>,
) -> OperationResult<()> {
    let connected = find(app, slug).await?;
    let profile = tidied(profile);
    check(&profile, token.as_ref())?;
    if token.is_none() && origin(&profile.url) != origin(&connected.connector.profile.url) {
        return Err(OperationError::invalid(
            "token",
            "Give the API token again: the kept one is only for the server it was given for.",
        ));
    }
    let (id, now, cipher) = (connected.connector.id, app.clock.now(), app.cipher.clone());
    let has_token = token.is_some();
    app.change(move |tx| {
        Box::pin(async move {
            store::connector::update(tx, id, &profile).await?;
            if let Some(token) = token {
                store::connector::set_token(tx, &cipher, id, &token).await?;
            }
            // Whatever was wrong may be right now.
            store::connector::set_health(tx, id, &well(now)).await?;
            store::connector_job::retry(tx, id, now).await
        })
    })
    .await?;
    let what = if has_token { "changed the connector of {} and its token" } else { "changed the connector of {}" };
    events::changed(app, actor, what.replace("{}", connected.name())).await;
    Ok(())
}

/// Takes the connector from an application, with its queue and all it knows. The accounts stay as they are.
///
/// # Errors
/// That there is no such application, or that it has no connector.
pub async fn remove(app: &App, actor: &Actor, slug: &str) -> OperationResult<()> {
    let connected = find(app, slug).await?;
    let id = connected.connector.id;
    app.change(move |tx| Box::pin(async move { store::connector::delete(tx, id).await })).await?;
    events::changed(app, actor, format!("removed the connector of {}", connected.name())).await;
    Ok(())
}

/// A connector as it is shown.
///
/// # Errors
/// That there is no such application, or that it has no connector.
pub async fn show(app: &App, slug: &str) -> OperationResult<ConnectorView> {
    let connected = find(app, slug).await?;
    let progress = run::progress_of(app, &connected).await?;
    let Connected { connector, entry } = connected;
    Ok(ConnectorView {
        application: entry.application.profile.slug.clone(),
        kind: connector.kind,
        profile: connector.profile,
        created_at: connector.created_at,
        health: connector.health,
        progress,
    })
}

/// What is wrong with a profile and a token, field by field; for a dry run.
///
/// # Errors
/// Everything that is wrong.
pub fn check(profile: &ConnectorProfile, token: Option<&Secret<String>>) -> Result<(), Problems> {
    let mut problems = profile.check().err().unwrap_or_default();
    if let Some(problem) = token.and_then(|token| token_problem(token.expose())) {
        problems.add("token", problem);
    }
    problems.or(())
}

/// What an administrator should know about settings that are allowed.
pub fn warnings(profile: &ConnectorProfile) -> Vec<String> {
    let mut warnings = Vec::new();
    let url = Url::parse(&profile.url).ok();
    let is_local =
        url.as_ref().and_then(Url::host_str).is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
    if url.is_some_and(|url| url.scheme() == "http") && !is_local {
        warnings.push(
            "The API token travels unencrypted: give an address that begins with https://. Whoever reads the token can \
             change every account it can."
                .to_owned(),
        );
    }
    if profile.groups == ManagedGroups::none() {
        warnings
            .push("No group is managed; give a prefix or list groups, unless only cutting off is wanted.".to_owned());
    }
    if profile.push_username {
        warnings.push(
            "Usernames are pushed. At sign-in by OpenID Connect NetBox leaves them as they are, so nothing undoes it; \
             whatever else knows people by their NetBox username must follow."
                .to_owned(),
        );
    }
    warnings
}

/// A connector of which nothing is known to be wrong.
pub(super) fn well(now: Timestamp) -> ConnectorHealth {
    ConnectorHealth { state: ConnectorState::Well, text: String::new(), since: now, failures: 0, resume_at: now }
}

fn tidied(mut profile: ConnectorProfile) -> ConnectorProfile {
    profile.url = profile.url.trim().to_owned();
    profile.groups = match profile.groups {
        ManagedGroups::Prefix(prefix) => ManagedGroups::Prefix(prefix.trim().to_owned()),
        ManagedGroups::Listed(names) => {
            ManagedGroups::Listed(names.into_iter().map(|name| name.trim().to_owned()).collect())
        }
    };
    profile
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_but_unwise_is_said() {
        let warned = |url: &str| {
            warnings(&ConnectorProfile { groups: ManagedGroups::Prefix("n".into()), ..ConnectorProfile::new(url) })
        };
        assert!(warned("https://n.example.org/").is_empty() && warned("http://127.0.0.1:8000/").is_empty());
        assert!(warned("http://n.example.org/")[0].contains("unencrypted"));
        let mut profile = ConnectorProfile::new("https://n.example.org/");
        profile.push_username = true;
        assert_eq!(warnings(&profile).len(), 2);
    }
}
