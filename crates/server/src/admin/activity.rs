//! `/if/admin/activity/`: sign-ins and changes, newest first.

use axum::response::Response;
use doorward_core::event::{Event, EventKind};
use serde_json::{Value, json};

use super::{
    attempt_rows,
    desk::{Desk, Page},
    fields,
    paging::{self, PER_PAGE, Paging},
};
use crate::{
    directory::users,
    error::{OperationError, OperationResult},
    events,
    timeline::read::{self, Wanted},
};

pub(super) const PAGE: Page = Page { template: "admin_activity.html", nav: "activity" };
/// Longest filter, in characters.
const FILTER_MAX: usize = 200;

/// `GET /if/admin/activity/?application=…&user=…&outcome=failed&reference=…&page=…`, or `?show=changes`.
pub(super) async fn list(desk: Desk) -> Response {
    let answer = if desk.query("show") == "changes" { changes(&desk).await } else { attempts(&desk).await };
    desk.settle(answer)
}

async fn attempts(desk: &Desk) -> OperationResult<Response> {
    let filter = |name: &str| desk.query(name).trim().chars().take(FILTER_MAX).collect::<String>();
    let (slug, username, reference) = (filter("application"), filter("user"), filter("reference").to_uppercase());
    let failed = desk.query("outcome") == "failed";
    let mut missing = Vec::new();
    let snapshot = desk.app.snapshot();
    let application = snapshot.application(&slug).map(|entry| entry.application.id);
    if !slug.is_empty() && application.is_none() {
        missing.push(format!("There is no application \"{slug}\"."));
    }
    let user = if username.is_empty() { None } else { find_user(desk, &username, &mut missing).await? };
    let wanted =
        Wanted { application, user, reference: Some(reference.clone()).filter(|code| !code.is_empty()), failed };
    let requested = paging::requested(desk);
    let (records, paging) = if missing.is_empty() {
        let (mut records, count) = read::list(&desk.app, wanted.clone(), PER_PAGE, (requested - 1) * PER_PAGE).await?;
        let paging = Paging::new(requested, count);
        if records.is_empty() && count > 0 {
            records = read::list(&desk.app, wanted, PER_PAGE, paging.offset()).await?.0;
        }
        (records, paging)
    } else {
        (Vec::new(), Paging::new(1, 0))
    };
    let chosen = [("application", slug.as_str()), ("user", &username), ("reference", &reference)];
    let outcome = if failed { "failed" } else { "" };
    let context = json!({
        "show": "sign-ins",
        "attempts": attempt_rows::rows(&records),
        "changes": [],
        "missing": missing,
        "applications": fields::choices(
            [("", "All applications")].into_iter().chain(
                snapshot.applications.iter().map(|(slug, entry)| (slug.as_str(), entry.application.profile.name.as_str())),
            ),
            &slug,
        ),
        "outcomes": fields::choices([("", "All"), ("failed", "Failed")], outcome),
        "user": username,
        "reference": reference,
        "is_filtered": chosen.iter().any(|(_, value)| !value.is_empty()) || failed,
        "page": paging.context_of(&[&chosen[..], &[("outcome", outcome)]].concat()),
    });
    Ok(desk.page(PAGE, context))
}

async fn find_user(
    desk: &Desk,
    username: &str,
    missing: &mut Vec<String>,
) -> OperationResult<Option<doorward_core::id::UserId>> {
    match users::find_by_username(&desk.app, username).await {
        Ok(user) => Ok(Some(user.id)),
        Err(OperationError::NotFound { .. }) => {
            missing.push(format!("Nobody has the username \"{username}\"."));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn changes(desk: &Desk) -> OperationResult<Response> {
    let requested = paging::requested(desk);
    let read = async |offset| events::of_kind(&desk.app, EventKind::Changed, PER_PAGE, offset).await;
    let (mut found, count) = read((requested - 1) * PER_PAGE).await?;
    let paging = Paging::new(requested, count);
    if found.is_empty() && count > 0 {
        found = read(paging.offset()).await?.0;
    }
    let context = json!({
        "show": "changes",
        "attempts": [],
        "changes": found.iter().map(event_row).collect::<Vec<_>>(),
        "missing": [],
        "applications": [],
        "outcomes": [],
        "user": "",
        "reference": "",
        "is_filtered": false,
        "page": paging.context_of(&[("show", "changes")]),
    });
    Ok(desk.page(PAGE, context))
}

/// An event as lists show it.
pub(super) fn event_row(event: &Event) -> Value {
    json!({
        "time": fields::time(event.at), "text": event.text, "reference": event.reference, "ok": event.ok,
        "address": event.address,
    })
}
