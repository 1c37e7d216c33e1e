//! Every setting there is.

use super::Raw;

/// What shape a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// `true` or `false`.
    Switch,
    /// A list of texts.
    List,
}

/// A setting.
#[derive(Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// Its shape.
    pub kind: Kind,
    /// Whether it is masked when shown.
    pub is_secret: bool,
    /// What it is when nobody sets it.
    pub default: &'static str,
    /// What it does, in whole sentences.
    pub help: &'static str,
}

impl Key {
    /// The default as a value.
    pub fn default_value(&self) -> Raw {
        match self.kind {
            Kind::Text | Kind::Switch => Raw::Text(self.default.to_owned()),
            Kind::List => Raw::List(Vec::new()),
        }
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("DOORWARD_{}", self.name.replace('.', "__").to_uppercase())
    }
}

const fn text(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { name, kind: Kind::Text, is_secret: false, default, help }
}

const fn switch(name: &'static str, help: &'static str) -> Key {
    Key { name, kind: Kind::Switch, is_secret: false, default: "false", help }
}

/// All settings, in the order in which they are shown.
pub const KEYS: [Key; 17] = [
    text(
        "public_url",
        "",
        "The address that browsers and applications use, such as https://id.example.org: scheme, host and port, no \
         path. Left empty it is http://localhost:PORT, which serves this machine only.",
    ),
    text("listen", "0.0.0.0:9000", "Address and port for HTTP. [::]:9000 listens on IPv6 and IPv4."),
    text(
        "listen_https",
        "0.0.0.0:9443",
        "Address and port for HTTPS; \"off\" switches it off. With --listen and without --listen-https, HTTPS is off \
         unless this is set.",
    ),
    text(
        "ldap_listen",
        "127.0.0.1:3389",
        "Address and port for LDAP, with StartTLS; \"off\" switches it off. With --listen and without --ldap-listen, it \
         is off unless this is set; the same holds for ldaps_listen.",
    ),
    text("ldaps_listen", "127.0.0.1:6636", "Address and port for LDAP over TLS (LDAPS); \"off\" switches it off."),
    switch(
        "ldap_allow_plaintext",
        "Whether passwords are taken over LDAP connections from other machines that are not in TLS. Leave it false.",
    ),
    switch(
        "ldap_proxy_protocol",
        "Whether LDAP connections from trusted_proxies begin with a PROXY protocol header (version 1 or 2), which says \
         who the client is.",
    ),
    text(
        "tls_certificate",
        "",
        "PEM file with the certificate chain for HTTPS, LDAPS and StartTLS. Left empty, a self-signed certificate is made in the data \
         directory. Relative paths in the file start at the file's folder.",
    ),
    text("tls_private_key", "", "PEM file with the private key that belongs to tls_certificate."),
    Key {
        name: "database_url",
        kind: Kind::Text,
        is_secret: true,
        default: "",
        help: "PostgreSQL, as postgres://user:password@host/database. Left empty, an SQLite database is kept in the \
               data directory.",
    },
    Key {
        name: "trusted_proxies",
        kind: Kind::List,
        is_secret: false,
        default: "[]",
        help: "Addresses and networks of reverse proxies, such as [\"127.0.0.1\", \"10.0.0.0/8\"]. Only from them is \
               X-Forwarded-For believed, and only they may ask who passes (forward auth).",
    },
    text("session_lifetime", "hours=12", "How long a sign-in lasts, such as hours=12 or days=7."),
    text(
        "key_publication",
        "hours=1",
        "How long a rotated signing key is published before it signs, so that applications know it by then.",
    ),
    text(
        "webfinger",
        "",
        "Slug of the application whose issuer /.well-known/webfinger tells. Left empty it is the only one with OpenID \
         Connect, if there is only one.",
    ),
    text("help_text", "", "A line below the sign-in form, such as whom to ask for help."),
    text("log_format", "text", "The log on standard error: text for people, json for programs."),
    text(
        "log_level",
        "",
        "error, warn, info, debug or trace, or a filter such as info,doorward_server=debug. Left empty it is info for \
         serve and warn for other commands. The variable DOORWARD_LOG goes before it.",
    ),
];

/// The setting of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The candidate that was probably meant: a slip of the pen away, or only begun.
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase().replace('-', "_");
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let distance = strsim::damerau_levenshtein(&name, &candidate);
        let is_begun = name.len() >= 4 && candidate.starts_with(&name);
        (is_begun || distance <= 1 + candidate.len() / 5).then_some(distance)
    };
    let near = candidates.filter_map(|candidate| Some((distance(candidate)?, candidate)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}
