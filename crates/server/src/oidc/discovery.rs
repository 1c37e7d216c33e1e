//! `/application/o/<slug>/`, its discovery document and its JWKS, and those of the issuer that applications share.

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    app::App,
    http::{cors, error_page::ErrorPage},
    snapshot::{Client, global_issuer::GlobalIssuer},
};
use bytes::Bytes;
use jiff::SignedDuration;

/// Longest time for which clients may keep the documents, in seconds.
const CACHE_MAX: i64 = 300;

/// How long clients may keep the documents: at most half the time for which a new key is published before it signs, so that
/// everybody has fetched it by then.
fn cache_control(publication: SignedDuration) -> String {
    format!("public, max-age={}", (publication.as_secs() / 2).clamp(0, CACHE_MAX))
}

/// `GET /application/o/<slug>/`: the issuer leads to its discovery document.
pub async fn issuer(State(app): State<App>, Path(slug): Path<String>) -> Response {
    match app.snapshot().by_slug(&slug) {
        Some(_) => {
            let target = format!("/application/o/{slug}/.well-known/openid-configuration");
            cors::anyone(Redirect::to(&target).into_response())
        }
        None => unknown(&app, &slug),
    }
}

/// `GET /application/o/<slug>/.well-known/openid-configuration`, and the same document where RFC 8414, section 3.1, looks for
/// it: `/.well-known/oauth-authorization-server/application/o/<slug>`, with or without the slash of the issuer.
pub async fn document(State(app): State<App>, Path(slug): Path<String>) -> Response {
    serve(&app, &slug, |client| &client.discovery)
}

/// `GET /application/o/<slug>/jwks/`.
pub async fn jwks(State(app): State<App>, Path(slug): Path<String>) -> Response {
    serve(&app, &slug, |client| &client.jwks)
}

/// `GET /.well-known/openid-configuration`, and the same document under the name that RFC 8414 gives it.
pub async fn global_document(State(app): State<App>) -> Response {
    serve_global(&app, |global| &global.discovery)
}

/// `GET /application/o/jwks/`.
pub async fn global_jwks(State(app): State<App>) -> Response {
    serve_global(&app, |global| &global.jwks)
}

/// `OPTIONS` of the documents: a page that adds headers of its own asks before. Everybody may read them, so nothing is looked up.
pub async fn options() -> Response {
    cors::preflight_of_anyone()
}

fn serve(app: &App, slug: &str, body: impl Fn(&Client) -> &Bytes) -> Response {
    match app.snapshot().by_slug(slug) {
        Some(client) => json(app, body(client)),
        None => unknown(app, slug),
    }
}

fn serve_global(app: &App, body: impl Fn(&GlobalIssuer) -> &Bytes) -> Response {
    match &app.snapshot().global {
        Some(global) => json(app, body(global)),
        None => nobody_shares(app),
    }
}

fn json(app: &App, body: &Bytes) -> Response {
    let cache = cache_control(app.config.key_publication);
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CACHE_CONTROL, cache)];
    cors::anyone((headers, body.clone()).into_response())
}

/// Somebody took the public URL for the issuer of an application that has its own.
fn nobody_shares(app: &App) -> Response {
    let page = ErrorPage::new(
        StatusCode::NOT_FOUND,
        crate::http::error_page::Whose::Application,
        "No application has this issuer",
        "Every application has an issuer of its own here, and its discovery document stands there.",
        "Give the application the issuer that its page in Doorward shows.",
    );
    let detail = "no application has the public URL as its issuer: give the application the issuer that its page shows, or set \
                  its issuer mode to global";
    page.detail(detail.to_owned()).render(app, None)
}

fn unknown(app: &App, slug: &str) -> Response {
    let page = ErrorPage::new(
        StatusCode::NOT_FOUND,
        crate::http::error_page::Whose::Application,
        "There is no such application",
        "No application has the slug in this address.",
        "Compare the address in the application's settings with the one on its page in Doorward.",
    );
    page.detail(format!("no application has the slug {slug:?}")).render(app, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_kept_for_half_the_lead_time_of_a_key_at_most() {
        for (seconds, age) in [(3600, 300), (600, 300), (599, 299), (60, 30), (1, 0), (0, 0)] {
            assert_eq!(cache_control(SignedDuration::from_secs(seconds)), format!("public, max-age={age}"));
        }
    }
}
