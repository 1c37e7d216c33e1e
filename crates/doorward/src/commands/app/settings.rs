//! `doorward app config`.

use doorward_core::method::Method;
use doorward_server::{
    applications::{
        self,
        settings::{Wanted, settings},
    },
    error::OperationError,
    recipes::{AppVersion, SettingsBlock, Style, WebProxy, parse_version},
    snapshot::ApplicationEntry,
};
use serde_json::json;

use super::{super::Work, options, view};
use crate::{
    exit, lookup,
    output::{note, print, print_json},
};

const EXAMPLES: &str = "\
Examples:
  doorward app config netbox
  doorward app config netbox --style docker --netbox-version 4.6
  doorward app config netbox --method ldap
  doorward app config netbox --method proxy --proxy nginx --upstream http://127.0.0.1:8001
  doorward app config netbox --style docker --only env/netbox.env >> env/netbox.env

The settings hold the client secret. An LDAP password is kept as a hash only, so that a placeholder stands in its \
    place: \"doorward app ldap password SLUG\" makes a new one. What to do with the settings is said on standard error, so \
    that standard output can go straight into a file.";

/// Options of `doorward app config`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Slug of the application
    slug: String,
    /// How the application is installed: file, docker or helm
    #[arg(long, default_value = "file", value_parser = style)]
    style: Style,
    /// For which way to sign in: oidc, ldap or proxy [default: the first of them that the application has]
    #[arg(long, value_name = "METHOD", value_parser = options::method)]
    method: Option<Method>,
    /// With a proxy: which one stands before it, nginx, traefik or caddy [default: all of them]
    #[arg(long, value_name = "PROXY", value_parser = web_proxy)]
    proxy: Option<WebProxy>,
    /// With a proxy: where the application listens behind it [default: as it was added]
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Version of the application, such as 4.7; the newest that is known unless given
    #[arg(long, visible_alias = "netbox-version", value_name = "X.Y", value_parser = version)]
    app_version: Option<AppVersion>,
    /// Print the settings for this file only
    #[arg(long, value_name = "FILENAME")]
    only: Option<String>,
}

fn style(text: &str) -> Result<Style, String> {
    text.parse::<Style>().map_err(|error| error.to_string())
}

fn web_proxy(text: &str) -> Result<WebProxy, String> {
    text.parse::<WebProxy>().map_err(|error| error.to_string())
}

fn version(text: &str) -> Result<AppVersion, String> {
    parse_version(text).map_err(|error| error.to_string())
}

/// Prints the settings.
pub async fn run(work: &Work, args: Args) -> anyhow::Result<()> {
    let entry = lookup::application(&work.app, &args.slug)?;
    let (method, name) = (chosen(&entry, args.method)?, &entry.application.profile.name);
    let client = entry.oauth.as_ref().filter(|_| method == Method::Oidc);
    let secret = client.map(|client| client.provider.client_secret.clone());
    if method != Method::Proxy {
        let given = [("--proxy", args.proxy.is_some()), ("--upstream", args.upstream.is_some())];
        options::refuse(&given, &format!("is about proxies, and these settings are for {}", method.label()))?;
    }
    let wanted = Wanted {
        app_version: args.app_version,
        secret,
        web_proxy: args.proxy,
        upstream: args.upstream.clone(),
        ..Wanted::new(method, args.style)
    };
    let Some(mut blocks) = settings(&work.app, &entry, wanted).await.map_err(bare)? else {
        return Err(exit::failed(format!(
            "{name} was not made from a recipe for {}, so its settings are not known; \"doorward app show {}\" shows \
             what to enter",
            method.label(),
            args.slug
        )));
    };
    if let Some(only) = &args.only {
        blocks = pick(blocks, only)?;
    }
    if client.is_some() {
        applications::reveal_secret(&work.app, &work.actor, &args.slug).await?;
    }
    if work.output.is_json() {
        return print_json(&json!({ "slug": args.slug, "method": method, "style": args.style, "blocks": blocks }));
    }
    print_blocks(&blocks)
}

/// Prints settings to paste; what to do with them goes to standard error.
pub(super) fn print_blocks(blocks: &[SettingsBlock]) -> anyhow::Result<()> {
    for block in blocks {
        note(&format!("# {}: {}", block.filename, block.title));
        for text in &block.notes {
            note(&format!("# Note: {text}"));
        }
    }
    print(&view::joined_blocks(blocks))
}

/// The method asked for, or the first that the application has.
fn chosen(entry: &ApplicationEntry, asked: Option<Method>) -> anyhow::Result<Method> {
    let (methods, name) = (entry.methods(), &entry.application.profile.name);
    let chosen = asked.or(methods.first().copied()).filter(|method| methods.contains(method));
    chosen.ok_or_else(|| exit::failed(format!("{name} does not use {}", asked.map_or("any method", Method::label))))
}

fn pick(blocks: Vec<SettingsBlock>, only: &str) -> anyhow::Result<Vec<SettingsBlock>> {
    let names: Vec<String> = blocks.iter().map(|block| block.filename.clone()).collect();
    let found: Vec<_> = blocks.into_iter().filter(|block| block.filename == only).collect();
    if found.is_empty() {
        return Err(exit::not_found(format!("there are no settings for \"{only}\"; there are: {}", names.join(", "))));
    }
    Ok(found)
}

/// What a recipe says about a style or version names it already; the field would only confuse.
pub(super) fn bare(error: OperationError) -> anyhow::Error {
    match error {
        OperationError::Invalid(problems) => {
            let messages: Vec<_> = problems.0.into_iter().map(|problem| problem.message).collect();
            exit::failed(messages.join("\n"))
        }
        other => other.into(),
    }
}
