//! OpenLDAP's tools, and LDAP libraries of other languages.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Directory;
use super::logins::{CERTIFICATE, LIBRARY};
use crate::debian::{Debian, File, Ran};
use crate::environment;

/// Where the scripts of the tests are in the Debian.
const SCRIPTS: &str = "/srv";

/// A machine with OpenLDAP's tools and with Python.
#[derive(Debug)]
pub struct Tools {
    debian: Debian,
    directory: Directory,
}

/// The attributes of one entry: each with its values, sorted.
pub type Attributes = BTreeMap<String, Vec<String>>;

impl Tools {
    /// Starts one for a directory.
    ///
    /// # Errors
    /// When there is no Debian.
    pub async fn start(directory: &Directory) -> Result<Self> {
        let debian = Debian::start(&[
            File::open(CERTIFICATE, directory.certificate.as_str()),
            File::open(LIBRARY.0, LIBRARY.1),
            File::open(&format!("{SCRIPTS}/python_ldap3.py"), include_str!("../../clients/python_ldap3.py")),
            File::open(&format!("{SCRIPTS}/python_bonsai.py"), include_str!("../../clients/python_bonsai.py")),
            File::open(&format!("{SCRIPTS}/python_ldap.py"), include_str!("../../clients/python_ldap.py")),
        ])
        .await?;
        Ok(Self { debian, directory: directory.clone() })
    }

    /// The directory it was started for.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Runs one of OpenLDAP's tools, over StartTLS, as the account that reads everybody.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn openldap(&self, tool: &str, arguments: &[&str]) -> Result<Ran> {
        self.openldap_as(tool, (&self.directory.bind_dn, &self.directory.bind_password), arguments)
    }

    /// Runs one of OpenLDAP's tools, over StartTLS, as somebody.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn openldap_as(&self, tool: &str, (name, password): (&str, &str), arguments: &[&str]) -> Result<Ran> {
        let url = self.directory.url();
        let usual = ["-x", "-ZZ", "-H", &url, "-D", name, "-w", password];
        self.debian.run(tool, &[usual.as_slice(), arguments].concat())
    }

    /// Runs one of OpenLDAP's tools without TLS, as somebody.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn openldap_plainly(&self, tool: &str, (name, password): (&str, &str), arguments: &[&str]) -> Result<Ran> {
        let url = self.directory.url();
        let usual = ["-x", "-H", &url, "-D", name, "-w", password];
        self.debian.run(tool, &[usual.as_slice(), arguments].concat())
    }

    /// Runs one of OpenLDAP's tools without signing in and without TLS.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn openldap_anonymously(&self, tool: &str, arguments: &[&str]) -> Result<Ran> {
        let url = self.directory.url();
        self.debian.run(tool, &[&["-x", "-H", &url], arguments].concat())
    }

    /// Searches below the base with `ldapsearch`; gives the entries as LDIF, each line whole.
    ///
    /// # Errors
    /// When the search fails.
    pub fn search(&self, filter: &str, attributes: &[&str]) -> Result<String> {
        let base = self.directory.base.clone();
        let usual = ["-LLL", "-o", "ldif-wrap=no", "-b", &base, filter];
        self.openldap("ldapsearch", &[usual.as_slice(), attributes].concat())?.ok()
    }

    /// Runs one of the tests' Python scripts: it is told about the directory and a user, checks what it can, and prints
    /// what failed.
    ///
    /// # Errors
    /// When a check in it fails.
    pub fn python(&self, script: &str, username: &str, password: &str) -> Result<String> {
        let mut arguments = vec![format!("{SCRIPTS}/{script}")];
        arguments.extend(self.arguments(username, password));
        self.debian.run("python3", &arguments)?.ok().with_context(|| format!("{script} found a fault"))
    }

    /// Runs the tests' script for Node's ldapts in the same way.
    ///
    /// # Errors
    /// When a check in it fails.
    pub fn ldapts(&self, username: &str, password: &str) -> Result<String> {
        let certificate = tempfile::NamedTempFile::new()?;
        std::fs::write(certificate.path(), &self.directory.certificate)?;
        let mut arguments = self.arguments(username, password);
        if let Some(last) = arguments.last_mut() {
            *last = certificate.path().display().to_string();
        }
        let output = Command::new(environment::program(&["node", "nodejs"])?)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/clients/ldapts.mjs"))
            .args(arguments)
            .env("DOORWARD_TEST_LDAPTS", environment::required("DOORWARD_TEST_LDAPTS")?)
            .stdin(Stdio::null())
            .output()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran = Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        ran.ok().context("ldapts.mjs found a fault")
    }

    /// What every script is told: plain and TLS address, base, account and password, user and password, certificate.
    fn arguments(&self, username: &str, password: &str) -> Vec<String> {
        let directory = &self.directory;
        [
            directory.url().as_str(),
            &directory.tls_url(),
            &directory.base,
            &directory.bind_dn,
            &directory.bind_password,
            username,
            password,
            CERTIFICATE,
        ]
        .map(str::to_owned)
        .into()
    }
}

/// The entries of an LDIF text by DN. Values that are written in base64 stay so.
#[must_use]
pub fn entries(ldif: &str) -> BTreeMap<String, Attributes> {
    let mut entries = BTreeMap::new();
    for block in ldif.split("\n\n") {
        let mut lines = block.lines().filter(|line| !line.starts_with('#'));
        let Some(dn) = lines.next().and_then(|line| line.strip_prefix("dn:")) else { continue };
        let mut attributes = Attributes::new();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            attributes.entry(name.to_owned()).or_default().push(value.trim_start().to_owned());
        }
        for values in attributes.values_mut() {
            values.sort_unstable();
        }
        entries.insert(dn.trim_start().to_owned(), attributes);
    }
    entries
}
