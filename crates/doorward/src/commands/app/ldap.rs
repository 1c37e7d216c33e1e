//! `doorward app ldap`.

use clap::Subcommand;
use doorward_server::{
    applications::{self, ApplicationEdit, ldap, service_account, settings::ldap_server_doubt},
    snapshot::{ApplicationEntry, LdapClient},
};
use serde_json::json;
use std::sync::Arc;

use super::{super::Work, Removal, ldap_options::LdapOptions, settings, view};
use crate::{
    exit, lookup,
    output::{confirm, print, print_json, warning},
};

const ADD_EXAMPLES: &str = "\
Examples:
  doorward app ldap add netbox
  doorward app ldap add wiki --base-dn dc=wiki,dc=example,dc=org --uid-source username

The password of the service account is printed once. What was chosen is changed by \"doorward app edit\".";

/// What can be done with the LDAP provider of an application.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Give an application that is there an LDAP provider as well
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// Slug of the application
        slug: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
        /// How it is.
        #[command(flatten)]
        options: Box<LdapOptions>,
    },
    /// Make a new password for the service account; the old one is refused from then on
    #[command(after_help = "Example:\n  doorward app ldap password netbox\n\nThe new password is printed once.")]
    Password {
        /// Slug of the application
        slug: String,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Take the LDAP provider away, with its service account; the application stays
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward app ldap rm netbox --yes")]
    Rm(Removal),
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { slug, options, dry_run } => add(work, &slug, &options, dry_run).await,
        Command::Password { slug, dry_run } => password(work, &slug, dry_run).await,
        Command::Rm(args) => remove(work, &args).await,
    }
}

async fn add(work: &Work, slug: &str, options: &LdapOptions, dry_run: bool) -> anyhow::Result<()> {
    let entry = lookup::application(&work.app, slug)?;
    let name = entry.application.profile.name.clone();
    if entry.ldap.is_some() {
        return Err(exit::failed(format!("{name} has an LDAP provider; change it with: doorward app edit {slug}")));
    }
    let mut edit = ApplicationEdit::of(&entry);
    edit.ldap = Some(ldap::default_profile(&work.app.snapshot(), &edit.profile));
    options.apply(&mut edit)?;
    edit.check(&work.app.snapshot(), Some(entry.application.id))?;
    if dry_run {
        return work.output.would(&format!("add an LDAP provider to {name}"));
    }
    let Some(profile) = edit.ldap.take() else { return Ok(()) };
    if edit.profile != entry.application.profile {
        applications::update(&work.app, &work.actor, slug, edit).await?;
    }
    let bind = ldap::add(&work.app, &work.actor, slug, profile).await?;
    let entry = lookup::application(&work.app, slug)?;
    let mut value = view::json(work, &entry).await?;
    let blocks = view::add_password(work, &entry, &bind, &mut value).await?;
    if work.output.is_json() {
        return print_json(&value);
    }
    print(&format!("Added an LDAP provider to {name}.\n"))?;
    let mut fields = view::ldap_fields(work, &entry).await?;
    fields.push(("Bind password", bind.password.expose().clone()));
    work.output.fields(&fields, &value)?;
    let Some(blocks) = blocks else { return warn(work, &entry).await };
    print("\nThe settings to paste. The password is shown now and never again:\n")?;
    settings::print_blocks(&blocks)
}

async fn password(work: &Work, slug: &str, dry_run: bool) -> anyhow::Result<()> {
    lookup::application(&work.app, slug)?;
    let client = ldap::find(&work.app, slug)?;
    let name = &client.application.profile.name;
    if dry_run {
        let action = match service_account::find(&work.app, &client).await? {
            Some(_) => format!("replace the LDAP password of {name}"),
            None => format!("make a service account for {name}"),
        };
        return work.output.would(&action);
    }
    let bind = service_account::rotate_password(&work.app, &work.actor, slug).await?;
    let (dn, password) = (&bind.dn, bind.password.expose());
    let sentence = if bind.is_new {
        format!("Made the account {dn}. Its password:\n{password}")
    } else {
        format!("Replaced the password of {dn}. The new one:\n{password}")
    };
    let value = json!({ "slug": slug, "bind_dn": bind.dn, "bind_password": bind.password.expose() });
    work.output.done(&sentence, &value)
}

async fn remove(work: &Work, Removal { slug, yes, dry_run }: &Removal) -> anyhow::Result<()> {
    lookup::application(&work.app, slug)?;
    let client = ldap::find(&work.app, slug)?;
    let name = &client.application.profile.name;
    if *dry_run {
        let account = and_account(work, Some(&client)).await?;
        return work.output.would(&format!("remove the LDAP provider of {name}{account}"));
    }
    confirm(*yes, &format!("Remove the LDAP provider of {name}? Whatever asks it for people finds nobody any more."))?;
    ldap::remove(&work.app, &work.actor, slug).await?;
    work.output.done(&format!("Removed the LDAP provider of {name}."), &json!({ "removed": slug }))
}

/// The service account that goes too, as the end of a sentence.
pub(super) async fn and_account(work: &Work, client: Option<&Arc<LdapClient>>) -> anyhow::Result<String> {
    let Some(client) = client else { return Ok(String::new()) };
    let usernames = service_account::own_usernames(&work.app, client).await?;
    Ok(if usernames.is_empty() { String::new() } else { format!(" and the service account {}", usernames.join(", ")) })
}

/// Warns of what keeps an application from reading the directory.
pub(super) async fn warn(work: &Work, entry: &ApplicationEntry) -> anyhow::Result<()> {
    let Some(client) = &entry.ldap else { return Ok(()) };
    let found = service_account::warning(&work.app, client).await?;
    for text in found.into_iter().chain(ldap_server_doubt(&work.app, entry)) {
        warning(&text);
    }
    Ok(())
}
