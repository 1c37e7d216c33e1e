//! The discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414; RFC 9207).

use doorward_core::grant_type::GrantType;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::oauth::{response_mode::ResponseMode, response_type::ResponseType};

/// What a document is about.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The public URL, with its slash: `https://id.example.org/`.
    pub public_url: &'a str,
    /// The application's slug; none where the document is about the issuer that applications share.
    pub slug: Option<&'a str>,
    /// The issuer.
    pub issuer: &'a str,
    /// Algorithms of the signing keys.
    pub algorithms: &'a BTreeSet<&'a str>,
    /// What clients may use.
    pub grant_types: &'a BTreeSet<GrantType>,
    /// Scopes that may be asked for.
    pub scopes: &'a BTreeSet<String>,
    /// Claims that the mappings make.
    pub claims: &'a BTreeSet<String>,
}

/// The issuer of an application (authentik's `per_provider`): its own address, with the slash at the end.
pub fn application_issuer(public_url: &str, slug: &str) -> String {
    format!("{public_url}application/o/{slug}/")
}

/// Where the document of an issuer stands (OpenID Connect Discovery 1.0, section 4): behind its slash.
pub fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

/// Grant types as the specification names them: hybrid is authentik's word for two of them.
fn grant_types(allowed: &BTreeSet<GrantType>) -> BTreeSet<&'static str> {
    let names = |grant_type: &GrantType| match grant_type {
        GrantType::Hybrid => vec![GrantType::AuthorizationCode.as_str(), GrantType::Implicit.as_str()],
        other => vec![other.as_str()],
    };
    allowed.iter().flat_map(names).collect()
}

fn response_types(allowed: &BTreeSet<GrantType>) -> Vec<&'static str> {
    let may = |response_type: &ResponseType| allowed.contains(&response_type.grant_type());
    ResponseType::ALL.into_iter().filter(may).map(ResponseType::as_str).collect()
}

/// Every response type can be asked to answer by fragment or form; a query is for codes alone.
fn response_modes(allowed: &BTreeSet<GrantType>) -> Vec<&'static str> {
    let has_code = allowed.contains(&GrantType::AuthorizationCode);
    let modes = [ResponseMode::Query, ResponseMode::Fragment, ResponseMode::FormPost].into_iter();
    modes.filter(|mode| has_code || *mode != ResponseMode::Query).map(ResponseMode::as_str).collect()
}

/// The document. Every address comes from the public URL, never from the request.
pub fn document(subject: &Subject<'_>) -> Value {
    let endpoint = |name: &str| format!("{}application/o/{name}/", subject.public_url);
    let own = |name: &str| match subject.slug {
        Some(slug) => format!("{}{name}/", application_issuer(subject.public_url, slug)),
        None => endpoint(name),
    };
    let mut scopes = subject.scopes.clone();
    scopes.insert("openid".to_owned());
    let standard = ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash", "sid"];
    let claims: Vec<&str> = standard.into_iter().chain(subject.claims.iter().map(String::as_str)).collect();
    json!({
        "issuer": subject.issuer,
        "authorization_endpoint": endpoint("authorize"),
        "token_endpoint": endpoint("token"),
        "userinfo_endpoint": endpoint("userinfo"),
        "end_session_endpoint": own("end-session"),
        "check_session_iframe": own("check-session"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "introspection_endpoint": endpoint("introspect"),
        "revocation_endpoint": endpoint("revoke"),
        "device_authorization_endpoint": endpoint("device"),
        "jwks_uri": own("jwks"),
        "response_types_supported": response_types(subject.grant_types),
        "response_modes_supported": response_modes(subject.grant_types),
        "grant_types_supported": grant_types(subject.grant_types),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": subject.algorithms,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "acr_values_supported": [super::id_token::ACR],
        "scopes_supported": scopes,
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": ["page", "popup", "touch"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_stands_on_the_public_url() {
        let issuer = application_issuer("https://id.example/", "netbox-slug");
        assert_eq!(issuer, "https://id.example/application/o/netbox-slug/");
        let document = document(&Subject {
            public_url: "https://id.example/",
            slug: Some("netbox-slug"),
            issuer: &issuer,
            algorithms: &["RS256"].into(),
            grant_types: &GrantType::defaults(),
            scopes: &["email".to_owned()].into(),
            claims: &["groups".to_owned()].into(),
        });
        let object = document.as_object().unwrap();
        for (name, value) in object.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri") {
            assert!(value.as_str().unwrap().starts_with("https://id.example/application/o/"), "{name}");
        }
        assert!(object.values().all(|value| !value.is_null()));
        assert_eq!(document["scopes_supported"], json!(["email", "openid"]));
        assert_eq!(document["response_types_supported"], json!(["code"]));
        assert_eq!(document["jwks_uri"], "https://id.example/application/o/netbox-slug/jwks/");
    }

    #[test]
    fn a_shared_issuer_has_endpoints_without_a_slug() {
        let document = document(&Subject {
            public_url: "https://id.example/",
            slug: None,
            issuer: "https://id.example/",
            algorithms: &["RS256", "ES256"].into(),
            grant_types: &GrantType::defaults(),
            scopes: &BTreeSet::new(),
            claims: &BTreeSet::new(),
        });
        for (name, path) in [
            ("jwks_uri", "jwks"),
            ("end_session_endpoint", "end-session"),
            ("check_session_iframe", "check-session"),
            ("authorization_endpoint", "authorize"),
        ] {
            assert_eq!(document[name], format!("https://id.example/application/o/{path}/"), "{name}");
        }
        assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256", "RS256"]));
        assert_eq!(address("https://id.example/"), "https://id.example/.well-known/openid-configuration");
    }

    #[test]
    fn response_types_are_those_that_are_switched_on() {
        let types = |allowed: &[GrantType]| response_types(&allowed.iter().copied().collect());
        assert_eq!(types(&[GrantType::Implicit]), ["id_token", "id_token token"]);
        assert_eq!(types(&[GrantType::Hybrid]), ["code token", "code id_token", "code id_token token"]);
        assert_eq!(types(&[GrantType::AuthorizationCode, GrantType::Implicit, GrantType::Hybrid]).len(), 6);
        assert_eq!(types(&[GrantType::ClientCredentials]), <[&str; 0]>::default());
        assert_eq!(response_modes(&[GrantType::Implicit].into()), ["fragment", "form_post"]);
        assert_eq!(response_modes(&GrantType::defaults()), ["query", "fragment", "form_post"]);
    }
}
