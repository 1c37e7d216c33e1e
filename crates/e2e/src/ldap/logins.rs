//! Unix logins: SSSD or nslcd ask the directory, and the C library and PAM ask them.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::debian::{Debian, File, Ran};
use crate::process::Server;
use crate::wait;

/// Where the certificate to trust is: among those that the whole machine trusts, as printed settings expect it.
pub const CERTIFICATE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The settings of OpenLDAP's library, as Debian has them.
pub const LIBRARY: (&str, &str) = ("/etc/ldap/ldap.conf", "TLS_CACERT /etc/ssl/certs/ca-certificates.crt\n");

/// What stands between the C library and the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// SSSD.
    Sssd,
    /// nslcd, with libnss-ldapd and libpam-ldapd.
    Nslcd,
}

/// A machine whose users come from a directory.
#[derive(Debug)]
pub struct Logins {
    server: Server,
    debian: Debian,
}

impl Daemon {
    /// Where its settings are.
    #[must_use]
    pub fn settings_file(self) -> &'static str {
        match self {
            Self::Sssd => "/etc/sssd/sssd.conf",
            Self::Nslcd => "/etc/nslcd.conf",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sssd => "sss",
            Self::Nslcd => "ldap",
        }
    }
}

impl Logins {
    /// Starts a machine with these settings of a daemon, and waits until it knows a user.
    ///
    /// # Errors
    /// When the daemon ends, or does not know that user after 20 s; the text holds what it printed.
    pub async fn start(daemon: Daemon, settings: &str, certificate: &str, known: &str) -> Result<Self> {
        let name = daemon.name();
        let services = format!("passwd: files {name}\ngroup: files {name}\nshadow: files {name}\nhosts: files\n");
        let pam =
            format!("auth required pam_{name}.so\naccount required pam_{name}.so\npassword required pam_{name}.so\n");
        let debian = Debian::start(&[
            File::private(daemon.settings_file(), settings),
            File::open(CERTIFICATE, certificate),
            File::open(LIBRARY.0, LIBRARY.1),
            File::open("/etc/nsswitch.conf", services),
            File::open("/etc/pam.d/doorward-test", pam),
        ])
        .await?;
        let server = match daemon {
            Daemon::Sssd => debian.serve("sssd", &["--interactive", "--logger=stderr", "--debug-level=3"])?,
            Daemon::Nslcd => {
                // nslcd's start script makes this; it writes its socket there as a user of its own.
                debian.run("install", &["-d", "-o", "nslcd", "-g", "nslcd", "/run/nslcd"])?.ok()?;
                debian.serve("nslcd", &["--debug"])?
            }
        };
        let logins = Self { server, debian };
        wait::until(&format!("{daemon:?} to know {known}"), Duration::from_secs(20), async || Ok(logins.user(known)?))
            .await
            .with_context(|| logins.server.output())?;
        Ok(logins)
    }

    /// The line of a user as in `/etc/passwd`, by name or number.
    ///
    /// # Errors
    /// When `getent` cannot be started.
    pub fn user(&self, key: &str) -> Result<Option<String>> {
        self.entry("passwd", key)
    }

    /// The line of a group as in `/etc/group`, by name or number.
    ///
    /// # Errors
    /// When `getent` cannot be started.
    pub fn group(&self, key: &str) -> Result<Option<String>> {
        self.entry("group", key)
    }

    fn entry(&self, map: &str, key: &str) -> Result<Option<String>> {
        let ran = self.debian.run("getent", &[map, key])?;
        Ok((ran.code == Some(0)).then(|| ran.stdout.trim_end().to_owned()))
    }

    /// The names of the groups somebody is in, sorted.
    ///
    /// # Errors
    /// When `id` does not know them.
    pub fn groups_of(&self, username: &str) -> Result<Vec<String>> {
        let names = self.debian.run("id", &["-Gn", username])?.stdout;
        let mut names: Vec<_> = names.split_whitespace().map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// What `id` prints about somebody.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn id(&self, username: &str) -> Result<Ran> {
        self.debian.run("id", &[username])
    }

    /// Whether PAM lets somebody in: the password, then the account.
    ///
    /// # Errors
    /// When `pamtester` cannot be started.
    pub fn lets_in(&self, username: &str, password: &str) -> Result<bool> {
        let arguments = ["doorward-test", username, "authenticate", "acct_mgmt"];
        let ran = self.debian.run_with("pamtester", &arguments, &format!("{password}\n"))?;
        Ok(ran.code == Some(0))
    }

    /// Changes somebody's own password as `passwd` does.
    ///
    /// # Errors
    /// When nobody knows them, or `pamtester` cannot be started.
    pub fn change_password(&self, username: &str, old: &str, new: &str) -> Result<Ran> {
        let line = self.user(username)?.with_context(|| format!("no user {username}"))?;
        let number = line.split(':').nth(2).context("no number")?;
        // As themselves: to root the modules behave differently.
        let (user, group) = (format!("--reuid={number}"), format!("--regid={number}"));
        let arguments = [&user, &group, "--clear-groups", "pamtester", "doorward-test", username, "chauthtok"];
        self.debian.run_with("setpriv", &arguments, &format!("{old}\n{new}\n{new}\n"))
    }
}
