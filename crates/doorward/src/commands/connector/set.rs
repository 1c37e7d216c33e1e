//! `doorward connector set`.

use anyhow::Context as _;
use doorward_core::{
    connector::{ConnectorProfile, ManagedGroups},
    secret::Secret,
};
use doorward_server::{
    connector::{defaults, settings},
    error::OperationError,
};
use serde_json::json;
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::super::{Work, switch};
use crate::{exit, lookup, output::warning};

/// Longest token file that is read, in bytes.
const TOKEN_FILE_MAX: u64 = 4096;

const HELP: &str = "\
Examples:
  doorward connector set netbox --token-file token.txt
  doorward connector set netbox --url https://netbox.example.org/ --token-file - --group-prefix netbox-
  doorward connector set netbox --group netbox-ops --group netbox-admins
  doorward connector set netbox --token-file new-token.txt
  doorward connector set netbox --off

The token is as powerful as a superuser of NetBox: it is kept encrypted and never shown again. What its account must be \
allowed prints \"doorward connector permissions\". Address and groups of a new connector come from the recipe, unless they \
are given.";

/// Options of `doorward connector set`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Args {
    /// Slug of the application
    #[arg(value_name = "APP")]
    application: String,
    /// Address of NetBox [default: the application's, as its recipe was told]
    #[arg(long)]
    url: Option<String>,
    /// File that holds the API token; "-" is standard input
    #[arg(long, value_name = "FILE|-")]
    token_file: Option<PathBuf>,
    /// Groups of NetBox whose names begin so follow Doorward
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["groups", "no_groups"])]
    group_prefix: Option<String>,
    /// Group of NetBox that follows Doorward; may be given several times
    #[arg(long = "group", value_name = "GROUP", conflicts_with = "no_groups")]
    groups: Vec<String>,
    /// No group of NetBox follows Doorward
    #[arg(long)]
    no_groups: bool,
    /// Keep given name, family name and e-mail address current
    #[arg(long, conflicts_with = "no_push_profile")]
    push_profile: bool,
    /// Leave them alone
    #[arg(long)]
    no_push_profile: bool,
    /// Keep usernames current
    #[arg(long, conflicts_with = "no_push_username")]
    push_username: bool,
    /// Leave usernames alone
    #[arg(long)]
    no_push_username: bool,
    /// Cut off also whom the access rule no longer lets in
    #[arg(long, conflicts_with = "no_cut_off_denied")]
    cut_off_denied: bool,
    /// Cut off only who is disabled or deleted
    #[arg(long)]
    no_cut_off_denied: bool,
    /// Switch it on
    #[arg(long, conflicts_with = "off")]
    on: bool,
    /// Switch it off; what changes meanwhile is caught up when it is on again
    #[arg(long)]
    off: bool,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Gives an application a connector, or changes it.
pub async fn run(work: &Work, args: &Args) -> anyhow::Result<()> {
    let (app, slug) = (&work.app, args.application.as_str());
    let entry = lookup::application(app, slug)?;
    let name = &entry.application.profile.name;
    let has_connector = app.snapshot().connectors.contains_key(&entry.application.id);
    let existing = if has_connector { Some(settings::show(app, slug).await?.profile) } else { None };
    let token = args.token_file.as_deref().map(read_token).transpose()?;
    let mut profile = match &existing {
        Some(profile) => profile.clone(),
        None => defaults::profile(&entry),
    };
    args.apply(&mut profile);
    if existing.as_ref() == Some(&profile) && token.is_none() {
        return Err(exit::usage("nothing to change; \"doorward connector set --help\" lists the options"));
    }
    if profile.url.is_empty() {
        return Err(exit::usage(format!("{name} was not made from the recipe netbox; say where NetBox is with --url")));
    }
    if existing.is_none() && token.is_none() {
        return Err(exit::usage(
            "a new connector needs NetBox's API token: --token-file FILE, or --token-file - to type it",
        ));
    }
    settings::check(&profile, token.as_ref()).map_err(OperationError::from)?;
    let warnings = settings::warnings(&profile);
    let (verb, done) = if existing.is_some() { ("change", "Changed") } else { ("add", "Added") };
    if args.dry_run {
        say(&warnings);
        return work.output.would(&format!("{verb} the connector of {name}"));
    }
    match (existing, token) {
        (None, Some(token)) => settings::create(app, &work.actor, slug, profile, token).await?,
        (_, token) => settings::update(app, &work.actor, slug, profile, token).await?,
    }
    say(&warnings);
    let advice = format!("see whether the token may do what is needed: doorward connector check {slug}");
    work.output.done(&format!("{done} the connector of {name}; {advice}"), &json!(settings::show(app, slug).await?))
}

impl Args {
    fn apply(&self, profile: &mut ConnectorProfile) {
        if let Some(url) = &self.url {
            profile.url.clone_from(url);
        }
        if let Some(prefix) = &self.group_prefix {
            profile.groups = ManagedGroups::Prefix(prefix.clone());
        } else if !self.groups.is_empty() {
            profile.groups = ManagedGroups::Listed(self.groups.iter().cloned().collect());
        } else if self.no_groups {
            profile.groups = ManagedGroups::none();
        }
        for (field, given) in [
            (&mut profile.push_profile, switch(self.push_profile, self.no_push_profile)),
            (&mut profile.push_username, switch(self.push_username, self.no_push_username)),
            (&mut profile.cut_off_denied, switch(self.cut_off_denied, self.no_cut_off_denied)),
            (&mut profile.is_enabled, switch(self.on, self.off)),
        ] {
            *field = given.unwrap_or(*field);
        }
    }
}

fn say(warnings: &[String]) {
    for text in warnings {
        warning(text);
    }
}

/// A token from a file or from standard input, without the line end; never more than a token can be.
fn read_token(path: &Path) -> anyhow::Result<Secret<String>> {
    let mut text = String::new();
    if path == Path::new("-") {
        let read = io::stdin().take(TOKEN_FILE_MAX).read_to_string(&mut text);
        read.context("the token cannot be read from standard input")?;
    } else {
        let read = fs::File::open(path).and_then(|file| file.take(TOKEN_FILE_MAX).read_to_string(&mut text));
        read.with_context(|| format!("the token file {} cannot be read", path.display()))?;
    }
    let token = Secret::new(text.trim().to_owned());
    if token.expose().is_empty() { Err(exit::usage(format!("{} holds no token", path.display()))) } else { Ok(token) }
}
