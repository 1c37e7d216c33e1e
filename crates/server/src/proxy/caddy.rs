//! Caddy: the directive `forward_auth`. It sends `X-Forwarded-Proto`, `-Host` and `-Uri`, and passes answers other than 2xx on to
//! the browser.

use axum::{
    extract::{Request, State},
    response::Response,
};

use super::{
    answer::{self, Shape},
    forwarded,
};
use crate::app::App;

/// `/outpost.goauthentik.io/auth/caddy`.
pub async fn serve(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    answer::serve(&app, &parts, forwarded::original(&parts.headers), Shape::Redirect).await
}
