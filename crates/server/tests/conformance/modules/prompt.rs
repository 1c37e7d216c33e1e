//! Who is asked to sign in, and when.

use crate::{
    rp::{Run, flow::Outcome, logout::NEEDS_A_PAGE, request::AuthorizationRequest},
    variant::Variant,
};

/// Two sign-ins after one another, and time between them.
async fn twice(
    variant: Variant,
    first: impl FnOnce(AuthorizationRequest) -> AuthorizationRequest,
    seconds: i64,
    second: impl FnOnce(AuthorizationRequest, &Outcome) -> AuthorizationRequest,
) -> (Run, Outcome, Outcome) {
    let mut run = Run::start(variant).await;
    let request = first(run.request());
    let before = run.flow(&request).await;
    assert!(before.signed_in);
    run.wait(seconds);
    let request = second(run.request(), &before);
    let after = run.flow(&request).await;
    (run, before, after)
}

/// Nobody was asked anything, and both sign-ins are the same.
#[track_caller]
fn check_same(before: &Outcome, after: &Outcome) {
    assert!(!after.signed_in && !after.consented);
    assert_eq!(before.id_token().text("sub"), after.id_token().text("sub"));
    assert_eq!(before.id_token().number("auth_time"), after.id_token().number("auth_time"));
}

/// Somebody signed in again, and `auth_time` says so.
#[track_caller]
fn check_later(run: &Run, before: &Outcome, after: &Outcome) {
    assert!(after.signed_in);
    assert_eq!(before.id_token().text("sub"), after.id_token().text("sub"));
    for token in after.id_tokens() {
        assert!(token.number("auth_time") > before.id_token().number("auth_time"));
        assert!(token.number("auth_time") >= run.op.clock.now().as_second() - 1);
    }
}

/// The form again, though somebody is signed in.
pub(crate) async fn oidcc_prompt_login(variant: Variant) {
    let (run, before, after) = twice(variant, |r| r, 1, |r, _| r.with("prompt", "login")).await;
    check_later(&run, &before, &after);
}

/// Nobody is there and nobody may be asked.
pub(crate) async fn oidcc_prompt_none_not_logged_in(variant: Variant) {
    let mut run = Run::start(variant).await;
    let request = run.request().with_long_state().with("prompt", "none");
    let visit = run.authorize(&request).await;
    assert!(!visit.signed_in);
    let answer = visit.answer();
    let error = run.check_error(&request, &answer);
    assert!(NEEDS_A_PAGE.contains(&error), "{error}");
}

pub(crate) async fn oidcc_prompt_none_logged_in(variant: Variant) {
    let (_, before, after) = twice(variant, |r| r, 5, |r, _| r.with("prompt", "none")).await;
    check_same(&before, &after);
}

/// The sign-in is two seconds old and may be one.
pub(crate) async fn oidcc_max_age_1(variant: Variant) {
    let (run, before, after) = twice(variant, |r| r, 2, |r, _| r.with("max_age", "1")).await;
    check_later(&run, &before, &after);
}

pub(crate) async fn oidcc_max_age_10000(variant: Variant) {
    let (_, before, after) = twice(variant, |r| r.with("max_age", "15000"), 5, |r, _| r.with("max_age", "10000")).await;
    check_same(&before, &after);
}

/// The ID token from before says who is meant.
pub(crate) async fn oidcc_id_token_hint(variant: Variant) {
    let hint = |request: AuthorizationRequest, before: &Outcome| {
        request.with("prompt", "none").with("id_token_hint", &before.id_token().raw)
    };
    let (_, before, after) = twice(variant, |r| r, 5, hint).await;
    check_same(&before, &after);
}
