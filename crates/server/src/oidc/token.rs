//! `POST /application/o/token/` (RFC 6749, section 3.2).

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::event::EventKind;
use doorward_protocols::oauth::{
    client_authentication,
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    token,
};
use serde_json::json;
use std::{net::IpAddr, sync::Arc};

use super::grant::{self, GrantError};
use crate::{
    app::App,
    events,
    http::{cors, form::is_urlencoded, visitor::ClientAddress},
    snapshot::Client,
};

/// Serves a token request.
pub async fn post(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut client = None;
    let response = match serve(&app, &headers, &body, &mut client).await {
        Ok(response) => json_response(StatusCode::OK, &json!(response)),
        Err(GrantError::OAuth(error)) => {
            let reference = record(&app, &error, client.as_deref(), address).await;
            refused(&error, &reference, headers.contains_key(header::AUTHORIZATION))
        }
        Err(GrantError::Store(error)) => {
            tracing::error!(%error, "a token request could not be served");
            let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, "Try again in a moment");
            let body = json!({ "error": error.code.as_str(), "error_description": error.description });
            json_response(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    };
    cors::registered(&app, &headers, response)
}

/// `OPTIONS /application/o/token/`.
pub async fn options(State(app): State<App>, headers: HeaderMap) -> Response {
    cors::preflight(&app, &headers)
}

async fn serve(
    app: &App,
    headers: &HeaderMap,
    body: &[u8],
    found: &mut Option<Arc<Client>>,
) -> Result<token::TokenResponse, GrantError> {
    if !is_urlencoded(headers) {
        let description = "The request is not application/x-www-form-urlencoded";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, description).into());
    }
    let form = Parameters::parse(body)?;
    let client = authenticate(app, headers, &form, found)?;
    grant::serve(app, &client, token::parse(&form)?).await
}

/// The client, by its credentials.
///
/// # Errors
/// `invalid_client`; `invalid_request` if credentials come twice.
fn authenticate(
    app: &App,
    headers: &HeaderMap,
    form: &Parameters,
    found: &mut Option<Arc<Client>>,
) -> Result<Arc<Client>, OAuthError> {
    let header = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let credentials = client_authentication::read(header, form)?;
    let client = app.snapshot().by_client_id(&credentials.client_id).cloned().ok_or_else(|| {
        OAuthError::new(ErrorCode::InvalidClient, "Client authentication failed")
            .detail(format!("no application has the client ID {:?}", credentials.client_id))
    })?;
    *found = Some(client.clone());
    credentials.check(client.provider.profile.client_type, &client.provider.client_secret)?;
    Ok(client)
}

async fn record(app: &App, error: &OAuthError, client: Option<&Client>, address: IpAddr) -> String {
    let name = client.map_or("a token request", |client| client.application.profile.name.as_str());
    let mut entry = events::Entry::new(EventKind::TokenFailed, format!("{name}: {error}"));
    entry.application = client.map(|client| client.application.id);
    entry.address = address.to_string();
    events::write(app, entry).await
}

fn refused(error: &OAuthError, reference: &str, by_header: bool) -> Response {
    let status = match error.code {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let description = format!("{} (reference {reference})", error.description);
    let body = json!({ "error": error.code.as_str(), "error_description": description });
    let mut response = json_response(status, &body);
    if error.code == ErrorCode::InvalidClient && by_header {
        let value = header::HeaderValue::from_static("Basic realm=\"doorward\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// JSON that no cache keeps (RFC 6749, section 5.1).
pub fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (status, headers, body.to_string()).into_response()
}
