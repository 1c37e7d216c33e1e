//! `doorward session`.

use clap::Subcommand;
use doorward_core::{id::SessionId, session::Session};
use doorward_server::{
    directory::{sessions, users},
    error::OperationError,
    pages,
};
use serde_json::{Value, json};

use super::Work;
use crate::{
    exit, lookup,
    output::{note, or_dash},
};

/// Most sessions that are listed.
const LISTED_MAX: usize = 100;

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the browsers in which a user is signed in
    #[command(visible_alias = "ls", after_help = "Example:\n  doorward session list alice")]
    List {
        /// Username
        username: String,
    },
    /// End a session, or all of a user; applications are told as if they had signed out
    #[command(after_help = "Examples:\n  doorward session end 01932f4e-7a10-7bb2-9a3e-0d5f0a6b1c2d\n  \
        doorward session end --all alice\n\n\
        Applications that are told by the back channel hear of it from the running server. Tokens that were meant to\n\
        outlive the session stay; \"doorward user disable\" ends them too.")]
    End {
        /// Identifier, as "list" shows it
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All sessions of this user
        #[arg(long, value_name = "USERNAME")]
        all: Option<String>,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { username } => list(work, &username).await,
        Command::End { id, all: None, dry_run } => end(work, &id.unwrap_or_default(), dry_run).await,
        Command::End { all: Some(username), dry_run, .. } => end_all(work, &username, dry_run).await,
    }
}

async fn list(work: &Work, username: &str) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, username).await?;
    let found = sessions::of_user(&work.app, user.id).await?;
    let rows: Vec<_> = found.iter().map(row).collect();
    let values = found.iter().map(described).collect();
    let empty = format!("{} is signed in nowhere.", user.profile.username);
    work.output.list(&["ID", "BEGAN", "ENDS", "BY", "ADDRESS", "BROWSER"], &rows, values, &empty)?;
    if found.len() >= LISTED_MAX {
        note(&format!("These are the newest {LISTED_MAX}; there may be more."));
    }
    Ok(())
}

fn row(session: &Session) -> Vec<String> {
    // What a browser says of itself goes to a terminal: nothing of it may steer that.
    let browser: String = session.user_agent.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    vec![
        session.id.to_string(),
        pages::time(session.created_at),
        pages::time(session.expires_at),
        session.methods.replace(' ', ", "),
        or_dash(&session.address),
        or_dash(&browser),
    ]
}

fn described(session: &Session) -> Value {
    json!({
        "id": session.id,
        "created_at": session.created_at,
        "authenticated_at": session.authenticated_at,
        "expires_at": session.expires_at,
        "methods": session.methods.split(' ').collect::<Vec<_>>(),
        "address": session.address,
        "user_agent": session.user_agent,
    })
}

async fn end(work: &Work, id: &str, dry_run: bool) -> anyhow::Result<()> {
    let unknown =
        || exit::not_found(format!("there is no session \"{id}\"; \"doorward session list USERNAME\" shows them"));
    let session: SessionId = id.parse().map_err(|_| unknown())?;
    let user = match sessions::find(&work.app, session).await {
        Ok(found) => found.user,
        Err(OperationError::NotFound { .. }) => return Err(unknown()),
        Err(other) => return Err(other.into()),
    };
    let username = users::find(&work.app, user).await?.0.profile.username;
    if dry_run {
        return work.output.would(&format!("end the session {session} of {username}"));
    }
    sessions::end(&work.app, &work.actor, user, session).await?;
    let sentence = format!("Ended the session {session} of {username}.");
    work.output.done(&sentence, &json!({ "user": username, "ended": 1 }))
}

async fn end_all(work: &Work, username: &str, dry_run: bool) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, username).await?;
    let username = &user.profile.username;
    if dry_run {
        return work.output.would(&format!("end all sessions of {username}"));
    }
    let ended = sessions::end_all(&work.app, &work.actor, user.id).await?;
    let sentence = match ended {
        0 => format!("{username} is signed in nowhere; nothing was changed."),
        1 => format!("Ended the only session of {username}."),
        more => format!("Ended {more} sessions of {username}."),
    };
    work.output.done(&sentence, &json!({ "user": username, "ended": ended }))
}
