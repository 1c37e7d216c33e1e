//! "My applications", the way into each, and the pages about one's own account.

mod account;
pub mod authenticator;
pub mod password;
pub mod security;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use doorward_core::network::Place;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::{
    app::App,
    applications::access::{self, NoAccess},
    auth::sign_in::see_other,
    http::{
        error_page::{ErrorPage, Whose},
        visitor::Member,
    },
    pages,
    snapshot::ApplicationEntry,
};

/// `GET /if/user/`: the applications that the person may use, under their headings.
pub async fn show(State(app): State<App>, member: Member) -> Response {
    let snapshot = app.snapshot();
    let here = Place::Browser(member.visitor.address);
    let mut headings: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut allowed: Vec<_> = snapshot
        .applications
        .values()
        .filter(|entry| access::is_allowed(&entry.application, &member.signed_in.person, here))
        .filter(|entry| has_tile(entry))
        .map(|entry| &entry.application.profile)
        .collect();
    allowed.sort_by_key(|profile| profile.name.to_lowercase());
    for profile in allowed {
        headings.entry(&profile.group_heading).or_default().push(json!({
            "name": profile.name,
            "launch_url": format!("/application/launch/{}/", profile.slug),
            "icon_url": profile.icon_url,
            "monogram": pages::monogram(&profile.name),
            "description": profile.description,
            "slug": profile.slug,
        }));
    }
    let groups: Vec<_> =
        headings.into_iter().map(|(heading, apps)| json!({ "heading": heading, "apps": apps })).collect();
    pages::page(&app, Some(&member.visitor), "portal.html", json!({ "groups": groups }))
}

/// What only asks the directory, such as a Linux machine, has nothing to open unless a launch URL was entered.
fn has_tile(entry: &ApplicationEntry) -> bool {
    entry.oauth.is_some() || !entry.application.profile.launch_url.is_empty()
}

/// `GET /application/launch/<slug>/`.
pub async fn launch(State(app): State<App>, member: Member, Path(slug): Path<String>) -> Response {
    let snapshot = app.snapshot();
    // Applications one may not use and applications that do not exist look the same.
    let application = snapshot.application(&slug).map(|entry| &entry.application);
    let here = Place::Browser(member.visitor.address);
    let allowed =
        application.map(|application| (application, access::check(application, &member.signed_in.person, here)));
    let application = match allowed {
        Some((application, Ok(()))) => application,
        Some((application, Err(NoAccess::Network(_)))) => {
            return ErrorPage::wrong_network(&application.profile, &member.visitor).render(&app, Some(&member.visitor));
        }
        Some((_, Err(_))) | None => return ErrorPage::not_found().render(&app, Some(&member.visitor)),
    };
    let profile = &application.profile;
    if profile.launch_url.is_empty() {
        return ErrorPage::new(
            StatusCode::NOT_FOUND,
            Whose::Server,
            "No launch address",
            format!("Doorward does not know where {} is.", profile.name),
            "Ask your administrator to enter its launch address.",
        )
        .restart("/if/user/")
        .render(&app, Some(&member.visitor));
    }
    see_other(&profile.launch_url)
}
