//! `doorward app proxy`.

use clap::Subcommand;
use doorward_core::proxy_provider::ProxyProfile;
use doorward_server::applications::{ApplicationEdit, proxy};
use serde_json::json;

use super::{super::Work, Removal, proxy_options::ProxyOptions, view};
use crate::{
    exit, lookup,
    output::{confirm, print, print_json},
};

const ADD_EXAMPLES: &str = "\
Examples:
  doorward app proxy add wiki --external-host https://wiki.example.org
  doorward app proxy add lab --external-host https://auth.example.org --mode domain --cookie-domain example.org

\"doorward app config SLUG --method proxy\" prints the configuration of the proxy. What was chosen is changed by \"doorward \
    app edit\".";

/// What can be done with the proxy provider of an application.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give an application that is there a proxy provider as well: forward auth
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// Slug of the application
        slug: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
        /// How it is.
        #[command(flatten)]
        options: Box<ProxyOptions>,
    },
    /// Take the proxy provider away, and end all sessions at its hosts; the application stays
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward app proxy rm wiki --yes")]
    Rm(Removal),
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { slug, options, dry_run } => add(work, &slug, &options, dry_run).await,
        Command::Rm(args) => remove(work, &args).await,
    }
}

/// The proxy provider of a new application, as its options say.
pub(super) fn profile(options: &ProxyOptions) -> anyhow::Result<ProxyProfile> {
    if options.external_host.is_none() {
        return Err(exit::usage("say where browsers reach it: --external-host https://wiki.example.org"));
    }
    let mut profile = ProxyProfile::single("");
    options.apply_to(&mut profile);
    Ok(profile)
}

async fn add(work: &Work, slug: &str, options: &ProxyOptions, dry_run: bool) -> anyhow::Result<()> {
    let entry = lookup::application(&work.app, slug)?;
    let name = entry.application.profile.name.clone();
    if entry.proxy.is_some() {
        return Err(exit::failed(format!("{name} has a proxy provider; change it with: doorward app edit {slug}")));
    }
    let profile = profile(options)?;
    let edit = ApplicationEdit { proxy: Some(profile.clone()), ..ApplicationEdit::of(&entry) };
    edit.check(&work.app.snapshot(), Some(entry.application.id))?;
    if dry_run {
        return work.output.would(&format!("add a proxy provider to {name}"));
    }
    proxy::add(&work.app, &work.actor, slug, profile).await?;
    let entry = lookup::application(&work.app, slug)?;
    let value = view::json(work, &entry).await?;
    if work.output.is_json() {
        return print_json(&value);
    }
    print(&format!("Added a proxy provider to {name}.\n"))?;
    work.output.fields(&view::proxy_fields(&entry), &value)
}

async fn remove(work: &Work, Removal { slug, yes, dry_run }: &Removal) -> anyhow::Result<()> {
    lookup::application(&work.app, slug)?;
    let client = proxy::find(&work.app, slug)?;
    let name = &client.application.profile.name;
    if *dry_run {
        return work.output.would(&format!("remove the proxy provider of {name}"));
    }
    let host = &client.external;
    confirm(*yes, &format!("Remove the proxy provider of {name}? The proxy at {host} is told to let nobody pass."))?;
    proxy::remove(&work.app, &work.actor, slug).await?;
    work.output.done(&format!("Removed the proxy provider of {name}."), &json!({ "removed": slug }))
}
