//! Grant types of the token endpoint, one file each.

pub mod authorization_code;
pub mod refresh_token;

use doorward_core::{event::EventKind, network::Place, timeline::StepKind};
use doorward_protocols::oauth::{
    error::{ErrorCode, OAuthError},
    token::{TokenRequest, TokenResponse, words},
};
use doorward_store::{self as store, grant::Grant};

use std::collections::BTreeSet;

use crate::{
    app::App,
    applications::access,
    directory::person::{self, Person},
    events,
    snapshot::{Client, Snapshot},
    timeline::{StepDraft, Trail},
};

/// Why a grant gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// What the client is told.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// The database is away.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a grant gives.
#[derive(Debug)]
pub struct Granted {
    /// The tokens.
    pub response: TokenResponse,
    /// The grant they hang on.
    pub grant: Grant,
}

/// What became of a code or refresh token in the transaction that used it up.
enum Outcome {
    /// It was good, and the new tokens are kept.
    Kept,
    /// It was used before; what it had given is revoked.
    Replayed,
    /// Its grant was revoked meanwhile.
    Revoked,
}

/// Serves a token request of an authenticated client.
///
/// # Errors
/// What the client is told, or that the database is away.
pub async fn serve(app: &App, client: &Client, request: TokenRequest) -> Result<Granted, GrantError> {
    match request {
        TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier } => {
            authorization_code::exchange(app, client, &code, &redirect_uri, code_verifier.as_deref()).await
        }
        TokenRequest::RefreshToken { refresh_token, scope } => {
            refresh_token::exchange(app, client, &refresh_token, scope).await
        }
    }
}

/// `invalid_grant` with a text for the client and one for the log.
fn invalid(description: &'static str, detail: impl Into<String>) -> GrantError {
    OAuthError::new(ErrorCode::InvalidGrant, description).detail(detail).into()
}

/// The grant's person, if they are still active and may still use the application: looked at on every issuance.
async fn person(app: &App, snapshot: &Snapshot, client: &Client, grant: &Grant) -> Result<Person, GrantError> {
    let person = person::find(app, snapshot, grant.user).await?;
    let gone = |why| invalid("The person may not use this application any more", why);
    let person = person.ok_or_else(|| gone("the user was deleted".to_owned()))?;
    // The application asks, not the browser: where that was, the authorization request looked at.
    access::check(&client.application, &person, Place::Server)
        .map_err(|why| gone(format!("{}: {why}", person.user.profile.username)))?;
    Ok(person)
}

/// The scopes of a grant that the application may still ask for (CVE-2024-52287: what was taken away is not given again).
fn still_configured(client: &Client, grant: &Grant) -> BTreeSet<String> {
    words(&grant.scopes).intersection(&client.scopes).cloned().collect()
}

/// Writes down that something single-use came twice. What it had given is revoked already.
async fn replayed(app: &App, client: &Client, grant: &Grant, what: &str) {
    let name = &client.application.profile.name;
    let text = format!("{name} sent {what} a second time; the tokens of that sign-in were revoked");
    let mut entry = events::Entry::new(EventKind::Replay, text);
    entry.user = Some(grant.user);
    entry.application = Some(client.application.id);
    if let Some(trail) = Trail::of_grant(client, grant) {
        entry = entry.on(&trail, StepDraft::refused(StepKind::Replay, what));
    }
    events::write(app, entry).await;
}
