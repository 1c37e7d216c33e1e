//! Opening Doorward for a command: data directory, settings, key, database.

use anyhow::Context as _;
use doorward_core::{cipher::Cipher, clock::Clock, random};
use doorward_server::{app::App, config::Config, listen::write_private, public_url::PublicUrl};
use doorward_store::db::Db;
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{
    cli::Context,
    config::{
        self, Flag, Sources, Values,
        problems::ConfigProblems,
        settings::{self, Settings},
    },
    exit, logging,
    output::warning,
};

const SYSTEM_DIR: &str = "/var/lib/doorward";
const KEY_FILE: &str = "secret.key";

/// Where everything is, and how it is set.
#[derive(Debug)]
pub struct Place {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The settings file, whether it is there or not.
    pub file: PathBuf,
    /// The settings as written.
    pub values: Values,
    /// The settings.
    pub settings: Settings,
}

/// Finds the data directory and reads the settings. Problems come beside the place, for who wants to list them.
pub fn look(context: &Context, flags: &[Flag]) -> (Place, ConfigProblems) {
    let mut problems = ConfigProblems::default();
    let data_dir = data_dir(context);
    let given = context.global.config.clone();
    let given = given.or_else(|| context.environment.get("DOORWARD_CONFIG").map(PathBuf::from));
    let is_required = given.is_some();
    let file = given.unwrap_or_else(|| data_dir.join("doorward.toml"));
    let mut all: Vec<Flag> = flags.to_vec();
    let global = &context.global;
    all.extend(global.database_url.clone().map(|url| ("database_url", "--database-url", url)));
    all.extend(global.log_level.clone().map(|level| ("log_level", "--log-level", level)));
    let sources = Sources { file: (&file, is_required), environment: &context.environment, flags: &all };
    let values = config::gather(&sources, &mut problems);
    let settings = settings::resolve(&values, &mut problems);
    problems.sort();
    (Place { data_dir, file, values, settings }, problems)
}

/// As [`look`], but refuses wrong settings; says warnings and starts the log.
pub fn place(context: &Context, flags: &[Flag], level: &str) -> anyhow::Result<Place> {
    let (place, problems) = look(context, flags);
    for odd in &problems.warnings {
        warning(&odd.to_string());
    }
    if !problems.errors.is_empty() {
        return Err(problems.into());
    }
    let wanted = context.environment.get("DOORWARD_LOG").and_then(|filter| filter.to_str());
    let filter = wanted.or(place.settings.log_level.as_deref()).unwrap_or(level);
    logging::start(place.settings.log_format, filter);
    Ok(place)
}

/// Opens what is there already: for every command but those that start something new.
pub async fn existing(context: &Context) -> anyhow::Result<App> {
    let place = place(context, &[], "warn")?;
    if !place.data_dir.join(KEY_FILE).exists() {
        return Err(exit::failed(format!(
            "there is no Doorward in {} yet; run \"doorward init\" or \"doorward serve\" first, or say with --data-dir \
             where it is",
            place.data_dir.display()
        )));
    }
    let public_url = public_url(&place.settings, place.settings.listen.port())?;
    start(&place, public_url).await
}

/// The public URL, or the one that serves this machine.
pub fn public_url(settings: &Settings, port: u16) -> anyhow::Result<PublicUrl> {
    match &settings.public_url {
        Some(url) => Ok(url.clone()),
        None => PublicUrl::parse(&format!("http://localhost:{port}")).map_err(exit::failed),
    }
}

/// Keeps the public URL in the settings file, in front of what the file holds: what comes before the first section belongs to none.
pub fn keep_public_url(place: &Place, url: &PublicUrl) -> anyhow::Result<()> {
    let before = match fs::read_to_string(&place.file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            "# \"doorward config default\" lists all settings.\n".to_owned()
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", place.file.display())),
    };
    let text = format!("public_url = \"{}\"\n{before}", url.origin());
    write_private(&place.file, text.as_bytes()).with_context(|| format!("{} cannot be written", place.file.display()))
}

/// Keeps the public URL that a server was started with, unless other commands find the same without being told: what
/// they print is made from it. A file that cannot be written is only warned about.
pub fn remember_public_url(context: &Context, url: &PublicUrl) {
    let (place, _) = look(context, &[]);
    let found = public_url(&place.settings, place.settings.listen.port());
    if place.settings.public_url.is_some() || found.is_ok_and(|found| found == *url) {
        return;
    }
    match keep_public_url(&place, url) {
        Ok(()) => tracing::info!(file = %place.file.display(), "kept the public URL for the other commands"),
        Err(error) => warning(&format!("{error:#}; tell the other commands the public URL by DOORWARD_PUBLIC_URL")),
    }
}

/// Opens Doorward; makes data directory, key and database if they are missing.
pub async fn start(place: &Place, public_url: PublicUrl) -> anyhow::Result<App> {
    start_with(place, public_url, |_| {}).await
}

/// The same with a word on the server's settings.
pub async fn start_with(place: &Place, public_url: PublicUrl, change: impl FnOnce(&mut Config)) -> anyhow::Result<App> {
    let settings = &place.settings;
    make_dir(&place.data_dir)?;
    let cipher = Cipher::new(secret_key(&place.data_dir)?);
    let (db, name) = if let Some(url) = &settings.database_url {
        (Db::postgres(url.expose()), "the PostgreSQL database".to_owned())
    } else {
        let file = place.data_dir.join("doorward.db");
        (Db::sqlite(&file), format!("the database {}", file.display()))
    };
    let mut config = Config::new(public_url, place.data_dir.clone());
    config.trusted_proxies = settings.trusted_proxies.clone();
    config.session_lifetime = settings.session_lifetime.duration();
    config.key_publication = settings.key_publication.duration();
    config.http_address = settings.listen;
    config.ldap_address = settings.ldap_listen.address;
    config.ldaps_address = settings.ldaps_listen.address;
    config.ldap_allow_plaintext = settings.ldap_allow_plaintext;
    config.ldap_proxy_protocol = settings.ldap_proxy_protocol;
    config.webfinger = settings.webfinger.clone();
    config.help_text = settings.help_text.clone();
    change(&mut config);
    let opened = async { App::start(config, db?, cipher, Clock::system()).await };
    opened.await.with_context(|| format!("{name} cannot be used"))
}

fn data_dir(context: &Context) -> PathBuf {
    let given = context.global.data_dir.clone();
    given.or_else(|| context.environment.get("DOORWARD_DATA_DIR").map(PathBuf::from)).unwrap_or_else(|| {
        let system = Path::new(SYSTEM_DIR);
        if is_writable(system) { system.to_owned() } else { PathBuf::from("data") }
    })
}

/// Whether files can be made in a directory: tried, because permissions alone do not tell.
fn is_writable(directory: &Path) -> bool {
    let probe = directory.join(format!(".probe-{}", random::reference()));
    let can = directory.is_dir() && fs::File::create_new(&probe).is_ok();
    // What was not made need not be removed.
    let _ = fs::remove_file(&probe);
    can
}

fn make_dir(directory: &Path) -> anyhow::Result<()> {
    let advice = "give another one with --data-dir, or make it writable";
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("the data directory {} cannot be made; {advice}", directory.display()))?;
    let mode = fs::metadata(directory).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        warning(&format!(
            "others on this machine can look into the data directory; run: chmod 700 {}",
            directory.display()
        ));
    }
    Ok(())
}

/// The key that encrypts secrets at rest; made if it is missing. Of several processes that make it at once, all end
/// with the same.
fn secret_key(directory: &Path) -> anyhow::Result<[u8; 32]> {
    let path = directory.join(KEY_FILE);
    if !path.exists() {
        make_key(directory, &path).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    bytes.try_into().map_err(|_| {
        exit::failed(format!("{} is damaged: it must have exactly 32 bytes; restore it from a backup", path.display()))
    })
}

fn make_key(directory: &Path, path: &Path) -> io::Result<()> {
    let own = directory.join(format!("secret-{}.tmp", random::reference()));
    write_private(&own, &random::bytes::<32>())?;
    // A link is made whole or not at all, and never replaces what is there.
    let linked = fs::hard_link(&own, path);
    fs::remove_file(&own)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::File::open(directory)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_make_the_key_at_once_all_end_with_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| secret_key(directory.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        let files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [KEY_FILE]);
        assert_eq!(fs::metadata(directory.path().join(KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_refused_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(KEY_FILE), b"short").unwrap();
        let error = secret_key(directory.path()).unwrap_err().to_string();
        assert!(error.contains("secret.key") && error.contains("backup"), "{error}");
    }
}
