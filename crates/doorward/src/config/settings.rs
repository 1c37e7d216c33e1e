//! The settings, understood.

use doorward_core::{lifetime::Lifetime, secret::Secret};
use doorward_server::{listen::TlsFiles, public_url::PublicUrl};
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use super::{Origin, Raw, Values, problems::ConfigProblems};
use crate::logging;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Where one of the protocols besides HTTP listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The address; `None` if it is off.
    pub address: Option<SocketAddr>,
    /// Whether somebody set it.
    pub is_chosen: bool,
}

/// The settings of a process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The outside address, if set.
    pub public_url: Option<PublicUrl>,
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// Where HTTPS listens.
    pub listen_https: Listen,
    /// Where LDAP listens.
    pub ldap_listen: Listen,
    /// Where LDAPS listens.
    pub ldaps_listen: Listen,
    /// Whether passwords are taken over unprotected LDAP connections from other machines.
    pub ldap_allow_plaintext: bool,
    /// Whether listed proxies begin LDAP connections with a PROXY protocol header.
    pub ldap_proxy_protocol: bool,
    /// A given certificate.
    pub tls: Option<TlsFiles>,
    /// `PostgreSQL`, if set.
    pub database_url: Option<Secret<String>>,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a session lasts.
    pub session_lifetime: Lifetime,
    /// How long a rotated key is published before it signs.
    pub key_publication: Lifetime,
    /// Slug of the application whose issuer webfinger tells, or empty.
    pub webfinger: String,
    /// A line below the sign-in form.
    pub help_text: String,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What is logged, if set.
    pub log_level: Option<String>,
}

/// Understands all values. What cannot be understood is noted and replaced by its default.
pub fn resolve(values: &Values, problems: &mut ConfigProblems) -> Settings {
    let mut reader = Reader { values, problems };
    Settings {
        public_url: reader.read(
            "public_url",
            |text| if text.is_empty() { Ok(None) } else { PublicUrl::parse(text).map(Some) },
            None,
        ),
        listen: reader.read("listen", address, SocketAddr::from(([0, 0, 0, 0], 9000))),
        listen_https: reader.listen("listen_https"),
        ldap_listen: reader.listen("ldap_listen"),
        ldaps_listen: reader.listen("ldaps_listen"),
        ldap_allow_plaintext: reader.read("ldap_allow_plaintext", switch, false),
        ldap_proxy_protocol: reader.read("ldap_proxy_protocol", switch, false),
        tls: reader.tls(),
        database_url: reader.read("database_url", database_url, None),
        trusted_proxies: reader.networks("trusted_proxies"),
        session_lifetime: reader.read("session_lifetime", session_lifetime, Lifetime::seconds(12 * 3600)),
        key_publication: reader.read("key_publication", lifetime, Lifetime::seconds(3600)),
        webfinger: reader.text("webfinger"),
        help_text: reader.text("help_text"),
        log_format: reader.read("log_format", log_format, LogFormat::Text),
        log_level: reader.read("log_level", log_level, None),
    }
}

struct Reader<'a> {
    values: &'a Values,
    problems: &'a mut ConfigProblems,
}

impl Reader<'_> {
    fn text(&self, key: &str) -> String {
        self.values.get(key).map(|(raw, _)| raw.text().trim().to_owned()).unwrap_or_default()
    }

    fn listen(&mut self, key: &str) -> Listen {
        let is_chosen = *self.origin(key) != Origin::Default;
        Listen { address: self.read(key, optional_address, None), is_chosen }
    }

    fn origin(&self, key: &str) -> &Origin {
        self.values.get(key).map_or(&Origin::Default, |(_, origin)| origin)
    }

    fn wrong(&mut self, key: &str, message: &str) {
        let place = self.origin(key).to_string();
        self.problems.add(place, format!("{key}: {message}"));
    }

    fn read<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>, instead: T) -> T {
        match parse(&self.text(key)) {
            Ok(value) => value,
            Err(message) => {
                self.wrong(key, &message);
                instead
            }
        }
    }

    fn networks(&mut self, key: &str) -> Vec<IpNet> {
        let Some((Raw::List(items), _)) = self.values.get(key) else { return Vec::new() };
        let (good, bad): (Vec<_>, Vec<_>) = items.iter().map(|item| network(item)).partition(Result::is_ok);
        for message in bad.into_iter().filter_map(Result::err) {
            self.wrong(key, &message);
        }
        good.into_iter().flatten().collect()
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        let (certificate, private_key) = (self.path("tls_certificate"), self.path("tls_private_key"));
        match (certificate, private_key) {
            (Some(certificate), Some(private_key)) => Some(TlsFiles { certificate, private_key }),
            (None, None) => None,
            (Some(_), None) => {
                self.wrong("tls_certificate", "tls_private_key is missing; give both or neither");
                None
            }
            (None, Some(_)) => {
                self.wrong("tls_private_key", "tls_certificate is missing; give both or neither");
                None
            }
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let text = self.text(key);
        let folder = match self.origin(key) {
            Origin::File(file, _) => file.parent().unwrap_or(Path::new("")),
            _ => Path::new(""),
        };
        (!text.is_empty()).then(|| folder.join(text))
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("\"{text}\" is not an address with a port; write it like 0.0.0.0:9000, 127.0.0.1:9000 or [::]:9000")
    })
}

fn optional_address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text.is_empty() || text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    address(text).map(Some).map_err(|message| format!("{message}, or \"off\""))
}

fn network(text: &str) -> Result<IpNet, String> {
    let single = |_| text.trim().parse::<IpAddr>().map(IpNet::from);
    text.trim()
        .parse()
        .or_else(single)
        .map_err(|_| format!("\"{text}\" is neither an address nor a network; write it like 127.0.0.1 or 10.0.0.0/8"))
}

fn database_url(text: &str) -> Result<Option<Secret<String>>, String> {
    let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
    match text {
        "" => Ok(None),
        _ if is_postgres => Ok(Some(Secret::from(text))),
        // Not repeated: it may hold a password.
        _ => Err("this is not the address of a PostgreSQL database; write postgres://user:password@host/database, or \
                  leave it empty for SQLite"
            .to_owned()),
    }
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    text.parse::<Lifetime>().map_err(|error| error.to_string())
}

fn session_lifetime(text: &str) -> Result<Lifetime, String> {
    match lifetime(text)? {
        short if short < Lifetime::seconds(60) => Err("a sign-in lasts at least minutes=1".to_owned()),
        long => Ok(long),
    }
}

fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("\"{text}\" is neither true nor false"))
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("\"{other}\" is no format; there are text and json")),
    }
}

fn log_level(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if !logging::is_filter(text) {
        return Err(format!("\"{text}\" is no level; there are error, warn, info, debug and trace"));
    }
    Ok(Some(text.to_owned()))
}
