//! Expressions for what is let through without signing in.

use doorward_core::proxy_provider::{ProxyMode, ProxyProfile, SKIP_PATH_MAX};
use regex::{RegexSet, RegexSetBuilder};

use super::original::Original;

/// Largest compiled set of expressions, in bytes.
const SIZE_MAX: usize = 1024 * 1024;

/// A provider's expressions, compiled.
#[derive(Debug, Clone)]
pub struct SkipPaths {
    mode: ProxyMode,
    set: RegexSet,
}

impl SkipPaths {
    /// Compiles a provider's expressions.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(profile: &ProxyProfile) -> Result<Self, String> {
        let set = compile(&profile.skip_path_regex)?;
        Ok(Self { mode: profile.mode, set })
    }

    /// None at all: nothing is let through by its path.
    pub fn none() -> Self {
        Self { mode: ProxyMode::ForwardSingle, set: RegexSet::empty() }
    }

    /// Whether a request is let through without signing in: its path matches, in domain mode its address. The query never
    /// counts, for anybody can write one; nor does a path that the application may read in another way.
    pub fn matches(&self, original: &Original) -> bool {
        if self.set.is_empty() || !original.is_plain() {
            return false;
        }
        match self.mode {
            ProxyMode::ForwardSingle => self.set.is_match(original.path()),
            ProxyMode::ForwardDomain => self.set.is_match(&format!("{}{}", original.origin, original.path())),
        }
    }
}

/// Checks one expression.
///
/// # Errors
/// What is wrong with it.
pub fn check(expression: &str) -> Result<(), String> {
    if expression.len() > SKIP_PATH_MAX {
        return Err("it is longer than 500 bytes".to_owned());
    }
    compile(std::slice::from_ref(&expression)).map(|_| ())
}

fn compile(expressions: &[impl AsRef<str>]) -> Result<RegexSet, String> {
    RegexSetBuilder::new(expressions).size_limit(SIZE_MAX).build().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn single(expressions: &[&str]) -> SkipPaths {
        let mut profile = ProxyProfile::single("https://netbox.example.org");
        profile.skip_path_regex = expressions.iter().map(|text| (*text).to_owned()).collect();
        SkipPaths::new(&profile).unwrap()
    }

    fn skips(paths: &SkipPaths, url: &str) -> bool {
        paths.matches(&Original::parse(url).unwrap())
    }

    #[test]
    fn the_path_matches_where_its_author_anchored_it() {
        let paths = single(&["^/static/", r"\.ico$"]);
        assert!(skips(&paths, "https://netbox.example.org/static/x.css?v=1"));
        assert!(skips(&paths, "https://netbox.example.org/a/favicon.ico"));
        assert!(!skips(&paths, "https://netbox.example.org/dcim/static/"));
        assert!(skips(&single(&["static"]), "https://netbox.example.org/dcim/static/"));
        assert!(!skips(&single(&[]), "https://netbox.example.org/"));
        assert!(!skips(&SkipPaths::none(), "https://netbox.example.org/"));
    }

    #[test]
    fn in_domain_mode_the_address_matches() {
        let mut profile = ProxyProfile::domain("https://auth.example.org", "example.org");
        profile.skip_path_regex = vec!["^https://wiki\\.example\\.org/public/".to_owned()];
        let paths = SkipPaths::new(&profile).unwrap();
        assert!(skips(&paths, "https://wiki.example.org/public/x"));
        assert!(!skips(&paths, "https://netbox.example.org/public/x"));
    }

    #[test]
    fn neither_a_query_nor_a_sly_path_lets_anybody_through() {
        let paths = single(&["/static/", r"\.css"]);
        for url in [
            "/admin/?x=/static/",
            "/admin/?.css",
            "/static/../admin/",
            "/static/%2e%2e/admin",
            "/admin%2fstatic/x",
            "/static//x",
            "/static/..;/admin",
        ] {
            assert!(!skips(&paths, &format!("https://netbox.example.org{url}")), "{url}");
        }
    }

    #[test]
    fn expressions_have_limits() {
        assert!(check("^/api/").is_ok());
        assert!(check("(").is_err() && check("(a{1000}){1000}").is_err());
        assert!(check(&"a".repeat(SKIP_PATH_MAX + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_expression_panics(expression in ".{0,60}", tail in "[!-~]{0,40}") {
            let mut profile = ProxyProfile::single("https://a.example");
            profile.skip_path_regex = vec![expression];
            if let (Ok(paths), Ok(original)) = (SkipPaths::new(&profile), Original::parse(&format!("https://a.example/{tail}"))) {
                let _ = paths.matches(&original);
            }
        }
    }
}
