//! `/if/admin/applications/`: all applications.

use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    access,
    desk::{Desk, Page},
    paging::{self, Paging},
};
use crate::{pages, snapshot::Client};

const PAGE: Page = Page { template: "admin_applications.html", nav: "applications" };

/// `GET /if/admin/applications/?search=…&page=…`.
pub(super) async fn list(desk: Desk) -> Response {
    let (snapshot, search) = (desk.app.snapshot(), paging::search(&desk));
    let mut found: Vec<&Arc<Client>> = snapshot
        .clients
        .values()
        .filter(|client| {
            let profile = &client.application.profile;
            paging::matches(&search, &[&profile.name, &profile.slug])
        })
        .collect();
    found.sort_by_key(|client| client.application.profile.name.to_lowercase());
    let paging = Paging::new(paging::requested(&desk), found.len());
    let rows: Vec<Value> = paging.part(found).into_iter().map(|client| row(client)).collect();
    desk.page(PAGE, json!({ "applications": rows, "page": paging.context(&search), "search": search }))
}

fn row(client: &Client) -> Value {
    let profile = &client.application.profile;
    json!({
        "slug": profile.slug,
        "name": profile.name,
        "method": "OpenID Connect",
        "access": access::summary(&profile.access),
        "launch_url": profile.launch_url,
        "icon_url": profile.icon_url,
        "monogram": pages::monogram(&profile.name),
    })
}
