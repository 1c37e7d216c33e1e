//! The fixed outside address. Never taken from a request.

use std::fmt;
use url::Url;

/// An address such as `https://id.example.org/`: scheme, host, optional port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn parse(text: &str) -> Result<Self, String> {
        let advice = "write it like https://id.example.org or http://localhost:9000";
        let url = Url::parse(text.trim()).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => {
                format!("the public URL \"{text}\" has no scheme; {advice}")
            }
            other => format!("the public URL \"{text}\" cannot be read ({other}); {advice}"),
        })?;
        let fail = |what: &str| Err(format!("the public URL \"{text}\" {what}; {advice}"));
        if !matches!(url.scheme(), "http" | "https") {
            return fail("has no scheme that browsers use (http or https)");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return fail("holds user information");
        }
        if url.path() != "/" {
            return fail("has a path; Doorward needs a host name of its own");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return fail("has a query or a fragment");
        }
        Ok(Self(url))
    }

    /// With the slash at the end.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port, without the slash: what browsers call the origin.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether browsers come by https.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it is plain http to somewhere else than this machine: passwords travel unprotected.
    pub fn is_insecure(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let is_loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        !self.is_https() && !is_loopback
    }

    /// Host name, for passages that people read.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_taken_paths_are_not() {
        assert_eq!(PublicUrl::parse("https://id.example.org").unwrap().as_str(), "https://id.example.org/");
        assert_eq!(PublicUrl::parse("http://127.0.0.1:9000/").unwrap().origin(), "http://127.0.0.1:9000");
        for (text, why) in [
            ("id.example.org", "scheme"),
            ("localhost:9000", "scheme"),
            ("ftp://id.example.org", "scheme"),
            ("https://id.example.org/auth", "path"),
            ("https://a:b@id.example.org", "user information"),
            ("https://id.example.org/?x", "query"),
            ("https://", "read"),
        ] {
            let message = PublicUrl::parse(text).unwrap_err();
            assert!(message.contains(why) && message.contains("write it like"), "{message}");
        }
    }

    #[test]
    fn plain_http_is_fine_only_at_home() {
        for (text, insecure) in [
            ("http://localhost:9000", false),
            ("http://127.0.0.1", false),
            ("http://id.lan", true),
            ("https://id.lan", false),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().is_insecure(), insecure, "{text}");
        }
    }
}
