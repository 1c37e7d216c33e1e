//! Where applications find Doorward's LDAP server.

use std::net::{IpAddr, SocketAddr};
use url::Url;

use super::RecipeError;

/// Registered port of LDAP that begins in clear (RFC 4516, section 2).
const LDAP_PORT: u16 = 389;
/// Registered port of LDAP over TLS.
const LDAPS_PORT: u16 = 636;

/// Where Doorward itself listens for LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LdapListeners {
    /// LDAP that begins in clear; `None` if it is off.
    pub ldap: Option<SocketAddr>,
    /// LDAP over TLS; `None` if it is off.
    pub ldaps: Option<SocketAddr>,
}

impl LdapListeners {
    /// The address an application is told when none was chosen: plain on this machine, over TLS from anywhere else, as far
    /// as Doorward listens for that.
    #[must_use]
    pub fn server(&self, public_host: &str) -> LdapServer {
        // A listener has one address, and "localhost" may be ::1 or 127.0.0.1 first.
        let local = match self.ldap.or(self.ldaps).map(|address| address.ip()) {
            Some(IpAddr::V6(ip)) if ip.is_loopback() => "[::1]",
            _ => "127.0.0.1",
        };
        let host = if public_host == "localhost" { local } else { public_host };
        let is_here = is_loopback(host);
        let is_reached = |listener: &&SocketAddr| is_here || !listener.ip().is_loopback();
        let (ldap, ldaps) = (self.ldap.as_ref().map(|it| (false, it)), self.ldaps.as_ref().map(|it| (true, it)));
        let wished = if is_here { [ldap, ldaps] } else { [ldaps, ldap] };
        let mut listeners = wished.into_iter().flatten();
        let found = listeners.clone().find(|(_, listener)| is_reached(listener)).or_else(|| listeners.next());
        let (is_ldaps, port) = match found {
            Some((is_ldaps, listener)) => (is_ldaps, listener.port()),
            None => (!is_here, if is_here { LDAP_PORT } else { LDAPS_PORT }),
        };
        LdapServer { is_ldaps, host: host.to_owned(), port }
    }

    /// Why nobody may answer at an address: the listener it leads to is off, or on this machine only.
    #[must_use]
    pub fn doubt(&self, server: &LdapServer) -> Option<String> {
        let (name, setting, listener, port) = if server.is_ldaps {
            ("LDAPS", "ldaps_listen", self.ldaps, 6636)
        } else {
            ("LDAP", "ldap_listen", self.ldap, 3389)
        };
        let advice = |port: u16| format!("set {setting}, for instance to 0.0.0.0:{port}, and restart it");
        match listener {
            None => Some(format!("Doorward does not listen for {name}: {}.", advice(port))),
            Some(at) if at.ip().is_loopback() && !server.is_loopback() => Some(format!(
                "Doorward listens for {name} at {at} only, where other machines do not reach it: {}.",
                advice(at.port())
            )),
            Some(_) => None,
        }
    }
}

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
    /// Reads an address such as `ldaps://id.example.org:6636`. A missing port is the registered one: 636, or 389.
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

    /// The address as clients take it.
    #[must_use]
    pub fn uri(&self) -> String {
        let scheme = if self.is_ldaps { "ldaps" } else { "ldap" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// Whether it is this machine, seen from itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Whether the client has to begin TLS itself: passwords in clear are refused from other machines.
    #[must_use]
    pub fn needs_start_tls(&self) -> bool {
        !self.is_ldaps && !self.is_loopback()
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().map_or_else(|_| bare == "localhost" || bare.ends_with(".localhost"), |ip| ip.is_loopback())
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
            ("ldaps://id.example.org", "ldaps://id.example.org:636"),
            ("ldaps://id.example.org:6636/", "ldaps://id.example.org:6636"),
            ("ldap://127.0.0.1:13389", "ldap://127.0.0.1:13389"),
            ("ldap://[::1]", "ldap://[::1]:389"),
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

    fn listeners(ldap: &str, ldaps: &str) -> LdapListeners {
        LdapListeners { ldap: ldap.parse().ok(), ldaps: ldaps.parse().ok() }
    }

    #[test]
    fn plain_on_this_machine_and_tls_from_others() {
        let usual = listeners("127.0.0.1:3389", "127.0.0.1:6636");
        for (host, uri) in [
            ("id.example.org", "ldaps://id.example.org:6636"),
            ("localhost", "ldap://127.0.0.1:3389"),
            ("127.0.0.1", "ldap://127.0.0.1:3389"),
            ("[::1]", "ldap://[::1]:3389"),
            ("192.0.2.1", "ldaps://192.0.2.1:6636"),
        ] {
            let server = usual.server(host);
            assert_eq!(server.uri(), uri);
            assert!(!server.needs_start_tls(), "{host}");
        }
        assert!(LdapServer::parse("ldap://id.example.org").unwrap().needs_start_tls());
    }

    #[test]
    fn the_address_is_where_doorward_listens() {
        for (ldap, ldaps, host, uri) in [
            ("127.0.0.1:13389", "0.0.0.0:636", "id.example.org", "ldaps://id.example.org:636"),
            ("127.0.0.1:13389", "0.0.0.0:636", "localhost", "ldap://127.0.0.1:13389"),
            ("[::1]:3389", "off", "localhost", "ldap://[::1]:3389"),
            ("off", "127.0.0.1:6636", "localhost", "ldaps://127.0.0.1:6636"),
            ("0.0.0.0:389", "off", "id.example.org", "ldap://id.example.org:389"),
            ("0.0.0.0:389", "127.0.0.1:6636", "id.example.org", "ldap://id.example.org:389"),
            ("off", "off", "id.example.org", "ldaps://id.example.org:636"),
        ] {
            assert_eq!(listeners(ldap, ldaps).server(host).uri(), uri, "{ldap} {ldaps}");
        }
    }

    #[test]
    fn a_listener_that_is_off_or_out_of_reach_is_told() {
        let doubt = |ldap, ldaps, uri| listeners(ldap, ldaps).doubt(&LdapServer::parse(uri).unwrap());
        let local = doubt("127.0.0.1:3389", "127.0.0.1:7636", "ldaps://id.example.org").unwrap();
        assert!(local.contains("127.0.0.1:7636 only") && local.contains("ldaps_listen"), "{local}");
        let off = doubt("off", "0.0.0.0:6636", "ldap://id.example.org").unwrap();
        assert!(off.contains("does not listen for LDAP:") && off.contains("ldap_listen"), "{off}");
        assert_eq!(doubt("127.0.0.1:3389", "off", "ldap://127.0.0.1:3389"), None);
        assert_eq!(doubt("off", "[::]:6636", "ldaps://id.example.org"), None);
    }
}
