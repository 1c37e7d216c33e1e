//! What NetBox answers when a sign-in is begun: the moment at which it looks for Doorward itself.

use doorward_protocols::oidc::discovery::application_issuer;
use url::Url;

use super::{CONFIGURATION, button::BACKEND_LINE, quoted};
use crate::doctor::{
    evidence::{Begin, Evidence, House},
    finding::Finding,
    netbox_page::address_in,
    tls::Verdict,
};

const SEEN: &str = "POST /oauth/begin/oidc/, as the button does";

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(netbox) = evidence.end.as_ref().and_then(|end| end.netbox.as_ref()) else { return };
    if evidence.house.oauth.is_none() {
        return;
    }
    findings.extend(netbox.begin.as_ref().map(|begin| judge(evidence, begin)));
}

fn judge(evidence: &Evidence, begin: &Begin) -> Finding {
    match begin {
        Begin::Sent(_) => Finding::ok("begin", "NetBox reaches Doorward and begins a sign-in").seen(SEEN),
        Begin::BackToLogin => unreachable(evidence),
        Begin::Failed(exception) => failed(&evidence.house, exception),
        Begin::NotEnabled => Finding::problem("backend-missing", "NetBox's OpenID Connect backend is not turned on")
            .seen(format!("{SEEN}: 404"))
            .change(CONFIGURATION, format!("REMOTE_AUTH_ENABLED = True\n{BACKEND_LINE}")),
        Begin::Forbidden(title) => Finding::problem(
            "begin-refused",
            "NetBox refuses its own form: the host or scheme it sees is not the one in the browser",
        )
        .seen(format!("{SEEN}: 403 {title}"))
        .change(
            "nginx in front of NetBox",
            "proxy_set_header X-Forwarded-Host $http_host;\nproxy_set_header X-Forwarded-Proto $scheme;",
        )
        .change(CONFIGURATION, format!("CSRF_TRUSTED_ORIGINS = [{}]", quoted(&origin(&evidence.house)))),
        Begin::Odd(status) => Finding::problem(
            "begin-odd",
            "NetBox answers the beginning of a sign-in in a way that it does not on its own",
        )
        .seen(format!("{SEEN}: {status}"))
        .change("the proxy in front of NetBox", "pass /oauth/ on to NetBox unchanged"),
        Begin::Silent(error) => Finding::problem("begin-silent", "NetBox does not answer the beginning of a sign-in")
            .seen(format!("{SEEN}: {error}"))
            .change(
                "NetBox's machine",
                "look whether NetBox reaches Doorward: a firewall that drops packets makes it wait",
            ),
    }
}

/// NetBox goes back to its login page when Doorward cannot be reached: name, firewall, certificate. Nothing says which.
fn unreachable(evidence: &Evidence) -> Finding {
    let finding = Finding::problem(
        "netbox-cannot-reach",
        "NetBox cannot reach Doorward: the name, a firewall, or the certificate",
    )
    .seen(format!("{SEEN}: back to its login page with \"Single sign-on failed\""));
    let tls = evidence.public.as_ref().and_then(|public| public.tls.as_ref());
    let is_private = tls.is_some_and(|tls| tls.python == Some(Verdict::UnknownIssuer));
    let url = evidence.public.as_ref().map(|public| public.discovery.url.as_str()).unwrap_or_default();
    let finding = finding.change("NetBox's machine (inside the container, if it is one)", format!("curl -v {url}"));
    let finding = finding.change(CONFIGURATION, endpoint_line(&evidence.house));
    if is_private {
        return finding
            .change("the environment of NetBox's service", "REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt");
    }
    finding
}

/// NetBox's error page names an exception, and the exception an address.
fn failed(house: &House, exception: &str) -> Finding {
    let seen = format!("{SEEN}: 500, {exception}");
    let line = |finding: Finding| finding.seen(&seen).change(CONFIGURATION, endpoint_line(house));
    let address = address_in(exception).and_then(|text| Url::parse(text).ok());
    let own = Url::parse(&house.public_url).ok();
    if exception.contains("None/.well-known") || exception.contains("MissingSchema") {
        return line(Finding::problem("endpoint-unset", "NetBox was not told where Doorward is"));
    }
    if exception.contains("JSONDecodeError") || exception.contains("Expecting value") {
        return line(Finding::problem(
            "endpoint-not-discovery",
            "At the address that NetBox was given there is something, but no discovery document",
        ));
    }
    let Some((address, own)) = address.zip(own) else {
        return Finding::problem("begin-failed", "NetBox fails at the beginning of a sign-in")
            .seen(&seen)
            .change("NetBox's log", "look for the traceback");
    };
    if address.origin() != own.origin() {
        let what = format!("NetBox looks for Doorward at another address: {}", address.origin().ascii_serialization());
        return line(Finding::problem("endpoint-wrong-host", what));
    }
    let is_shared = house.oauth.as_ref().is_some_and(|ours| ours.issuer == house.public_url);
    let is_root = address.path().trim_start_matches('/') == ".well-known/openid-configuration";
    match slug_in(&address) {
        Some(slug) if slug != house.slug => line(Finding::problem(
            "endpoint-wrong-slug",
            format!("NetBox asks for the application \"{slug}\", which has another slug here: {}", house.slug),
        )),
        None if !(is_shared && is_root) => line(Finding::problem(
            "endpoint-wrong-path",
            "NetBox asks Doorward at an address that belongs to no application",
        )),
        _ => Finding::problem("endpoint-refused", "NetBox asks at the right address, but is refused there")
            .seen(&seen)
            .change("the proxy in front of Doorward", "pass every path on to Doorward, whoever asks"),
    }
}

/// The slug in `/application/o/<slug>//.well-known/…`.
fn slug_in(address: &Url) -> Option<String> {
    let rest = address.path().split("/application/o/").nth(1)?;
    let slug = rest.split('/').next().filter(|slug| !slug.is_empty() && *slug != ".well-known")?;
    Some(slug.to_owned())
}

/// The line that says where Doorward is.
pub(super) fn endpoint_line(house: &House) -> String {
    let own = || application_issuer(&house.public_url, &house.slug);
    format!("SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = '{}'", house.oauth.as_ref().map_or_else(own, |ours| ours.issuer.clone()))
}

fn origin(house: &House) -> String {
    house.url.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{end, found, named, only};
    use super::*;
    use crate::{doctor::finding::Severity, outbound::OutboundError};

    const LINE: &str = "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = 'https://id.example.org/application/o/netbox/'";

    fn exception(text: &str) -> Finding {
        only(|e| end(e).begin = Some(Begin::Failed(text.into())))
    }

    #[test]
    fn every_exception_that_netbox_shows_is_explained_with_the_line() {
        let not_found =
            |url: &str| format!("requests.exceptions.HTTPError: 404 Client Error: Not Found for url: {url}");
        for (text, id) in [
            (
                "requests.exceptions.MissingSchema: Invalid URL 'None/.well-known/openid-configuration'".to_owned(),
                "endpoint-unset",
            ),
            (
                "requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1".to_owned(),
                "endpoint-not-discovery",
            ),
            (
                not_found("https://id.example.org/application/o/nebtox//.well-known/openid-configuration"),
                "endpoint-wrong-slug",
            ),
            (
                not_found("https://sso.example.org/application/o/netbox//.well-known/openid-configuration"),
                "endpoint-wrong-host",
            ),
            (not_found("https://id.example.org//.well-known/openid-configuration"), "endpoint-wrong-path"),
        ] {
            let finding = exception(&text);
            assert_eq!((finding.id, finding.severity), (id, Severity::Problem), "{text}");
            assert_eq!(finding.change[0].text, LINE, "{text}");
        }
        let refused = not_found("https://id.example.org/application/o/netbox//.well-known/openid-configuration");
        assert_eq!(exception(&refused).id, "endpoint-refused");
        assert_eq!(exception("ValueError: what now").id, "begin-failed");
    }

    #[test]
    fn the_shared_issuer_has_its_document_at_the_public_url() {
        let at = |path: &str| {
            let address = format!("https://id.example.org/{path}/.well-known/openid-configuration");
            let text = format!("requests.exceptions.HTTPError: 404 Client Error: Not Found for url: {address}");
            only(|e| {
                e.house.oauth.as_mut().unwrap().issuer = "https://id.example.org/".into();
                end(e).begin = Some(Begin::Failed(text));
            })
        };
        assert_eq!(at("").id, "endpoint-refused");
        let wrong = at("application/other");
        assert_eq!(wrong.id, "endpoint-wrong-path");
        assert_eq!(wrong.change[0].text, "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = 'https://id.example.org/'");
    }

    #[test]
    fn every_other_answer_has_a_name() {
        let answer = |begin: Begin| named(|e| end(e).begin = Some(begin)).0;
        assert_eq!(answer(Begin::NotEnabled), "backend-missing");
        assert_eq!(answer(Begin::Forbidden("403".into())), "begin-refused");
        assert_eq!(answer(Begin::Odd(418)), "begin-odd");
        assert_eq!(answer(Begin::BackToLogin), "netbox-cannot-reach");
        let error = OutboundError::Other { authority: "x".into(), reason: "y".into() };
        assert_eq!(answer(Begin::Silent(error)), "begin-silent");
    }

    #[test]
    fn a_private_authority_is_suspected_when_netbox_cannot_reach_doorward() {
        let finding = found("netbox-cannot-reach", |e| {
            end(e).begin = Some(Begin::BackToLogin);
            e.public.as_mut().unwrap().tls.as_mut().unwrap().python = Some(Verdict::UnknownIssuer);
        });
        assert!(finding.change.iter().any(|change| change.text.starts_with("REQUESTS_CA_BUNDLE")), "{finding:?}");
    }
}
