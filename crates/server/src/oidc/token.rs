//! `POST /application/o/token/` (RFC 6749, section 3.2).

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::{
    event::EventKind,
    timeline::{AttemptMethod, StepKind, detail},
};
use doorward_protocols::oauth::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
};
use serde_json::json;
use std::{net::IpAddr, sync::Arc};

use super::{
    client,
    grant::{self, GrantError, Granted, TokenCall, device_code},
    trail::asks_userinfo,
};
use crate::{
    app::App,
    auth::throttle,
    events,
    http::{cors, visitor::ClientAddress},
    snapshot::Client,
    timeline::{StepDraft, Trail, of_token_request},
};

/// Serves a token request.
pub async fn post(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut seen = Seen::default();
    let response = match serve(&app, &headers, &body, address, &mut seen).await {
        Ok(granted) => {
            note(&app, &seen, &granted, address);
            json_response(StatusCode::OK, &json!(granted.response))
        }
        Err(GrantError::OAuth(error)) if device_code::is_no_failure(&seen.form, error.code) => {
            error_response(&error, error.description)
        }
        Err(GrantError::OAuth(error)) => {
            let reference = record(&app, &error, &seen, address).await;
            refused(&error, &reference, headers.contains_key(header::AUTHORIZATION))
        }
        Err(GrantError::Store(error)) => {
            tracing::error!(%error, "a token request could not be served");
            unavailable(StatusCode::SERVICE_UNAVAILABLE)
        }
    };
    cors::of_client(&app, seen.client.as_deref(), &headers, response)
}

/// `OPTIONS /application/o/token/`.
pub async fn options(State(app): State<App>, headers: HeaderMap) -> Response {
    cors::preflight(&app, &headers)
}

/// What was seen of a request before it was answered.
#[derive(Debug, Default)]
struct Seen {
    form: Parameters,
    client: Option<Arc<Client>>,
    /// How the client said who it is.
    authentication: Option<&'static str>,
}

impl Seen {
    fn step(&self, ok: bool, text: impl Into<String>, address: IpAddr) -> StepDraft {
        let is_refresh = self.form.get("grant_type") == Some("refresh_token");
        let kind = if is_refresh { StepKind::Refreshed } else { StepKind::Tokens };
        let step = if ok { StepDraft::good(kind, text) } else { StepDraft::refused(kind, text) };
        let step = step.with("from", address.to_string());
        match self.authentication {
            Some(how) => step.with(detail::CLIENT_AUTHENTICATION, how),
            None => step,
        }
    }
}

async fn serve(
    app: &App,
    headers: &HeaderMap,
    body: &[u8],
    address: IpAddr,
    seen: &mut Seen,
) -> Result<Granted, GrantError> {
    client::check_is_form(headers)?;
    seen.form = Parameters::parse(body)?;
    let credentials = client::credentials(headers, &seen.form)?;
    seen.authentication = Some(credentials.method);
    let client = client::find(app, &credentials)?;
    seen.client = Some(client.clone());
    if grant::client_credentials::is_asked_for(&seen.form) {
        cors::check_no_stranger(app, &client, headers)?;
    }
    client::note_old_secret(app, &client, &credentials, address).await;
    let now = app.clock.now();
    grant::serve(app, &TokenCall { client: &client, credentials: &credentials, form: &seen.form, address, now }).await
}

/// Notes that tokens were given, on the attempt that they come from.
fn note(app: &App, seen: &Seen, granted: &Granted, address: IpAddr) {
    let Some((client, trail)) =
        seen.client.as_deref().and_then(|client| Some((client, Trail::of_grant(client, &granted.grant)?)))
    else {
        return;
    };
    let name = &client.application.profile.name;
    let step = seen.step(true, format!("{name} asked for tokens and was given them"), address);
    let step = step.with("scopes", &granted.response.scope);
    if seen.form.get("grant_type") == Some("refresh_token") {
        app.timeline.note_repeating(&trail, (StepKind::Refreshed, true), || step);
    } else if asks_userinfo(client) {
        app.timeline.note(&trail, step.with(detail::ASKS_USERINFO, "yes"));
    } else {
        app.timeline.note(&trail, step);
    }
}

async fn record(app: &App, error: &OAuthError, seen: &Seen, address: IpAddr) -> String {
    let client = seen.client.as_deref();
    let known = of_token_request(app, &seen.form).await;
    let trail = known.unwrap_or_else(|| {
        let trail = Trail::begin(app, AttemptMethod::Oidc).from(address);
        client.map_or(trail.clone(), |client| trail.to(&client.application))
    });
    let step = seen.step(false, &error.detail, address).with(detail::ERROR, error.code.as_str());
    let name = client.map_or("a token request", |client| client.application.profile.name.as_str());
    let mut entry = events::Entry::new(EventKind::TokenFailed, format!("{name}: {error}"));
    entry.application = client.map(|client| client.application.id);
    entry.address = address.to_string();
    events::write(app, entry.on(&trail, step)).await
}

/// The answer while the database is away.
pub(super) fn unavailable(status: StatusCode) -> Response {
    let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, "Try again in a moment");
    json_response(status, &json!({ "error": error.code.as_str(), "error_description": error.description }))
}

fn error_response(error: &OAuthError, description: &str) -> Response {
    let status = match error.code {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        // After too many attempts (RFC 6585, section 4).
        ErrorCode::TemporarilyUnavailable => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    };
    json_response(status, &json!({ "error": error.code.as_str(), "error_description": description }))
}

/// A refusal that was written down (RFC 6749, section 5.2).
pub(super) fn refused(error: &OAuthError, reference: &str, by_header: bool) -> Response {
    let description = format!("{} (reference {reference})", error.description);
    let mut response = error_response(error, &description);
    if error.code == ErrorCode::InvalidClient && by_header {
        let value = header::HeaderValue::from_static("Basic realm=\"doorward\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let wait = header::HeaderValue::from(throttle::WINDOW.as_secs().unsigned_abs());
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

/// JSON that no cache keeps (RFC 6749, section 5.1).
pub fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (status, headers, body.to_string()).into_response()
}
