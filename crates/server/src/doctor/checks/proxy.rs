//! Forward auth: whether the proxy asks Doorward, and passes its own pages on.

use url::Url;

use crate::doctor::{
    evidence::{Evidence, Fetched, ProxyEnd, Seen},
    finding::Finding,
};

/// What Doorward answers at its own page of a guarded host.
const PONG: u16 = 204;

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(proxy) = &evidence.proxy else { return };
    let slug = &evidence.house.slug;
    let config = format!("what this prints: doorward app config {slug} --method proxy");
    if !evidence.house.has_trusted_proxies {
        findings.push(
            Finding::problem("proxy-not-listed", "No proxy is listed, so that Doorward refuses every question")
                .seen("trusted_proxies is empty")
                .change(
                    "doorward.toml, then restart Doorward",
                    "trusted_proxies = [\"127.0.0.1\"]  # the address that the proxy comes from",
                ),
        );
    }
    findings.extend(own_pages(&proxy.ping, &config));
    findings.extend(entry(evidence, proxy, &config));
}

/// The proxy passes `/outpost.goauthentik.io/` on to Doorward.
fn own_pages(ping: &Fetched, config: &str) -> Option<Finding> {
    let seen = match &ping.outcome {
        // Said of the application already.
        Err(_) => return None,
        Ok(answer) if answer.status == PONG => {
            let what = "The proxy passes Doorward's own pages at that host on";
            return Some(Finding::ok("proxy-pages", what).seen(format!("GET {} answered {PONG}", ping.url)));
        }
        Ok(answer) => format!("GET {} answered {}", ping.url, answer.status),
    };
    let what = "The proxy does not pass /outpost.goauthentik.io/ on to Doorward, so that nobody can sign in there";
    Some(Finding::problem("proxy-pages-missing", what).seen(seen).change("the proxy's configuration", config))
}

/// A stranger is sent to sign in.
fn entry(evidence: &Evidence, proxy: &ProxyEnd, config: &str) -> Option<Finding> {
    let Fetched { url, outcome } = &proxy.entry;
    let answer = outcome.as_ref().ok()?;
    let location = answer.location.as_deref().unwrap_or_default();
    let seen = format!("GET {url} answered {} {location}", answer.status);
    let public = &evidence.house.public_url;
    Some(match answer.status {
        300..400 if location.contains("/outpost.goauthentik.io/start") || location.starts_with(public.as_str()) => {
            Finding::ok("proxy", "The proxy asks Doorward, and sends strangers to sign in").seen(seen)
        }
        200..300 if proxy.is_skipped => {
            Finding::note("proxy-skipped", "The application's first page is open to everybody, as its skip paths say")
                .seen(seen)
        }
        _ if answers_itself(url, answer) => {
            Finding::problem("proxy-open", "The application answers strangers itself: the proxy does not ask Doorward")
                .seen(seen)
                .change("the proxy's configuration", config)
        }
        500..600 => {
            Finding::problem("proxy-broken", "The proxy asks Doorward and does not get an answer that it understands")
                .seen(seen)
                .change(
                    "doorward.toml, then restart Doorward",
                    "trusted_proxies = [\"127.0.0.1\"]  # the address that the proxy comes from",
                )
                .change("the proxy's configuration", config)
        }
        _ => Finding::problem("proxy-odd", "A stranger is not sent to sign in with Doorward")
            .seen(seen)
            .change("the proxy's configuration", config),
    })
}

/// Whether a page comes, or one leads to another of the application's own, such as its login page.
fn answers_itself(url: &str, answer: &Seen) -> bool {
    let Ok(own) = Url::parse(url) else { return false };
    let target = answer.location.as_deref().filter(|_| (300..400).contains(&answer.status));
    let is_own = |target: &str| own.join(target).is_ok_and(|target| target.origin() == own.origin());
    (200..300).contains(&answer.status) || target.is_some_and(is_own)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, named};
    use super::*;
    use crate::doctor::finding::Severity;

    fn answers(status: u16, location: &str) -> Seen {
        Seen { status, location: Some(location.to_owned()), ..Seen::default() }
    }

    /// A guarded NetBox whose first page answers so.
    fn with(evidence: &mut Evidence, ping: u16, entry: Seen) {
        evidence.house.has_trusted_proxies = true;
        let at = |path: &str, seen| Fetched { url: format!("https://netbox.example.org{path}"), outcome: Ok(seen) };
        let ping = at("/outpost.goauthentik.io/ping", answers(ping, ""));
        evidence.proxy = Some(ProxyEnd { ping, entry: at("/", entry), is_skipped: false });
    }

    const START: &str = "https://netbox.example.org/outpost.goauthentik.io/start?rd=x";

    #[test]
    fn a_stranger_has_to_be_sent_to_sign_in() {
        let problem = |id| (id, Severity::Problem);
        let entry = |status, location: &'static str| named(|e| with(e, 204, answers(status, location)));
        assert_eq!(found("proxy", |e| with(e, 204, answers(302, START))).severity, Severity::Ok);
        assert_eq!(entry(200, ""), problem("proxy-open"));
        assert_eq!(entry(302, "/login/?next=/"), problem("proxy-open"));
        assert_eq!(entry(500, ""), problem("proxy-broken"));
        assert_eq!(entry(302, "https://sso.example.org/"), problem("proxy-odd"));
        assert_eq!(entry(401, ""), problem("proxy-odd"));
    }

    #[test]
    fn an_open_first_page_may_be_meant() {
        let skipped = |e: &mut Evidence| {
            with(e, 204, answers(200, ""));
            e.proxy.as_mut().unwrap().is_skipped = true;
        };
        assert_eq!(named(skipped), ("proxy-skipped", Severity::Note));
    }

    #[test]
    fn its_own_pages_and_a_listed_proxy_are_needed() {
        let missing = |e: &mut Evidence| with(e, 404, answers(302, START));
        assert_eq!(named(missing), ("proxy-pages-missing", Severity::Problem));
        let unlisted = |e: &mut Evidence| {
            with(e, 204, answers(302, START));
            e.house.has_trusted_proxies = false;
        };
        assert_eq!(named(unlisted), ("proxy-not-listed", Severity::Problem));
    }
}
