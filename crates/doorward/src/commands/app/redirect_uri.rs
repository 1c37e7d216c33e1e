//! `doorward app redirect-uri`: redirect URIs that applications sent and that are not registered.

use clap::Subcommand;
use doorward_server::timeline::near_misses::{self, Candidate};
use serde_json::{Value, json};

use super::super::Work;
use crate::lookup;

/// What can be done about them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List redirect URIs that an application sent and that are not registered for it
    #[command(visible_alias = "ls", after_help = "Example:\n  doorward app redirect-uri list netbox")]
    List {
        /// Slug of the application
        slug: String,
    },
    /// Register one of them
    #[command(
        after_help = "Example:\n  doorward app redirect-uri allow netbox https://netbox.example.org/oauth/complete/oidc/\n\n\
        Whoever holds the address receives the sign-ins of everyone who uses the application: allow it only if you know \
        that it is the application's own. Anybody can have sent it."
    )]
    Allow {
        /// Slug of the application
        slug: String,
        /// The address, as listed
        uri: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Do not ask about one of them again
    #[command(after_help = "Example:\n  doorward app redirect-uri dismiss netbox https://evil.example/")]
    Dismiss {
        /// Slug of the application
        slug: String,
        /// The address, as listed
        uri: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { slug } => list(work, &slug).await,
        Command::Allow { slug, uri, dry_run } => {
            let candidate = find(work, &slug, &uri).await?;
            if dry_run {
                return work.output.would(&format!("register {uri} for {slug}"));
            }
            near_misses::allow(&work.app, &work.actor, &slug, &uri).await?;
            work.output.done(&format!("Registered {uri} for {slug}."), &described(&candidate))
        }
        Command::Dismiss { slug, uri, dry_run } => {
            let candidate = find(work, &slug, &uri).await?;
            if dry_run {
                return work.output.would(&format!("dismiss {uri}"));
            }
            near_misses::dismiss(&work.app, &work.actor, &slug, &uri).await?;
            work.output.done(&format!("Dismissed {uri}."), &described(&candidate))
        }
    }
}

async fn find(work: &Work, slug: &str, uri: &str) -> anyhow::Result<Candidate> {
    lookup::application(&work.app, slug)?;
    Ok(near_misses::find(&work.app, slug, uri).await?)
}

async fn list(work: &Work, slug: &str) -> anyhow::Result<()> {
    lookup::application(&work.app, slug)?;
    let open = near_misses::open(&work.app, Some(slug)).await?;
    let rows: Vec<Vec<String>> = open
        .iter()
        .map(|Candidate { miss, .. }| {
            let time = miss.last_at.strftime("%Y-%m-%d %H:%M:%S").to_string();
            vec![miss.uri.clone(), miss.count.to_string(), time]
        })
        .collect();
    let values = open.iter().map(described).collect();
    work.output.list(&["REFUSED", "TIMES", "LAST"], &rows, values, "No redirect URI of it was refused.")
}

fn described(candidate: &Candidate) -> Value {
    let compared = near_misses::compare(candidate);
    json!({
        "application": candidate.client.application.profile.slug,
        "uri": candidate.miss.uri,
        "host": compared.host,
        "is_new_host": compared.is_new_host,
        "count": candidate.miss.count,
        "first_at": candidate.miss.first_at.to_string(),
        "last_at": candidate.miss.last_at.to_string(),
    })
}
