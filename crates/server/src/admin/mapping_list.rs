//! `/if/admin/mappings/`: all claim mappings.

use axum::response::Response;
use serde_json::{Value, json};

use super::desk::{Desk, Page};

const PAGE: Page = Page { template: "admin_mappings.html", nav: "mappings" };

/// `GET /if/admin/mappings/`, in merging order.
pub(super) async fn list(desk: Desk) -> Response {
    let snapshot = desk.app.snapshot();
    let row = |mapping: &doorward_core::claim_mapping::ClaimMapping| {
        let profile = &mapping.profile;
        json!({ "id": mapping.id, "name": profile.name, "scope": profile.scope, "description": profile.description })
    };
    let rows: Vec<Value> = snapshot.mappings.iter().map(row).collect();
    desk.page(PAGE, json!({ "mappings": rows }))
}
