//! Hearing of a sign-out from a frame (OpenID Connect Session Management 1.0).

use doorward_core::cipher::sha256_hex;

use crate::{
    rp::{
        Run, html,
        logout::{EndSession, check_returned},
        set_up::Issuer,
    },
    variant::Variant,
};

/// `session_state` is unchanged while somebody is signed in and changed afterwards. The script in the frame is played here;
/// in a real browser another test runs it.
pub(crate) async fn oidcc_session_management_rp_initiated_logout(variant: Variant) {
    let mut run = Run::start_with(variant, Issuer::Own, |_| {}).await;
    let frame = run.endpoint("check_session_iframe");
    let page = run.browser.get(&frame).await;
    assert_eq!(page.status, 200);
    // Any site may hold it.
    assert_eq!(page.header("x-frame-options"), "");
    assert!(!page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(html::attribute_of(&page.body, "script", "src").len(), 1);
    let cookie = html::attribute_of(&page.body, "html", "data-cookie").remove(0);

    let request = run.request();
    let outcome = run.flow(&request).await;
    let session_state = outcome.answer.text("session_state").to_owned();
    assert!(!session_state.contains(' '));
    assert!(is_unchanged(&run, &cookie, &session_state));
    // A silent sign-in changes nothing.
    let silent = run.request().with("prompt", "none");
    let again = run.flow(&silent).await;
    assert!(is_unchanged(&run, &cookie, &session_state));
    assert!(is_unchanged(&run, &cookie, again.answer.text("session_state")));

    let request = EndSession::new(&outcome.id_token().raw);
    let page = run.end_session(&request).await;
    check_returned(page.location(), &request);
    assert!(!is_unchanged(&run, &cookie, &session_state));
    assert!(!run.is_signed_in().await);
}

/// What the frame's script answers to the suite's page.
fn is_unchanged(run: &Run, cookie: &str, session_state: &str) -> bool {
    let (hash, salt) = session_state.rsplit_once('.').unwrap();
    let state = run.browser.cookies.get(cookie).map_or("", String::as_str);
    let client_id = &run.client.client_id;
    hash == sha256_hex(format!("{client_id} https://suite.example.org {state} {salt}").as_bytes())
}
