//! `doorward app`.

mod add;
mod client_secret;
mod edit;
mod ldap;
mod ldap_options;
mod options;
mod proxy;
mod proxy_options;
mod redirect_uri;
mod settings;
mod view;

use clap::Subcommand;
use doorward_core::lifetime::Lifetime;
use doorward_server::{applications, snapshot::ApplicationEntry};
use serde_json::json;

use super::Work;
use crate::{exit, lookup, output::confirm};

/// What can be done with applications.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add an application from a recipe, or any other with "custom"
    Add(Box<add::Args>),
    /// List applications
    #[command(visible_alias = "ls", after_help = "Examples:\n  doorward app list\n  doorward app list -o json")]
    List,
    /// Show an application
    #[command(after_help = "Examples:\n  doorward app show netbox\n  doorward app show netbox --show-secret -o json")]
    Show {
        /// Slug of the application
        slug: String,
        /// Show the client secret, too; the activity log tells
        #[arg(long)]
        show_secret: bool,
    },
    /// Change an application
    Edit(Box<edit::Args>),
    /// Print the settings to paste into an application that was made from a recipe
    Config(settings::Args),
    /// Replace the client secret; the old one is refused from then on, or after a time
    #[command(after_help = "Examples:\n  doorward app rotate-secret netbox\n  doorward app rotate-secret netbox \
        --keep-old-for hours=24\n\nThe new secret is printed once. \
        \"doorward app config netbox\" prints the settings with it.")]
    RotateSecret {
        /// Slug of the application
        slug: String,
        /// How long the old one goes on working, such as hours=24; days=30 at most
        #[arg(long, value_name = "TIME", default_value = "seconds=0")]
        keep_old_for: Lifetime,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Refuse the client secret from before the last replacement from now on
    #[command(after_help = "Example:\n  doorward app stop-old-secret netbox\n\n\"doorward app show netbox\" tells \
        when it was last used.")]
    StopOldSecret {
        /// Slug of the application
        slug: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// The LDAP provider of an application
    #[command(subcommand)]
    Ldap(ldap::Command),
    /// Redirect URIs that an application sent and that are not registered for it
    #[command(subcommand)]
    RedirectUri(redirect_uri::Command),
    /// The proxy provider of an application: forward auth
    #[command(subcommand)]
    Proxy(proxy::Command),
    /// Remove an application with all its grants and tokens
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward app rm netbox --yes")]
    Rm(Removal),
}

/// What every command asks that takes an application away, or a provider from it.
#[derive(Debug, clap::Args)]
pub struct Removal {
    /// Slug of the application
    slug: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => add::run(work, *args).await,
        Command::List => list(work).await,
        Command::Show { slug, show_secret } => show(work, &slug, show_secret).await,
        Command::Edit(args) => edit::run(work, *args).await,
        Command::Config(args) => settings::run(work, args).await,
        Command::RotateSecret { slug, keep_old_for, dry_run } => {
            client_secret::rotate(work, &slug, keep_old_for, dry_run).await
        }
        Command::StopOldSecret { slug, dry_run } => client_secret::stop_old(work, &slug, dry_run).await,
        Command::Ldap(command) => ldap::run(work, command).await,
        Command::RedirectUri(command) => redirect_uri::run(work, command).await,
        Command::Proxy(command) => proxy::run(work, command).await,
        Command::Rm(args) => remove(work, &args).await,
    }
}

async fn list(work: &Work) -> anyhow::Result<()> {
    let snapshot = work.app.snapshot();
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for entry in snapshot.applications.values() {
        let profile = &entry.application.profile;
        rows.push(vec![
            profile.slug.clone(),
            profile.name.clone(),
            view::recipe(entry).to_owned(),
            view::methods(entry),
            view::access(work, &profile.access).await?,
            entry.oauth.as_ref().map_or("-", |client| &client.provider.profile.client_id).to_owned(),
        ]);
        values.push(view::json(work, entry).await?);
    }
    let empty = "There are no applications yet. Add one: doorward app add --help";
    work.output.list(&["SLUG", "NAME", "RECIPE", "METHODS", "ALLOWED", "CLIENT ID"], &rows, values, empty)
}

async fn show(work: &Work, slug: &str, show_secret: bool) -> anyhow::Result<()> {
    let entry = lookup::application(&work.app, slug)?;
    let mut fields = view::fields(work, &entry).await?;
    let mut value = view::full_json(work, &entry).await?;
    if show_secret {
        if entry.oauth.is_none() {
            return Err(no_secret(&entry));
        }
        let secret = applications::reveal_secret(&work.app, &work.actor, slug).await?;
        fields.push(("Client secret", secret.expose().clone()));
        view::add_secret(work, &entry, &mut value).await?;
    }
    ldap::warn(work, &entry).await?;
    work.output.fields(&fields, &value)
}

fn no_secret(entry: &ApplicationEntry) -> anyhow::Error {
    let profile = &entry.application.profile;
    let advice = format!("for a new LDAP password: doorward app ldap password {}", profile.slug);
    exit::failed(format!("{} does not use OpenID Connect, so it has no client secret; {advice}", profile.name))
}

async fn remove(work: &Work, Removal { slug, yes, dry_run }: &Removal) -> anyhow::Result<()> {
    let entry = lookup::application(&work.app, slug)?;
    let name = &entry.application.profile.name;
    if *dry_run {
        let account = ldap::and_account(work, entry.ldap.as_ref()).await?;
        return work.output.would(&format!("remove the application {name}{account}"));
    }
    confirm(*yes, &format!("Remove the application {name}? Nobody can sign in to it with Doorward any more."))?;
    applications::delete(&work.app, &work.actor, slug).await?;
    work.output.done(&format!("Removed the application {name}."), &json!({ "removed": slug }))
}
