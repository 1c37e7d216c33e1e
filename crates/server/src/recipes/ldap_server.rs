//! Where applications find Doorward's LDAP server.

use std::net::IpAddr;
use url::Url;

use super::RecipeError;

/// Port of LDAP that begins in clear.
const LDAP_PORT: u16 = 3389;
/// Port of LDAP over TLS.
const LDAPS_PORT: u16 = 6636;

/// The address of an LDAP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapServer {
    /// Whether TLS begins with the connection.
    pub is_ldaps: bool,
    /// Name or address, IPv6 addresses in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl LdapServer {
    /// Reads an address such as `ldaps://id.example.org:6636`. A missing port is Doorward's own.
    ///
    /// # Errors
    /// [`RecipeError::BadLdapUri`].
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let bad = || RecipeError::BadLdapUri { given: text.escape_debug().to_string() };
        let url = Url::parse(text).map_err(|_| bad())?;
        let is_ldaps = url.scheme() == "ldaps";
        let has_more = !url.username().is_empty()
            || url.password().is_some()
            || !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some();
        let host = url.host_str().filter(|host| is_host(host)).ok_or_else(bad)?;
        if !matches!(url.scheme(), "ldap" | "ldaps") || has_more {
            return Err(bad());
        }
        let port = url.port().unwrap_or(if is_ldaps { LDAPS_PORT } else { LDAP_PORT });
        Ok(Self { is_ldaps, host: host.to_owned(), port })
    }

    /// The server at the host of a public URL: plain on this machine, over TLS from anywhere else.
    #[must_use]
    pub fn beside(public_host: &str) -> Self {
        // The listeners are on 127.0.0.1, and "localhost" may be ::1 first.
        let host = if public_host == "localhost" { "127.0.0.1" } else { public_host };
        let mut server = Self { is_ldaps: true, host: host.to_owned(), port: LDAPS_PORT };
        if server.is_loopback() {
            (server.is_ldaps, server.port) = (false, LDAP_PORT);
        }
        server
    }

    /// The address as clients take it.
    #[must_use]
    pub fn uri(&self) -> String {
        let scheme = if self.is_ldaps { "ldaps" } else { "ldap" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// Whether it is this machine, seen from itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>()
            .map_or_else(|_| bare == "localhost" || bare.ends_with(".localhost"), |ip| ip.is_loopback())
    }

    /// Whether the client has to begin TLS itself: passwords in clear are refused from other machines.
    #[must_use]
    pub fn needs_start_tls(&self) -> bool {
        !self.is_ldaps && !self.is_loopback()
    }
}

/// A name or an address: nothing that could end a word in any settings.
fn is_host(text: &str) -> bool {
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    !text.is_empty() && (is_name || text.strip_prefix('[').is_some_and(|rest| rest.ends_with(']')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_scheme_a_host_and_a_port() {
        for (text, uri) in [
            ("ldaps://id.example.org", "ldaps://id.example.org:6636"),
            ("ldaps://id.example.org:636/", "ldaps://id.example.org:636"),
            ("ldap://127.0.0.1:13389", "ldap://127.0.0.1:13389"),
            ("ldap://[::1]", "ldap://[::1]:3389"),
        ] {
            assert_eq!(LdapServer::parse(text).map(|server| server.uri()), Ok(uri.to_owned()), "{text}");
        }
        for text in [
            "",
            "id.example.org",
            "https://id.example.org",
            "ldapi:///run/x",
            "ldaps://",
            "ldaps://a@b",
            "ldap://a/dc=x",
            "ldap://a?x",
            "ldap://a'b",
            "ldap://a b",
            "ldap://a,b",
        ] {
            assert!(LdapServer::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn plain_on_this_machine_and_tls_from_others() {
        for (host, uri) in [
            ("id.example.org", "ldaps://id.example.org:6636"),
            ("localhost", "ldap://127.0.0.1:3389"),
            ("127.0.0.1", "ldap://127.0.0.1:3389"),
            ("[::1]", "ldap://[::1]:3389"),
            ("192.0.2.1", "ldaps://192.0.2.1:6636"),
        ] {
            let server = LdapServer::beside(host);
            assert_eq!(server.uri(), uri);
            assert!(!server.needs_start_tls(), "{host}");
        }
        assert!(LdapServer::parse("ldap://id.example.org").unwrap().needs_start_tls());
    }
}
