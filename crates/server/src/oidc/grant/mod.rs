//! Grant types of the token endpoint, one file each.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod refresh_token;

use doorward_core::{event::EventKind, grant_type::GrantType, network::Place, timeline::StepKind};
use doorward_protocols::oauth::{
    client_authentication::ClientCredentials,
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    token::{self, TokenResponse, words},
};
use doorward_store::{self as store, grant::Grant};

use jiff::Timestamp;
use std::{collections::BTreeSet, net::IpAddr};

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

/// A token request of a client that is known, but did not prove itself yet.
#[derive(Debug)]
pub struct TokenCall<'a> {
    /// Whose request it says it is.
    pub client: &'a Client,
    /// How the client says who it is.
    pub credentials: &'a ClientCredentials,
    /// The request.
    pub form: &'a Parameters,
    /// Where it comes from.
    pub address: IpAddr,
    /// When it came.
    pub now: Timestamp,
}

/// A token request whose client has proven itself. Client credentials begin with [`TokenCall`] instead, since there an app
/// password can stand in for the client secret.
struct ClientCall<'a> {
    client: &'a Client,
    form: &'a Parameters,
    address: IpAddr,
}

impl<'a> TokenCall<'a> {
    /// # Errors
    /// `invalid_client`.
    fn authenticated(&self) -> Result<ClientCall<'a>, OAuthError> {
        self.credentials.check(&self.client.provider, self.now)?;
        Ok(ClientCall { client: self.client, form: self.form, address: self.address })
    }
}

/// Serves a token request. The one table of grants: another one has its name in `core/grant_type.rs`, a file beside this,
/// and a line here.
///
/// # Errors
/// What the client is told, or that the database is away.
pub async fn serve(app: &App, call: &TokenCall<'_>) -> Result<Granted, GrantError> {
    let grant_type = match token::grant_type(call.form) {
        Ok(grant_type) => grant_type,
        Err(error) => return Err(call.authenticated().err().unwrap_or(error).into()),
    };
    match grant_type {
        GrantType::AuthorizationCode => {
            authorization_code::serve(app, &call.authenticated()?.may(&[grant_type, GrantType::Hybrid])?).await
        }
        GrantType::RefreshToken => refresh_token::serve(app, &call.authenticated()?.may(&[grant_type])?).await,
        GrantType::ClientCredentials | GrantType::Password => client_credentials::serve(app, call, grant_type).await,
        GrantType::DeviceCode => device_code::serve(app, &call.authenticated()?.may(&[grant_type])?).await,
        GrantType::Implicit | GrantType::Hybrid => {
            let error = OAuthError::new(ErrorCode::UnsupportedGrantType, "This grant_type is not supported");
            Err(call.authenticated().err().unwrap_or(error).into())
        }
    }
}

impl ClientCall<'_> {
    /// Goes on if the client may use one of the grant types.
    ///
    /// # Errors
    /// `unauthorized_client` (RFC 6749, section 5.2).
    fn may(self, any_of: &[GrantType]) -> Result<Self, OAuthError> {
        check_switched_on(self.client, any_of)?;
        Ok(self)
    }
}

/// Looks whether one of the grant types is switched on for a client.
///
/// # Errors
/// `unauthorized_client` (RFC 6749, section 5.2).
fn check_switched_on(client: &Client, any_of: &[GrantType]) -> Result<(), OAuthError> {
    if any_of.iter().any(|grant_type| client.provider.profile.grant_types.contains(grant_type)) {
        return Ok(());
    }
    let name = any_of.first().map_or("", |grant_type| grant_type.as_str());
    Err(OAuthError::new(ErrorCode::UnauthorizedClient, "This client may not use this grant_type")
        .detail(format!("the grant type {name} is not switched on for this application")))
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

/// Whether a refresh token is given: the scope was allowed, and the client may use it.
fn may_refresh(client: &Client, scopes: &BTreeSet<String>) -> bool {
    scopes.contains("offline_access") && client.provider.profile.grant_types.contains(&GrantType::RefreshToken)
}

/// Something single-use came twice: from the client, or from a thief. Takes back all that it had given, and writes it down.
async fn revoke_replayed(app: &App, call: &ClientCall<'_>, grant: &Grant, what: &str) -> store::Result<()> {
    let (id, now) = (grant.id, app.clock.now());
    app.db.write(move |tx| Box::pin(async move { store::grant::revoke(tx, id, now).await })).await?;
    replayed(app, call, grant, what).await;
    Ok(())
}

/// Writes down that something single-use came twice. What it had given is revoked already.
async fn replayed(app: &App, call: &ClientCall<'_>, grant: &Grant, what: &str) {
    let client = call.client;
    let name = &client.application.profile.name;
    let text = format!("{name} sent {what} a second time; the tokens of that sign-in were revoked");
    let mut entry = events::Entry::new(EventKind::Replay, text);
    entry.user = Some(grant.user);
    entry.application = Some(client.application.id);
    entry.address = call.address.to_string();
    if let Some(trail) = Trail::of_grant(client, grant) {
        entry = entry.on(&trail, StepDraft::refused(StepKind::Replay, what));
    }
    events::write(app, entry).await;
}
