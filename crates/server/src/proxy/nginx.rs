//! nginx: `auth_request` (`ngx_http_auth_request_module`). It passes on 401 and 403 only, so that its configuration sends
//! browsers to the start page. The original URL stands in `X-Original-URL`, which the configuration sets, and nowhere else.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
};
use doorward_protocols::forward_auth::original::Original;

use super::{
    answer::{self, Shape},
    forwarded::{Misread, one},
};
use crate::app::App;

/// `/outpost.goauthentik.io/auth/nginx`.
pub async fn serve(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let original = original(&parts.headers);
    answer::serve(&app, &parts, original, Shape::Status).await
}

fn original(headers: &HeaderMap) -> Result<Original, Misread> {
    Ok(Original::parse(one(headers, "x-original-url")?)?)
}
