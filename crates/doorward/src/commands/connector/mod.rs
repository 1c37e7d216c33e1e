//! `doorward connector`.

mod people;
mod rights;
mod run;
mod set;
mod show;
mod tokens;

use clap::Subcommand;
use doorward_server::connector::{Connected, queue, settings};
use serde_json::json;

use super::Work;
use crate::{
    exit, lookup,
    output::{confirm, note},
};

const RUN_HELP: &str = "\
Examples:
  doorward connector run netbox --dry-run
  doorward connector run netbox

Everybody is looked at, and each account brought in line. Accounts are never made. A running server does this by itself for \
whoever changes; a run is for the first time, and for putting right what was changed by hand in NetBox.";

/// What can be done with the connector of an application.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give an application a connector, or change the one it has
    Set(Box<set::Args>),
    /// Show a connector, and how it is
    #[command(after_help = "Example:\n  doorward connector show netbox")]
    Show {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
    },
    /// Check that the API token may do what is needed, and nothing more
    #[command(
        after_help = "Example:\n  doorward connector check netbox\n\nExit code 5 if something should be changed."
    )]
    Check {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
    },
    /// Print the least that the account of the API token must be allowed in NetBox
    #[command(
        after_help = "Examples:\n  doorward connector permissions\n  doorward connector permissions --reach everybody \
        -o json"
    )]
    Permissions {
        /// Whom the token can change
        #[arg(long, value_enum, default_value_t, value_name = "WHOM")]
        reach: rights::Whom,
    },
    /// Bring the accounts of everybody in line, or show what that would change
    #[command(after_help = RUN_HELP)]
    Run {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Show what would change in NetBox, without changing it
        #[arg(long)]
        dry_run: bool,
    },
    /// List what waits, runs or failed
    #[command(after_help = "Example:\n  doorward connector jobs netbox")]
    Jobs {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
    },
    /// Let what failed run again now
    #[command(after_help = "Example:\n  doorward connector retry netbox")]
    Retry {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// List whom the connector knows of, their accounts and warnings
    #[command(after_help = "Example:\n  doorward connector people netbox")]
    People {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
    },
    /// Say which account of NetBox is somebody's
    #[command(after_help = "Example:\n  doorward connector link netbox alice alice5951bce3e62d42b1")]
    Link {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Username in Doorward
        user: String,
        /// Username in NetBox
        netbox_username: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Forget which account is somebody's; the account stays as it is
    #[command(after_help = "Example:\n  doorward connector unlink netbox alice")]
    Unlink {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Username in Doorward
        user: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// API tokens of NetBox
    #[command(subcommand)]
    Token(tokens::Command),
    /// Take the connector from an application; the accounts in NetBox stay as they are
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward connector rm netbox --yes")]
    Rm {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Set(args) => set::run(work, &args).await,
        Command::Show { application } => show::run(work, &application).await,
        Command::Check { application } => rights::check(work, &application).await,
        Command::Permissions { reach } => rights::permissions(work, reach),
        Command::Run { application, dry_run: true } => run::preview(work, &application).await,
        Command::Run { application, dry_run: false } => run::run(work, &application).await,
        Command::Jobs { application } => show::jobs(work, &application).await,
        Command::Retry { application, dry_run } => retry(work, &application, dry_run).await,
        Command::People { application } => people::list(work, &application).await,
        Command::Link { application, user, netbox_username, dry_run } => {
            people::link(work, &application, &user, &netbox_username, dry_run).await
        }
        Command::Unlink { application, user, dry_run } => people::unlink(work, &application, &user, dry_run).await,
        Command::Token(command) => tokens::run(work, command).await,
        Command::Rm { application, yes, dry_run } => remove(work, &application, yes, dry_run).await,
    }
}

/// The connector of an application, or what to do without one.
async fn find(work: &Work, slug: &str) -> anyhow::Result<Connected> {
    let entry = lookup::application(&work.app, slug)?;
    if !work.app.snapshot().connectors.contains_key(&entry.application.id) {
        let name = &entry.application.profile.name;
        let advice = format!("give it one with: doorward connector set {slug} --token-file …");
        return Err(exit::not_found(format!("{name} has no connector; {advice}")));
    }
    Ok(doorward_server::connector::find(&work.app, slug).await?)
}

async fn retry(work: &Work, slug: &str, dry_run: bool) -> anyhow::Result<()> {
    let connected = find(work, slug).await?;
    let name = connected.name();
    if dry_run {
        return work.output.would(&format!("let the connector of {name} try again what failed"));
    }
    let count = queue::retry(&work.app, &work.actor, slug).await?;
    note("a running server takes it from here; without one: doorward connector run");
    work.output.done(&format!("{name}: {count} try again."), &json!({ "application": slug, "retried": count }))
}

async fn remove(work: &Work, slug: &str, yes: bool, dry_run: bool) -> anyhow::Result<()> {
    let connected = find(work, slug).await?;
    let name = connected.name();
    if dry_run {
        return work.output.would(&format!("take the connector from {name}"));
    }
    confirm(
        yes,
        &format!(
            "Take the connector from {name}? Groups stay as they are, and whoever is disabled here is cut off there no more."
        ),
    )?;
    settings::remove(&work.app, &work.actor, slug).await?;
    work.output.done(&format!("Took the connector from {name}."), &json!({ "removed": slug }))
}
