//! Which pages of other origins may read an answer (Fetch standard, CORS protocol).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use doorward_protocols::oauth::error::{ErrorCode, OAuthError};

use crate::{app::App, snapshot::Client};

/// For public documents: everybody may read them.
pub fn anyone(mut response: Response) -> Response {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The answer to a preflight request for a public document, whatever headers the page adds.
pub fn preflight_of_anyone() -> Response {
    let allow = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    anyone((StatusCode::NO_CONTENT, allow).into_response())
}

/// For endpoints that browsers call: the origins of the client's redirect URIs, as in authentik. Of a request that says of no
/// client whose it is, pages of all clients may read the refusal. Never with cookies: these endpoints read none.
pub fn of_client(app: &App, client: Option<&Client>, request: &HeaderMap, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.get(header::ORIGIN) else { return response };
    let is_registered = origin.to_str().is_ok_and(|origin| match client {
        Some(client) => client.origins.contains(origin),
        None => app.snapshot().clients().any(|client| client.origins.contains(origin)),
    });
    if is_registered {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        // Why a token was refused, and how long to wait.
        let exposed = HeaderValue::from_static("WWW-Authenticate, Retry-After");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

/// Refuses a request that a page of some other site made a browser send: neither ours nor of an origin of the client. Such a
/// page cannot read the answer, but in the visitor's name and from their address it could use up what is counted there.
///
/// # Errors
/// `invalid_request`.
pub fn check_no_stranger(app: &App, client: &Client, request: &HeaderMap) -> Result<(), OAuthError> {
    let is_stranger = match request.get(header::ORIGIN) {
        Some(origin) => {
            let is_ours = *origin == app.config.public_url.origin().as_str();
            !is_ours && !origin.to_str().is_ok_and(|origin| client.origins.contains(origin))
        }
        None => request.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none"),
    };
    if !is_stranger {
        return Ok(());
    }
    let from = request.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or("another site");
    Err(OAuthError::new(ErrorCode::InvalidRequest, "Pages of other sites may not ask for this")
        .detail(format!("a page of {from:?} made a browser send the request; no redirect URI of the client is there")))
}

/// The answer to a preflight request, which does not say yet whose request will follow.
pub fn preflight(app: &App, request: &HeaderMap) -> Response {
    let allow = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    of_client(app, None, request, (StatusCode::NO_CONTENT, allow).into_response())
}
