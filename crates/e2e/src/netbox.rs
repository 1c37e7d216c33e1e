//! A real NetBox, unmodified from `PyPI`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::netbox_api::Api;
use crate::postgres::Database;
use crate::process::Server;
use crate::visitor::Visitor;
use crate::{environment, ports};

/// NetBox's button that begins a sign-in by OpenID Connect.
pub const SIGN_IN_BUTTON: &str = "form[action*='/oauth/begin/oidc/'] button";

/// What NetBox's login page says when a sign-in elsewhere failed.
pub const SIGN_IN_FAILED: &str = "Single sign-on failed";

/// NetBox behind the file server that stands in front of every real one. Without its scripts and styles its
/// pages send the browser away; nothing of NetBox itself is changed.
const WITH_STATIC_FILES: &str = "from netbox.wsgi import application as netbox
from django.contrib.staticfiles.handlers import StaticFilesHandler
application = StaticFilesHandler(netbox)
";

/// A NetBox with a port, a configuration and a database of its own.
#[derive(Debug)]
pub struct NetBox {
    server: Option<Server>,
    port: u16,
    redis_port: u16,
    venv: PathBuf,
    database: Database,
    root: TempDir,
}

/// A user as NetBox keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `first_name last_name`.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Whether NetBox grants everything.
    pub is_superuser: bool,
    /// Names of its groups, sorted.
    pub groups: Vec<String>,
}

impl NetBox {
    /// Prepares one that does not run yet: its address is needed to register it.
    ///
    /// # Errors
    /// When `make test` did not prepare the machine.
    pub fn prepare() -> Result<Self> {
        let template = environment::required("DOORWARD_TEST_NETBOX_TEMPLATE_DB")?;
        Ok(Self {
            server: None,
            port: ports::free()?,
            redis_port: environment::required("DOORWARD_TEST_REDIS_PORT")?.parse()?,
            venv: environment::required("DOORWARD_TEST_NETBOX_VENV")?.into(),
            database: Database::create("netbox", Some(&template), "netbox")?,
            root: TempDir::with_prefix("doorward-netbox-")?,
        })
    }

    /// Starts it, or starts it again, with these lines at the end of its `configuration.py`.
    ///
    /// # Errors
    /// When it does not answer within two minutes; the text holds what it printed.
    pub async fn start(&mut self, settings: &str) -> Result<()> {
        self.start_with(settings, &[]).await
    }

    /// Like [`NetBox::start`], with more files beside `configuration.py`, such as `ldap_config.py`.
    ///
    /// # Errors
    /// When it does not answer within two minutes; the text holds what it printed.
    pub async fn start_with(&mut self, settings: &str, files: &[(&str, &str)]) -> Result<()> {
        environment::choose_crypto();
        drop(self.server.take());
        self.forget_cached()?;
        let directory = self.root.path().join("conf");
        std::fs::create_dir_all(&directory)?;
        for (name, text) in files {
            std::fs::write(directory.join(name), text)?;
        }
        let configuration = format!("{}\n\n{settings}\n", self.own_settings()?);
        std::fs::write(directory.join("configuration.py"), configuration)?;
        std::fs::write(self.root.path().join("with_static_files.py"), WITH_STATIC_FILES)?;
        let mut command = gunicorn(&self.venv, self.root.path(), self.port);
        let mut server = Server::start("netbox", &mut command, self.root.path())?;
        server.answers(&self.url("/login/"), Duration::from_mins(2)).await?;
        self.server = Some(server);
        Ok(())
    }

    fn own_settings(&self) -> Result<String> {
        Ok(format!(
            "ALLOWED_HOSTS = ['*']
DATABASES = {{'default': {{'NAME': '{name}', 'USER': 'netbox', 'PASSWORD': 'netbox',
    'HOST': '127.0.0.1', 'PORT': '{port}', 'CONN_MAX_AGE': 300}}}}
_redis = {{'HOST': '127.0.0.1', 'PORT': {redis}, 'USERNAME': '', 'PASSWORD': '', 'SSL': False, 'DATABASE': {number}}}
REDIS = {{'tasks': _redis, 'caching': _redis}}
SECRET_KEY = 'only-for-tests-on-this-machine-and-never-for-anything-else'
API_TOKEN_PEPPERS = {{1: 'only-for-tests-on-this-machine-and-never-for-anything-else'}}
ISOLATED_DEPLOYMENT = True
CENSUS_REPORTING_ENABLED = False
LOGGING = {{'version': 1, 'disable_existing_loggers': False,
    'handlers': {{'console': {{'class': 'logging.StreamHandler'}}}},
    'loggers': {{n: {{'handlers': ['console'], 'level': 'INFO'}} for n in ('social', 'netbox', 'django.request', 'django_auth_ldap')}}}}",
            name = self.database.name,
            port = self.database.port()?,
            redis = self.redis_port,
            number = self.port,
        ))
    }

    /// Empties its Redis database, which is numbered like its port and may have had another owner: what NetBox remembers
    /// for a while is forgotten at once.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub fn forget_cached(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.redis_port)).context("Redis does not answer")?;
        write!(stream, "SELECT {}\r\nFLUSHDB\r\nQUIT\r\n", self.port)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(!answer.contains("-ERR"), "Redis refused: {answer}");
        Ok(())
    }

    /// An address on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What NetBox itself logged.
    #[must_use]
    pub fn output(&self) -> String {
        self.server.as_ref().map(Server::output).unwrap_or_default()
    }

    /// Opens the login page and presses the button for signing in elsewhere.
    ///
    /// # Errors
    /// When the button is not there.
    pub async fn begin_sign_in(&self, browser: &Browser) -> Result<()> {
        browser.open(&self.url("/login/")).await?;
        browser.press(SIGN_IN_BUTTON).await
    }

    /// Whether NetBox's own login form lets somebody in.
    ///
    /// # Errors
    /// When NetBox does not answer, or answers something else.
    pub async fn lets_in(&self, username: &str, password: &str) -> Result<bool> {
        let visitor = Visitor::new()?;
        let form = visitor.get(&self.url("/login/")).await?;
        let typed = [("username", username), ("password", password)];
        let answer = visitor.send_form_with("password", &form, &typed).await?;
        match answer.status {
            302 => Ok(true),
            200 if answer.body.contains("correct username and password") => Ok(false),
            status => bail!("NetBox answered {status}:\n{}", answer.body),
        }
    }

    /// Waits until the browser is on one of NetBox's pages as somebody.
    ///
    /// # Errors
    /// When it does not get there.
    pub async fn is_open_to(&self, browser: &Browser) -> Result<()> {
        browser.arrives_at(&self.url("/")).await?;
        // Every visitor's page has a link to the login page, every user's page one to the logout page.
        browser.one_of(&["a[href*='/logout/']"]).await.map(drop)
    }

    /// Forgets who the browser is to NetBox, and nothing else.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn forget_session(&self, browser: &Browser) -> Result<()> {
        browser.open(&self.url("/login/")).await?;
        browser.forget_cookie("sessionid").await
    }

    /// The user with this name, if NetBox has one.
    ///
    /// # Errors
    /// When NetBox's database cannot be read.
    pub fn person(&self, username: &str) -> Result<Option<Person>> {
        let rows = self.database.rows(&format!(
            "SELECT first_name || ' ' || last_name AS name, email, is_superuser,
                coalesce((SELECT json_agg(g.name ORDER BY g.name) FROM users_group g
                    JOIN users_user_groups m ON m.group_id = g.id WHERE m.user_id = u.id), '[]') AS groups
             FROM users_user u WHERE username = '{username}'"
        ))?;
        rows.first().map(person_of).transpose()
    }

    /// Makes a local superuser with an API token of version 1, as `netbox createsuperuser` and a form would.
    ///
    /// # Errors
    /// When NetBox's database refuses.
    pub fn add_superuser(&self, username: &str, token: &str) -> Result<Api> {
        self.database.execute(&format!(
            "INSERT INTO users_user (username, password, first_name, last_name, email, is_active, is_superuser, date_joined)
             VALUES ('{username}', '!', '', '', '{username}@local.example', true, true, now() - interval '1 year');
             INSERT INTO users_userconfig (data, user_id) SELECT '{{}}', id FROM users_user WHERE username = '{username}';
             INSERT INTO users_token (created, plaintext, write_enabled, description, user_id, enabled, version)
             SELECT now(), '{token}', true, '', id, true, 1 FROM users_user WHERE username = '{username}'"
        ))?;
        Api::new(&self.url(""), token)
    }

    /// NetBox's number for a user, and whether the account may be used.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn account(&self, username: &str) -> Result<(i64, bool)> {
        let rows =
            self.database.rows(&format!("SELECT id, is_active FROM users_user WHERE username = '{username}'"))?;
        let row = rows.first().with_context(|| format!("NetBox has no user {username}"))?;
        let id = row.get("id").and_then(Value::as_i64).context("no id")?;
        Ok((id, row.get("is_active").and_then(Value::as_bool).context("no is_active")?))
    }

    /// Whether an API token is enabled.
    ///
    /// # Errors
    /// When there is no such token.
    pub fn token_is_enabled(&self, token: i64) -> Result<bool> {
        let rows = self.database.rows(&format!("SELECT enabled FROM users_token WHERE id = {token}"))?;
        rows.first().and_then(|row| row.get("enabled")?.as_bool()).context("no such token")
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it, as for maintenance; [`NetBox::start`] starts it again.
    pub fn stop(&mut self) {
        drop(self.server.take());
    }

    /// The names of all users.
    ///
    /// # Errors
    /// When NetBox's database cannot be read.
    pub fn usernames(&self) -> Result<Vec<String>> {
        let rows = self.database.rows("SELECT username FROM users_user ORDER BY username")?;
        Ok(rows.iter().filter_map(|row| Some(row.get("username")?.as_str()?.to_owned())).collect())
    }

    /// The ID token of a user's last sign-in, which NetBox keeps.
    ///
    /// # Errors
    /// When there is none.
    pub fn last_id_token(&self, username: &str) -> Result<String> {
        let rows = self.database.rows(&format!(
            "SELECT extra_data::jsonb ->> 'id_token' AS id_token FROM social_auth_usersocialauth s
             JOIN users_user u ON u.id = s.user_id WHERE u.username = '{username}'"
        ))?;
        let token = rows.first().and_then(|row| Some(row.get("id_token")?.as_str()?.to_owned()));
        token.context("NetBox keeps no ID token")
    }

    /// A value of `Authorization` by which programs are a user: a token made by hand.
    ///
    /// # Errors
    /// When NetBox's database refuses, or has no such user.
    pub fn token_of(&self, username: &str) -> Result<String> {
        let token = "0123456789abcdef0123456789abcdef01234567";
        self.database.execute(&format!(
            "INSERT INTO users_token (created, plaintext, write_enabled, description, user_id, enabled, version)
             SELECT now(), '{token}', true, '', id, true, 1 FROM users_user WHERE username = '{username}'"
        ))?;
        Ok(format!("Token {token}"))
    }

    /// Makes a local user, as an administrator of NetBox does by hand.
    ///
    /// # Errors
    /// When NetBox's database refuses.
    pub fn add_user(&self, username: &str) -> Result<()> {
        self.database.execute(&format!(
            "INSERT INTO users_user (username, password, is_superuser, first_name, last_name, email, is_active, date_joined)
             VALUES ('{username}', '!', false, '', '', '', true, now());
             INSERT INTO users_userconfig (data, user_id) SELECT '{{}}', id FROM users_user WHERE username = '{username}'"
        ))
    }

    /// Puts a user into a group as an administrator of NetBox does by hand, making the group.
    ///
    /// # Errors
    /// When NetBox's database refuses.
    pub fn assign_by_hand(&self, username: &str, group: &str) -> Result<()> {
        self.database.execute(&format!(
            "INSERT INTO users_group (name, description) VALUES ('{group}', 'made by hand');
             INSERT INTO users_user_groups (user_id, group_id)
             SELECT u.id, g.id FROM users_user u, users_group g WHERE u.username = '{username}' AND g.name = '{group}'"
        ))
    }
}

fn gunicorn(venv: &Path, root: &Path, port: u16) -> Command {
    let mut command = Command::new(venv.join("bin/gunicorn"));
    command
        .args(["--no-control-socket", "--workers", "1", "--threads", "4", "--timeout", "120"])
        .args(["--graceful-timeout", "2", "--bind", &format!("127.0.0.1:{port}"), "with_static_files"])
        .current_dir(root)
        .env("NETBOX_ROOT", root)
        .env_remove("NETBOX_CONFIGURATION");
    command
}

fn person_of(row: &Value) -> Result<Person> {
    let text = |member: &str| Some(row.get(member)?.as_str()?.to_owned());
    let groups = row.get("groups").and_then(Value::as_array).context("no groups")?;
    Ok(Person {
        name: text("name").context("no name")?,
        email: text("email").context("no e-mail")?,
        is_superuser: row.get("is_superuser").and_then(Value::as_bool).context("no is_superuser")?,
        groups: groups.iter().filter_map(|group| Some(group.as_str()?.to_owned())).collect(),
    })
}
