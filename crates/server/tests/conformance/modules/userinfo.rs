//! The three ways to ask userinfo.

use serde_json::{Map, Value};

use crate::{
    rp::{Run, flow::Outcome},
    variant::Variant,
};

async fn signed_in(variant: Variant) -> (Run, Outcome, String) {
    let mut run = Run::start(variant).await;
    let request = run.request();
    let outcome = run.flow(&request).await;
    let token = outcome.access_token().unwrap();
    (run, outcome, token)
}

#[track_caller]
fn check(outcome: &Outcome, userinfo: &Map<String, Value>) {
    for token in outcome.id_tokens() {
        assert_eq!(userinfo["sub"], token.text("sub"));
    }
}

/// GET with the token in the header.
pub(crate) async fn oidcc_userinfo_get(variant: Variant) {
    let (run, outcome, token) = signed_in(variant).await;
    check(&outcome, &run.userinfo("GET", &token).await);
}

/// POST with the token in the header.
pub(crate) async fn oidcc_userinfo_post_header(variant: Variant) {
    let (run, outcome, token) = signed_in(variant).await;
    check(&outcome, &run.userinfo("POST", &token).await);
}

/// POST with the token in the form. The suite would only warn if that did not work.
pub(crate) async fn oidcc_userinfo_post_body(variant: Variant) {
    let (run, outcome, token) = signed_in(variant).await;
    check(&outcome, &run.userinfo_by_form(&token).await);
}
