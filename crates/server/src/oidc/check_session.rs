//! `/application/o/<slug>/check-session/`: the page that applications hold in a frame to hear whether somebody signed out
//! (OpenID Connect Session Management 1.0, section 3.2). For applications that share their issuer also
//! `/application/o/check-session/`.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::App,
    http::{cookies::Cookie, error_page::ErrorPage, headers::framed},
    pages,
};

/// How long browsers may keep it: it says nothing about anybody.
const CACHE: &str = "public, max-age=300";

/// `GET`. Nobody is looked up: what there is to know, the script reads from the browser's state cookie.
pub async fn serve(State(app): State<App>, slug: Option<Path<String>>) -> Response {
    let snapshot = app.snapshot();
    let is_known = match slug {
        Some(Path(slug)) => snapshot.by_slug(&slug).is_some(),
        None => snapshot.global.is_some(),
    };
    if !is_known {
        return ErrorPage::not_found().render(&app, None);
    }
    let context = json!({ "cookie": Cookie::State.name(&app.config.public_url) });
    let page = pages::page(&app, None, "check_session.html", context);
    framed(([(header::CACHE_CONTROL, CACHE)], page).into_response())
}
