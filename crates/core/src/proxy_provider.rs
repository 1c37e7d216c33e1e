//! The proxy provider of an application (forward auth), with authentik's fields and defaults, and names of headers of its
//! own.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{
    id::{ApplicationId, ProxyProviderId},
    lifetime::Lifetime,
    problem::Problems,
};

/// Longest external host or cookie domain, in bytes.
pub const HOST_MAX: usize = 255;
/// Most skip-path expressions of one provider.
pub const SKIP_PATHS_MAX: usize = 50;
/// Longest skip-path expression, in bytes.
pub const SKIP_PATH_MAX: usize = 500;
/// Longest name of a header, in bytes.
pub const HEADER_NAME_MAX: usize = 64;
/// Longest group separator, in bytes.
pub const SEPARATOR_MAX: usize = 4;
/// Longest name of a user attribute, in bytes.
pub const ATTRIBUTE_MAX: usize = 100;
/// Shortest session at a protected host.
pub const SESSION_MIN: Lifetime = Lifetime::seconds(60);

/// What a provider guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxyMode {
    /// One host.
    ForwardSingle,
    /// All hosts at and below a domain.
    ForwardDomain,
}

impl ProxyMode {
    /// All of them: value, name in database and API, words people read.
    pub const ALL: [(Self, &'static str, &'static str); 2] = [
        (Self::ForwardSingle, "forward_single", "One application at one host"),
        (Self::ForwardDomain, "forward_domain", "Everything below a domain"),
    ];

    /// The name kept in the database and used by the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForwardSingle => "forward_single",
            Self::ForwardDomain => "forward_domain",
        }
    }

    /// The mode of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name, _)| *name == text).map(|(mode, ..)| mode)
    }
}

/// Something about a person that a header of the provider's own can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The username.
    Username,
    /// Names of the effective groups, joined by the separator.
    Groups,
    /// The e-mail address.
    Email,
    /// The given name.
    FirstName,
    /// The family name.
    LastName,
    /// The full name.
    Name,
    /// The subject, as in tokens.
    Uid,
}

impl Identity {
    /// All of them: value, name on the command line and in the database, words people read.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Username, "username", "Username"),
        (Self::Groups, "groups", "Groups"),
        (Self::Email, "email", "E-mail address"),
        (Self::FirstName, "first-name", "First name"),
        (Self::LastName, "last-name", "Last name"),
        (Self::Name, "name", "Full name"),
        (Self::Uid, "uid", "Identifier (sub)"),
    ];

    /// The name on the command line and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Groups => "groups",
            Self::Email => "email",
            Self::FirstName => "first-name",
            Self::LastName => "last-name",
            Self::Name => "name",
            Self::Uid => "uid",
        }
    }

    /// The one of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name, _)| *name == text).map(|(identity, ..)| identity)
    }
}

/// HTTP Basic credentials that the application behind the proxy gets, taken from attributes of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicAuth {
    /// The attribute that holds the name; the username for those who do not have it.
    pub user_attribute: String,
    /// The attribute that holds the password; nothing is sent for those who do not have it.
    pub password_attribute: String,
}

/// What an administrator may write about a proxy provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyProfile {
    /// One host, or all below a domain.
    pub mode: ProxyMode,
    /// Where browsers reach it: `https://netbox.example.org`. In domain mode the host that people come back to.
    pub external_host: String,
    /// The domain whose hosts are guarded; empty in single mode.
    pub cookie_domain: String,
    /// Expressions for what is let through without signing in: of the path, in domain mode of the address.
    pub skip_path_regex: Vec<String>,
    /// Whether `Authorization` is looked at.
    pub intercept_header_auth: bool,
    /// How long a session at the protected host lasts at most.
    pub access_token_validity: Lifetime,
    /// Headers that are sent beside authentik's.
    pub headers: BTreeMap<Identity, String>,
    /// What stands between groups in a header of the provider's own.
    pub group_separator: String,
    /// What the application behind gets as `Authorization`, if anything.
    pub basic_auth: Option<BasicAuth>,
}

/// A proxy provider as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyProvider {
    /// Identifier.
    pub id: ProxyProviderId,
    /// Whose it is.
    pub application: ApplicationId,
    /// What can be edited.
    pub profile: ProxyProfile,
}

impl ProxyProfile {
    /// authentik's defaults for one application at one host.
    pub fn single(external_host: impl Into<String>) -> Self {
        Self {
            mode: ProxyMode::ForwardSingle,
            external_host: external_host.into(),
            cookie_domain: String::new(),
            skip_path_regex: Vec::new(),
            intercept_header_auth: true,
            access_token_validity: Lifetime::seconds(24 * 3600),
            headers: BTreeMap::new(),
            group_separator: "|".to_owned(),
            basic_auth: None,
        }
    }

    /// authentik's defaults for everything below a domain.
    pub fn domain(external_host: impl Into<String>, cookie_domain: impl Into<String>) -> Self {
        Self { mode: ProxyMode::ForwardDomain, cookie_domain: cookie_domain.into(), ..Self::single(external_host) }
    }

    /// The profile as it is kept: nothing around names, no slash after the host, no empty expressions.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        let host = self.external_host.trim();
        self.external_host = host.strip_suffix('/').unwrap_or(host).trim_end().to_owned();
        self.cookie_domain = match self.mode {
            ProxyMode::ForwardSingle => String::new(),
            ProxyMode::ForwardDomain => self.cookie_domain.trim().to_ascii_lowercase(),
        };
        self.skip_path_regex.retain(|expression| !expression.trim().is_empty());
        self.headers.retain(|_, name| !name.trim().is_empty());
        for name in self.headers.values_mut() {
            name.trim().to_owned().clone_into(name);
        }
        self
    }

    /// Checks the profile by itself; addresses and expressions are checked by the protocol's rules beside it.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let is_given = !self.external_host.trim().is_empty();
        problems.require(is_given, "external_host", "Give the address, such as https://netbox.example.org.");
        problems.require(self.external_host.len() <= HOST_MAX, "external_host", "An address has at most 255 bytes.");
        if self.mode == ProxyMode::ForwardDomain {
            problems.require(is_domain(&self.cookie_domain), "cookie_domain", COOKIE_DOMAIN);
        }
        problems.require(self.skip_path_regex.len() <= SKIP_PATHS_MAX, "skip_path_regex", "At most 50 expressions.");
        let is_short = self.skip_path_regex.iter().all(|expression| expression.len() <= SKIP_PATH_MAX);
        problems.require(is_short, "skip_path_regex", "An expression has at most 500 bytes.");
        problems.require(self.access_token_validity >= SESSION_MIN, "session_validity", "At least minutes=1.");
        problems.require(is_separator(&self.group_separator), "group_separator", SEPARATOR);
        self.check_headers(&mut problems);
        if let Some(basic) = &self.basic_auth {
            let fits = |name: &str| !name.trim().is_empty() && name.len() <= ATTRIBUTE_MAX;
            problems.require(fits(&basic.user_attribute), "basic_auth_user_attribute", ATTRIBUTE);
            problems.require(fits(&basic.password_attribute), "basic_auth_password_attribute", ATTRIBUTE);
        }
        problems.or(())
    }

    fn check_headers(&self, problems: &mut Problems) {
        let mut seen = Vec::new();
        for name in self.headers.values() {
            let lower = name.to_ascii_lowercase();
            if !is_header_name(&lower) {
                problems.add(
                    "headers",
                    format!("\"{name}\" is no name of a header; use letters, digits and hyphens, such as Remote-User."),
                );
            } else if is_reserved(&lower) {
                problems.add("headers", format!("{name} means something else in HTTP; choose another name."));
            } else if seen.contains(&lower) {
                problems.add("headers", format!("{name} is there twice; give each its own name."));
            }
            seen.push(lower);
        }
    }
}

/// What a cookie domain has to be.
const COOKIE_DOMAIN: &str =
    "Write the domain like example.org: with a dot in it, without scheme, port or dots around it.";
/// What a separator has to be.
const SEPARATOR: &str = "One to four signs such as | or a comma; no letters, digits or spaces.";
/// What the name of an attribute has to be.
const ATTRIBUTE: &str = "Give the name of a user attribute, at most 100 bytes.";

/// Whether a text is a domain of at least two labels, and no IPv4 address (RFC 1123, section 2.1; RFC 6265, section 5.1.3).
pub fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len())
            && inner
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_named = text.rsplit('.').next().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= HOST_MAX && text.contains('.') && is_named && text.split('.').all(is_label)
}

fn is_separator(text: &str) -> bool {
    (1..=SEPARATOR_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_punctuation())
}

/// Letters, digits and hyphens: servers drop headers with underscores, because gateways cannot tell the two apart.
fn is_header_name(lower: &str) -> bool {
    (1..=HEADER_NAME_MAX).contains(&lower.len())
        && lower.starts_with(|first: char| first.is_ascii_lowercase())
        && !lower.ends_with('-')
        && lower.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Names that mean something to HTTP, to proxies or to browsers, and those that carry identities already.
fn is_reserved(lower: &str) -> bool {
    const EXACT: [&str; 35] = [
        "accept",
        "age",
        "allow",
        "alt-svc",
        "authorization",
        "cache-control",
        "connection",
        "cookie",
        "date",
        "etag",
        "expect",
        "expires",
        "forwarded",
        "from",
        "host",
        "keep-alive",
        "last-modified",
        "link",
        "location",
        "max-forwards",
        "origin",
        "pragma",
        "range",
        "referer",
        "retry-after",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "vary",
        "via",
        "www-authenticate",
    ];
    const PREFIXES: [&str; 13] = [
        "accept-",
        "access-control-",
        "content-",
        "cross-origin-",
        "if-",
        "proxy-",
        "sec-",
        "strict-transport-",
        "x-authentik-",
        "x-content-",
        "x-forwarded-",
        "x-original-",
        "x-real-",
    ];
    EXACT.contains(&lower) || PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) || lower == "x-frame-options"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(profile: &ProxyProfile) -> Vec<&'static str> {
        profile.check().err().unwrap_or_default().0.iter().map(|problem| problem.field).collect()
    }

    fn with_header(name: &str) -> ProxyProfile {
        let mut profile = ProxyProfile::single("https://netbox.example.org");
        profile.headers.insert(Identity::Username, name.to_owned());
        profile
    }

    #[test]
    fn defaults_are_authentiks() {
        let profile = ProxyProfile::single("https://netbox.example.org");
        assert_eq!(profile.access_token_validity.to_string(), "days=1");
        assert!(profile.intercept_header_auth && profile.headers.is_empty() && profile.group_separator == "|");
        assert!(profile.check().is_ok());
        assert!(ProxyProfile::domain("https://auth.example.org", "example.org").check().is_ok());
    }

    #[test]
    fn limits_are_named_by_field() {
        let mut profile = ProxyProfile::domain("", "org");
        profile.skip_path_regex = vec![String::new(); SKIP_PATHS_MAX + 1];
        profile.access_token_validity = Lifetime::seconds(59);
        profile.group_separator = " ".to_owned();
        profile.basic_auth = Some(BasicAuth { user_attribute: "a".repeat(101), password_attribute: String::new() });
        assert_eq!(
            fields(&profile),
            [
                "external_host",
                "cookie_domain",
                "skip_path_regex",
                "session_validity",
                "group_separator",
                "basic_auth_user_attribute",
                "basic_auth_password_attribute"
            ]
        );
        let mut profile = ProxyProfile::single("x".repeat(HOST_MAX + 1));
        profile.skip_path_regex = vec!["a".repeat(SKIP_PATH_MAX + 1)];
        assert_eq!(fields(&profile), ["external_host", "skip_path_regex"]);
    }

    #[test]
    fn names_of_headers_are_hyphenated_words_that_mean_nothing_else() {
        for name in ["Remote-User", "Remote-User-Group", "X-Doorward-Username", "X-WEBAUTH-USER", "X-Remote-User"] {
            assert!(with_header(name).check().is_ok(), "{name}");
        }
        for name in [
            "Remote_User",
            "Remote User",
            "X:",
            "",
            "-X",
            "X-",
            "1st",
            "Ünser",
            "X\r\nY",
            "Host",
            "COOKIE",
            "Authorization",
            "Connection",
            "Content-Length",
            "Transfer-Encoding",
            "X-Forwarded-For",
            "Proxy-Authorization",
            "X-authentik-username",
            "Location",
            "Set-Cookie",
            "X-Frame-Options",
        ] {
            assert_eq!(fields(&with_header(name)), ["headers"], "{name}");
        }
        assert_eq!(fields(&with_header(&"a".repeat(HEADER_NAME_MAX + 1))), ["headers"]);
        let mut twice = with_header("Remote-User");
        twice.headers.insert(Identity::Uid, "REMOTE-USER".to_owned());
        assert_eq!(fields(&twice), ["headers"]);
    }

    #[test]
    fn a_public_suffix_an_address_or_a_dot_around_it_is_no_cookie_domain() {
        for domain in ["example.org", "lab.example.org", "a-b.example", "xn--bcher-kva.example"] {
            assert!(is_domain(domain), "{domain}");
        }
        for domain in [
            "",
            "com",
            "localhost",
            ".example.org",
            "example.org.",
            "10.0.0.1",
            "a..b",
            "-a.b",
            "a b.c",
            "A.B",
            "[::1]",
        ] {
            assert!(!is_domain(domain), "{domain}");
        }
    }

    #[test]
    fn what_is_kept_is_tidy() {
        let mut profile = ProxyProfile::domain(" https://auth.example.org/ ", " Example.ORG ");
        profile.skip_path_regex = vec![String::new(), " ".to_owned(), "^/static/".to_owned()];
        profile.headers = BTreeMap::from([(Identity::Email, " ".to_owned()), (Identity::Uid, " X-Uid ".to_owned())]);
        let tidy = profile.tidied();
        assert_eq!(
            (tidy.external_host.as_str(), tidy.cookie_domain.as_str()),
            ("https://auth.example.org", "example.org")
        );
        assert_eq!(tidy.skip_path_regex, ["^/static/"]);
        assert_eq!(tidy.headers, BTreeMap::from([(Identity::Uid, "X-Uid".to_owned())]));
        assert_eq!(ProxyProfile { mode: ProxyMode::ForwardSingle, ..tidy }.tidied().cookie_domain, "");
    }

    #[test]
    fn choices_read_back() {
        for (mode, name, _) in ProxyMode::ALL {
            assert_eq!((ProxyMode::parse(name), mode.as_str()), (Some(mode), name));
        }
        for (identity, name, _) in Identity::ALL {
            assert_eq!((Identity::parse(name), identity.as_str()), (Some(identity), name));
        }
        assert_eq!((ProxyMode::parse("proxy"), Identity::parse("password")), (None, None));
    }

    proptest! {
        #[test]
        fn what_is_accepted_as_a_header_cannot_break_one(name in ".{0,80}") {
            if with_header(&name).check().is_ok() {
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
            }
        }

        #[test]
        fn tidying_twice_changes_nothing(host in ".{0,40}", domain in ".{0,40}") {
            let once = ProxyProfile::domain(host, domain).tidied();
            // A slash at the end is taken away once: two are no host anyway.
            prop_assume!(!once.external_host.ends_with('/'));
            prop_assert_eq!(once.clone().tidied(), once);
        }
    }
}
