//! `doorward connector show` and `jobs`.

use doorward_core::connector::{ConnectorState, JobRank, JobState, ManagedGroups};
use doorward_server::{
    connector::{
        queue::{self, JobView},
        run::Progress,
        settings,
    },
    pages::time,
};
use serde_json::json;

use super::super::Work;
use crate::output::{joined, or_dash, yes_no};

/// Shows a connector. The token is never shown.
pub async fn run(work: &Work, slug: &str) -> anyhow::Result<()> {
    super::find(work, slug).await?;
    let view = settings::show(&work.app, slug).await?;
    let profile = &view.profile;
    let fields = [
        ("Application", view.application.clone()),
        ("NetBox", profile.url.clone()),
        ("Managed groups", groups(&profile.groups)),
        ("Pushes profile", yes_no(profile.push_profile)),
        ("Pushes username", yes_no(profile.push_username)),
        ("Cuts off denied", yes_no(profile.cut_off_denied)),
        ("Switched on", yes_no(profile.is_enabled)),
        ("State", state(&view.progress)),
        ("Queue", queued(&view.progress)),
        ("Last run", last_run(&view.progress)),
        ("API token", "kept, never shown".to_owned()),
    ];
    work.output.fields(&fields, &json!(view))
}

fn groups(groups: &ManagedGroups) -> String {
    match groups {
        ManagedGroups::Prefix(prefix) => format!("those that begin with {prefix}"),
        ManagedGroups::Listed(names) => joined(&names.iter().collect::<Vec<_>>()),
    }
}

/// How a connector is, in words.
pub fn state(progress: &Progress) -> String {
    let health = &progress.health;
    match health.state {
        ConnectorState::Well => "well".to_owned(),
        ConnectorState::Failing => format!("failing since {}: {}", time(health.since), health.text),
        ConnectorState::Refused => format!("refused since {}: {}", time(health.since), health.text),
    }
}

fn queued(progress: &Progress) -> String {
    format!("{} wait, {} run, {} failed", progress.waiting, progress.running, progress.failed)
}

fn last_run(progress: &Progress) -> String {
    progress
        .run_at
        .map_or_else(|| "-".to_owned(), |at| format!("{}: {} of {} done", time(at), progress.done, progress.total))
}

/// Lists the queue.
pub async fn jobs(work: &Work, slug: &str) -> anyhow::Result<()> {
    super::find(work, slug).await?;
    let jobs = queue::jobs(&work.app, slug).await?;
    let row = |view: &JobView| {
        let state = match view.job.state {
            JobState::Waiting => "waiting",
            JobState::Running => "running",
            JobState::Failed => "failed",
        };
        let what = match view.job.rank {
            JobRank::CutOff => "cut off",
            JobRank::Change => "change",
            JobRank::Run => "run",
        };
        let next = time(view.job.next_at);
        vec![
            view.username.clone(),
            what.into(),
            state.into(),
            view.job.attempts.to_string(),
            next,
            or_dash(&view.job.error),
        ]
    };
    let rows: Vec<_> = jobs.iter().map(row).collect();
    let values = jobs.iter().map(|view| json!(view)).collect();
    work.output.list(&["USER", "WHAT", "STATE", "TRIES", "NEXT", "LAST ERROR"], &rows, values, "The queue is empty.")
}
