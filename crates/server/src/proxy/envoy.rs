//! Envoy: the HTTP filter `ext_authz` with an HTTP service. It sends the request's own method, host and path, the path with a
//! prefix before it (`path_prefix`), and passes answers other than 200 on to the browser.

use axum::{
    extract::{Request, State},
    http::request::Parts,
    response::Response,
};
use doorward_protocols::forward_auth::original::Original;

use super::{
    answer::{self, Shape},
    forwarded::{Misread, one},
};
use crate::app::App;

/// What Envoy puts before the original path.
pub const PATH: &str = "/outpost.goauthentik.io/auth/envoy";

/// `/outpost.goauthentik.io/auth/envoy` and everything below it.
pub async fn serve(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let original = original(&parts);
    answer::serve(&app, &parts, original, Shape::Redirect).await
}

fn original(parts: &Parts) -> Result<Original, Misread> {
    let headers = &parts.headers;
    // Envoy passes it on only if it is told to. Without it nothing depends on the scheme but the usual port.
    let scheme = match one(headers, "x-forwarded-proto") {
        Err(Misread::Missing(_)) => "https",
        other => other?,
    };
    let uri = parts.uri.path_and_query().map_or("", |uri| uri.as_str());
    let uri = uri.strip_prefix(PATH).unwrap_or_default();
    Ok(Original::from_parts(scheme, one(headers, "host")?, uri)?)
}
