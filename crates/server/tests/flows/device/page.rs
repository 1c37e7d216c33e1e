//! The page on which people type codes.

use super::{allow, answer, application, application_with, begin, poll, type_code};
use crate::{
    on_both,
    support::{Backend, PASSWORD, TestApp},
};
use doorward_core::application::ConsentMode;

on_both! {
    /// Signing in comes first and leads back with the code filled in; the link itself does nothing.
    async fn a_link_with_a_code_fills_it_in_and_allows_nothing(app) {
        app.user("alice", &[]).await;
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid").await;
        let link = format!("/device?code={}", codes.user_code);
        let mut browser = app.browser();
        let form = browser.sign_in(&link, "alice", PASSWORD).await;
        let grouped = format!("{}-{}-{}", &codes.user_code[..3], &codes.user_code[3..6], &codes.user_code[6..]);
        assert!(form.body.contains(&format!("value=\"{grouped}\"")) && !form.body.contains("App a"), "{}", form.text());
        for query in ["&decision=allow", "&request=x&decision=allow", ""] {
            assert_eq!(browser.get(&format!("{link}{query}")).await.status, 200);
        }
        assert!(app.attempts().await.iter().all(|record| record.attempt.application.is_none()), "nothing was looked up");
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        let question = type_code(&mut browser, &grouped).await;
        assert!(question.body.contains(&grouped) && question.body.contains("App a"), "{}", question.text());
        answer(&mut browser, &question, "allow").await;
        assert_eq!(poll(&client, &codes).await.status, 200);
    }

    /// Only "allow" allows, even where the application never asks for consent.
    async fn people_are_always_asked(app) {
        let client = application_with(&app, "a", |profile, _| profile.consent = ConsentMode::Never).await;
        let mut browser = app.signed_in("admin").await;
        let codes = begin(&client, "openid").await;
        let question = type_code(&mut browser, &codes.user_code).await;
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        answer(&mut browser, &question, "Allow").await;
        assert_eq!(poll(&client, &codes).await.error(), "access_denied");
    }

    /// The question is the browser's and the person's to whom it was put, and can be answered once.
    async fn questions_cannot_be_passed_on(app) {
        app.user("alice", &[]).await;
        app.user("bob", &[]).await;
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid").await;
        let mut alice = app.signed_in("alice").await;
        let question = type_code(&mut alice, &codes.user_code).await;
        // Another browser, of the same person and of another.
        for username in ["alice", "bob"] {
            let mut other = app.signed_in(username).await;
            let csrf = other.get("/device").await.hidden("csrf");
            let fields = [("csrf", csrf.as_str()), ("request", &question.hidden("request")), ("decision", "allow")];
            assert_eq!(other.request("POST", "/device", Some(&fields)).await.status, 400, "{username}");
        }
        // The same browser, in which somebody else signed in meanwhile.
        let page = alice.get("/sign-out").await;
        alice.submit(&page, "/sign-out", &[]).await;
        let mut bob = alice;
        bob.sign_in("/if/user/", "bob", PASSWORD).await;
        let csrf = bob.get("/device").await.hidden("csrf");
        let fields = [("csrf", csrf.as_str()), ("request", &question.hidden("request")), ("decision", "allow")];
        let page = bob.request("POST", "/device", Some(&fields)).await;
        assert!(page.status == 400 && page.body.contains("put to somebody else"), "{}", page.text());
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        allow(&mut bob, &codes).await;
    }
}

/// Nothing of it works for nobody, without the form's token, or from a page of another site.
#[tokio::test(flavor = "multi_thread")]
async fn forms_come_from_the_page_or_not_at_all() {
    let app = TestApp::new(Backend::Sqlite).await;
    let client = application(&app, "a").await;
    let codes = begin(&client, "openid").await;
    let nobody = app.browser().request("POST", "/device", Some(&[("code", &codes.user_code)])).await;
    assert!(nobody.status == 303 && nobody.location().starts_with("/sign-in?"), "{}", nobody.location());
    let mut browser = app.signed_in("admin").await;
    assert_eq!(browser.request("POST", "/device", Some(&[("code", &codes.user_code)])).await.status, 403);
    let question = type_code(&mut browser, &codes.user_code).await;
    let request = question.hidden("request");
    let fields = [("request", request.as_str()), ("decision", "allow")];
    assert_eq!(browser.request("POST", "/device", Some(&fields)).await.status, 403);
    browser.headers.push(("sec-fetch-site", "cross-site".to_owned()));
    let fields = [("csrf", &*question.hidden("csrf")), ("request", &request), ("decision", "allow")];
    assert_eq!(browser.request("POST", "/device", Some(&fields)).await.status, 403);
    assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
}

/// No page of it can be put into a frame, so that no click can be stolen.
#[tokio::test(flavor = "multi_thread")]
async fn no_frame_holds_the_page() {
    let app = TestApp::new(Backend::Sqlite).await;
    let client = application(&app, "a").await;
    let codes = begin(&client, "openid").await;
    let mut browser = app.signed_in("admin").await;
    let form = browser.get("/device").await;
    let question = type_code(&mut browser, &codes.user_code).await;
    let done = answer(&mut browser, &question, "allow").await;
    for page in [form, question, done] {
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(page.header("content-security-policy").contains("form-action 'self'"));
        assert_eq!((page.header("x-frame-options"), page.header("cache-control")), ("DENY", "no-store"));
    }
}

/// What cannot be a code is said so, shown as it was typed and not held against anybody.
#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_shown_as_text_and_counts_for_nothing() {
    let app = TestApp::new(Backend::Sqlite).await;
    application(&app, "a").await;
    let mut browser = app.signed_in("admin").await;
    for _ in 0..30 {
        let page = type_code(&mut browser, "\"><script>alert(1)</script>").await;
        assert!(page.status == 400 && page.body.contains("A code has nine digits."), "{}", page.text());
        assert!(!page.body.contains("<script>alert"));
    }
    let page = browser.get("/device?code=%22%3E%3Cscript%3E").await;
    assert!(page.body.contains("id=\"user-code\" name=\"code\" type=\"text\" value=\"\""), "{}", page.body);
    let page = browser.get("/device?code=1&code=2").await;
    assert_eq!(page.status, 200);
}
