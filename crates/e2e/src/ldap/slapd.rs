//! OpenLDAP's slapd, holding the same people: what other directories answer.

use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair};

use super::Directory;
use crate::debian::{Debian, File};
use crate::doorward::PASSWORD;
use crate::ports;
use crate::process::Server;
use crate::wait;

const SCHEMA: &str = include_str!("../../slapd/doorward.schema");

/// Classes whose names slapd does not take, and those that stand for them there.
const CLASSES: [(&str, &str); 4] = [
    ("goauthentik.io/ldap/user", "goauthentik-io-ldap-user"),
    ("goauthentik.io/ldap/group", "goauthentik-io-ldap-group"),
    ("goauthentik.io/ldap/virtual-group", "goauthentik-io-ldap-virtual-group"),
    ("groupOfUniqueNames", "groupsOfUniqueName"),
];

/// A slapd with a database of its own.
#[derive(Debug)]
pub struct Slapd {
    _server: Server,
    /// How to reach it.
    pub directory: Directory,
    debian: Debian,
}

impl Slapd {
    /// Starts one with these entries, which are in the form [`translated`] gives. `bind_dn` is the account among them
    /// that clients search with.
    ///
    /// # Errors
    /// When slapd refuses them, or does not answer.
    pub async fn start(base: &str, bind_dn: &str, ldif: &str) -> Result<Self> {
        let (certificate, key) = certificate()?;
        let directory = Directory {
            port: ports::free()?,
            tls_port: ports::free()?,
            certificate: certificate.clone(),
            base: base.to_owned(),
            bind_dn: bind_dn.to_owned(),
            bind_password: PASSWORD.to_owned(),
        };
        let debian = Debian::start(&[
            File::open("/srv/doorward.schema", SCHEMA),
            File::open("/srv/slapd.conf", configuration(base)),
            File::open("/srv/people.ldif", ldif),
            File::open("/srv/certificate.pem", certificate),
            File::private("/srv/key.pem", key),
            File::open("/srv/data/DB", ""),
        ])
        .await?;
        // Without its checks: an empty group has no member, which groupOfNames asks for.
        let loading = ["-q", "-s", "-f", "/srv/slapd.conf", "-l", "/srv/people.ldif"];
        debian.run("slapadd", &loading)?.ok().context("slapadd")?;
        let addresses = format!("{} {}", directory.url(), directory.tls_url());
        let server = debian.serve("slapd", &["-d", "0", "-f", "/srv/slapd.conf", "-h", &addresses])?;
        wait::until("slapd", Duration::from_secs(10), async || {
            Ok(std::net::TcpStream::connect(("127.0.0.1", directory.tls_port)).ok())
        })
        .await
        .with_context(|| server.output())?;
        Ok(Self { _server: server, directory, debian })
    }

    /// The Debian it runs in, which has OpenLDAP's tools as well.
    #[must_use]
    pub fn debian(&self) -> &Debian {
        &self.debian
    }
}

/// Entries as Doorward gives them, in the words slapd takes. Everybody gets [`PASSWORD`].
#[must_use]
pub fn translated(ldif: &str) -> String {
    let entry = |block: &str| {
        let mut lines: Vec<_> = block.lines().map(translated_line).collect();
        if lines.iter().any(|line| line == "objectClass: inetOrgPerson") {
            lines.push(format!("userPassword: {PASSWORD}"));
        }
        lines.join("\n")
    };
    ldif.trim_end().split("\n\n").map(entry).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn translated_line(line: &str) -> String {
    CLASSES.iter().fold(line.to_owned(), |line, (ours, theirs)| {
        if line == format!("objectClass: {ours}") { format!("objectClass: {theirs}") } else { line }
    })
}

/// A line of slapd's answer in Doorward's words.
#[must_use]
pub fn translated_back(line: &str) -> String {
    CLASSES.iter().fold(line.to_owned(), |line, (ours, theirs)| {
        if line == format!("objectClass: {theirs}") { format!("objectClass: {ours}") } else { line }
    })
}

fn configuration(base: &str) -> String {
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /srv/doorward.schema
modulepath /usr/lib/ldap
moduleload back_mdb
loglevel none
TLSCertificateFile /srv/certificate.pem
TLSCertificateKeyFile /srv/key.pem
database mdb
suffix \"{base}\"
directory /srv/data
maxsize 104857600
index objectClass,uid,cn,mail,member,memberOf eq
access to attrs=userPassword by self =w by anonymous auth by * none
access to * by users read by * none
"
    )
}

/// A certificate as Doorward makes its own, and its key.
fn certificate() -> Result<(String, String)> {
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}
