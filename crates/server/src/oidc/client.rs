//! Whose request it is, at the endpoints that programs call with credentials: token, introspection, revocation.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use doorward_core::{event::EventKind, id::ProviderId};
use doorward_protocols::oauth::{
    client_authentication::{self, ClientCredentials, Proof},
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
};
use doorward_store as store;
use jiff::SignedDuration;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::token::{refused, unavailable};
use crate::{
    app::App, auth::recent::Recent, events, http::form::is_urlencoded, oidc::grant::GrantError, snapshot::Client,
};

/// How often it is written down that a client still uses the secret before its present one.
const NOTED: SignedDuration = SignedDuration::from_hours(1);
/// Most clients of which that is remembered.
const CAPACITY: usize = 1000;

/// Which clients were written down lately for using the secret before their present one.
#[derive(Debug)]
pub struct OldSecrets(Mutex<Recent<ProviderId, ()>>);

impl Default for OldSecrets {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(NOTED, CAPACITY)))
    }
}

/// Reads the form of a request with a token in it, which may take up the whole form.
///
/// # Errors
/// `invalid_request`.
pub fn form(headers: &HeaderMap, body: &[u8]) -> Result<Parameters, OAuthError> {
    check_is_form(headers)?;
    Parameters::parse_long(body)
}

/// Looks whether a request is a form at all.
///
/// # Errors
/// `invalid_request`.
pub fn check_is_form(headers: &HeaderMap) -> Result<(), OAuthError> {
    if is_urlencoded(headers) {
        return Ok(());
    }
    let description = "The request is not application/x-www-form-urlencoded";
    Err(OAuthError::new(ErrorCode::InvalidRequest, description))
}

/// Reads how a client says who it is.
///
/// # Errors
/// `invalid_client`; `invalid_request` if it says so in two ways, or in two headers.
pub fn credentials(headers: &HeaderMap, form: &Parameters) -> Result<ClientCredentials, OAuthError> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let header = all.next().map(|value| value.to_str().unwrap_or_default());
    if all.next().is_some() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "There is more than one Authorization header"));
    }
    client_authentication::read(header, form)
}

/// The client that credentials name. It has not proven itself yet.
///
/// # Errors
/// `invalid_client`, in the same words as for a wrong secret.
pub fn find(app: &App, credentials: &ClientCredentials) -> Result<Arc<Client>, OAuthError> {
    let snapshot = app.snapshot();
    let mut found = credentials.client_ids().filter_map(|id| snapshot.by_client_id(id));
    found.next().cloned().ok_or_else(|| credentials.refuse_unknown())
}

/// The client of a request, proven.
///
/// # Errors
/// As [`credentials`] and [`find`]; `invalid_client` if the secret is missing or wrong.
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    form: &Parameters,
    address: IpAddr,
) -> Result<(Arc<Client>, Proof), OAuthError> {
    let credentials = credentials(headers, form)?;
    let client = find(app, &credentials)?;
    let proof = credentials.check(&client.provider, app.clock.now())?;
    note_old_secret(app, &client, &credentials, address).await;
    Ok((client, proof))
}

/// Writes down that a client still uses the secret before its present one, at most once an hour, so that people know when that
/// can go. What cannot be written stops nobody.
pub async fn note_old_secret(app: &App, client: &Client, credentials: &ClientCredentials, address: IpAddr) {
    let (provider, now) = (&client.provider, app.clock.now());
    let Some(previous) = provider.living_previous_secret(now) else { return };
    if credentials.check(provider, now) != Ok(Proof::PreviousSecret) || !is_new(app, provider.id) {
        return;
    }
    let id = provider.id;
    let touched =
        app.db.write(move |tx| Box::pin(async move { store::provider::touch_previous_secret(tx, id, now).await }));
    if let Err(error) = touched.await {
        tracing::error!(%error, "the use of an old client secret could not be written down");
    }
    let (name, until) = (&client.application.profile.name, crate::pages::time(previous.expires_at));
    let text = format!("{name} still uses its old client secret, which is refused from {until} on");
    let mut entry = events::Entry::new(EventKind::Authorized, text);
    entry.application = Some(client.application.id);
    entry.address = address.to_string();
    events::write(app, entry).await;
}

fn is_new(app: &App, provider: ProviderId) -> bool {
    let now = app.clock.now();
    let mut recent = app.old_secrets.0.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = recent.get_mut(&provider, now).is_none();
    if is_new {
        recent.insert(provider, (), now);
    }
    is_new
}

/// Answers a request that was refused, under the code by which the log says more. `what`: "an introspection request".
pub async fn refuse(app: &App, what: &str, error: GrantError, headers: &HeaderMap, address: IpAddr) -> Response {
    match error {
        GrantError::OAuth(error) => {
            let mut entry = events::Entry::new(EventKind::TokenFailed, format!("{what}: {error}"));
            entry.address = address.to_string();
            let reference = events::write(app, entry).await;
            refused(&error, &reference, headers.contains_key(header::AUTHORIZATION))
        }
        GrantError::Store(error) => {
            tracing::error!(%error, "{what} could not be served");
            unavailable(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}
