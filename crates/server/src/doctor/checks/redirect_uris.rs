//! Where the application wants browsers back. NetBox makes the address from what its proxy tells it.

use doorward_core::redirect_uri::{MatchingMode, RedirectKind, RedirectUri};
use doorward_protocols::oauth::redirect_uri::is_allowed;
use url::Url;

use super::{CONFIGURATION, listed, request::sent, word};
use crate::{
    doctor::{
        evidence::{Evidence, House, OurClient},
        finding::Finding,
    },
    web_address::is_loopback,
};

/// What nginx has to tell NetBox.
const NGINX_SCHEME: &str = "proxy_set_header X-Forwarded-Proto $scheme;";
const NGINX_HOST: &str = "proxy_set_header X-Forwarded-Host $http_host;";

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(ours) = &evidence.house.oauth else { return };
    let exact: Vec<&RedirectUri> =
        ours.redirect_uris.iter().filter(|uri| uri.kind == RedirectKind::Authorization).collect();
    if exact.is_empty() {
        let wanted = sent(evidence).map_or("URI", |request| request.redirect_uri.as_str());
        findings.push(
            Finding::problem(
                "redirect-uri-none",
                "No redirect URI is registered, so that nobody can come back to the application",
            )
            .seen("the application's redirect URIs")
            .change(
                "a terminal",
                format!("doorward app edit {} --add-redirect-uri {}", evidence.house.slug, word(wanted)),
            ),
        );
    } else if let Some(request) = sent(evidence) {
        findings.push(wanted(&evidence.house, ours, &request.redirect_uri));
    }
    if evidence.end.as_ref().and_then(|end| end.netbox.as_ref()?.takes_forwarded_host) == Some(true) {
        findings.push(
            Finding::note("forwarded-host-open", "NetBox believes a host name that any browser can send: the proxy in front of it does not overwrite X-Forwarded-Host")
                .seen("a made-up X-Forwarded-Host came back in the redirect URI; Doorward refuses such an address")
                .change("nginx in front of NetBox", NGINX_HOST),
        );
    }
    general(evidence, &exact, findings);
}

/// The address that NetBox asks for, against those that are registered.
fn wanted(house: &House, ours: &OurClient, wanted: &str) -> Finding {
    let seen = format!("redirect_uri={wanted}");
    if is_allowed(wanted, &ours.redirect_uris, RedirectKind::Authorization).unwrap_or_default() {
        return Finding::ok("redirect-uri", "NetBox asks for a redirect URI that is registered").seen(seen);
    }
    let registered: Vec<&str> = ours
        .redirect_uris
        .iter()
        .filter(|uri| uri.kind == RedirectKind::Authorization && uri.matching_mode == MatchingMode::Strict)
        .map(|uri| uri.url.as_str())
        .collect();
    let seen = format!("{seen}; registered: {}", listed(registered.iter().copied()));
    let urls: Vec<Url> = registered.iter().filter_map(|uri| Url::parse(uri).ok()).collect();
    let Ok(url) = Url::parse(wanted) else {
        return Finding::problem("redirect-uri-odd", "NetBox asks for a redirect URI that is none").seen(seen);
    };
    let is_https_elsewhere =
        url.scheme() == "http" && urls.iter().any(|other| other.scheme() == "https" && other.host() == url.host());
    if is_https_elsewhere {
        return Finding::problem(
            "redirect-uri-scheme",
            "NetBox believes it is reached by http, because the proxy that speaks https for it does not say so",
        )
        .seen(seen)
        .change("nginx in front of NetBox", NGINX_SCHEME)
        .change(CONFIGURATION, "SOCIAL_AUTH_REDIRECT_IS_HTTPS = True");
    }
    let own = house.url.as_ref().map(Url::origin);
    if urls.iter().any(|other| other.path() == url.path() && other.origin() != url.origin())
        && own != Some(url.origin())
    {
        return Finding::problem(
            "redirect-uri-host",
            "NetBox believes it has another host name or port than browsers use, because the proxy does not say which",
        )
        .seen(seen)
        .change("nginx in front of NetBox", NGINX_HOST)
        .change(
            "a terminal, if both addresses are right",
            format!("doorward app edit {} --add-redirect-uri {}", house.slug, word(wanted)),
        );
    }
    Finding::problem("redirect-uri-unregistered", "NetBox asks for a redirect URI that is not registered")
        .seen(seen)
        .change("a terminal", format!("doorward app edit {} --add-redirect-uri {}", house.slug, word(wanted)))
}

/// What can be said of the redirect URIs of any application.
fn general(evidence: &Evidence, exact: &[&RedirectUri], findings: &mut Vec<Finding>) {
    if !evidence.unknown_hosts.is_empty() {
        let what = format!(
            "A redirect URI leads to a host that has no address here: {}",
            listed(evidence.unknown_hosts.iter().map(String::as_str))
        );
        findings.push(
            Finding::note("redirect-uri-unknown-host", what)
                .seen("name resolution on this machine; browsers may know it all the same")
                .change("the application's page, section Advanced", "correct the host name, if it is mistyped"),
        );
    }
    let urls = exact
        .iter()
        .filter(|uri| uri.matching_mode == MatchingMode::Strict)
        .filter_map(|uri| Url::parse(&uri.url).ok());
    let plain: Vec<String> = urls.filter(|url| url.scheme() == "http" && !is_loopback(url)).map(String::from).collect();
    if !plain.is_empty() {
        let what = format!("Codes come back to the application in clear: {}", listed(plain.iter().map(String::as_str)));
        findings.push(
            Finding::note("redirect-uri-insecure", what)
                .seen("the application's redirect URIs")
                .change("the application", "serve it by https, and register that address"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{end, found, named, only, ours, request};
    use super::*;
    use crate::doctor::finding::Severity;

    fn asks_for(uri: &'static str) -> Finding {
        only(|e| request(e).redirect_uri = uri.into())
    }

    #[test]
    fn scheme_host_and_path_are_told_apart() {
        let finding = asks_for("http://netbox.example.org/oauth/complete/oidc/");
        assert_eq!(finding.id, "redirect-uri-scheme");
        assert_eq!(finding.change[0].text, NGINX_SCHEME);
        assert_eq!(finding.change[1].text, "SOCIAL_AUTH_REDIRECT_IS_HTTPS = True");
        assert_eq!(asks_for("http://127.0.0.1:8001/oauth/complete/oidc/").id, "redirect-uri-host");
        assert_eq!(asks_for("https://netbox.example.org/nb/oauth/complete/oidc/").id, "redirect-uri-unregistered");
        assert_eq!(asks_for("not an address").id, "redirect-uri-odd");
    }

    #[test]
    fn none_at_all_is_named_with_the_one_that_is_needed() {
        let finding = only(|e| ours(e).redirect_uris.clear());
        let command = "doorward app edit netbox --add-redirect-uri https://netbox.example.org/oauth/complete/oidc/";
        assert_eq!((finding.id, finding.change[0].text.as_str()), ("redirect-uri-none", command));
    }

    #[test]
    fn an_expression_allows_what_it_matches() {
        let finding = found("redirect-uri", |e| {
            let uri = &mut ours(e).redirect_uris[0];
            (uri.url, uri.matching_mode) = (r"https://netbox\.example\.org/.*".into(), MatchingMode::Regex);
        });
        assert_eq!(finding.severity, Severity::Ok);
    }

    #[test]
    fn what_is_only_worth_knowing_is_a_note() {
        let note = |id| (id, Severity::Note);
        assert_eq!(named(|e| end(e).takes_forwarded_host = Some(true)), note("forwarded-host-open"));
        assert_eq!(named(|e| e.unknown_hosts.push("nebtox.example.org".into())), note("redirect-uri-unknown-host"));
        let plain = |e: &mut Evidence| ours(e).redirect_uris.push(RedirectUri::exact("http://nb.lan/x"));
        assert_eq!(named(plain), note("redirect-uri-insecure"));
    }
}
