//! What the server says about itself.

use regex::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use url::Url;

use crate::{
    rp::{Run, answer::lists, set_up::Issuer},
    variant::Variant,
};

/// Every member of the metadata that a registered specification defines and that Doorward may come to say. What is not
/// among them the suite warns of.
const KNOWN: [&str; 41] = [
    "acr_values_supported",
    "authorization_endpoint",
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_session_supported",
    "backchannel_logout_supported",
    "check_session_iframe",
    "claim_types_supported",
    "claims_locales_supported",
    "claims_parameter_supported",
    "claims_supported",
    "code_challenge_methods_supported",
    "device_authorization_endpoint",
    "display_values_supported",
    "dpop_signing_alg_values_supported",
    "end_session_endpoint",
    "frontchannel_logout_session_supported",
    "frontchannel_logout_supported",
    "grant_types_supported",
    "id_token_signing_alg_values_supported",
    "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported",
    "issuer",
    "jwks_uri",
    "op_policy_uri",
    "op_tos_uri",
    "prompt_values_supported",
    "pushed_authorization_request_endpoint",
    "registration_endpoint",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "response_modes_supported",
    "response_types_supported",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "scopes_supported",
    "service_documentation",
    "subject_types_supported",
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "ui_locales_supported",
    "userinfo_endpoint",
];

/// The metadata and the keys, and nothing else.
async fn metadata(variant: Variant) -> (Run, Map<String, Value>) {
    let run = Run::start_with(variant, Issuer::Own, |_| {}).await;
    let metadata = run.metadata.as_object().unwrap().clone();
    (run, metadata)
}

/// Every endpoint is an https address.
#[track_caller]
fn check_https(metadata: &Map<String, Value>) {
    for (name, value) in metadata {
        if name.ends_with("_endpoint") || ["jwks_uri", "issuer", "check_session_iframe"].contains(&name.as_str()) {
            let url = Url::parse(value.as_str().unwrap()).unwrap();
            assert!(url.scheme() == "https" && url.fragment().is_none() && url.query().is_none(), "{name}: {url}");
        }
    }
}

#[track_caller]
fn texts<'a>(metadata: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    let list = metadata.get(name).and_then(Value::as_array).unwrap_or_else(|| panic!("{name} is no list"));
    list.iter().map(|value| value.as_str().unwrap_or_else(|| panic!("{name}: {value}"))).collect()
}

/// OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414, section 2.
pub(crate) async fn oidcc_discovery_endpoint_verification(variant: Variant) {
    let (run, metadata) = metadata(variant).await;
    assert_eq!(
        metadata["issuer"],
        format!("{}/application/o/conformance/", crate::rp::ORIGIN),
        "where the document is"
    );
    check_https(&metadata);
    for (name, value) in &metadata {
        assert!(KNOWN.contains(&name.as_str()), "{name} is not a member the suite knows");
        assert!(!value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()), "{name}: {value}");
        if let Some(list) = value.as_array() {
            assert_eq!(list.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(), list.len(), "{name} repeats");
        }
        if name.ends_with("_supported") {
            assert!(value.is_array() || value.is_boolean(), "{name}: {value}");
        }
    }
    for endpoint in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        assert!(metadata.contains_key(endpoint), "{endpoint}");
    }
    check_lists(&metadata);
    check_keys(&run.keys);
}

#[track_caller]
fn check_lists(metadata: &Map<String, Value>) {
    let sorted = |words: &str| words.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let offered: BTreeSet<_> = texts(metadata, "response_types_supported").into_iter().map(sorted).collect();
    for response_type in ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"] {
        assert!(offered.contains(&sorted(response_type)), "{response_type}");
    }
    for (name, value) in [
        ("response_modes_supported", "query"),
        ("response_modes_supported", "fragment"),
        ("response_modes_supported", "form_post"),
        ("grant_types_supported", "authorization_code"),
        ("grant_types_supported", "implicit"),
        ("grant_types_supported", "refresh_token"),
        ("subject_types_supported", "public"),
        ("id_token_signing_alg_values_supported", "RS256"),
        ("code_challenge_methods_supported", "S256"),
        ("scopes_supported", "openid"),
        ("scopes_supported", "offline_access"),
        ("claims_supported", "sub"),
    ] {
        assert!(texts(metadata, name).contains(&value), "{name}: no {value}");
    }
    // RFC 6749, section 3.3.
    let scope = |text: &str| text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) && !text.is_empty();
    assert!(texts(metadata, "scopes_supported").into_iter().all(scope));
    // BCP 47 in its canonical case: de, de-DE, zh-Hant-TW.
    let tag = Regex::new("^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$").unwrap();
    for name in
        ["ui_locales_supported", "claims_locales_supported"].into_iter().filter(|name| metadata.contains_key(*name))
    {
        assert!(texts(metadata, name).into_iter().all(|text| tag.is_match(text)), "{name}");
    }
}

/// RFC 7517: nothing private, every key with a `kid` of its own.
#[track_caller]
fn check_keys(keys: &[Value]) {
    let kids: BTreeSet<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert!(!keys.is_empty() && kids.len() == keys.len(), "{keys:?}");
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
        assert_eq!(key["use"], "sig");
    }
}

/// The members that a kind of signing out needs.
async fn logout(variant: Variant, supported: &[&str]) {
    let (_, metadata) = metadata(variant).await;
    check_https(&metadata);
    assert!(metadata.contains_key("end_session_endpoint"));
    for name in supported {
        assert_eq!(metadata.get(*name), Some(&Value::Bool(true)), "{name}");
    }
}

pub(crate) async fn oidcc_rp_initiated_logout_discovery_endpoint_verification(variant: Variant) {
    logout(variant, &[]).await;
}

pub(crate) async fn oidcc_backchannel_logout_discovery_endpoint_verification(variant: Variant) {
    logout(variant, &["backchannel_logout_supported", "backchannel_logout_session_supported"]).await;
}

pub(crate) async fn oidcc_frontchannel_logout_discovery_endpoint_verification(variant: Variant) {
    logout(variant, &["frontchannel_logout_supported", "frontchannel_logout_session_supported"]).await;
}

pub(crate) async fn oidcc_session_management_discovery_endpoint_verification(variant: Variant) {
    let (run, metadata) = metadata(variant).await;
    check_https(&metadata);
    assert!(metadata.contains_key("check_session_iframe") && metadata.contains_key("end_session_endpoint"));
    assert!(lists(&run.metadata, "response_types_supported", "code"));
}
