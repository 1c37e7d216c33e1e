//! Sign-in attempts as several pages list them.

use doorward_core::{
    id::{ApplicationId, UserId},
    timeline::{Attempt, Ending},
};
use serde_json::{Value, json};

use super::{application, desk::Desk, fields, user};
use crate::{
    error::OperationResult,
    snapshot::Snapshot,
    timeline::read::{self, Record, Wanted},
};

/// Attempts shown on the page of an application or user.
const SHOWN: usize = 10;

/// The last attempts to an application.
///
/// # Errors
/// What the database says.
pub(super) async fn of_application(desk: &Desk, id: ApplicationId) -> OperationResult<Value> {
    last(desk, Wanted { application: Some(id), ..Wanted::default() }).await
}

/// The last attempts of a user.
///
/// # Errors
/// What the database says.
pub(super) async fn of_user(desk: &Desk, id: UserId) -> OperationResult<Value> {
    last(desk, Wanted { user: Some(id), ..Wanted::default() }).await
}

async fn last(desk: &Desk, wanted: Wanted) -> OperationResult<Value> {
    let (records, _) = read::list(&desk.app, wanted, SHOWN, 0).await?;
    Ok(rows(&records))
}

/// Rows of a list.
pub(super) fn rows(records: &[Record]) -> Value {
    records.iter().map(row).collect()
}

fn row(record: &Record) -> Value {
    let (state, outcome) = state(record.conclusion.ending);
    json!({
        "time": fields::time(record.attempt.last_at),
        "href": address(&record.attempt.id.reference()),
        "reference": record.attempt.id.reference(),
        "who": who(&record.attempt),
        "application": place_name(&record.attempt),
        "method": record.attempt.method.label(),
        "state": state,
        "outcome": outcome,
        "text": record.conclusion.text,
    })
}

/// The address of an attempt's page.
pub(super) fn address(reference: &str) -> String {
    format!("/if/admin/activity/{reference}/")
}

/// How an ending is shown: a state of the style sheet, and a word.
pub(super) fn state(ending: Ending) -> (&'static str, &'static str) {
    match ending {
        Ending::Good => ("ok", "Signed in"),
        Ending::Failed => ("bad", "Failed"),
        Ending::Left => ("off", "Left"),
        Ending::Underway => ("warn", "Under way"),
    }
}

/// Whom an attempt is about: their name then, and their page.
pub(super) fn who(attempt: &Attempt) -> Value {
    match &attempt.user {
        Some((id, name)) if !name.is_empty() => json!({ "name": name, "href": user::address(*id) }),
        Some((id, _)) => json!({ "name": "a known user", "href": user::address(*id) }),
        None => Value::Null,
    }
}

/// Where somebody wanted to go: what the application was called then, and its page if it is still there.
pub(super) fn place(snapshot: &Snapshot, attempt: &Attempt) -> Value {
    match &attempt.application {
        Some((id, _)) => {
            let there = snapshot.application_by_id(*id).map(|there| application::address(&there.profile.slug));
            json!({ "name": place_name(attempt), "href": there })
        }
        None => json!({ "name": place_name(attempt), "href": null }),
    }
}

fn place_name(attempt: &Attempt) -> &str {
    attempt.application.as_ref().map_or(attempt.method.label(), |(_, name)| name)
}
