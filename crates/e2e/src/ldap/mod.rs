//! LDAP: real clients of a directory, and the directory they are proved against.

pub mod dovecot;
pub mod freeradius;
pub mod logins;
pub mod people;
pub mod settings;
pub mod slapd;
pub mod tools;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::doorward::Doorward;
use settings::Settings;

/// How clients reach a directory, and who they are there.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Port of plain LDAP with StartTLS, on 127.0.0.1.
    pub port: u16,
    /// Port of LDAPS, on 127.0.0.1.
    pub tls_port: u16,
    /// The certificate that clients are to trust, as PEM.
    pub certificate: String,
    /// Base DN.
    pub base: String,
    /// An account that may read everybody.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: String,
}

impl Directory {
    /// Adds an LDAP application that everyone may use, from a recipe that is told the address with TLS; `more` is put
    /// after the other arguments. Gives how clients reach its tree, and the settings that the command printed for them.
    ///
    /// # Errors
    /// When the command fails, or this Doorward does not serve LDAP.
    pub fn added_to(doorward: &Doorward, recipe: &str, slug: &str, more: &[&str]) -> Result<(Self, Settings)> {
        let (_, tls_port) = doorward.ldap_ports()?;
        let url = format!("ldaps://127.0.0.1:{tls_port}");
        Self::added_by_address(doorward, recipe, slug, &[&["--ldap-uri", &url], more].concat())
    }

    /// The same, but `more` says the address.
    ///
    /// # Errors
    /// Like [`Directory::added_to`].
    pub fn added_by_address(doorward: &Doorward, recipe: &str, slug: &str, more: &[&str]) -> Result<(Self, Settings)> {
        let (port, tls_port) = doorward.ldap_ports()?;
        let usual = ["app", "add", recipe, "--slug", slug, "--allow", "everyone"];
        let described = doorward.json(&[usual.as_slice(), more].concat())?;
        let text = |member: &str| {
            let value = described.get(member).and_then(Value::as_str).map(str::to_owned);
            value.with_context(|| format!("no text member {member:?} in {described}"))
        };
        let directory = Self {
            port,
            tls_port,
            certificate: std::fs::read_to_string(doorward.directory().join("https-certificate.pem"))?,
            base: text("base_dn")?,
            bind_dn: text("bind_dn")?,
            bind_password: text("bind_password")?,
        };
        Ok((directory, Settings::new(text("settings")?)))
    }

    /// Its address without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        // Not localhost: OpenLDAP's clients then look for the machine's own name in the certificate.
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Its address with TLS.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// The DN of a user.
    #[must_use]
    pub fn user_dn(&self, username: &str) -> String {
        format!("cn={username},ou=users,{}", self.base)
    }

    /// The DN of a group.
    #[must_use]
    pub fn group_dn(&self, name: &str) -> String {
        format!("cn={name},ou=groups,{}", self.base)
    }
}
