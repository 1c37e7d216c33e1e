//! The configuration of the web proxy that stands before an application and asks Doorward about every request.

use std::{collections::BTreeMap, fmt, net::SocketAddr, str::FromStr};

use doorward_core::proxy_provider::Identity;
use minijinja::{Value, value::Serde};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    RecipeError, SettingsBlock,
    data::{StaticFiles, TokenPaths},
    render::{Context, Renderer},
};

/// Most hyphens in a header's name: every one doubles the number of its spellings.
pub(super) const HYPHENS_MAX: usize = 5;

/// authentik's headers, which every proxy provider sends.
pub const AUTHENTIK_HEADERS: [&str; 12] = [
    "X-authentik-username",
    "X-authentik-groups",
    "X-authentik-entitlements",
    "X-authentik-email",
    "X-authentik-name",
    "X-authentik-uid",
    "X-authentik-jwt",
    "X-authentik-meta-jwks",
    "X-authentik-meta-outpost",
    "X-authentik-meta-provider",
    "X-authentik-meta-app",
    "X-authentik-meta-version",
];

/// A web proxy whose configuration can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebProxy {
    /// nginx with `auth_request`.
    Nginx,
    /// Traefik with `forwardAuth`.
    Traefik,
    /// Caddy with `forward_auth`.
    Caddy,
}

impl WebProxy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nginx, Self::Traefik, Self::Caddy];

    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
        }
    }

    fn filename(self, slug: &str) -> String {
        match self {
            Self::Nginx => format!("/etc/nginx/conf.d/{slug}.conf"),
            Self::Traefik => format!("/etc/traefik/dynamic/{slug}.yaml"),
            Self::Caddy => "/etc/caddy/Caddyfile".to_owned(),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Nginx => "If nginx stands before it: save, then nginx -t and nginx -s reload",
            Self::Traefik => "If Traefik stands before it: save where its file provider looks",
            Self::Caddy => "If Caddy stands before it: add to its Caddyfile, then caddy reload",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Nginx => "proxy/nginx.conf.j2",
            Self::Traefik => "proxy/traefik.yaml.j2",
            Self::Caddy => "proxy/Caddyfile.j2",
        }
    }
}

impl fmt::Display for WebProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for WebProxy {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        let found = Self::ALL.into_iter().find(|proxy| proxy.as_str() == text);
        found.ok_or_else(|| RecipeError::UnknownWebProxy { given: text.escape_debug().to_string() })
    }
}

/// What a web proxy has to know of a proxy provider.
#[derive(Debug, Clone)]
pub struct ProxyConnection {
    /// Slug of the application, of which names in the configuration are made.
    pub slug: String,
    /// Where browsers reach it.
    pub external_host: String,
    /// The domain below which everything is guarded; `None` if it is one host.
    pub cookie_domain: Option<String>,
    /// Where the proxy reaches Doorward.
    pub doorward: SocketAddr,
    /// Where the proxy reaches the application, if that was said.
    pub upstream: Option<String>,
    /// The provider's own headers.
    pub headers: BTreeMap<Identity, String>,
    /// What stands between groups in a header of the provider's own.
    pub group_separator: String,
    /// Headers that are sent besides.
    pub more_headers: Vec<String>,
    /// Whether Doorward looks at `Authorization`, or sends one: then the client's is not for the application.
    pub takes_authorization: bool,
    /// Whether Doorward sends an `Authorization` for the application.
    pub sends_basic: bool,
    /// Which proxies to print for; all of them without.
    pub web_proxy: Option<WebProxy>,
    /// What keeps Doorward from answering, in sentences.
    pub doubts: Vec<String>,
}

/// What a recipe adds to the configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Extras {
    pub tokens: Option<TokenPaths>,
    pub static_files: Option<StaticFiles>,
    pub max_body: Option<String>,
}

/// The configuration of the web proxies before an application that no recipe knows.
///
/// # Errors
/// An address or a header's name that the format cannot hold.
pub fn settings(connection: &ProxyConnection) -> Result<Vec<SettingsBlock>, RecipeError> {
    let mut blocks = connection.blocks(&Renderer::new("custom"), &Extras::default())?;
    if let Some(first) = blocks.first_mut() {
        first.notes = connection.notes();
    }
    Ok(blocks)
}

impl ProxyConnection {
    /// The blocks of the proxies that were asked for, without notes.
    pub(super) fn blocks(&self, renderer: &Renderer<'_>, extras: &Extras) -> Result<Vec<SettingsBlock>, RecipeError> {
        let values = self.values(extras)?;
        let wanted = WebProxy::ALL.into_iter().filter(|proxy| self.web_proxy.is_none_or(|only| only == *proxy));
        let block = |proxy: WebProxy| {
            Ok(SettingsBlock {
                filename: proxy.filename(&self.slug),
                title: proxy.title().to_owned(),
                text: renderer.template(proxy.template(), &values)?,
                notes: Vec::new(),
            })
        };
        wanted.map(block).collect()
    }

    /// What to know before pasting, of an application that no recipe knows.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.upstream.is_none() {
            notes.push(format!("Put the address where the application listens in place of {UPSTREAM}."));
        }
        notes.push(
            "Let the application listen where only the proxy reaches it: whoever reaches it past the proxy can write the \
             headers themselves and be anybody."
                .to_owned(),
        );
        if let Some(domain) = &self.cookie_domain {
            notes.push(format!(
                "Every host below {domain} that is to be guarded needs this with its own name in place of app.{domain}. The \
                 proxy also has to pass {}/outpost.goauthentik.io/ on to Doorward: people come back there.",
                self.external_host
            ));
        }
        notes.extend(self.doubts.iter().cloned());
        notes
    }

    fn values(&self, extras: &Extras) -> Result<Context, RecipeError> {
        let external = address("external host", &self.external_host)?;
        let upstream = address("address behind the proxy", self.upstream.as_deref().unwrap_or(UPSTREAM))?;
        let names = self.header_names();
        let mut spellings = Vec::new();
        for name in &names {
            spellings.extend(other_spellings(name)?);
        }
        let mut values = Context::from([
            ("slug", Value::from(self.slug.as_str())),
            ("key", Value::from(self.slug.as_str())),
            ("id", Value::from(identifier(&self.slug))),
            ("doorward", Value::from(self.doorward.to_string())),
            ("upstream", Value::from(upstream.as_str().trim_end_matches('/'))),
            ("upstream_host", Value::from(authority(&upstream))),
            ("headers", Value::from(names.iter().map(|name| header(name)).collect::<Vec<_>>())),
            ("spellings", Value::from(spellings)),
            ("somebody_header", Value::from(self.username_header())),
            ("somebody", Value::from(variable(&self.username_header()))),
            ("takes_authorization", Value::from(self.takes_authorization)),
            ("sends_basic", Value::from(self.sends_basic)),
            ("tokens", Value::from(Serde(&extras.tokens))),
            ("token_paths", Value::from(extras.tokens.as_ref().map(TokenPaths::traefik_rule))),
            ("static_files", Value::from(Serde(&extras.static_files))),
            ("max_body", Value::from(extras.max_body.as_deref())),
        ]);
        self.place(&external, &mut values);
        Ok(values)
    }

    /// Where the configuration is for.
    fn place(&self, external: &Url, values: &mut Context) {
        let host = external.host_str().unwrap_or_default();
        let is_loopback = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
        let port = external.port_or_known_default().unwrap_or(80);
        let listen = if is_loopback { format!("{host}:{port}") } else { port.to_string() };
        let guarded = self.cookie_domain.as_ref().map(|domain| format!("app.{domain}"));
        let port = external.port().map(|port| format!(":{port}")).unwrap_or_default();
        let authority = guarded.as_ref().map_or_else(|| authority(external), |guarded| format!("{guarded}{port}"));
        values.extend([
            ("scheme", Value::from(external.scheme())),
            ("is_https", Value::from(external.scheme() == "https")),
            ("external_authority", Value::from(self::authority(external))),
            ("is_domain", Value::from(guarded.is_some())),
            ("authority", Value::from(authority)),
            ("server_name", Value::from(guarded.unwrap_or_else(|| host.to_owned()))),
            ("listen", Value::from(listen)),
            ("is_loopback", Value::from(is_loopback)),
        ]);
    }

    /// The header that is empty unless somebody is signed in.
    pub(super) fn username_header(&self) -> String {
        self.own_header(Identity::Username, "X-authentik-username")
    }

    fn own_header(&self, of: Identity, else_authentik: &str) -> String {
        self.headers.get(&of).map_or(else_authentik, String::as_str).to_owned()
    }

    fn header_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.headers.values().cloned().collect();
        // Without these nobody can be told from anybody.
        let needed = [self.username_header(), self.own_header(Identity::Groups, "X-authentik-groups")];
        for name in self.more_headers.iter().chain(&needed) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name.clone());
            }
        }
        names
    }

    /// The names by which a WSGI application reads the provider's own headers (PEP 3333), such as `HTTP_REMOTE_USER`.
    /// None stands for what it is not told.
    pub(super) fn wsgi_names(&self) -> BTreeMap<String, Option<String>> {
        let name = |of| match of {
            Identity::Username => Some(self.username_header()),
            Identity::Groups => Some(self.own_header(Identity::Groups, "X-authentik-groups")),
            other => self.headers.get(&other).cloned(),
        };
        let wsgi = |name: String| format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_"));
        Identity::ALL.into_iter().map(|(of, word, _)| (word.replace('-', "_"), name(of).map(wsgi))).collect()
    }
}

/// What stands where nobody said where the application listens.
const UPSTREAM: &str = "http://127.0.0.1:8080";

fn header(name: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([("name", name.to_owned()), ("variable", variable(name))])
}

/// The end of nginx's name for a header.
fn variable(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// A slug as a name that nginx and Caddy take: no hyphens, no digit first.
fn identifier(slug: &str) -> String {
    let name = slug.replace('-', "_");
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("app_{name}") } else { name }
}

/// All ways to write a name with underscores in place of some hyphens: CGI, WSGI and `FastCGI` cannot tell them apart
/// (RFC 3875, section 4.1.18; advisory GHSA-f59h-q822-g45g).
fn other_spellings(name: &str) -> Result<Vec<String>, RecipeError> {
    let parts: Vec<&str> = name.split('-').collect();
    if parts.len() > HYPHENS_MAX + 1 {
        return Err(RecipeError::TooManyHyphens { given: name.escape_debug().to_string() });
    }
    let mut spellings = vec![String::new()];
    for (index, part) in parts.iter().enumerate() {
        let joints: &[&str] = if index == 0 { &[""] } else { &["-", "_"] };
        spellings = spellings
            .iter()
            .flat_map(|begun| joints.iter().map(move |joint| format!("{begun}{joint}{part}")))
            .collect();
    }
    spellings.retain(|spelling| spelling != name);
    Ok(spellings)
}

fn authority(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

/// An http or https address without anything behind host and port.
pub(super) fn address(what: &'static str, given: &str) -> Result<Url, RecipeError> {
    let bad = || RecipeError::BadAddress { what, given: given.escape_debug().to_string() };
    let url = Url::parse(given).map_err(|_| bad())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let is_whole = url.password().is_none() && url.host_str().is_some_and(|host| !host.is_empty());
    if is_bare && is_whole && matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_header_is_found_once() {
        assert_eq!(other_spellings("Remote").unwrap(), Vec::<String>::new());
        assert_eq!(other_spellings("Remote-User").unwrap(), ["Remote_User"]);
        assert_eq!(
            other_spellings("Remote-User-Group").unwrap(),
            ["Remote-User_Group", "Remote_User-Group", "Remote_User_Group"]
        );
        assert_eq!(other_spellings("a-b-c-d-e-f").unwrap().len(), 31);
        let error = other_spellings("a-b-c-d-e-f-g").unwrap_err().to_string();
        assert!(error.contains("five hyphens"), "{error}");
    }

    #[test]
    fn names_in_the_configuration_are_made_of_the_slug() {
        for (slug, name) in [("netbox", "netbox"), ("our-wiki", "our_wiki"), ("3d-print", "app_3d_print")] {
            assert_eq!(identifier(slug), name);
        }
    }

    #[test]
    fn addresses_end_behind_the_port() {
        assert_eq!(authority(&address("x", "http://127.0.0.1:8001/").unwrap()), "127.0.0.1:8001");
        for given in
            ["", "127.0.0.1:8001", "ftp://a", "http://a/b", "http://a?b", "http://a#b", "http://u@a", "http://u:p@a"]
        {
            assert!(address("x", given).is_err(), "{given}");
        }
    }
}
