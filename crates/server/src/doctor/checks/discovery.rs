//! Doorward's discovery document through its public URL, as NetBox asks for it: double slash and all.

use serde_json::Value;
use url::Url;

use super::CONFIGURATION;
use crate::{
    doctor::{
        evidence::{Begin, Evidence, Fetched, OurClient, PublicEnd, Seen},
        finding::Finding,
    },
    web_address::is_loopback,
};

/// Where the line for Doorward goes.
const DOORWARD_TOML: &str = "doorward.toml, then restart Doorward";

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let (Some(ours), Some(public)) = (&evidence.house.oauth, &evidence.public) else { return };
    findings.push(answer(evidence, ours, public));
    findings.extend(public_url(evidence));
}

fn answer(evidence: &Evidence, ours: &OurClient, public: &PublicEnd) -> Finding {
    let Fetched { url, outcome } = &public.discovery;
    let seen = match outcome {
        Ok(seen) => seen,
        Err(error) => return unreachable(evidence, &error.to_string()),
    };
    let asked = format!("GET {url} answered {}", seen.status);
    match seen.status {
        200 => document(ours, url, seen),
        300..400 => redirected(url, seen),
        _ if works(public.single_slash.as_ref()) => Finding::problem(
            "discovery-double-slash",
            "The proxy in front of Doorward refuses two slashes in a row, which NetBox sends when its setting ends in a slash",
        )
        .seen(format!("{asked}; with one slash it answered 200"))
        .change("the proxy in front of Doorward", "pass paths on unchanged, or merge slashes (nginx: merge_slashes on)")
        .change(CONFIGURATION, format!("SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = '{}'  # without the last slash", bare(url))),
        _ => Finding::problem(
            "discovery-refused",
            "Through the public URL Doorward's discovery document does not come: something else answers there, or a proxy stands \
             in the way",
        )
        .seen(asked)
        .change("the proxy in front of Doorward", "pass every path on to Doorward, /application/o/ first of all")
        .change(DOORWARD_TOML, "public_url = \"https://…\"  # the address at which browsers and applications reach Doorward"),
    }
}

/// Nobody answers. If NetBox was there lately it is only this machine that cannot.
fn unreachable(evidence: &Evidence, error: &str) -> Finding {
    let is_reached = matches!(begin(evidence), Some(Begin::Sent(_)));
    let what = if is_reached {
        "Doorward cannot reach its own public URL from here; NetBox can, so that this may not matter"
    } else {
        "Doorward cannot be reached at its public URL"
    };
    let finding = Finding::problem_if(!is_reached, "discovery-unreachable", what).seen(error);
    finding.change(
        DOORWARD_TOML,
        "public_url = \"https://…\"  # the address at which browsers and applications reach Doorward",
    )
}

fn redirected(url: &str, seen: &Seen) -> Finding {
    let target = seen.location.as_deref().unwrap_or_default();
    let target = Url::parse(url).and_then(|url| url.join(target));
    let to_https = url.starts_with("http://") && target.as_ref().is_ok_and(|target| target.scheme() == "https");
    let what = if to_https {
        "The public URL is http, but the proxy in front of Doorward insists on https: the issuer and every address in the \
         discovery document are wrong"
    } else {
        "Something in front of Doorward redirects requests for the discovery document"
    };
    let finding = Finding::problem("discovery-redirected", what);
    let finding = finding.seen(format!(
        "GET {url} answered {} to {}",
        seen.status,
        seen.location.as_deref().unwrap_or("nowhere")
    ));
    match target {
        Ok(target) => {
            finding.change(DOORWARD_TOML, format!("public_url = \"{}\"", target.origin().ascii_serialization()))
        }
        Err(_) => finding,
    }
}

fn document(ours: &OurClient, url: &str, seen: &Seen) -> Finding {
    let Ok(document) = serde_json::from_str::<Value>(&seen.text) else {
        return Finding::problem("discovery-foreign", "At the public URL something answers that is not Doorward")
            .seen(format!("GET {url} answered 200, {}, which is no JSON", seen.content_type))
            .change(
                DOORWARD_TOML,
                "public_url = \"https://…\"  # the address at which browsers and applications reach Doorward",
            );
    };
    if document == ours.discovery {
        let what =
            "The discovery document comes through the public URL, with the double slash, byte for byte the same issuer";
        return Finding::ok("discovery", what).seen(format!("GET {url} answered 200, issuer {}", ours.issuer));
    }
    let issuer = document.get("issuer").and_then(Value::as_str).unwrap_or("none");
    if issuer == ours.issuer {
        let what = "The discovery document that comes through the public URL differs from Doorward's own";
        return Finding::problem("discovery-changed", what)
            .seen(format!("GET {url}: same issuer, other content"))
            .change(
                "the proxy in front of Doorward",
                "change nothing in answers, and cache /application/o/ for no longer than they say",
            );
    }
    Finding::problem(
        "issuer-differs",
        "The server at the public URL calls itself by another issuer; applications compare issuers byte for byte",
    )
    .seen(format!("GET {url}: issuer {issuer}; Doorward here says {}", ours.issuer))
    .change(DOORWARD_TOML, "public_url = \"https://…\"  # the same for all nodes, and for the commands")
}

/// An address that only this machine can reach, or that is not protected.
fn public_url(evidence: &Evidence) -> Option<Finding> {
    let public = Url::parse(&evidence.house.public_url).ok()?;
    let elsewhere = evidence.house.url.as_ref().filter(|url| !is_loopback(url));
    if is_loopback(&public) {
        let there = elsewhere?;
        let what = format!(
            "The public URL is a loopback address, which {} cannot reach unless it runs on this machine",
            there.host_str()?
        );
        let finding = Finding::problem("public-url-loopback", what)
            .seen(format!("public_url is {public}, the application's address {there}"));
        return Some(
            finding.change(DOORWARD_TOML, "public_url = \"https://id.example.org\"  # a name that both sides reach"),
        );
    }
    (public.scheme() == "http").then(|| {
        Finding::note(
            "public-url-insecure",
            "The public URL is http: passwords, codes and secrets cross the network in clear",
        )
        .seen(format!("public_url is {public}"))
        .change(DOORWARD_TOML, format!("public_url = \"https://{}\"", public.host_str().unwrap_or_default()))
    })
}

fn begin(evidence: &Evidence) -> Option<&Begin> {
    evidence.end.as_ref()?.netbox.as_ref()?.begin.as_ref()
}

fn works(fetched: Option<&Fetched>) -> bool {
    fetched.is_some_and(|fetched| fetched.outcome.as_ref().is_ok_and(|seen| seen.status == 200))
}

fn bare(url: &str) -> &str {
    url.split("//.well-known").next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{end, found, named, only, ours};
    use super::*;
    use crate::{doctor::finding::Severity, outbound::OutboundError};

    fn answered(evidence: &mut Evidence) -> &mut Seen {
        evidence.public.as_mut().unwrap().discovery.outcome.as_mut().unwrap()
    }

    fn silent() -> OutboundError {
        OutboundError::Connect { authority: "id.example.org:443".into(), reason: "refused".into() }
    }

    #[test]
    fn what_answers_instead_is_told_apart() {
        let problem = |id| (id, Severity::Problem);
        assert_eq!(named(|e| answered(e).status = 404), problem("discovery-refused"));
        assert_eq!(named(|e| answered(e).text = "<html>".into()), problem("discovery-foreign"));
        assert_eq!(named(|e| answered(e).text = "{\"issuer\":\"https://other/\"}".into()), problem("issuer-differs"));
        let changed = "{\"issuer\":\"https://id.example.org/application/o/netbox/\"}";
        assert_eq!(named(|e| answered(e).text = changed.into()), problem("discovery-changed"));
    }

    #[test]
    fn two_slashes_that_a_proxy_refuses_are_told_from_a_wrong_address() {
        let finding = only(|e| {
            answered(e).status = 404;
            let single = e.public.as_ref().unwrap().discovery.clone();
            let outcome = Ok(Seen { status: 200, ..Seen::default() });
            e.public.as_mut().unwrap().single_slash = Some(Fetched { outcome, ..single });
        });
        assert_eq!(finding.id, "discovery-double-slash");
        let line =
            "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = 'https://id.example.org/application/o/netbox'  # without the last slash";
        assert_eq!(finding.change[1].text, line);
    }

    #[test]
    fn a_proxy_that_insists_on_https_is_named_with_the_line_to_change() {
        let finding = only(|e| {
            e.public.as_mut().unwrap().discovery.url =
                "http://id.example.org/application/o/netbox//.well-known/x".into();
            (answered(e).status, answered(e).location) = (301, Some("https://id.example.org/x".into()));
        });
        assert_eq!(finding.id, "discovery-redirected");
        assert_eq!(finding.change[0].text, "public_url = \"https://id.example.org\"");
    }

    #[test]
    fn what_netbox_reaches_need_not_be_reached_from_here() {
        let silence = |e: &mut Evidence| e.public.as_mut().unwrap().discovery.outcome = Err(silent());
        assert_eq!(named(silence), ("discovery-unreachable", Severity::Note));
        let finding = found("discovery-unreachable", |e| {
            silence(e);
            end(e).begin = Some(Begin::BackToLogin);
        });
        assert_eq!(finding.severity, Severity::Problem);
    }

    #[test]
    fn addresses_that_only_this_machine_reaches_and_plain_http_are_named() {
        let public = |url: &'static str| named(|e| e.house.public_url = url.into());
        assert_eq!(public("http://localhost:9000/"), ("public-url-loopback", Severity::Problem));
        assert_eq!(public("http://id.lan/"), ("public-url-insecure", Severity::Note));
        let mut both = super::super::fixture::netbox();
        both.house.public_url = "http://127.0.0.1:9000/".into();
        both.house.url = "http://127.0.0.1:8000".parse().ok();
        assert_eq!(public_url(&both), None);
    }

    /// The issuer that applications share has its document at the public URL.
    #[test]
    fn a_shared_issuer_is_in_order() {
        let mut evidence = super::super::fixture::netbox();
        let shared = ours(&mut evidence);
        shared.issuer = "https://id.example.org/".into();
        shared.discovery = serde_json::json!({ "issuer": "https://id.example.org/" });
        answered(&mut evidence).text = "{\"issuer\":\"https://id.example.org/\"}".into();
        let mut findings = Vec::new();
        check(&evidence, &mut findings);
        assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:?}");
    }
}
