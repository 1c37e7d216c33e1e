//! `doorward connector token`.

use clap::Subcommand;
use doorward_server::{
    connector::inventory::{self, Flag, TokenView},
    pages::time,
};
use serde_json::json;

use super::super::Work;
use crate::output::{confirm, or_dash};

/// What can be done with API tokens of NetBox.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List API tokens: owner, last use, end, and what is odd about them
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  doorward connector token list netbox\n  \
        doorward connector token list netbox --odd"
    )]
    List {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Only those about which something is odd
        #[arg(long)]
        odd: bool,
    },
    /// Make an API token unusable; NetBox's administrators can enable it again
    #[command(after_help = "Example:\n  doorward connector token disable netbox 17")]
    Disable {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// NetBox's number of the token
        id: i64,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete an API token for good
    #[command(after_help = "Example:\n  doorward connector token revoke netbox 17 --yes")]
    Revoke {
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// NetBox's number of the token
        id: i64,
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
        Command::List { application, odd } => list(work, &application, odd).await,
        Command::Disable { application, id, dry_run } => disable(work, &application, id, dry_run).await,
        Command::Revoke { application, id, yes, dry_run } => revoke(work, &application, id, yes, dry_run).await,
    }
}

async fn list(work: &Work, slug: &str, only_odd: bool) -> anyhow::Result<()> {
    super::find(work, slug).await?;
    let mut tokens = inventory::tokens(&work.app, slug).await?;
    tokens.retain(|view| !only_odd || !view.flags.is_empty());
    let row = |view: &TokenView| {
        let token = &view.token;
        let state = if token.enabled { "on" } else { "off" };
        let flags: Vec<&str> = view.flags.iter().map(|flag| Flag::words(*flag)).collect();
        let never = || "never".to_owned();
        let (used, ends) = (token.last_used.map_or_else(never, time), token.expires.map_or_else(never, time));
        vec![
            token.id.to_string(),
            token.user.name.clone(),
            state.into(),
            used,
            ends,
            or_dash(&token.description),
            or_dash(&flags.join(", ")),
        ]
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    let values = tokens.iter().map(|view| json!(view)).collect();
    let empty = if only_odd { "Nothing is odd about any API token." } else { "NetBox shows no API tokens." };
    work.output.list(&["ID", "OWNER", "STATE", "LAST USED", "ENDS", "FOR", "ODD"], &rows, values, empty)
}

/// The owner of a token, so that questions and dry runs name them.
async fn owner(work: &Work, slug: &str, id: i64) -> anyhow::Result<String> {
    super::find(work, slug).await?;
    let tokens = inventory::tokens(&work.app, slug).await?;
    let found = tokens.into_iter().find(|view| view.token.id == id);
    let found = found.ok_or_else(|| {
        crate::exit::not_found(format!("there is no API token {id}; doorward connector token list {slug} shows all"))
    })?;
    Ok(found.token.user.name)
}

async fn disable(work: &Work, slug: &str, id: i64, dry_run: bool) -> anyhow::Result<()> {
    let owner = owner(work, slug, id).await?;
    if dry_run {
        return work.output.would(&format!("disable the API token {id} of {owner}"));
    }
    inventory::disable(&work.app, &work.actor, slug, id).await?;
    work.output.done(&format!("Disabled the API token {id} of {owner}."), &json!({ "disabled": id, "owner": owner }))
}

async fn revoke(work: &Work, slug: &str, id: i64, yes: bool, dry_run: bool) -> anyhow::Result<()> {
    let owner = owner(work, slug, id).await?;
    if dry_run {
        return work.output.would(&format!("revoke the API token {id} of {owner}"));
    }
    confirm(
        yes,
        &format!(
            "Revoke the API token {id} of {owner}? Whatever uses it stops working, and it cannot be brought back."
        ),
    )?;
    inventory::revoke(&work.app, &work.actor, slug, id).await?;
    work.output.done(&format!("Revoked the API token {id} of {owner}."), &json!({ "revoked": id, "owner": owner }))
}
