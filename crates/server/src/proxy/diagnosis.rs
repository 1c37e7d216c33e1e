//! What keeps a browser from staying signed in at a protected host, told from what it brings along.

use doorward_protocols::forward_auth::{
    host::{Origin, Scheme},
    original::Original,
};
use serde::Serialize;

use super::cookie::Sent;

/// Something that is wrong, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was seen.
    pub(super) seen: String,
    /// What to do about it.
    pub(super) change: String,
}

/// The cookie of the session, as it came to Doorward's own page at the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SessionCookie {
    /// It stands for a session that lives.
    Living,
    /// It does not.
    Dead(Sent),
}

/// What is known when something goes wrong.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// The external host.
    pub(super) external: &'a Origin,
    /// The cookies' domain, in domain mode.
    pub(super) cookie_domain: Option<&'a str>,
    /// Name of the session's cookie.
    pub(super) cookie: &'a str,
    /// By which scheme the browser came, as the proxy says.
    pub(super) scheme: Option<Scheme>,
    /// The address the browser asked for, as the proxy wrote it.
    pub(super) asked: Option<&'a Original>,
    /// The session's cookie.
    pub(super) session: SessionCookie,
    /// Whether the cookie that was set at the beginning came back.
    pub(super) came_back: bool,
}

/// What is wrong, the likeliest cause first.
pub(super) fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let all = [of_scheme(facts), of_host(facts), of_cookie(facts), of_start(facts)];
    all.into_iter().flatten().collect()
}

fn of_scheme(facts: &Facts<'_>) -> Option<Finding> {
    let external = facts.external;
    let seen = [facts.scheme, facts.asked.map(|asked| asked.origin.scheme)];
    let other = seen.into_iter().flatten().find(|scheme| *scheme != external.scheme)?;
    let finding = match other {
        Scheme::Http => Finding {
            seen: format!(
                "The proxy says that your browser came by http, but the external host is {external}. Its cookies are marked \
                 Secure, and browsers never send those over http."
            ),
            change: format!(
                "If people open {external}, let the proxy before it send \"X-Forwarded-Proto: https\" and write https into the \
                 original URL. If they come by http, change the external host to http://{}.",
                external.authority
            ),
        },
        Scheme::Https => Finding {
            seen: format!("The proxy says that your browser came by https, but the external host is {external}."),
            change: format!("Change the external host to https://{}.", external.authority),
        },
    };
    Some(finding)
}

fn of_host(facts: &Facts<'_>) -> Option<Finding> {
    let host = &facts.asked?.origin.authority;
    let is_covered = facts.cookie_domain.is_some_and(|domain| host.is_within(domain));
    if *host == facts.external.authority || is_covered {
        return None;
    }
    let covers = match facts.cookie_domain {
        Some(domain) => format!("the cookies are for {domain}"),
        None => format!("the external host is {}", facts.external),
    };
    Some(Finding {
        seen: format!("The proxy asks for the host {host}, but {covers}."),
        change:
            "Open the application at its external host, or change the external host or the cookie domain; if the proxy \
                 replaces the host, let it keep what the browser sent."
                .to_owned(),
    })
}

fn of_cookie(facts: &Facts<'_>) -> Option<Finding> {
    let name = facts.cookie;
    let (seen, change) = match &facts.session {
        SessionCookie::Living => (
            format!(
                "The cookie {name} is here and its session is good, but it was not there when the proxy asked whether you may \
                 pass."
            ),
            "Let the proxy pass on the header Cookie with its question. nginx: no \"proxy_set_header Cookie\" in the location of \
             auth/nginx. Traefik: leave authRequestHeaders away, or list Cookie. Caddy: no \"header_up -Cookie\" in forward_auth. \
             Envoy: list cookie in allowed_headers."
                .to_owned(),
        ),
        SessionCookie::Dead(Sent::Several) => (
            format!("Your browser sends the cookie {name} twice, for two domains, so that neither is believed."),
            "Delete the cookies of this host and of the domains above it in your browser.".to_owned(),
        ),
        SessionCookie::Dead(Sent::Malformed) => (
            format!("The cookie {name} holds something that Doorward never sets."),
            "Delete the cookies of this host in your browser. If it comes again, another program at this host uses the name."
                .to_owned(),
        ),
        SessionCookie::Dead(Sent::One(_)) => (
            format!("The cookie {name} is here, but Doorward knows no such session."),
            "If several Doorwards run, let them use one database, and the same data directory's key.".to_owned(),
        ),
        SessionCookie::Dead(Sent::None) if facts.came_back => (
            format!("The cookie {name} was set, but your browser does not send it, though it sends others set here."),
            "See whether something between browser and Doorward takes Set-Cookie away or replaces it, and whether its buffers are \
             large enough for the answer."
                .to_owned(),
        ),
        SessionCookie::Dead(Sent::None) => return None,
    };
    Some(Finding { seen, change })
}

fn of_start(facts: &Facts<'_>) -> Option<Finding> {
    if facts.came_back {
        return None;
    }
    let domain = facts.cookie_domain.map_or_else(String::new, |domain| {
        format!(" Browsers also refuse cookies for {domain} if it is a public suffix such as co.uk.")
    });
    Some(Finding {
        seen: "The cookie that was set when the sign-in began did not come back.".to_owned(),
        change: format!(
            "Allow cookies for {}. If they are allowed, the sign-in was begun in another browser or more than ten minutes ago, or \
             the proxy takes Set-Cookie or Cookie away below /outpost.goauthentik.io/.{domain}",
            facts.external.authority
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(change: impl FnOnce(&mut Facts<'_>)) -> String {
        let external = Origin::parse("https://netbox.example.org").unwrap();
        let mut facts = Facts {
            external: &external,
            cookie_domain: None,
            cookie: "authentik_proxy_0",
            scheme: Some(Scheme::Https),
            asked: None,
            session: SessionCookie::Living,
            came_back: true,
        };
        change(&mut facts);
        let found = findings(&facts);
        assert!(found.iter().all(|finding| !finding.change.is_empty()));
        found.into_iter().map(|finding| finding.seen).collect::<Vec<_>>().join("\n")
    }

    fn original(url: &str) -> &'static Original {
        Box::leak(Box::new(Original::parse(url).unwrap()))
    }

    #[test]
    fn a_proxy_that_keeps_the_cookie_to_itself_is_found() {
        let text = seen(|_| {});
        assert!(text.starts_with("The cookie authentik_proxy_0 is here") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn http_behind_tls_is_found_first() {
        let text = seen(|facts| facts.scheme = Some(Scheme::Http));
        assert!(text.starts_with("The proxy says that your browser came by http,"), "{text}");
        let asked = original("http://netbox.example.org/");
        assert!(seen(|facts| facts.asked = Some(asked)).starts_with("The proxy says that your browser came by http,"));
    }

    #[test]
    fn a_host_that_no_cookie_covers_is_found() {
        let asked = original("https://www.netbox.example.org/");
        assert!(seen(|facts| facts.asked = Some(asked)).contains("asks for the host www.netbox.example.org"));
        let covered = seen(|facts| (facts.asked, facts.cookie_domain) = (Some(asked), Some("example.org")));
        assert!(!covered.contains("asks for the host"), "{covered}");
    }

    #[test]
    fn what_became_of_the_cookie_is_told() {
        for (sent, expected) in [
            (Sent::Several, "twice"),
            (Sent::Malformed, "never sets"),
            (Sent::One("x".into()), "no such session"),
            (Sent::None, "does not send it"),
        ] {
            let text = seen(|facts| facts.session = SessionCookie::Dead(sent));
            assert!(text.contains(expected), "{text}");
        }
        let text = seen(|facts| (facts.session, facts.came_back) = (SessionCookie::Dead(Sent::None), false));
        assert!(text.starts_with("The cookie that was set when the sign-in began did not come back"), "{text}");
    }
}
