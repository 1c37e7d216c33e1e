//! `/if/admin/activity/<reference>/`: one sign-in, step by step.

use axum::{extract::Path, response::Response};
use doorward_core::{
    redirect_uri::RedirectKind,
    timeline::{Step, StepKind, detail},
};
use doorward_protocols::oauth::redirect_uri::difference;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    activity::event_row,
    attempt_rows::{place, state, who},
    desk::{Desk, Page},
    user::browser,
};
use crate::{
    error::{OperationError, OperationResult},
    snapshot::Client,
    timeline::read::{self, Kept, Record},
};

const PAGE: Page = Page { template: "admin_attempt.html", nav: "activity" };

/// `GET /if/admin/activity/<reference>/`.
pub(super) async fn show(desk: Desk, Path(reference): Path<String>) -> Response {
    let answer = page(&desk, &reference).await;
    desk.settle(answer)
}

async fn page(desk: &Desk, reference: &str) -> OperationResult<Response> {
    let kept = read::by_reference(&desk.app, reference).await?;
    let Kept { reference, record, events } = kept.ok_or_else(|| OperationError::not_found("activity", reference))?;
    let context = json!({
        "reference": reference,
        "attempt": record.as_ref().map(|record| attempt(desk, record)),
        "events": events.iter().map(event_row).collect::<Vec<_>>(),
    });
    Ok(desk.page(PAGE, context))
}

fn attempt(desk: &Desk, record: &Record) -> Value {
    let snapshot = desk.app.snapshot();
    let (state, outcome) = state(record.conclusion.ending);
    let attempt = &record.attempt;
    let entry = attempt
        .application
        .as_ref()
        .and_then(|(id, _)| snapshot.applications.values().find(|entry| entry.application.id == *id));
    let client = entry.and_then(|entry| entry.oauth.as_ref());
    let application = attempt.application.as_ref().map(|_| place(&snapshot, attempt));
    json!({
        "state": state,
        "outcome": outcome,
        "text": record.conclusion.text,
        "advice": record.conclusion.advice,
        "who": who(attempt),
        "application": application,
        "method": attempt.method.label(),
        "address": attempt.address,
        "browser": if attempt.user_agent.is_empty() { String::new() } else { browser(&attempt.user_agent) },
        "began": exact(attempt.id.began_at()),
        "doctor_href": entry.map(|entry| format!("/if/admin/applications/{}/doctor/", entry.application.profile.slug)),
        "steps": steps(&record.steps),
        "redirect_check": client.and_then(|client| redirect_check(client, &record.steps)),
    })
}

fn steps(steps: &[Step]) -> Value {
    let before = [None].into_iter().chain(steps.iter().map(Some));
    let pairs = steps.iter().zip(before);
    pairs
        .map(|(step, before)| {
            let details = step.details.iter().filter(|(name, _)| name.as_str() != detail::ASKS_USERINFO);
            json!({
                "time": step.at.strftime("%H:%M:%S").to_string(),
                "since": before.and_then(|before| since(before.at, step.at)),
                "ok": step.ok,
                "text": step.text,
                "details": details
                    .map(|(name, value)| json!({ "label": name.replace('_', " "), "value": value }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// What came and what is registered, where it was a redirect URI that was refused.
fn redirect_check(client: &Client, steps: &[Step]) -> Option<Value> {
    let refused = steps.iter().find(|step| step.kind == StepKind::Refused && !step.ok)?;
    let received = refused.detail(detail::REDIRECT_URI)?;
    let uris = client.redirect_uris.iter();
    let registered: Vec<_> = uris.filter(|uri| uri.kind == RedirectKind::Authorization).collect();
    let first = registered.first().map_or(received, |uri| uri.url.as_str());
    Some(json!({
        "received": difference(received, first).0,
        "registered": registered.iter().map(|uri| difference(received, &uri.url).1).collect::<Vec<_>>(),
    }))
}

fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The time between two steps, as people say it; none if there was none.
fn since(before: Timestamp, at: Timestamp) -> Option<String> {
    let millis = at.duration_since(before).as_millis().max(0);
    Some(match millis {
        0 => return None,
        1..1000 => format!("{millis} ms later"),
        1000..60_000 => format!("{}.{} s later", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{} min later", millis / 60_000),
        _ => format!("{} h later", millis / 3_600_000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::from_millis;

    #[test]
    fn times_between_steps_are_said_as_exactly_as_matters() {
        let said = |millis: i64| since(from_millis(5), from_millis(5 + millis)).unwrap_or_default();
        assert_eq!([said(0), said(999), said(1250)], ["", "999 ms later", "1.2 s later"]);
        assert_eq!([said(60_000), said(7_200_000), said(-5)], ["1 min later", "2 h later", ""]);
    }
}
