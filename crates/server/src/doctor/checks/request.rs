//! The authorization request that NetBox sends browsers with: to whom, as whom, with what.

use doorward_core::provider::ClientType;
use serde_json::Value;

use super::{CONFIGURATION, begin::endpoint_line, listed, quoted};
use crate::doctor::{
    evidence::{Begin, Evidence, House, OurClient},
    finding::Finding,
    netbox_page::AuthorizeUrl,
};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let house = &evidence.house;
    let (Some(ours), Some(request)) = (&house.oauth, sent(evidence)) else { return };
    let endpoint = ours.discovery.get("authorization_endpoint").and_then(Value::as_str).unwrap_or_default();
    if request.endpoint != endpoint {
        let what = "NetBox sends people to another identity provider, or to an older address of this one";
        findings.push(
            Finding::problem("endpoint-other-server", what)
                .seen(format!("NetBox's authorization endpoint is {}, Doorward's {endpoint}", request.endpoint))
                .change(CONFIGURATION, endpoint_line(house)),
        );
        // What it asks for is meant for somebody else.
        return;
    }
    findings.push(client_id(house, ours, request));
    findings.push(pkce(evidence, ours, request));
    scopes(house, ours, request, findings);
}

/// The request, if NetBox begins one.
pub(super) fn sent(evidence: &Evidence) -> Option<&AuthorizeUrl> {
    match evidence.end.as_ref()?.netbox.as_ref()?.begin.as_ref()? {
        Begin::Sent(request) => Some(request),
        _ => None,
    }
}

fn client_id(house: &House, ours: &OurClient, request: &AuthorizeUrl) -> Finding {
    if request.client_id == ours.client_id {
        return Finding::ok("client-id", "NetBox uses the client ID of this application")
            .seen(format!("client_id={}", request.client_id));
    }
    let whose = match house.other_clients.get(&request.client_id) {
        Some(slug) => format!("it belongs to the application {slug}"),
        None => "no application has it".to_owned(),
    };
    Finding::problem("client-id-differs", format!("NetBox uses another client ID; {whose}"))
        .seen(format!("client_id={}, here {}", request.client_id, ours.client_id))
        .change(CONFIGURATION, format!("SOCIAL_AUTH_OIDC_KEY = {}", quoted(&ours.client_id)))
}

fn pkce(evidence: &Evidence, ours: &OurClient, request: &AuthorizeUrl) -> Finding {
    const LINE: &str = "SOCIAL_AUTH_OIDC_USE_PKCE = True";
    if request.has_pkce {
        return Finding::ok("pkce", "NetBox uses PKCE").seen("code_challenge is in its request");
    }
    let is_public = ours.client_type == ClientType::Public;
    let what = if is_public {
        "The application is a public client, which must use PKCE, and NetBox does not"
    } else {
        "NetBox does not use PKCE, which protects the code on its way through the browser"
    };
    let finding = Finding::problem_if(is_public, "pkce-missing", what).seen("no code_challenge in its request");
    let version = super::version::version(evidence);
    let since = evidence.house.features.get("pkce").copied();
    let can = version.zip(since).is_none_or(|(version, since)| version >= since);
    let finding = if can { finding.change(CONFIGURATION, LINE) } else { finding };
    if is_public {
        return finding.change("a terminal", format!("doorward app edit {} --confidential", evidence.house.slug));
    }
    finding
}

fn scopes(house: &House, ours: &OurClient, request: &AuthorizeUrl, findings: &mut Vec<Finding>) {
    let seen = format!("scope={}", request.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
    let before = findings.len();
    for (scope, what) in [
        ("openid", "NetBox does not ask for the scope openid: it gets no ID token and refuses every sign-in"),
        (
            "profile",
            "NetBox does not ask for the scope profile: it gets neither username nor groups, and names people at random",
        ),
        ("email", "NetBox does not ask for the scope email, so that its users have no address"),
    ] {
        if !request.scopes.contains(scope) {
            let line = "SOCIAL_AUTH_OIDC_SCOPE = []  # NetBox adds openid, profile and email by itself\nSOCIAL_AUTH_OIDC_IGNORE_DEFAULT_SCOPE = False";
            let is_needed = scope != "email";
            let finding = Finding::problem_if(is_needed, "scope-not-asked", what);
            findings.push(finding.seen(&seen).change(CONFIGURATION, line));
        } else if !ours.scopes.contains(scope) {
            let what =
                format!("NetBox asks for the scope {scope}, but the application may not: what it holds does not come");
            findings.push(Finding::problem("scope-not-allowed", what).seen(&seen).change(
                "the application's page, section Claims",
                format!("tick a claim mapping of the scope {scope}"),
            ));
        }
    }
    let usual = ["openid", "profile", "email"];
    let unknown: Vec<&str> =
        request.scopes.difference(&ours.scopes).map(String::as_str).filter(|scope| !usual.contains(scope)).collect();
    if !unknown.is_empty() {
        let what = format!("NetBox asks for scopes that the application does not have: {}", listed(unknown));
        findings.push(Finding::note("scope-unknown", what).seen(&seen).change(
            CONFIGURATION,
            "SOCIAL_AUTH_OIDC_SCOPE = []  # or add a claim mapping of that scope to the application",
        ));
    }
    if findings.len() == before {
        findings.push(Finding::ok("scopes", format!("NetBox asks for the scopes that {} has", house.name)).seen(&seen));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{end, found, named, only, ours, request};
    use crate::doctor::finding::Severity;
    use doorward_core::provider::ClientType;

    #[test]
    fn another_server_is_named_and_nothing_else_held_against_it() {
        let finding = only(|e| {
            request(e).endpoint = "https://sso.example.org/realms/lab/auth".into();
            request(e).client_id = "foreign".into();
        });
        assert_eq!(finding.id, "endpoint-other-server");
    }

    #[test]
    fn a_client_id_of_another_application_is_known_by_its_slug() {
        let of = |id: &'static str| only(|e| request(e).client_id = id.into());
        assert!(of("wiki-client").what.contains("the application wiki"));
        let unknown = of("nobodys");
        assert!(unknown.what.contains("no application has it"));
        assert_eq!(unknown.change[0].text, "SOCIAL_AUTH_OIDC_KEY = 'netbox-client'");
    }

    #[test]
    fn pkce_is_a_must_for_public_clients_only() {
        let without = only(|e| request(e).has_pkce = false);
        assert_eq!((without.id, without.severity), ("pkce-missing", Severity::Note));
        assert_eq!(without.change[0].text, "SOCIAL_AUTH_OIDC_USE_PKCE = True");
        let public = found("pkce-missing", |e| {
            request(e).has_pkce = false;
            ours(e).client_type = ClientType::Public;
        });
        assert_eq!(public.severity, Severity::Problem);
        let old = found("pkce-missing", |e| {
            request(e).has_pkce = false;
            end(e).login.version = Some((4, 2, 0));
        });
        assert!(old.change.is_empty(), "a setting that this version does not have: {old:?}");
    }

    #[test]
    fn scopes_not_asked_for_and_scopes_not_allowed_are_two_things() {
        let not_asked = |scope: &'static str| {
            named(|e| {
                request(e).scopes.remove(scope);
            })
        };
        assert_eq!(not_asked("openid"), ("scope-not-asked", Severity::Problem));
        assert_eq!(not_asked("profile"), ("scope-not-asked", Severity::Problem));
        assert_eq!(not_asked("email"), ("scope-not-asked", Severity::Note));
        let not_allowed = named(|e| {
            ours(e).scopes.remove("profile");
        });
        assert_eq!(not_allowed, ("scope-not-allowed", Severity::Problem));
        let unknown = named(|e| {
            request(e).scopes.insert("netbox".into());
        });
        assert_eq!(unknown, ("scope-unknown", Severity::Note));
    }
}
