//! `/.well-known/webfinger` (RFC 7033): which issuer people have.

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::method::Method;
use doorward_protocols::oidc::webfinger::Question;
use serde_json::{Value, json};

use crate::{app::App, http::cors, snapshot::Snapshot};

/// `GET /.well-known/webfinger?resource=…`. The answer is the same for everybody, so it tells nothing of who is known here.
pub async fn get(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let question = match Question::parse(query.as_deref().unwrap_or_default()) {
        Ok(question) => question,
        Err(error) => return respond(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    };
    let snapshot = app.snapshot();
    match issuer(&snapshot, &app.config.webfinger) {
        Some(issuer) => respond(StatusCode::OK, &question.answer(issuer)),
        None => respond(StatusCode::NOT_FOUND, &json!({ "error": "No application answers here." })),
    }
}

/// The issuer of the application that was chosen in the settings; without a choice the only issuer there is, of one
/// application or shared by all, since nothing in the question tells several apart.
fn issuer<'s>(snapshot: &'s Snapshot, chosen: &str) -> Option<&'s str> {
    if !chosen.is_empty() {
        return snapshot.by_slug(chosen).map(|client| client.issuer.as_str());
    }
    let with_oidc = snapshot.applications.values().filter(|entry| entry.methods().contains(&Method::Oidc));
    let mut issuers = with_oidc.filter_map(|entry| entry.oauth.as_ref()).map(|client| client.issuer.as_str());
    let first = issuers.next()?;
    issuers.all(|issuer| issuer == first).then_some(first)
}

fn respond(status: StatusCode, body: &Value) -> Response {
    cors::anyone((status, [(header::CONTENT_TYPE, "application/jrd+json")], body.to_string()).into_response())
}
