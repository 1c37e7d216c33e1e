//! `/.well-known/webfinger` (RFC 7033): which issuer people have.

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::method::Method;
use doorward_protocols::oidc::webfinger::Question;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    app::App,
    http::cors,
    snapshot::{Client, Snapshot},
};

/// `GET /.well-known/webfinger?resource=…`. The answer is the same for everybody, so it tells nothing of who is known here.
pub async fn get(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let question = match Question::parse(query.as_deref().unwrap_or_default()) {
        Ok(question) => question,
        Err(error) => return respond(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    };
    let snapshot = app.snapshot();
    match client(&snapshot, &app.config.webfinger) {
        Some(client) => respond(StatusCode::OK, &question.answer(&client.issuer)),
        None => respond(StatusCode::NOT_FOUND, &json!({ "error": "No application answers here." })),
    }
}

/// The application whose issuer is told: the one that was chosen in the settings; without a choice the only one with OpenID
/// Connect, since several have different issuers and nothing in the question tells them apart.
fn client<'s>(snapshot: &'s Snapshot, chosen: &str) -> Option<&'s Arc<Client>> {
    if !chosen.is_empty() {
        return snapshot.by_slug(chosen);
    }
    let mut all = snapshot.applications.values().filter(|entry| entry.methods().contains(&Method::Oidc));
    match (all.next(), all.next()) {
        (Some(only), None) => only.oauth.as_ref(),
        _ => None,
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    cors::anyone((status, [(header::CONTENT_TYPE, "application/jrd+json")], body.to_string()).into_response())
}
