//! LDAP: real clients of a directory, and the directory they are proved against.

pub mod dovecot;
pub mod freeradius;
pub mod logins;
pub mod people;
pub mod slapd;
pub mod tools;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::doorward::Doorward;

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
    /// Adds an LDAP application that everyone may use, from a recipe; `more` is put after the other arguments. Gives how
    /// clients reach its tree, and all that the command told.
    ///
    /// # Errors
    /// When the command fails, or this Doorward does not serve LDAP.
    pub fn added_to(doorward: &Doorward, recipe: &str, slug: &str, more: &[&str]) -> Result<(Self, Value)> {
        let (port, tls_port) = doorward.ldap_ports()?;
        let url = format!("ldap://127.0.0.1:{port}");
        let usual = ["app", "add", recipe, "--slug", slug, "--ldap-uri", &url, "--allow", "everyone"];
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
        Ok((directory, described))
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
