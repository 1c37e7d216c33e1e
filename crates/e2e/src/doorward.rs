//! The binary under test: its commands and its server.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::application::Application;
use crate::postgres::Database;
use crate::process::Server;
use crate::{environment, ports};

/// The password of everybody in these tests.
pub const PASSWORD: &str = "Seven-Green-Bottles-0n-a-Wall";

/// The administrator that [`Doorward::start`] makes.
pub const ADMINISTRATOR: &str = "admin";

/// Where a Doorward keeps its things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// In its data directory.
    Sqlite,
    /// In a database of its own in the server that `make test` started.
    Postgres,
}

/// A Doorward with a data directory and ports of its own.
#[derive(Debug)]
pub struct Doorward {
    server: Option<Server>,
    binary: PathBuf,
    port: u16,
    https_port: u16,
    /// LDAP with StartTLS, and LDAPS; only where a test is about LDAP.
    ldap_ports: Option<(u16, u16)>,
    /// More variables of the environment.
    variables: Vec<(String, String)>,
    database: Option<Database>,
    directory: TempDir,
}

impl Doorward {
    /// One that runs, with an administrator, on SQLite.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start() -> Result<Self> {
        Self::start_keeping(Keeping::Sqlite).await
    }

    /// One that runs, with an administrator, on a database of one's choice.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_keeping(keeping: Keeping) -> Result<Self> {
        let mut doorward = Self::empty(keeping)?;
        doorward.initialise()?;
        doorward.serve().await?;
        Ok(doorward)
    }

    /// One that runs, with an administrator, on SQLite, and serves LDAP.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_with_ldap() -> Result<Self> {
        Self::start_with_ldap_and(Keeping::Sqlite, &[]).await
    }

    /// One that runs, with an administrator, and serves LDAP, with more variables in its environment.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_with_ldap_and(keeping: Keeping, variables: &[(&str, &str)]) -> Result<Self> {
        let mut doorward = Self::empty(keeping)?;
        doorward.variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        doorward.ldap_ports = Some((ports::free()?, ports::free()?));
        doorward.initialise()?;
        doorward.serve().await?;
        Ok(doorward)
    }

    /// One that runs, with an administrator, on SQLite, and answers the proxies of this machine.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_behind_proxies() -> Result<Self> {
        let mut doorward = Self::empty(Keeping::Sqlite)?;
        // As in doorward.toml: commands print where proxies find the server.
        doorward.variables = vec![
            ("DOORWARD_TRUSTED_PROXIES".to_owned(), "127.0.0.1".to_owned()),
            ("DOORWARD_LISTEN".to_owned(), format!("127.0.0.1:{}", doorward.port)),
        ];
        doorward.initialise()?;
        doorward.serve().await?;
        Ok(doorward)
    }

    /// One that has never been started: an empty data directory.
    ///
    /// # Errors
    /// When `make test` did not name the binary.
    pub fn empty(keeping: Keeping) -> Result<Self> {
        environment::choose_crypto();
        let database = match keeping {
            Keeping::Sqlite => None,
            Keeping::Postgres => Some(Database::create("doorward", None, "postgres")?),
        };
        let directory = TempDir::with_prefix("doorward-")?;
        std::fs::write(directory.path().join("password"), PASSWORD)?;
        Ok(Self {
            server: None,
            binary: environment::required("DOORWARD_BIN")?.into(),
            port: ports::free()?,
            https_port: ports::free()?,
            ldap_ports: None,
            variables: Vec::new(),
            database,
            directory,
        })
    }

    /// Runs `init`: makes the data directory and the administrator.
    ///
    /// # Errors
    /// When the command fails.
    pub fn initialise(&self) -> Result<()> {
        self.initialise_at(&self.url(""))
    }

    /// Runs `init` with another public URL than that of its HTTP listener.
    ///
    /// # Errors
    /// When the command fails.
    pub fn initialise_at(&self, url: &str) -> Result<()> {
        let password = self.password_file();
        self.run(&[
            "init",
            "--public-url",
            url,
            "--admin-username",
            ADMINISTRATOR,
            "--admin-email",
            "admin@example.org",
            "--admin-password-file",
            &password,
        ])?;
        Ok(())
    }

    /// Starts the server, always on the same ports, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not answer within 30 s.
    pub async fn serve(&mut self) -> Result<()> {
        let mut command = self.serve_command(&[]);
        let mut server = Server::start("doorward", &mut command, self.directory.path())?;
        server.answers(&self.url("/-/health/ready/"), Duration::from_secs(30)).await?;
        self.server = Some(server);
        Ok(())
    }

    /// Starts another server on the same data, as a second node does; on ports of its own.
    ///
    /// # Errors
    /// When it does not answer within 30 s.
    pub async fn second_node(&self) -> Result<Server> {
        let (http, https) = (ports::free()?, ports::free()?);
        let mut command = self.command();
        let listen = [format!("127.0.0.1:{http}"), format!("127.0.0.1:{https}")];
        let [listen, listen_https] = &listen;
        command.args(["serve", "--listen", listen, "--listen-https", listen_https]);
        let mut server = Server::start("second-node", &mut command, self.directory.path())?;
        server.answers(&format!("http://127.0.0.1:{http}/-/health/ready/"), Duration::from_secs(30)).await?;
        Ok(server)
    }

    /// Writes a file for a command to read; its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// Tries to start the server and waits until it gives up.
    ///
    /// # Errors
    /// When it still runs after 20 s: it was to refuse.
    pub async fn refuses_to_serve(&self, more: &[&str]) -> Result<Output> {
        let mut command = tokio::process::Command::from(self.serve_command(more));
        let ended = command.stdin(Stdio::null()).kill_on_drop(true).output();
        match tokio::time::timeout(Duration::from_secs(20), ended).await {
            Ok(output) => Ok(output?),
            Err(_) => bail!("doorward serve {more:?} was to refuse, but it runs"),
        }
    }

    fn serve_command(&self, more: &[&str]) -> Command {
        let http = format!("127.0.0.1:{}", self.port);
        let https = format!("127.0.0.1:{}", self.https_port);
        let mut command = self.command();
        command.args(["serve", "--listen", &http, "--listen-https", &https]).args(more);
        if let Some((ldap, ldaps)) = self.ldap_ports {
            let (ldap, ldaps) = (format!("127.0.0.1:{ldap}"), format!("127.0.0.1:{ldaps}"));
            command.args(["--ldap-listen", &ldap, "--ldaps-listen", &ldaps]);
        }
        command
    }

    /// Stops the server as a power cut would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.server.take().context("Doorward does not run")?.kill()
    }

    /// Stops the server in an orderly way.
    pub fn stop(&mut self) {
        drop(self.server.take());
    }

    /// What the server printed since it was first started.
    #[must_use]
    pub fn output(&self) -> String {
        self.server.as_ref().map(Server::output).unwrap_or_default()
    }

    /// Runs a command; gives what it printed.
    ///
    /// # Errors
    /// When the command's exit code is not 0.
    pub fn run<S: AsRef<OsStr> + std::fmt::Debug>(&self, arguments: &[S]) -> Result<String> {
        let output = self.attempt(arguments)?;
        if !output.status.success() {
            bail!("doorward {arguments:?}: {}\n{}", output.status, all_text(&output));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command that prints JSON.
    ///
    /// # Errors
    /// When the command fails or prints something else.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.run(&[arguments, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("doorward {arguments:?} printed no JSON: {text}"))
    }

    /// Sets a variable of the environment for everything that is run from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// A command with more variables in its environment, its arguments still to be given.
    #[must_use]
    pub fn with(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = self.command();
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        command
    }

    /// Runs a command, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn attempt<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Output> {
        Ok(self.command().args(arguments).stdin(Stdio::null()).output()?)
    }

    /// Adds a user with [`PASSWORD`]; the e-mail is `<username>@example.org`, verified.
    ///
    /// # Errors
    /// When the command fails.
    pub fn add_user(&self, username: &str, name: &str) -> Result<()> {
        let (password, email) = (self.password_file(), format!("{username}@example.org"));
        self.run(&[
            "user",
            "add",
            username,
            "--name",
            name,
            "--email",
            &email,
            "--email-verified",
            "--password-file",
            &password,
        ])?;
        Ok(())
    }

    /// Adds a group.
    ///
    /// # Errors
    /// When the command fails.
    pub fn add_group(&self, name: &str, members: &[&str]) -> Result<()> {
        let mut arguments = vec!["group", "add", name];
        for member in members {
            arguments.extend(["--member", member]);
        }
        self.run(&arguments).map(drop)
    }

    /// Adds an application for `redirect_uri` that everyone may use; `more` is put after the other arguments.
    ///
    /// # Errors
    /// When the command fails.
    pub fn add_application(&self, slug: &str, redirect_uri: &str, more: &[&str]) -> Result<Application> {
        let usual = ["app", "add", "custom", "--name", slug, "--slug", slug, "--redirect-uri", redirect_uri];
        let described = self.json(&[usual.as_slice(), &["--allow", "everyone"], more].concat())?;
        Application::read(&described)
    }

    /// Lets a running server see what a command changed: it does so within a second.
    pub async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }

    /// An address on this server, over TLS.
    #[must_use]
    pub fn https_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.https_port)
    }

    /// An address on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The port of the HTTP listener.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The ports of LDAP and LDAPS.
    ///
    /// # Errors
    /// When it was not started with [`Doorward::start_with_ldap`].
    pub fn ldap_ports(&self) -> Result<(u16, u16)> {
        self.ldap_ports.context("this Doorward does not serve LDAP")
    }

    /// Its data directory.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A file that holds [`PASSWORD`].
    #[must_use]
    pub fn password_file(&self) -> String {
        self.directory.path().join("password").display().to_string()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        // The variables that steer these tests are no configuration, and nothing from outside may be.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.arg("--data-dir").arg(self.directory());
        if let Some(database) = &self.database {
            command.env("DOORWARD_DATABASE_URL", database.url());
        }
        command
    }
}

/// All that a command printed, on both channels.
#[must_use]
pub fn all_text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The file of the embedded database in a data directory.
#[must_use]
pub fn sqlite_file(directory: &Path) -> PathBuf {
    directory.join("doorward.db")
}
