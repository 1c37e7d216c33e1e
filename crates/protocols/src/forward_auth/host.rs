//! Hosts: of providers, and of what browsers asked for.

use std::{fmt, net::Ipv6Addr};

/// Longest host with its port, in bytes.
const AUTHORITY_MAX: usize = 262;

/// Why a text is no address of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Neither `http://` nor `https://`.
    #[error("it does not begin with https:// or http://")]
    Scheme,
    /// A path, a query or a fragment.
    #[error("it holds more than a host; leave out what follows")]
    More,
    /// No host, user information, or characters that hosts do not have.
    #[error("its host cannot be read")]
    Host,
}

/// http or https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// The scheme of that name, whatever the case of its letters.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host and, unless it is the usual one, a port, in the form in which they are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads `host` or `host:port`. The usual port of the scheme is as good as none.
    pub fn parse(text: &str, scheme: Scheme) -> Option<Self> {
        if text.len() > AUTHORITY_MAX {
            return None;
        }
        let (host, rest) = if let Some(text) = text.strip_prefix('[') {
            let (address, rest) = text.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            (format!("[{address}]"), rest)
        } else {
            let (host, rest) = text.split_at_checked(text.find(':').unwrap_or(text.len()))?;
            (name(host)?, rest)
        };
        let port = if rest.is_empty() { None } else { Some(port(rest)?) };
        Some(Self { host, port: port.filter(|port| *port != scheme.default_port()) })
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host lies at or below a domain (RFC 6265, section 5.1.3).
    pub fn is_within(&self, domain: &str) -> bool {
        let below = self.host.strip_suffix(domain);
        !domain.is_empty() && below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// A colon and one to five digits.
fn port(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':')?;
    let is_number = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// A host name or IPv4 address in lower case. Underscores occur in names of containers.
fn name(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.split('.').all(is_label).then(|| text.to_ascii_lowercase())
}

/// Scheme and authority: what browsers call an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The scheme.
    pub scheme: Scheme,
    /// Host and port.
    pub authority: Authority,
}

impl Origin {
    /// Reads an address that has nothing but scheme, host and port; one slash may follow.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let (scheme, rest) = text.split_once("://").ok_or(HostError::Scheme)?;
        let scheme = Scheme::parse(scheme).ok_or(HostError::Scheme)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(HostError::More);
        }
        let authority = Authority::parse(authority, scheme).ok_or(HostError::Host)?;
        Ok(Self { scheme, authority })
    }

    /// Whether browsers come by https.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn authority(text: &str) -> Option<String> {
        Authority::parse(text, Scheme::Https).map(|authority| authority.to_string())
    }

    #[test]
    fn hosts_are_compared_in_one_form() {
        for (text, expected) in [
            ("NetBox.Example.org", "netbox.example.org"),
            ("netbox.example.org:443", "netbox.example.org"),
            ("netbox.example.org:80", "netbox.example.org:80"),
            ("10.0.0.7:08443", "10.0.0.7:8443"),
            ("[2001:DB8:0::1]:8443", "[2001:db8::1]:8443"),
            ("netbox_1", "netbox_1"),
        ] {
            assert_eq!(authority(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            ":443",
            "a:",
            "a:x",
            "a:+1",
            "a:65536",
            "a:000443",
            "a b",
            "a@b",
            "a/b",
            "a..b",
            ".a",
            "a.",
            "[::1",
            "[::1]x",
            "[a]",
            "ä.example",
            "a\\b",
            "a%2eb",
            "a,b",
            "a\0",
            "::1",
        ] {
            assert_eq!(authority(text), None, "{text}");
        }
        assert_eq!(authority(&"a".repeat(AUTHORITY_MAX + 1)), None);
    }

    #[test]
    fn a_host_lies_below_a_domain_by_whole_labels() {
        let within = |host: &str, domain: &str| Authority::parse(host, Scheme::Https).unwrap().is_within(domain);
        assert!(within("example.org", "example.org") && within("a.b.example.org:8443", "example.org"));
        for host in ["evilexample.org", "example.org.evil", "org", "example.org-"] {
            assert!(!within(host, "example.org"), "{host}");
        }
        assert!(!within("example.org", ""));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |text: &str| Origin::parse(text).map(|origin| origin.to_string());
        assert_eq!(origin("https://NetBox.example.org:443/").as_deref(), Ok("https://netbox.example.org"));
        assert_eq!(origin("HTTP://netbox:8001").as_deref(), Ok("http://netbox:8001"));
        for (text, error) in [
            ("netbox.example.org", HostError::Scheme),
            ("ftp://netbox", HostError::Scheme),
            ("https://netbox/path", HostError::More),
            ("https://netbox//", HostError::More),
            ("https://netbox?x", HostError::More),
            ("https://netbox#x", HostError::More),
            ("https://", HostError::Host),
            ("https://a@netbox", HostError::Host),
        ] {
            assert_eq!(origin(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_reads_back(text in "[a-zA-Z0-9._:\\[\\]@/-]{0,30}") {
            if let Ok(origin) = Origin::parse(&format!("https://{text}")) {
                prop_assert_eq!(Origin::parse(&origin.to_string()), Ok(origin.clone()));
                let other = url::Url::parse(&format!("https://{text}"));
                // Whatever we take, browsers take for the same host or for none.
                if let Ok(other) = other {
                    prop_assert_eq!(other.username(), "");
                    let is_number = origin.authority.host().rsplit('.').next().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit()));
                    if !is_number {
                        prop_assert_eq!(other.host_str(), Some(origin.authority.host()));
                    }
                }
            }
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (Origin::parse(&text), Authority::parse(&text, Scheme::Http));
        }
    }
}
