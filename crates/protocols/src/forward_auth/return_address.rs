//! Where a browser goes back to after signing in at a protected host (`rd`).

use super::{PREFIX, host::Origin, original::Original};

/// Longest address to go back to, in bytes: it travels within others, and their servers have limits.
pub const RETURN_MAX: usize = 2000;

/// Reads `rd` from a query. authentik's nginx configuration writes it as it is, so that what follows belongs to it;
/// everybody else encodes it.
pub fn read(query: &str) -> Option<Original> {
    let (_, rest) = query.split_once("rd=").filter(|(before, _)| before.is_empty() || before.ends_with('&'))?;
    if rest.starts_with("http://") || rest.starts_with("https://") {
        return Original::parse(rest).ok();
    }
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "rd");
    let (Some((_, value)), None) = (values.next(), values.next()) else { return None };
    Original::parse(&value).ok()
}

/// The address to go back to: what was asked for if it is at the external host or, in domain mode, at or below the domain,
/// and always by the scheme of the external host; else the external host itself. Never a page of Doorward's own there.
pub fn target(asked: Option<&Original>, external: &Origin, cookie_domain: Option<&str>) -> String {
    let is_guarded = |original: &&Original| {
        let authority = &original.origin.authority;
        *authority == external.authority || cookie_domain.is_some_and(|domain| authority.is_within(domain))
    };
    let asked = asked.filter(is_guarded).map(|original| original.clone().with_scheme(external.scheme));
    let asked = asked.filter(|original| !original.path().starts_with(PREFIX)).map(|original| original.to_string());
    asked.filter(|address| address.len() <= RETURN_MAX).unwrap_or_else(|| format!("{external}/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn external() -> Origin {
        Origin::parse("https://netbox.example.org").unwrap()
    }

    fn go(query: &str, domain: Option<&str>) -> String {
        target(read(query).as_ref(), &external(), domain)
    }

    #[test]
    fn what_was_asked_for_is_gone_back_to() {
        let page = "https://netbox.example.org/dcim/sites/?q=a&page=2";
        assert_eq!(go("rd=https%3A%2F%2Fnetbox.example.org%2Fdcim%2Fsites%2F%3Fq%3Da%26page%3D2", None), page);
        assert_eq!(go("rd=https://netbox.example.org/dcim/sites/?q=a&page=2", None), page);
        assert_eq!(go("x=y&rd=http://netbox.example.org/dcim/sites/?q=a&page=2", None), page);
        assert_eq!(
            go("rd=https://netbox.example.org/a%20b?rd=https://x/", None),
            "https://netbox.example.org/a%20b?rd=https://x/"
        );
        assert_eq!(go("rd=https://wiki.example.org/x", Some("example.org")), "https://wiki.example.org/x");
    }

    #[test]
    fn nowhere_else() {
        for query in [
            "",
            "rd=",
            "rdx=https://netbox.example.org/a",
            "xrd=https://netbox.example.org/a",
            "rd=https://evil.example/",
            "rd=https://netbox.example.org@evil.example/",
            "rd=https://netbox.example.org.evil.example/",
            "rd=https%3A%2F%2Fnetbox.example.org%5C%40evil.example%2F",
            "rd=//evil.example/",
            "rd=%2F%2Fevil.example%2F",
            "rd=javascript:alert(1)",
            "rd=https://wiki.example.org/",
            "rd=https://netbox.example.org:8443/",
            "rd=https%3A%2F%2Fnetbox.example.org%2F%23x",
            "rd=https%3A%2F%2Fnetbox.example.org%2F%0d%0aSet-Cookie:x",
            "rd=https%3A%2F%2Fnetbox.example.org%2Fa&rd=https%3A%2F%2Fnetbox.example.org%2Fb",
            "rd=https://netbox.example.org/outpost.goauthentik.io/sign_out",
        ] {
            assert_eq!(go(query, None), "https://netbox.example.org/", "{query}");
        }
        assert_eq!(go("rd=https://evilexample.org/", Some("example.org")), "https://netbox.example.org/");
        let long = format!("rd=https://netbox.example.org/{}", "a".repeat(RETURN_MAX));
        assert_eq!(go(&long, None), "https://netbox.example.org/");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_the_browser_stays_below_the_domain(rd in ".{0,60}", host in "[a-z.@:/\\\\?#%]{0,20}") {
            let encoded: String = form_urlencoded::byte_serialize(rd.as_bytes()).collect();
            for query in [format!("rd={rd}"), format!("rd={encoded}"), format!("rd=https://{host}example.org/{rd}")] {
                for domain in [None, Some("example.org")] {
                    let url = url::Url::parse(&go(&query, domain)).unwrap();
                    let name = url.host_str().unwrap();
                    prop_assert_eq!(url.scheme(), "https");
                    prop_assert_eq!(url.username(), "");
                    let is_below = domain.is_some() && (name == "example.org" || name.ends_with(".example.org"));
                    prop_assert!(name == "netbox.example.org" || is_below, "{query} leads to {name}");
                }
            }
        }
    }
}
