//! What the page of a connector shows: state, people, queue, what a run would change, what the token may do.

use doorward_core::{
    connector::{ConnectedPerson, ConnectorState, JobRank, JobState, ManagedGroups},
    method::Method,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{self, time};
use crate::{
    connector::{
        plan::Change,
        queue::JobView,
        rights::{self, Reach, RightsReport, Severity},
        run::{PersonPreview, Preview},
        settings::{self, ConnectorView},
    },
    snapshot::ApplicationEntry,
};

/// Most jobs that the page lists.
pub(super) const JOBS_SHOWN: usize = 50;

/// A connector and how it is.
pub(super) fn state(connector: &ConnectorView, now: Timestamp) -> Value {
    let (progress, profile) = (&connector.progress, &connector.profile);
    let health = &progress.health;
    let (state, word) = match health.state {
        _ if !profile.is_enabled => ("off", "Switched off"),
        ConnectorState::Well => ("ok", "Well"),
        ConnectorState::Failing => ("warn", "Failing"),
        ConnectorState::Refused => ("bad", "Refused"),
    };
    json!({
        "url": profile.url,
        "state": state,
        "word": word,
        "text": if health.text.is_empty() { String::new() } else { fields::sentence(&health.text) },
        "since": time(health.since),
        "resumes": (health.resume_at > now).then(|| time(health.resume_at)),
        "waiting": progress.waiting,
        "running": progress.running,
        "failed": progress.failed,
        "run_at": progress.run_at.map(time),
        "total": progress.total,
        "done": progress.done,
        "manages_groups": profile.groups != ManagedGroups::none(),
        "warnings": settings::warnings(profile),
    })
}

/// Whom the connector knows of.
pub(super) fn people(people: &[ConnectedPerson]) -> Vec<Value> {
    let person = |person: &ConnectedPerson| {
        json!({
            "username": person.username,
            "account": person.account.as_ref().map(|account| &account.name),
            "is_cut_off": person.cut_off_at.is_some(),
            "pushed": person.pushed_at.map(time),
            "warning": person.warning,
        })
    };
    people.iter().map(person).collect()
}

/// A job of the queue.
pub(super) fn job(view: &JobView) -> Value {
    let (state, word) = match view.job.state {
        JobState::Waiting => ("off", "Waits"),
        JobState::Running => ("ok", "Runs"),
        JobState::Failed => ("bad", "Failed"),
    };
    let what = match view.job.rank {
        JobRank::CutOff => "Cut off",
        JobRank::Change => "Change",
        JobRank::Run => "Run for everybody",
    };
    json!({
        "username": view.username,
        "what": what,
        "state": state,
        "word": word,
        "attempts": view.job.attempts,
        "next": time(view.job.next_at),
        "error": view.job.error,
    })
}

/// What a run would change.
pub(super) fn preview(preview: &Preview) -> Value {
    json!({
        "groups": preview.groups,
        "people": preview.people.iter().map(person_preview).collect::<Vec<_>>(),
        "unchanged": preview.unchanged,
        "without_account": preview.without_account,
    })
}

fn person_preview(person: &PersonPreview) -> Value {
    let change = |change: &Change| {
        let sign = match change {
            Change::CreateGroup { .. } | Change::Join { .. } | Change::LetIn => "add",
            Change::Leave { .. } | Change::CutOff { .. } => "remove",
            Change::Set { .. } => "set",
        };
        json!({ "sign": sign, "text": change.to_string() })
    };
    json!({
        "username": person.username,
        "account": person.account,
        "is_new_link": person.is_new_link,
        "changes": person.changes.iter().map(change).collect::<Vec<_>>(),
        "warning": person.warning,
    })
}

/// What the token may do.
pub(super) fn rights(report: &RightsReport) -> Value {
    let findings = report.findings.iter().map(|finding| {
        let (state, word) = match finding.severity {
            Severity::Missing => ("bad", "Missing"),
            Severity::TooMuch => ("warn", "Too much"),
            Severity::Note => ("off", "Note"),
        };
        json!({ "state": state, "word": word, "text": finding.text })
    });
    json!({
        "version": report.netbox_version,
        "account": report.account,
        "is_good": !report.found_something(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

/// The least that the token's account must be allowed, for the ways in which people sign in to this application.
pub(super) fn permissions(entry: &ApplicationEntry) -> Vec<Value> {
    let only_oidc = entry.methods().iter().all(|method| *method == Method::Oidc);
    let reach = if only_oidc { Reach::SignedInByOidc } else { Reach::AllButSuperusers };
    let permission = |permission: &rights::NeededPermission| {
        let constraints =
            if permission.constraints.is_null() { String::new() } else { permission.constraints.to_string() };
        json!({
            "name": permission.name,
            "object_types": permission.object_types.join(", "),
            "actions": permission.actions.join(", "),
            "constraints": constraints,
            "why": permission.why,
        })
    };
    rights::permissions(reach).iter().map(permission).collect()
}
