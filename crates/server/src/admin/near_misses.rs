//! "NetBox tried to use X. Allow it?": on the overview and the application's page.

use axum::{extract::Path, response::Response};
use serde_json::{Value, json};

use super::{
    application::address,
    desk::{Desk, Done},
    fields,
};
use crate::{
    error::OperationResult,
    http::form::Form,
    timeline::near_misses::{self, Candidate},
};

/// Most that a page shows.
const SHOWN: usize = 20;

/// `POST /if/admin/applications/<slug>/redirect-uris/allow/`.
pub(super) async fn allow(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        near_misses::allow(&desk.app, &desk.actor, &slug, form.get("uri")).await?;
        Ok(Desk::done(&address(&slug), Done::UriAdded))
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/redirect-uris/dismiss/`.
pub(super) async fn dismiss(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        near_misses::dismiss(&desk.app, &desk.actor, &slug, form.get("uri")).await?;
        Ok(Desk::done(&address(&slug), Done::UriDismissed))
    };
    desk.settle(answer.await)
}

/// Those of one application, or of all.
///
/// # Errors
/// What the database says.
pub(super) async fn rows(desk: &Desk, slug: Option<&str>) -> OperationResult<Value> {
    let open = near_misses::open(&desk.app, slug).await?;
    Ok(open.iter().take(SHOWN).enumerate().map(|(index, candidate)| row(index, candidate)).collect())
}

fn row(index: usize, candidate: &Candidate) -> Value {
    let compared = near_misses::compare(candidate);
    let profile = &candidate.client.application.profile;
    json!({
        "id": format!("near-miss-{}", index + 1),
        "application": profile.name,
        "action": format!("{}redirect-uris/", address(&profile.slug)),
        "uri": candidate.miss.uri,
        "host": compared.host,
        "is_new_host": compared.is_new_host,
        "received": compared.received,
        "registered": compared.registered,
        "count": candidate.miss.count,
        "first": fields::time(candidate.miss.first_at),
        "last": fields::time(candidate.miss.last_at),
    })
}
