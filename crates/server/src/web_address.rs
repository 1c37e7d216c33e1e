//! What can be said of a web address without asking anybody.

use url::{Host, Url};

/// Scheme, host and port (RFC 6454, section 6.2), the default port left out; `None` for what is neither `http` nor `https`.
pub fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

/// The origin of all addresses that a regex matches, if scheme, host and port stand in it as they are: dots with or without a
/// backslash, and a slash behind. `None` for every other regex.
pub fn origin_of_regex(regex: &str) -> Option<String> {
    let regex = regex.strip_prefix('^').unwrap_or(regex);
    let (scheme, rest) = regex.split_once("://")?;
    let (authority, _) = rest.split_once('/')?;
    let authority = authority.replace("\\.", ".").replace("\\-", "-");
    let is_plain = authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
    origin(&format!("{scheme}://{authority}/")).filter(|_| is_plain)
}

/// Whether only the machine itself is at an address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regex_has_an_origin_where_it_stands_there() {
        for regex in [r"https://app\.example\.org:8443/.*", r"^https://app.example.org:8443/(a|b)$"] {
            assert_eq!(origin_of_regex(regex).as_deref(), Some("https://app.example.org:8443"), "{regex}");
        }
        for regex in [
            ".*",
            r"https://.*/",
            r"https?://a\.example/",
            r"https://(a|b)\.example/",
            r"https://a\.example",
            r"https://\w+/",
        ] {
            assert_eq!(origin_of_regex(regex), None, "{regex}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("https://n.example.org/a"), origin("https://N.example.org:443/b"));
        assert_ne!(origin("https://n.example.org/"), origin("http://n.example.org/"));
        assert_ne!(origin("https://n.example.org/"), origin("https://n.example.org:8443/"));
        for address in ["com.example.app:/signed-in", "nowhere", ""] {
            assert_eq!(origin(address), None, "{address}");
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        let is_here = |address: &str| is_loopback(&Url::parse(address).unwrap());
        for address in ["http://localhost:9000/", "http://id.localhost/", "http://127.0.0.9/", "https://[::1]/"] {
            assert!(is_here(address), "{address}");
        }
        for address in ["http://localhost.example.org/", "http://10.0.0.1/", "data:text"] {
            assert!(!is_here(address), "{address}");
        }
    }
}
