//! `doorward user app-password`.

use clap::Subcommand;
use doorward_core::{
    app_password::{AppPassword, parse_end},
    id::{AppPasswordId, ApplicationId},
    user::User,
};
use doorward_server::{
    directory::app_passwords::{self, NewAppPassword},
    snapshot::Snapshot,
};
use serde_json::{Value, json};

use super::super::Work;
use crate::{
    exit, lookup,
    output::{confirm, note, or_dash, print},
};

/// What can be done with app passwords.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an app password; its secret is printed once
    #[command(after_help = "Examples:\n  \
        doorward user app-password add alice --for \"mail on the laptop\"\n  \
        doorward user app-password add netbox-reader --for NetBox --app netbox --expires 365d")]
    Add(AddArgs),
    /// List a user's app passwords
    #[command(visible_alias = "ls", after_help = "Example:\n  doorward user app-password list alice")]
    List {
        /// Username
        username: String,
    },
    /// Remove an app password; it is refused from then on
    #[command(
        visible_alias = "remove",
        after_help = "Example:\n  doorward user app-password rm alice 01932f4e-7a10-7bb2-9a3e-0d5f0a6b1c2d --yes"
    )]
    Rm {
        /// Username
        username: String,
        /// Identifier, as "list" shows it
        id: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// Options of `user app-password add`.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Username
    pub username: String,
    /// What it is for, in your own words
    #[arg(long = "for", value_name = "TEXT")]
    pub purpose: String,
    /// Slug of the only application it shall be good for; else it is good for all
    #[arg(long, value_name = "SLUG")]
    pub app: Option<String>,
    /// When it ends: in so many days (90d), or the last day (2027-01-31); else never
    #[arg(long, value_name = "END")]
    pub expires: Option<String>,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => add(work, args).await,
        Command::List { username } => list(work, &username).await,
        Command::Rm { username, id, dry_run, yes } => remove(work, (&username, &id), dry_run, yes).await,
    }
}

async fn add(work: &Work, args: AddArgs) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, &args.username).await?;
    let application = args.app.as_deref().map(|slug| application(work, slug)).transpose()?;
    let end = args.expires.as_deref().map(|text| parse_end(text, work.app.clock.now()));
    let expires_at = end.transpose().map_err(|advice| exit::usage(format!("--expires: {advice}")))?;
    let new = NewAppPassword { user: user.id, name: args.purpose, application, expires_at };
    app_passwords::check(&new, work.app.clock.now())?;
    let username = &user.profile.username;
    if args.dry_run {
        return work.output.would(&format!("make the app password \"{}\" of {username}", new.name.trim()));
    }
    let (password, secret) = app_passwords::create(&work.app, &work.actor, new).await?;
    let mut value = described(&work.app.snapshot(), &user, &password);
    if let Value::Object(members) = &mut value {
        members.insert("secret".into(), json!(secret.expose()));
    }
    if work.output.is_json() {
        return work.output.done("", &value);
    }
    note(&format!("Made the app password \"{}\" of {username}. It is not shown again:", password.name));
    print(secret.expose())
}

async fn list(work: &Work, username: &str) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, username).await?;
    let (snapshot, passwords) = (work.app.snapshot(), app_passwords::of_user(&work.app, user.id).await?);
    let rows: Vec<_> = passwords
        .iter()
        .map(|password| {
            vec![
                password.id.to_string(),
                password.name.clone(),
                or_dash(slug(&snapshot, password).unwrap_or_default()),
                password.created_at.to_string(),
                shown(password.expires_at),
                shown(password.last_used_at),
            ]
        })
        .collect();
    let values = passwords.iter().map(|password| described(&snapshot, &user, password)).collect();
    let empty = format!("{} has no app passwords.", user.profile.username);
    work.output.list(&["ID", "FOR", "APP", "CREATED", "EXPIRES", "LAST USED"], &rows, values, &empty)
}

async fn remove(work: &Work, (username, id): (&str, &str), dry_run: bool, yes: bool) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, username).await?;
    let username = &user.profile.username;
    let passwords = app_passwords::of_user(&work.app, user.id).await?;
    let wanted: Option<AppPasswordId> = id.parse().ok();
    let password = passwords.into_iter().find(|password| Some(password.id) == wanted).ok_or_else(|| {
        let advice = format!("\"doorward user app-password list {}\" shows all", lookup::word(username));
        exit::not_found(format!("{username} has no app password \"{id}\"; {advice}"))
    })?;
    if dry_run {
        return work.output.would(&format!("remove the app password \"{}\" of {username}", password.name));
    }
    confirm(yes, &format!("Remove the app password \"{}\" of {username}?", password.name))?;
    app_passwords::delete(&work.app, &work.actor, user.id, password.id).await?;
    let sentence = format!("Removed the app password \"{}\" of {username}.", password.name);
    work.output.done(&sentence, &json!({ "removed": password.id }))
}

/// A moment, or a dash for none.
fn shown(at: Option<impl ToString>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

/// An application by slug, whatever its providers.
fn application(work: &Work, slug: &str) -> anyhow::Result<ApplicationId> {
    let snapshot = work.app.snapshot();
    match snapshot.ldap.iter().find(|client| client.application.profile.slug == slug) {
        Some(client) => Ok(client.application.id),
        None => Ok(lookup::application(&work.app, slug)?.application.id),
    }
}

fn slug<'s>(snapshot: &'s Snapshot, password: &AppPassword) -> Option<&'s str> {
    let id = password.application?;
    snapshot.application_by_id(id).map(|application| application.profile.slug.as_str())
}

/// An app password as JSON, without its secret.
fn described(snapshot: &Snapshot, user: &User, password: &AppPassword) -> Value {
    json!({
        "id": password.id,
        "user": user.profile.username,
        "for": password.name,
        "app": slug(snapshot, password),
        "created_at": password.created_at,
        "expires_at": password.expires_at,
        "last_used_at": password.last_used_at,
    })
}
