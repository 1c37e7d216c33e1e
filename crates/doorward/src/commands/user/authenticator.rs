//! `doorward user authenticator`.

use clap::Subcommand;
use doorward_server::directory::authenticators;
use serde_json::json;

use super::{super::Work, options::ChangeArgs};
use crate::{exit, lookup, output::confirm};

/// What can be done with authenticator apps.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Remove a user's authenticator app, for instance after its loss; their password alone signs them in then
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward user authenticator rm alice --yes")]
    Rm {
        /// Whose, and how.
        #[command(flatten)]
        change: ChangeArgs,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    let Command::Rm { change, yes } = command;
    let user = lookup::user(&work.app, &change.username).await?;
    let username = &user.profile.username;
    if authenticators::since(&work.app, user.id).await?.is_none() {
        return Err(exit::not_found(format!("{username} has no authenticator app")));
    }
    if change.dry_run {
        return work.output.would(&format!("remove the authenticator app of {username}"));
    }
    confirm(yes, &format!("Remove the authenticator app of {username}? Make sure that it is they who ask."))?;
    authenticators::remove(&work.app, &work.actor, user.id).await?;
    let sentence = format!("Removed the authenticator app of {username}; their password alone signs them in now.");
    work.output.done(&sentence, &json!({ "removed": "authenticator", "user": username }))
}
