//! The address that a browser asked a proxy for.

use std::fmt;

use super::host::{Authority, Origin, Scheme};

/// Longest address, in bytes: what proxies take for a request line.
pub const ORIGINAL_MAX: usize = 16 * 1024;

/// Why an original URL cannot be read. Nobody is let in for one that cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginalError {
    /// Longer than [`ORIGINAL_MAX`].
    #[error("it is longer than 16384 bytes")]
    TooLong,
    /// Neither `http` nor `https`.
    #[error("its scheme is neither http nor https")]
    Scheme,
    /// No host, user information, or characters that hosts do not have.
    #[error("its host cannot be read")]
    Host,
    /// No slash at the beginning, or characters that browsers never send.
    #[error("its path or query holds what browsers never send")]
    Path,
}

/// What a browser asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Scheme and host.
    pub origin: Origin,
    path: String,
    query: Option<String>,
}

impl Original {
    /// Reads a whole address, as nginx sends it in `X-Original-URL`.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn parse(text: &str) -> Result<Self, OriginalError> {
        if text.len() > ORIGINAL_MAX {
            return Err(OriginalError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginalError::Scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, uri) = rest.split_at_checked(end).ok_or(OriginalError::Host)?;
        Self::from_parts(scheme, host, uri)
    }

    /// Joins what Traefik, Caddy and Envoy send apart: `uri` is path and query.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn from_parts(scheme: &str, host: &str, uri: &str) -> Result<Self, OriginalError> {
        if uri.len() > ORIGINAL_MAX {
            return Err(OriginalError::TooLong);
        }
        let scheme = Scheme::parse(scheme).ok_or(OriginalError::Scheme)?;
        let authority = Authority::parse(host, scheme).ok_or(OriginalError::Host)?;
        let (path, query) = match uri.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (uri, None),
        };
        let is_visible = |text: &str| text.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'#');
        if !path.starts_with('/') || path.contains('\\') || !is_visible(path) || !query.is_none_or(is_visible) {
            return Err(OriginalError::Path);
        }
        let origin = Origin { scheme, authority };
        Ok(Self { origin, path: path.to_owned(), query: query.map(str::to_owned) })
    }

    /// The path as it came.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it came, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The same on another scheme: proxies behind a proxy see http where browsers use https.
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.origin.scheme = scheme;
        self
    }

    /// Whether the address belongs to Doorward: everybody reads its path alike, and it begins with the provider's prefix.
    pub fn is_own(&self) -> bool {
        self.is_plain() && self.path.starts_with(super::PREFIX)
    }

    /// Path and query.
    pub fn uri(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Whether everybody reads the path alike: no segments `.` or `..`, also before `;`, no repeated slashes, no encoded
    /// slash, backslash, dot, percent sign or control character. Only such a path is ever let through by what it says.
    pub fn is_plain(&self) -> bool {
        is_plain(&self.path)
    }
}

impl fmt::Display for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.uri())
    }
}

fn is_plain(path: &str) -> bool {
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    if path.contains("//") || path.contains('\\') || path.split('/').any(is_dots) {
        return false;
    }
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('%') {
        let Some((code, tail)) = after.split_at_checked(2) else { return false };
        match u8::from_str_radix(code, 16) {
            Ok(byte) if byte >= 0x20 && !matches!(byte, b'/' | b'\\' | b'.' | b'%' | b';' | 0x7f) => rest = tail,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_browsers_ask_for_is_read() {
        for (text, path, query) in [
            ("https://netbox.example.org/", "/", None),
            ("https://netbox.example.org/dcim/sites/?q=a|b{c}\\d", "/dcim/sites/", Some("q=a|b{c}\\d")),
            ("http://netbox:8001/x?", "/x", Some("")),
            ("https://netbox.example.org/a%20b?next=https://x/?y", "/a%20b", Some("next=https://x/?y")),
        ] {
            let original = Original::parse(text).unwrap();
            assert_eq!((original.path(), original.query()), (path, query));
            assert_eq!(original.to_string(), text);
            assert!(original.is_plain());
        }
    }

    #[test]
    fn cve_2021_32637_what_cannot_be_read_is_an_error() {
        for (text, error) in [
            ("", OriginalError::Scheme),
            ("/dcim/", OriginalError::Scheme),
            ("netbox.example.org/", OriginalError::Scheme),
            ("javascript://netbox/", OriginalError::Scheme),
            ("https:///", OriginalError::Host),
            ("https://netbox%zz/", OriginalError::Host),
            ("https://alice@netbox/", OriginalError::Host),
            ("https://netbox\\@evil/", OriginalError::Host),
            ("https://netbox", OriginalError::Path),
            ("https://netbox?x", OriginalError::Path),
            ("https://netbox#x", OriginalError::Path),
            ("https://netbox/a b", OriginalError::Path),
            ("https://netbox/\u{0}", OriginalError::Path),
            ("https://netbox/a\r\nb", OriginalError::Path),
            ("https://netbox/ä", OriginalError::Path),
            ("https://netbox/#x", OriginalError::Path),
            ("https://netbox/a\\..\\b", OriginalError::Path),
        ] {
            assert_eq!(Original::parse(text).err(), Some(error), "{text:?}");
        }
        let long = format!("https://netbox/{}", "a".repeat(ORIGINAL_MAX));
        assert_eq!(Original::parse(&long), Err(OriginalError::TooLong));
        assert_eq!(Original::from_parts("https", "netbox", &long[14..14 + ORIGINAL_MAX]).err(), None);
        assert_eq!(Original::from_parts("https", "netbox", &format!("{long}/")).err(), Some(OriginalError::TooLong));
        assert_eq!(Original::from_parts("https,http", "netbox", "/").err(), Some(OriginalError::Scheme));
        assert_eq!(Original::from_parts("https", "netbox,evil", "/").err(), Some(OriginalError::Host));
        assert_eq!(Original::from_parts("https", "netbox", "dcim/").err(), Some(OriginalError::Path));
    }

    #[test]
    fn paths_that_two_readers_read_in_two_ways_are_not_plain() {
        for path in ["/", "/static/x.css", "/a/.hidden", "/a..b/", "/a%20b", "/%C3%A4", "/a;v=1/"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "/static/../admin",
            "/static/./x",
            "/static/..",
            "/static/..;/admin",
            "/static/.;x/..",
            "/static//x",
            "/static/%2e%2e/x",
            "/static/%2E./x",
            "/static%2fx",
            "/static%5Cx",
            "/static/%252e",
            "/static/%00",
            "/static/%0a",
            "/static/%",
            "/static/%4",
            "/static/%zz",
            "/static/%7f",
            "/static/..%3b/x",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_reads_back_and_stays_on_its_host(text in ".{0,60}", tail in "[!-~]{0,60}") {
            for text in [text, format!("https://netbox.example.org/{tail}"), format!("https://{tail}")] {
                let Ok(original) = Original::parse(&text) else { continue };
                let again = Original::parse(&original.to_string());
                prop_assert_eq!(again.as_ref(), Ok(&original));
                prop_assert!(original.to_string().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
                if let Ok(url) = url::Url::parse(&original.to_string()) {
                    prop_assert_eq!(url.username(), "");
                    if original.is_plain() {
                        // Browsers see the same path; of some signs they write the code.
                        prop_assert_eq!(url.path().matches('/').count(), original.path().matches('/').count());
                    }
                }
            }
        }
    }
}
