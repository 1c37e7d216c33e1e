//! `doorward key`.

use anyhow::Context as _;
use clap::Subcommand;
use doorward_core::signing_key::{KeyAlgorithm, SigningKey, VersionState};
use doorward_server::{keys, snapshot::version_states};
use serde_json::{Value, json};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use super::Work;
use crate::{
    exit, lookup,
    output::{confirm, joined},
};

/// What can be done with signing keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List signing keys with their versions
    #[command(visible_alias = "ls", after_help = "Example:\n  doorward key list")]
    List,
    /// Generate a signing key
    #[command(after_help = "Examples:\n  doorward key generate --name \"EC 2026\" --algorithm ec-p256\n  \
        doorward app edit wiki --signing-key \"EC 2026\"")]
    Generate {
        /// Name of the key
        #[arg(long)]
        name: String,
        /// rsa-2048, ec-p256, ec-p384 or ed25519
        #[arg(long, default_value = "rsa-2048", value_parser = algorithm)]
        algorithm: KeyAlgorithm,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Take a private key, with or without its certificate, as PEM
    #[command(after_help = "Example:\n  doorward key import --name \"From authentik\" --file key.pem\n\n\
        The file holds a private key, and a certificate if there is one. \"-\" reads standard input.")]
    Import {
        /// Name of the key
        #[arg(long)]
        name: String,
        /// PEM file
        #[arg(long)]
        file: PathBuf,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Give a key a new version; it is published first, and signs later
    #[command(after_help = "Examples:\n  doorward key rotate \"EC 2026\"\n  doorward key rotate \"EC 2026\" --now\n\n\
        The new version is published at once and signs after the setting key_publication (one hour). The old one stays \
        published until the last token signed with it has expired. With --now, applications that keep keys for a while \
        refuse tokens until they look again: for keys that have leaked.")]
    Rotate {
        /// Name of the key
        name: String,
        /// Sign with the new version at once
        #[arg(long)]
        now: bool,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove a key that no application uses
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward key rm \"EC 2026\" --yes")]
    Rm {
        /// Name of the key
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
}

fn algorithm(text: &str) -> Result<KeyAlgorithm, String> {
    let names: Vec<_> = KeyAlgorithm::ALL.iter().map(|(_, name, _)| *name).collect();
    KeyAlgorithm::parse(text).ok_or_else(|| format!("there are {}", names.join(", ")))
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(work),
        Command::Generate { name, algorithm, dry_run } => generate(work, &name, algorithm, dry_run).await,
        Command::Import { name, file, dry_run } => import(work, &name, &file, dry_run).await,
        Command::Rotate { name, now, dry_run } => rotate(work, &name, now, dry_run).await,
        Command::Rm { name, yes, dry_run } => remove(work, &name, yes, dry_run).await,
    }
}

fn list(work: &Work) -> anyhow::Result<()> {
    let snapshot = work.app.snapshot();
    let now = work.app.clock.now();
    let mut rows = Vec::new();
    for key in &snapshot.keys {
        let used_by = used_by(work, key);
        for (version, state) in version_states(&snapshot, key, now) {
            rows.push(vec![
                key.name.clone(),
                version.algorithm.as_str().to_owned(),
                state_name(state).to_owned(),
                version.activates_at.to_string(),
                version.kid.clone(),
                joined(&used_by),
            ]);
        }
    }
    let values = snapshot.keys.iter().map(|key| described(work, key)).collect();
    let headers = ["KEY", "ALGORITHM", "STATE", "SIGNS FROM", "KID", "USED BY"];
    work.output.list(&headers, &rows, values, "There are no signing keys. Add one: doorward key generate --name NAME")
}

async fn generate(work: &Work, name: &str, algorithm: KeyAlgorithm, dry_run: bool) -> anyhow::Result<()> {
    refuse_taken(work, name)?;
    if dry_run {
        return work.output.would(&format!("generate the signing key {name} ({})", algorithm.as_str()));
    }
    let key = keys::generate(&work.app, &work.actor, name, algorithm).await?;
    work.output.done(&format!("Generated the signing key {}.", key.name), &described(work, &key))
}

async fn import(work: &Work, name: &str, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    refuse_taken(work, name)?;
    let pem = read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    if dry_run {
        let clock = &work.app.clock;
        doorward_protocols::jose::import::import(clock, &pem, name, clock.now())
            .map_err(|error| exit::failed(format!("{}: {error}", file.display())))?;
        return work.output.would(&format!("import the signing key {name}"));
    }
    let key = keys::import(&work.app, &work.actor, name, &pem).await?;
    work.output.done(&format!("Imported the signing key {}.", key.name), &described(work, &key))
}

async fn rotate(work: &Work, name: &str, now: bool, dry_run: bool) -> anyhow::Result<()> {
    let name = lookup::signing_key(&work.app, name)?.name;
    if dry_run {
        return work.output.would(&format!("rotate the signing key {name}"));
    }
    let version = keys::rotate(&work.app, &work.actor, &name, now).await?;
    let key = lookup::signing_key(&work.app, &name)?;
    let when = if now { "signs now".to_owned() } else { format!("signs from {} on", version.activates_at) };
    let sentence = format!("Rotated the signing key {name}: {} is published and {when}.", version.kid);
    work.output.done(&sentence, &described(work, &key))
}

async fn remove(work: &Work, name: &str, yes: bool, dry_run: bool) -> anyhow::Result<()> {
    let name = lookup::signing_key(&work.app, name)?.name;
    if dry_run {
        return work.output.would(&format!("remove the signing key {name}"));
    }
    confirm(yes, &format!("Remove the signing key {name} for good?"))?;
    keys::delete(&work.app, &work.actor, &name).await?;
    work.output.done(&format!("Removed the signing key {name}."), &json!({ "removed": name }))
}

fn refuse_taken(work: &Work, name: &str) -> anyhow::Result<()> {
    match keys::find(&work.app, name) {
        Ok(_) => Err(exit::failed(format!("there is a signing key \"{name}\" already; choose another --name"))),
        Err(_) => Ok(()),
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn state_name(state: VersionState) -> &'static str {
    match state {
        VersionState::Next => "next",
        VersionState::Active => "active",
        VersionState::Retired => "retired",
        VersionState::Expired => "expired",
    }
}

/// Slugs of the applications whose tokens a key signs.
fn used_by(work: &Work, key: &SigningKey) -> Vec<String> {
    let snapshot = work.app.snapshot();
    let clients = snapshot.clients().filter(|client| client.provider.profile.signing_key == key.id);
    clients.map(|client| client.application.profile.slug.clone()).collect()
}

/// A key without its private part, as JSON.
fn described(work: &Work, key: &SigningKey) -> Value {
    let now = work.app.clock.now();
    let states = version_states(&work.app.snapshot(), key, now);
    let versions = states.iter().map(|(version, state)| {
        json!({
            "kid": version.kid,
            "algorithm": version.algorithm.as_str(),
            "signing_alg": version.algorithm.jws_name(),
            "state": state_name(*state),
            "created_at": version.created_at,
            "activates_at": version.activates_at,
            "certificate": version.certificate,
        })
    });
    let active = key.active(now);
    json!({
        "id": key.id,
        "name": key.name,
        "algorithm": active.map(|version| version.algorithm.as_str()),
        "signing_alg": active.map(|version| version.algorithm.jws_name()),
        "kid": active.map(|version| &version.kid),
        "used_by": used_by(work, key),
        "versions": versions.collect::<Vec<_>>(),
    })
}
