//! `doorward key`.

use anyhow::Context as _;
use clap::Subcommand;
use doorward_core::{
    lifetime::{Lifetime, LifetimeError},
    signing_key::{KeyAlgorithm, SigningKey, VersionState},
};
use doorward_protocols::jose::import::RsaScheme;
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
    /// Show a signing key
    #[command(after_help = "Examples:\n  doorward key show \"EC 2026\"\n  doorward key show \"EC 2026\" -o json")]
    Show {
        /// Name of the key
        name: String,
    },
    /// Generate a signing key
    #[command(after_help = "Examples:\n  doorward key generate --name \"EC 2026\" --algorithm ec-p256\n  \
        doorward app edit wiki --signing-key \"EC 2026\"")]
    Generate {
        /// Name of the key
        #[arg(long)]
        name: String,
        /// rsa-2048, rsa-2048-pss, ec-p256, ec-p384, ec-p521 or ed25519
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
        /// Sign with PS256 instead of RS256 (RSA keys only)
        #[arg(long)]
        pss: bool,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Give a key a new version; it is published first, and signs later
    #[command(after_help = "Examples:\n  doorward key rotate \"EC 2026\"\n  doorward key rotate \"EC 2026\" --now\n\n\
        The new version is published at once and signs after the setting key_publication (one hour). The old one stays \
        published until the last token signed with it has expired. With --now, applications that keep keys for a while \
        refuse tokens until they look again. With --leaked, the old version is withdrawn as well, with everything it signed: for \
        keys that somebody else may have.")]
    Rotate {
        /// Name of the key
        name: String,
        /// Sign with the new version at once
        #[arg(long)]
        now: bool,
        /// Sign with the new version at once, and withdraw all old ones: for a key that somebody else may have
        #[arg(long, conflicts_with = "now")]
        leaked: bool,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Change a key's schedule
    #[command(after_help = "Examples:\n  doorward key edit \"EC 2026\" --rotate-every days=90\n  \
        doorward key edit \"EC 2026\" --rotate-every never")]
    Edit {
        /// Name of the key
        name: String,
        /// How long a version signs before the next takes over by itself, at least days=1; or "never"
        #[arg(long, value_name = "never|LIFETIME", value_parser = interval)]
        rotate_every: Lifetime,
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

fn interval(text: &str) -> Result<Lifetime, String> {
    if text == "never" {
        return Ok(Lifetime::seconds(0));
    }
    text.parse().map_err(|error: LifetimeError| error.to_string())
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
        Command::Show { name } => show(work, &name),
        Command::Import { name, file, pss, dry_run } => {
            let scheme = if pss { RsaScheme::Pss } else { RsaScheme::Pkcs1 };
            import(work, &name, &file, scheme, dry_run).await
        }
        Command::Rotate { name, leaked: true, dry_run, .. } => replace_leaked(work, &name, dry_run).await,
        Command::Rotate { name, now, dry_run, .. } => rotate(work, &name, now, dry_run).await,
        Command::Edit { name, rotate_every, dry_run } => edit(work, &name, rotate_every, dry_run).await,
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

fn show(work: &Work, name: &str) -> anyhow::Result<()> {
    let key = lookup::signing_key(&work.app, name)?;
    let now = work.app.clock.now();
    let versions: Vec<_> = version_states(&work.app.snapshot(), &key, now)
        .iter()
        .map(|(version, state)| {
            let (kid, from) = (&version.kid, version.activates_at);
            format!("{kid} ({}, {}, signs from {from})", state_name(*state), version.algorithm.jws_name())
        })
        .collect();
    let fields = [
        ("Key", key.name.clone()),
        ("Algorithm", key.active(now).map_or("-", |version| version.algorithm.as_str()).to_owned()),
        ("Versions", versions.join("\n")),
        ("Rotated every", every(&key).unwrap_or_else(|| "-".to_owned())),
        ("Next rotation", key.next_rotation(now).map_or_else(|| "-".to_owned(), |next| next.to_string())),
        ("Used by", joined(&used_by(work, &key))),
    ];
    work.output.fields(&fields, &described(work, &key))
}

/// How often a key is rotated by itself.
fn every(key: &SigningKey) -> Option<String> {
    Some(key.rotation_interval).filter(|interval| *interval > Lifetime::seconds(0)).map(|interval| interval.to_string())
}

async fn generate(work: &Work, name: &str, algorithm: KeyAlgorithm, dry_run: bool) -> anyhow::Result<()> {
    refuse_taken(work, name)?;
    if dry_run {
        return work.output.would(&format!("generate the signing key {name} ({})", algorithm.as_str()));
    }
    let key = keys::generate(&work.app, &work.actor, name, algorithm).await?;
    work.output.done(&format!("Generated the signing key {}.", key.name), &described(work, &key))
}

async fn import(work: &Work, name: &str, file: &Path, scheme: RsaScheme, dry_run: bool) -> anyhow::Result<()> {
    refuse_taken(work, name)?;
    let pem = read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    if dry_run {
        let clock = &work.app.clock;
        doorward_protocols::jose::import::import(clock, &pem, scheme, name, clock.now())
            .map_err(|error| exit::failed(format!("{}: {error}", file.display())))?;
        return work.output.would(&format!("import the signing key {name}"));
    }
    let key = keys::import(&work.app, &work.actor, name, &pem, scheme).await?;
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

async fn replace_leaked(work: &Work, name: &str, dry_run: bool) -> anyhow::Result<()> {
    let name = lookup::signing_key(&work.app, name)?.name;
    if dry_run {
        return work.output.would(&format!("replace the signing key {name} and withdraw its old versions"));
    }
    let version = keys::replace_leaked(&work.app, &work.actor, &name).await?;
    let key = lookup::signing_key(&work.app, &name)?;
    let kid = &version.kid;
    let sentence = format!("Replaced the signing key {name}: {kid} signs now, what was signed before is withdrawn.");
    work.output.done(&sentence, &described(work, &key))
}

async fn edit(work: &Work, name: &str, rotate_every: Lifetime, dry_run: bool) -> anyhow::Result<()> {
    let name = lookup::signing_key(&work.app, name)?.name;
    if dry_run {
        return work.output.would(&format!("change the schedule of the signing key {name}"));
    }
    let key = keys::set_schedule(&work.app, &work.actor, &name, rotate_every).await?;
    let sentence = match every(&key) {
        Some(every) => format!("The signing key {name} is rotated by itself every {every}."),
        None => format!("The signing key {name} is rotated only by hand."),
    };
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
        "rotation_interval": every(key),
        "next_rotation": key.next_rotation(now),
        "versions": versions.collect::<Vec<_>>(),
    })
}
