//! `/if/admin/`: how many there are, whether all is well, what happened last.

use axum::response::Response;
use doorward_core::{access_rule::AccessRule, event::Event};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    desk::{Desk, Page},
    fields, near_misses,
};
use crate::{
    app::App,
    directory::{groups, users},
    error::OperationResult,
    events,
    snapshot::Snapshot,
};

const PAGE: Page = Page { template: "admin_overview.html", nav: "overview" };
/// Entries of the activity log that are shown.
const EVENTS_SHOWN: i64 = 20;
/// Age from which a signing key is worth a look.
const KEY_OLD: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);

/// `GET /if/admin/?reference=…`.
pub(super) async fn show(desk: Desk) -> Response {
    let answer = page(&desk).await;
    desk.settle(answer)
}

async fn page(desk: &Desk) -> OperationResult<Response> {
    let (app, snapshot) = (&desk.app, desk.app.snapshot());
    let reference = desk.query("reference").trim();
    let found = if reference.is_empty() {
        events::newest(app, EVENTS_SHOWN).await?
    } else {
        events::by_reference(app, reference).await?
    };
    let context = json!({
        "counts": {
            "applications": snapshot.applications.len(),
            "users": users::list(app, "", 1, 0).await?.total,
            "groups": snapshot.groups.iter().count(),
            "keys": snapshot.keys.len(),
        },
        "checks": [
            check_public_url(app),
            check_keys(&snapshot, app.clock.now()),
            check_administrators(groups::count_administrators(app).await?),
            check_access(&snapshot),
        ],
        "events": found.iter().map(row).collect::<Vec<_>>(),
        "reference": reference,
        "near_misses": near_misses::rows(desk, None).await?,
    });
    Ok(desk.page(PAGE, context))
}

fn row(event: &Event) -> Value {
    json!({ "time": fields::time(event.at), "text": event.text, "reference": event.reference, "ok": event.ok })
}

fn check(title: &str, state: &str, text: impl Into<String>, link: (&str, &str)) -> Value {
    let (href, action) = link;
    json!({ "title": title, "state": state, "text": text.into(), "href": href, "action": action })
}

fn check_public_url(app: &App) -> Value {
    let url = &app.config.public_url;
    let (state, text) = if url.is_insecure() {
        ("bad", format!("{url} is not encrypted: passwords can be read on the way. Give Doorward an https address."))
    } else if url.is_https() {
        ("ok", format!("People reach Doorward at {url}."))
    } else {
        ("warn", format!("{url} works on this computer only. Give Doorward the https address others shall use."))
    };
    check("Public URL", state, text, ("", ""))
}

fn check_keys(snapshot: &Snapshot, now: Timestamp) -> Value {
    let link = ("/if/admin/keys/", "Signing keys");
    let active: Vec<_> =
        snapshot.keys.iter().filter_map(|key| Some((key.name.as_str(), key.active(now)?.activates_at))).collect();
    let old: Vec<&str> =
        active.iter().filter(|(_, since)| now.duration_since(*since) > KEY_OLD).map(|(name, _)| *name).collect();
    if active.is_empty() {
        return check("Signing keys", "bad", "There is none, so nobody can sign in to an application.", link);
    }
    if old.is_empty() {
        return check("Signing keys", "ok", "Every key is younger than two years.", link);
    }
    let text = format!("Signing for more than two years: {}. Rotate now and then.", old.join(", "));
    check("Signing keys", "warn", text, link)
}

fn check_administrators(count: usize) -> Value {
    let link = ("/if/admin/groups/", "Groups");
    match count {
        0 => check("Administrators", "bad", "Nobody active administers Doorward.", link),
        1 => {
            let text = "There is one. If that account is lost, only the command line helps; make a second one.";
            check("Administrators", "warn", text, link)
        }
        count => check("Administrators", "ok", format!("{count} people administer Doorward."), link),
    }
}

fn check_access(snapshot: &Snapshot) -> Value {
    let link = ("/if/admin/applications/", "Applications");
    let closed: Vec<&str> = snapshot
        .applications
        .values()
        .map(|entry| &entry.application.profile)
        .filter(|profile| profile.access == AccessRule::nobody())
        .map(|profile| profile.name.as_str())
        .collect();
    if closed.is_empty() {
        return check("Access", "ok", "Every application can be used by somebody.", link);
    }
    check("Access", "warn", format!("Nobody may use: {}. Choose groups or people.", closed.join(", ")), link)
}
