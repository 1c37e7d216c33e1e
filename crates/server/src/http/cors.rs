//! Which pages of other origins may read an answer (Fetch standard, CORS protocol).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::app::App;

/// For public documents: everybody may read them.
pub fn anyone(mut response: Response) -> Response {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// For endpoints that browsers call: origins of registered redirect URIs.
pub fn registered(app: &App, request: &HeaderMap, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.get(header::ORIGIN) else { return response };
    let is_registered =
        origin.to_str().is_ok_and(|origin| app.snapshot().clients().any(|client| client.origins.contains(origin)));
    if is_registered {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}

/// The answer to a preflight request.
pub fn preflight(app: &App, request: &HeaderMap) -> Response {
    let allow = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    registered(app, request, (StatusCode::NO_CONTENT, allow).into_response())
}
