//! Whether a browser may be sent somewhere. One rule for every parameter that can move it.

use doorward_core::{
    provider::REDIRECT_URI_MAX,
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use regex::{Regex, RegexBuilder};
use url::Url;

pub use super::redirect_difference::{Span, difference};

/// Largest compiled expression, in bytes.
const REGEX_SIZE_MAX: usize = 64 * 1024;

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Longer than 2000 bytes.
    #[error("it is longer than 2000 bytes")]
    TooLong,
    /// Spaces, control characters, backslashes or what is not ASCII.
    #[error("it holds spaces, backslashes, control characters or characters that are not ASCII")]
    IllegalCharacter,
    /// Not an absolute URI.
    #[error("it is not an absolute URI")]
    NotAbsolute,
    /// `user@host` or `user:password@host`.
    #[error("it holds user information before the host")]
    UserInfo,
    /// `#…`.
    #[error("it holds a fragment")]
    Fragment,
    /// `.` or `..` as a segment, however written: browsers or servers resolve them.
    #[error("its path holds a segment . or .., as it stands or encoded")]
    DotSegment,
    /// Neither http nor https nor a private-use scheme.
    #[error(
        "its scheme \"{0}\" is not allowed; use https, http or a private-use scheme with a dot such as com.example.app"
    )]
    Scheme(String),
    /// An expression that does not compile or is too large.
    #[error("the expression is not valid: {0}")]
    Expression(String),
}

/// Checks an address as it came, before it is compared with anything (RFC 6749, section 3.1.2; RFC 9700, section 4.1).
///
/// # Errors
/// What is wrong with it.
pub fn check(uri: &str) -> Result<(), RedirectUriError> {
    if uri.len() > REDIRECT_URI_MAX {
        return Err(RedirectUriError::TooLong);
    }
    if !uri.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'\\') {
        return Err(RedirectUriError::IllegalCharacter);
    }
    if uri.contains('#') {
        return Err(RedirectUriError::Fragment);
    }
    let url = Url::parse(uri).map_err(|_| RedirectUriError::NotAbsolute)?;
    // The raw text is asked too: parsers disagree about what stands before a host.
    let authority = uri.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
        return Err(RedirectUriError::UserInfo);
    }
    if has_dot_segment(uri.split('?').next().unwrap_or_default()) {
        return Err(RedirectUriError::DotSegment);
    }
    match url.scheme() {
        "http" | "https" if url.has_host() && uri.contains("://") && !authority.is_empty() => Ok(()),
        "http" | "https" => Err(RedirectUriError::NotAbsolute),
        // RFC 8252, section 7.1: private-use schemes are reversed domain names.
        scheme if scheme.contains('.') => Ok(()),
        scheme => Err(RedirectUriError::Scheme(scheme.to_owned())),
    }
}

/// Whether somebody on the way may read a segment `.` or `..` in it: browsers decode dots, servers slashes too, some cut what
/// stands behind a semicolon, and some decode more than once (CVE-2024-1132, CVE-2026-3872).
fn has_dot_segment(path: &str) -> bool {
    let mut bytes = path.as_bytes().to_vec();
    // Every round makes it shorter, by two bytes at least.
    loop {
        let is_dot_segment = |segment: &[u8]| {
            let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
            matches!(name, b"." | b"..")
        };
        if bytes.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dot_segment) {
            return true;
        }
        let decoded: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        if decoded.len() == bytes.len() {
            return false;
        }
        bytes = decoded;
    }
}

/// Checks an address that an administrator registers.
///
/// # Errors
/// What is wrong with it.
pub fn check_registration(registered: &RedirectUri) -> Result<(), RedirectUriError> {
    match registered.matching_mode {
        MatchingMode::Strict => check(&registered.url),
        MatchingMode::Regex => compile(&registered.url).map(|_| ()),
    }
}

/// Whether one of the registered addresses of this kind allows this one. It is checked first, whatever is registered.
///
/// # Errors
/// What is wrong with the address itself.
pub fn is_allowed(uri: &str, registered: &[RedirectUri], kind: RedirectKind) -> Result<bool, RedirectUriError> {
    check(uri)?;
    Ok(registered.iter().filter(|candidate| candidate.kind == kind).any(|candidate| matches(candidate, uri)))
}

fn matches(registered: &RedirectUri, uri: &str) -> bool {
    match registered.matching_mode {
        MatchingMode::Strict => registered.url == uri,
        // An expression that cannot be compiled allows nothing. The address must match as it came and as browsers read it.
        MatchingMode::Regex => compile(&registered.url).is_ok_and(|regex| {
            regex.is_match(uri) && Url::parse(uri).is_ok_and(|parsed| regex.is_match(parsed.as_str()))
        }),
    }
}

/// The whole address must match: `^` and `$` need not be written.
fn compile(pattern: &str) -> Result<Regex, RedirectUriError> {
    if pattern.len() > REDIRECT_URI_MAX {
        return Err(RedirectUriError::TooLong);
    }
    // Compiled alone first, so that an unbalanced ")" cannot leave the group that anchors it.
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(REGEX_SIZE_MAX)
            .build()
            .map_err(|error| RedirectUriError::Expression(error.to_string()))
    };
    build(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strict(uri: &str) -> Vec<RedirectUri> {
        vec![RedirectUri::exact(uri)]
    }

    fn regex(pattern: &str) -> Vec<RedirectUri> {
        vec![RedirectUri { matching_mode: MatchingMode::Regex, ..RedirectUri::exact(pattern) }]
    }

    fn allowed(uri: &str, registered: &[RedirectUri]) -> bool {
        is_allowed(uri, registered, RedirectKind::Authorization).unwrap_or(false)
    }

    const CALLBACK: &str = "https://netbox.example.org/oauth/complete/oidc/";

    #[test]
    fn exact_means_byte_for_byte() {
        assert!(allowed(CALLBACK, &strict(CALLBACK)));
        for other in [
            "https://netbox.example.org/oauth/complete/oidc",
            "http://netbox.example.org/oauth/complete/oidc/",
            "https://netbox.example.org/oauth/complete/oidc/?x=1",
            "https://netbox.example.org/oauth/complete/oidc//",
            "https://NETBOX.example.org/oauth/complete/oidc/",
            "https://netbox.example.org:443/oauth/complete/oidc/",
            "https://netbox.example.org/oauth/complete/oidc/..;/",
        ] {
            assert!(!allowed(other, &strict(CALLBACK)), "{other}");
        }
    }

    #[test]
    fn pocket_id_ghsa_9h33_user_info_is_refused_whatever_matches() {
        for uri in [
            "https://netbox.example.org@evil.example/",
            "https://a:b@evil.example/",
            "https://@evil.example/",
            "https://a@b@c/",
        ] {
            assert_eq!(check(uri), Err(RedirectUriError::UserInfo), "{uri}");
            assert!(!allowed(uri, &regex(".*")));
        }
    }

    #[test]
    fn cve_2024_21637_scripts_are_no_addresses() {
        for uri in [
            "javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "JavaScript://x/%0aalert(1)",
        ] {
            assert!(matches!(check(uri), Err(RedirectUriError::Scheme(_))), "{uri}");
            assert!(!allowed(uri, &regex(".*")));
        }
    }

    #[test]
    fn cve_2024_52289_dots_are_dots_in_exact_addresses() {
        assert!(!allowed("https://netboxXexample.org/oauth/complete/oidc/", &strict(CALLBACK)));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for uri in [
            "",
            "/relative",
            "//host/x",
            "https:",
            "https://",
            "https:///path",
            "https:host/x",
            "https://a/#x",
            "https://a/ b",
            "https://a\\@b/",
            "https://a/\r\nx",
            "https://ä/",
            "https://a/\0",
        ] {
            assert!(check(uri).is_err(), "{uri:?}");
        }
        assert!(check(&format!("https://a/{}", "x".repeat(2000))).is_err());
        assert!(check("com.example.app:/callback").is_ok());
    }

    #[test]
    fn expressions_match_the_whole_address() {
        let registered = regex(r"https://[a-z]+\.example\.org/cb");
        assert!(allowed("https://netbox.example.org/cb", &registered));
        assert!(!allowed("https://netbox.example.org/cb/more", &registered));
        assert!(!allowed("https://evil/?https://netbox.example.org/cb", &registered));
        for sly in ["https://evil.com?.example.org/cb", "https://evil.com/.example.org/cb"] {
            assert!(!allowed(sly, &regex(r"https://[^/]+\.example\.org/cb")), "{sly}");
        }
        for sly in ["https://a.example/cb/../x", "https://a.example/cb/%2E%2e/x", "https://a.example/cb/./x"] {
            assert!(!allowed(sly, &regex(r"https://a\.example/cb/.*")), "{sly}");
        }
        assert!(allowed("https://a.example/cb/a..b/.well-known/x;y=..%20", &regex(r"https://a\.example/cb/.*")));
        assert!(check_registration(&regex("(").remove(0)).is_err());
        assert!(check_registration(&regex(")|(.*").remove(0)).is_err());
        assert!(check_registration(&regex("(a{1000}){1000}").remove(0)).is_err());
        assert!(!allowed("https://a/", &regex("(")));
    }

    #[test]
    fn cve_2024_1132_and_cve_2026_3872_dots_are_seen_however_they_are_written() {
        for sly in [
            "..;/x",
            "..;a=b/x",
            ".;/x",
            "%2e%2e;/x",
            "..%3b/x",
            "..%2fx",
            "..%5Cx",
            "x%2f..%2f",
            "%252e%252e/x",
            "%25252E./x",
            "..%252fx",
            "..%25%32%66x",
            "..%2%66x",
            "%25%32%65./x",
        ] {
            let uri = format!("https://a.example/cb/{sly}");
            assert_eq!(check(&uri), Err(RedirectUriError::DotSegment), "{sly}");
        }
        let nested = format!("https://a.example/{}2e/x", "%25".repeat(600));
        assert_eq!(check(&nested), Ok(()), "which decodes to no dot");
    }

    #[test]
    fn kinds_do_not_stand_in_for_one_another() {
        let logout = vec![RedirectUri::logout(CALLBACK)];
        assert_eq!(is_allowed(CALLBACK, &logout, RedirectKind::Authorization), Ok(false));
        assert_eq!(is_allowed(CALLBACK, &logout, RedirectKind::Logout), Ok(true));
    }

    proptest! {
        #[test]
        fn no_text_panics(uri in ".{0,200}", pattern in ".{0,100}") {
            let _ = is_allowed(&uri, &regex(&pattern), RedirectKind::Authorization);
        }

        #[test]
        fn exact_matching_is_equality(path in "[a-z0-9/._-]{0,30}", other in "[a-z0-9/._-]{0,30}") {
            let (uri, other) = (format!("https://a.example/{path}"), format!("https://a.example/{other}"));
            prop_assert_eq!(allowed(&other, &strict(&uri)), uri == other);
        }
    }
}
