//! `/if/admin/applications/`: all applications.

use axum::response::Response;
use doorward_core::method::Method;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    access,
    desk::{Desk, Page},
    paging::{self, Paging},
};
use crate::{pages, snapshot::ApplicationEntry};

const PAGE: Page = Page { template: "admin_applications.html", nav: "applications" };

/// `GET /if/admin/applications/?search=…&page=…`.
pub(super) async fn list(desk: Desk) -> Response {
    let (snapshot, search) = (desk.app.snapshot(), paging::search(&desk));
    let mut found: Vec<&Arc<ApplicationEntry>> = snapshot
        .applications
        .values()
        .filter(|entry| {
            let profile = &entry.application.profile;
            paging::matches(&search, &[&profile.name, &profile.slug])
        })
        .collect();
    found.sort_by_key(|entry| entry.application.profile.name.to_lowercase());
    let paging = Paging::new(paging::requested(&desk), found.len());
    let rows: Vec<Value> = paging.part(found).into_iter().map(|entry| row(entry)).collect();
    desk.page(PAGE, json!({ "applications": rows, "page": paging.context(&search), "search": search }))
}

fn row(entry: &ApplicationEntry) -> Value {
    let profile = &entry.application.profile;
    let methods: Vec<&str> = entry.methods().into_iter().map(Method::label).collect();
    json!({
        "slug": profile.slug,
        "name": profile.name,
        "method": methods.join(", "),
        "access": access::summary(&profile.access),
        "launch_url": profile.launch_url,
        "icon_url": profile.icon_url,
        "monogram": pages::monogram(&profile.name),
    })
}
