//! Parameters that may be sent and must not break anything.

use serde_json::Value;

use crate::{
    rp::{Run, flow::Outcome, token::Authentication},
    variant::Variant,
};

/// A sign-in with one more parameter.
async fn with(variant: Variant, name: &str, value: &str) -> Outcome {
    let mut run = Run::start(variant).await;
    let request = run.request().with(name, value);
    run.flow(&request).await
}

pub(crate) async fn oidcc_display_page(variant: Variant) {
    with(variant, "display", "page").await;
}

pub(crate) async fn oidcc_display_popup(variant: Variant) {
    with(variant, "display", "popup").await;
}

pub(crate) async fn oidcc_ensure_request_with_unknown_parameter_succeeds(variant: Variant) {
    with(variant, "extra", "foobar").await;
}

/// The suite sends an address that is nobody's here.
pub(crate) async fn oidcc_login_hint(variant: Variant) {
    with(variant, "login_hint", "buffy@suite.example.org").await;
}

/// A language that no page is written in.
pub(crate) async fn oidcc_ui_locales(variant: Variant) {
    with(variant, "ui_locales", "se").await;
}

pub(crate) async fn oidcc_claims_locales(variant: Variant) {
    with(variant, "claims_locales", "se").await;
}

/// Everything that discovery offers; the ID token says one of it.
pub(crate) async fn oidcc_ensure_request_with_acr_values_succeeds(variant: Variant) {
    let mut run = Run::start(variant).await;
    let offered: Vec<String> = run.metadata["acr_values_supported"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap().into())
        .collect();
    let request = run.request().with("acr_values", &offered.join(" "));
    let outcome = run.flow(&request).await;
    for token in outcome.id_tokens() {
        assert!(offered.iter().any(|offered| offered == token.text("acr")));
    }
    // Where discovery says nothing the suite asks for "1 2", which must not fail either.
    let request = run.request().with("acr_values", "1 2");
    run.flow(&request).await;
}

/// PKCE by a client that also has a secret.
pub(crate) async fn oidcc_ensure_request_with_valid_pkce_succeeds(variant: Variant) {
    let mut run = Run::start(variant).await;
    assert!(
        run.metadata["code_challenge_methods_supported"].as_array().is_some_and(|m| m.contains(&Value::from("S256")))
    );
    let verifier = doorward_core::random::alphanumeric(64);
    let challenge = {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()))
    };
    let request = run.request().with("code_challenge", &challenge).with("code_challenge_method", "S256");
    let client = run.client.clone();
    let visit = run.authorize(&request).await;
    run.finish(&client, Authentication::Basic, &request, visit, &[("code_verifier", &verifier)]).await;
    // It is looked at, not only let through.
    let answer = run.authorize(&request).await.answer();
    let other = doorward_core::random::alphanumeric(64);
    let code = answer.text("code");
    let refused = run.exchange(&client, Authentication::Basic, code, &[("code_verifier", &other)]).await;
    assert_eq!(refused.error(), "invalid_grant");
}
