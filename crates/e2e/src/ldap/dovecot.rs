//! Dovecot: a mail server whose users come from a directory.

use std::time::Duration;

use anyhow::{Context, Result};

use super::{logins::CERTIFICATE, settings::Settings};
use crate::debian::{Debian, File, Ran};
use crate::process::Server;
use crate::{ports, wait};

/// The files of Dovecot's LDAP settings, up to version 2.3.
const SETTINGS_FILES: [&str; 2] = ["dovecot-ldap.conf.ext", "conf.d/auth-ldap.conf.ext"];

/// A Dovecot that serves IMAP.
#[derive(Debug)]
pub struct Dovecot {
    _server: Server,
    debian: Debian,
    /// Where IMAP is, on 127.0.0.1.
    pub port: u16,
}

impl Dovecot {
    /// Starts one with printed LDAP settings.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn start(settings: &Settings, certificate: &str) -> Result<Self> {
        let port = ports::free()?;
        let [ldap, auth] = SETTINGS_FILES;
        let debian = Debian::start(&[
            File::open("/etc/dovecot/dovecot.conf", configuration(port)),
            File::private(&format!("/etc/dovecot/{ldap}"), settings.file(ldap)?),
            File::open(&format!("/etc/dovecot/{auth}"), settings.file(auth)?),
            File::open(CERTIFICATE, certificate),
        ])
        .await?;
        let server = debian.serve("dovecot", &["-F"])?;
        wait::until("Dovecot", Duration::from_secs(20), async || {
            Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())
        })
        .await
        .with_context(|| server.output())?;
        Ok(Self { _server: server, debian, port })
    }

    /// Whether somebody may read their mail with this password.
    ///
    /// # Errors
    /// When `doveadm` cannot be started.
    pub fn lets_in(&self, username: &str, password: &str) -> Result<bool> {
        Ok(self.debian.run("doveadm", &["auth", "test", username, password])?.code == Some(0))
    }

    /// What Dovecot knows about a user: number, group, home.
    ///
    /// # Errors
    /// When `doveadm` cannot be started.
    pub fn user(&self, username: &str) -> Result<Ran> {
        self.debian.run("doveadm", &["user", username])
    }
}

fn configuration(port: u16) -> String {
    format!(
        "protocols = imap
listen = 127.0.0.1
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:~/Maildir
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
!include conf.d/auth-ldap.conf.ext
"
    )
}
