//! Codes and refresh tokens: once, and for whom they were made.

use crate::{
    rp::{
        Run,
        answer::lists,
        id_token::Signed,
        token::{Authentication, check_token_error, check_tokens},
    },
    support::OAuthClient,
    variant::Variant,
};

/// Uses a code a second time after a while; says with which access tokens everything had gone well.
async fn reuse(variant: Variant, seconds: i64) -> (Run, String) {
    let mut run = Run::start(variant).await;
    let request = run.request();
    let outcome = run.flow(&request).await;
    run.wait(seconds);
    let again = run.exchange(&run.client, Authentication::Basic, outcome.answer.text("code"), &[]).await;
    assert_eq!(check_token_error(&again), "invalid_grant");
    (run, outcome.access_token().unwrap())
}

/// At once.
pub(crate) async fn oidcc_codereuse(variant: Variant) {
    reuse(variant, 0).await;
}

/// Half a minute later; what the code had given is dead then (RFC 6749, section 4.1.2).
pub(crate) async fn oidcc_codereuse_30seconds(variant: Variant) {
    let (run, token) = reuse(variant, 30).await;
    run.check_token_is_dead(&token).await;
}

/// Refresh tokens are given, work, keep what the first ID token said, and are of no use to another client.
pub(crate) async fn oidcc_refresh_token(variant: Variant) {
    let mut run = Run::start(variant).await;
    assert!(lists(&run.metadata, "scopes_supported", "offline_access"));
    assert!(lists(&run.metadata, "grant_types_supported", "refresh_token"));
    let (first, second) = (run.client.clone(), run.client2.clone());
    refreshed(&mut run, &first, 10, Some("openid offline_access")).await;
    let token = refreshed(&mut run, &second, 43, None).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("scope", "openid offline_access")];
    let foreign = run.token(&first, Authentication::Basic, &form).await;
    assert_eq!(check_token_error(&foreign), "invalid_grant");
}

/// Signs in with a client and refreshes; the newest refresh token.
async fn refreshed(run: &mut Run, client: &OAuthClient, nonce_length: usize, scope: Option<&str>) -> String {
    let nonce = doorward_core::random::alphanumeric(nonce_length);
    let request = run
        .request()
        .with("client_id", &client.client_id)
        .with("scope", "openid offline_access")
        .with("nonce", &nonce)
        .with("prompt", "consent");
    let visit = run.authorize(&request).await;
    assert!(visit.consented, "prompt=consent asks");
    let before = run.finish(client, Authentication::Basic, &request, visit, &[]).await;
    run.wait(1);
    let token = before.tokens.as_ref().unwrap().text("refresh_token");
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    form.extend(scope.map(|scope| ("scope", scope)));
    let answer = run.token(client, Authentication::Basic, &form).await;
    check_tokens(&answer);
    assert_ne!(answer.text("access_token"), before.access_token().unwrap());
    let after = run.verified(&answer.text("id_token"));
    check_refreshed(before.id_token(), &after);
    run.userinfo("GET", &answer.text("access_token")).await;
    answer.json.get("refresh_token").map_or(token, |newer| newer.as_str().unwrap().to_owned())
}

/// OpenID Connect Core 1.0, section 12.2.
#[track_caller]
fn check_refreshed(before: &Signed, after: &Signed) {
    for claim in ["iss", "sub", "aud", "azp", "auth_time", "sid"] {
        assert_eq!(before.claims.get(claim), after.claims.get(claim), "{claim}");
    }
    assert!(after.number("iat") > before.number("iat"));
    assert!(after.claims.get("nonce").is_none_or(|nonce| Some(nonce) == before.claims.get("nonce")));
}
