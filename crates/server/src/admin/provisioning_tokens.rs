//! `/if/admin/applications/<slug>/provisioning/tokens/`: NetBox's API tokens, and how to end them.

use axum::{extract::Path, response::Response};
use doorward_core::problem::Problems;
use serde_json::{Value, json};

use super::{
    desk::{Desk, Done, Page, id},
    fields::{self, time},
    provisioning,
};
use crate::{
    applications,
    connector::inventory::{self, TokenView},
    error::{OperationError, OperationResult},
    http::form::Form,
};

const PAGE: Page = Page { template: "admin_provisioning_tokens.html", nav: "applications" };

/// `GET /if/admin/applications/<slug>/provisioning/tokens/?odd=true`.
pub(super) async fn show(desk: Desk, Path(slug): Path<String>) -> Response {
    let answer = page(&desk, &slug).await;
    desk.settle(answer)
}

/// `POST …/tokens/<id>/disable/`.
pub(super) async fn disable(desk: Desk, Path((slug, token)): Path<(String, String)>, _form: Form) -> Response {
    let answer = async {
        inventory::disable(&desk.app, &desk.actor, &slug, id("API token", &token)?).await?;
        Ok(Desk::done(&address(&slug), Done::TokenDisabled))
    };
    desk.settle(answer.await)
}

/// `POST …/tokens/<id>/revoke/`.
pub(super) async fn revoke(desk: Desk, Path((slug, token)): Path<(String, String)>, _form: Form) -> Response {
    let answer = async {
        inventory::revoke(&desk.app, &desk.actor, &slug, id("API token", &token)?).await?;
        Ok(Desk::done(&address(&slug), Done::TokenRevoked))
    };
    desk.settle(answer.await)
}

async fn page(desk: &Desk, slug: &str) -> OperationResult<Response> {
    let entry = applications::find(&desk.app, slug)?;
    let only_odd = desk.query("odd") == "true";
    let mut problems = Problems::default();
    let tokens = match inventory::tokens(&desk.app, slug).await {
        Ok(tokens) => tokens,
        Err(OperationError::NetBox(error)) => {
            problems.add("", fields::sentence(&error));
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    let shown: Vec<Value> = tokens.iter().filter(|view| !only_odd || !view.flags.is_empty()).map(row).collect();
    let context = json!({
        "application": { "slug": slug, "name": entry.application.profile.name },
        "tokens": shown,
        "total": tokens.len(),
        "odd": tokens.iter().filter(|view| !view.flags.is_empty()).count(),
        "only_odd": only_odd,
    });
    Ok(desk.form(PAGE, context, &problems))
}

fn row(view: &TokenView) -> Value {
    let token = &view.token;
    json!({
        "id": token.id,
        "owner": token.user.name,
        "person": view.person,
        "description": token.description,
        "is_enabled": token.enabled,
        "is_write_enabled": token.write_enabled,
        "last_used": token.last_used.map(time),
        "expires": token.expires.map(time),
        "flags": view.flags.iter().map(|flag| fields::capital(flag.words())).collect::<Vec<_>>(),
    })
}

fn address(slug: &str) -> String {
    format!("{}tokens/", provisioning::address(slug))
}
