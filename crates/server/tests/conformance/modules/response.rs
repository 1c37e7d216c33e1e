//! The sign-in itself: tokens, signatures, nonces.

use crate::{
    rp::{Run, answer::lists, token::Authentication},
    variant::Variant,
};

/// What may stand in an ID token though nobody asked for it.
const ID_TOKEN: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "nbf",
    "jti",
    "sid",
];

/// The whole flow; nothing about the person in the ID token, which asked for `openid` alone.
pub(crate) async fn oidcc_server(variant: Variant) {
    let mut run = Run::start(variant).await;
    let request = run.request();
    let outcome = run.flow(&request).await;
    assert!(outcome.signed_in && !outcome.consented);
    for token in outcome.id_tokens() {
        let unasked: Vec<_> = token.claims.keys().filter(|claim| !ID_TOKEN.contains(&claim.as_str())).collect();
        assert!(unasked.is_empty(), "{unasked:?}");
    }
    if let Some(userinfo) = &outcome.userinfo {
        assert_eq!(userinfo.keys().collect::<Vec<_>>(), ["sub"]);
    }
}

/// No `response_type`: an error that the application hears of. By query, since nobody said otherwise.
pub(crate) async fn oidcc_response_type_missing(variant: Variant) {
    let mut run = Run::start(variant).await;
    let request = run.request().without("response_type");
    let answer = run.authorize(&request).await.answer();
    let error = run.check_error(&request, &answer);
    assert!(["unsupported_response_type", "invalid_request"].contains(&error), "{error}");
}

/// RS256 unless something else was asked for, and a `kid`.
pub(crate) async fn oidcc_idtoken_signature(variant: Variant) {
    let mut run = Run::start(variant).await;
    let request = run.request();
    let outcome = run.flow(&request).await;
    for token in outcome.id_tokens() {
        assert_eq!(token.header["alg"], "RS256");
        assert!(token.header["kid"].as_str().is_some_and(|kid| !kid.is_empty()));
    }
}

/// The suite skips it if unsigned ID tokens are not offered. They must not be.
pub(crate) async fn oidcc_idtoken_unsigned(variant: Variant) {
    let run = Run::start(variant).await;
    assert!(!lists(&run.metadata, "id_token_signing_alg_values_supported", "none"));
}

/// `nonce` may be left out as long as no ID token comes through the browser.
pub(crate) async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(variant: Variant) {
    let mut run = Run::start(variant).await;
    let request = run.request().without("nonce");
    let outcome = run.flow(&request).await;
    outcome.id_token().has_none_of(&["nonce"]);
}

/// It must not be left out where one does (OpenID Connect Core 1.0, sections 3.2.2.1 and 3.3.2.11).
pub(crate) async fn oidcc_ensure_request_without_nonce_fails(variant: Variant) {
    let mut run = Run::start(variant).await;
    let request = run.request().without("nonce");
    let visit = run.authorize(&request).await;
    assert!(!visit.signed_in, "nobody is asked to sign in for a request that is refused");
    let answer = visit.answer();
    assert_eq!(run.check_error(&request, &answer), "invalid_request");
}

/// The client secret in the form.
pub(crate) async fn oidcc_server_client_secret_post(variant: Variant) {
    let mut run = Run::start(variant).await;
    assert!(lists(&run.metadata, "token_endpoint_auth_methods_supported", "client_secret_post"));
    assert!(lists(&run.metadata, "token_endpoint_auth_methods_supported", "client_secret_basic"));
    let client = run.client_secret_post.clone();
    let request = run.request().with("client_id", &client.client_id);
    let visit = run.authorize(&request).await;
    run.finish(&client, Authentication::Post, &request, visit, &[]).await;
}

/// The authorization request as a form from another site.
pub(crate) async fn oidcc_ensure_post_request_succeeds(variant: Variant) {
    let mut run = Run::start(variant).await;
    let client = run.client.clone();
    let request = run.request();
    let visit = run.authorize_by_post(&request).await;
    assert!(visit.signed_in);
    run.finish(&client, Authentication::Basic, &request, visit, &[]).await;
}
