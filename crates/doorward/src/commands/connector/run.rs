//! `doorward connector run`.

use doorward_server::connector::{
    plan::Change,
    run::{self, PersonPreview, Preview, Progress},
};
use serde_json::json;

use super::super::Work;
use crate::{
    exit,
    output::{note, print, print_json, warning},
};

/// Shows what a run would change, as a diff.
pub async fn preview(work: &Work, slug: &str) -> anyhow::Result<()> {
    super::find(work, slug).await?;
    let preview = run::preview(&work.app, slug).await?;
    if work.output.is_json() {
        return print_json(&json!(preview));
    }
    print(&in_words(&preview))
}

fn in_words(preview: &Preview) -> String {
    let groups = preview.groups.iter().map(|name| format!("+ group {name}\n"));
    let people = preview.people.iter().map(person);
    let diff: String = groups.chain(people).collect();
    let nothing = if diff.is_empty() { "Nothing would change.\n" } else { "" };
    let (unchanged, without) = (preview.unchanged, preview.without_account);
    format!("{diff}{nothing}{unchanged} as they shall be, {without} without an account. Nothing was changed.\n")
}

fn person(person: &PersonPreview) -> String {
    let account = person.account.as_deref().unwrap_or("no account");
    let link = if person.is_new_link { ", linked by this" } else { "" };
    let changes: String = person.changes.iter().map(|change| format!("  {} {change}\n", sign(change))).collect();
    let warning = if person.warning.is_empty() { String::new() } else { format!("  ! {}\n", person.warning) };
    format!("{} ({account}{link})\n{changes}{warning}", person.username)
}

fn sign(change: &Change) -> char {
    match change {
        Change::CreateGroup { .. } | Change::Join { .. } | Change::LetIn => '+',
        Change::Leave { .. } | Change::CutOff { .. } => '-',
        Change::Set { .. } => '~',
    }
}

/// Brings everybody's account in line, and says how far it is.
pub async fn run(work: &Work, slug: &str) -> anyhow::Result<()> {
    let connected = super::find(work, slug).await?;
    let mut said = None;
    let report = run::run(&work.app, &work.actor, slug, |progress: &Progress| {
        if said != Some(progress.done) {
            note(&format!("{} of {}", progress.done, progress.total));
            said = Some(progress.done);
        }
    });
    let report = report.await?;
    for view in &report.failed {
        warning(&format!("{}: {}", view.username, view.job.error));
    }
    let name = connected.name();
    work.output.done(&format!("Looked at {} people of {name}.", report.total), &json!(report))?;
    if !report.stopped.is_empty() {
        return Err(exit::failed(format!("{}; a running server goes on when that is over", report.stopped)));
    }
    match report.failed.len() {
        0 => Ok(()),
        many => Err(exit::failed(format!("{many} could not be brought in line; see: doorward connector jobs {slug}"))),
    }
}
