//! `prompt`, `max_age`, `id_token_hint`, and what waits meanwhile.

use crate::{on_both, support::PASSWORD};
use jiff::SignedDuration;

on_both! {
    /// `prompt=none` with a session is silent, and keeps `auth_time`.
    async fn prompt_none_uses_the_session(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let first = client.exchange(&client.code(&mut browser, &[]).await).await.claims("id_token");
        app.clock.advance(SignedDuration::from_secs(100));
        let second = client.exchange(&client.code(&mut browser, &[("prompt", "none")]).await).await.claims("id_token");
        assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
    }

    /// `prompt=login` asks again although somebody is there, keeps the request, and moves `auth_time`.
    async fn prompt_login_asks_again(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let first = client.exchange(&client.code(&mut browser, &[]).await).await.claims("id_token");
        app.clock.advance(SignedDuration::from_secs(2));
        let back = browser.sign_in(&client.authorize(&[("prompt", "login")]), "admin", PASSWORD).await;
        assert_eq!(back.redirect_parameter("state").as_deref(), Some("the-state"));
        let second = client.exchange(&back.redirect_parameter("code").unwrap()).await.claims("id_token");
        assert_eq!(second["auth_time"].as_i64().unwrap(), first["auth_time"].as_i64().unwrap() + 2);
        assert_eq!(first["sid"], second["sid"]);
    }

    /// A step passes only by its own result: following the way on without signing in again leads back to the form.
    async fn prompt_login_cannot_be_skipped(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(SignedDuration::from_secs(2));
        let form = browser.get(&client.authorize(&[("prompt", "login")])).await;
        let skipped = browser.get(&format!("/sign-in/continue?request={}", form.hidden("request"))).await;
        assert!(skipped.body.contains("id=\"sign-in\""));
    }

    /// `max_age` asks again when the session is older, and not when it is younger.
    async fn max_age_asks_again_when_too_old(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(SignedDuration::from_secs(2));
        client.code(&mut browser, &[("max_age", "10000")]).await;
        let back = browser.sign_in(&client.authorize(&[("max_age", "1")]), "admin", PASSWORD).await;
        assert!(back.redirect_parameter("code").is_some());
        app.clock.advance(SignedDuration::from_secs(2));
        let silent = browser.get(&client.authorize(&[("max_age", "1"), ("prompt", "none")])).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("login_required"));
    }

    /// A hint for the one who is here is silent; for somebody else it is not answered.
    async fn id_token_hint_is_matched_with_the_session(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("alice").await;
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        client.code(&mut browser, &[("prompt", "none"), ("id_token_hint", &hint)]).await;
        let mut other = app.signed_in("admin").await;
        let silent = other.get(&client.authorize(&[("prompt", "none"), ("id_token_hint", &hint)])).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("login_required"));
        app.clock.advance(SignedDuration::from_secs(1));
        let back = other.sign_in(&client.authorize(&[("id_token_hint", &hint)]), "alice", PASSWORD).await;
        assert!(back.redirect_parameter("code").is_some());
    }

    /// The form names the application and prefills the hint.
    async fn the_form_says_who_asks(app) {
        let client = app.client(&app.application("a").await);
        let form = app.browser().get(&client.authorize(&[("login_hint", "alice@example.org")])).await;
        assert!(form.body.contains("App a") && form.body.contains("netbox.example.org"), "{}", form.body);
        assert!(form.body.contains("value=\"alice@example.org\""));
    }

    /// Form Post Response Mode: nothing in the address, everything in the form.
    async fn form_post_answers_with_a_form(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&client.authorize(&[("response_mode", "form_post")])).await;
        assert_eq!((page.status, page.location()), (200, ""));
        let answer = client.exchange(&page.hidden("code")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(page.hidden("state"), "the-state");
        let failed = browser.get(&client.authorize(&[("response_mode", "form_post"), ("max_age", "x")])).await;
        assert_eq!(failed.hidden("error"), "invalid_request");
        // CVE-2024-21637: what is in the form cannot leave it.
        let nasty = browser.get(&client.authorize(&[("response_mode", "form_post"), ("state", "\"><script>alert(1)</script>")])).await;
        assert!(!nasty.body.contains("<script>alert"));
    }

    /// What waits is bound to its browser and to an hour; then there is a way to begin again.
    async fn what_waits_is_bound_to_browser_and_time(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.browser();
        let form = browser.get(&client.authorize(&[])).await;
        let request = form.hidden("request");
        let elsewhere = app.browser().get(&format!("/sign-in?request={request}")).await;
        assert_eq!(elsewhere.status, 400);
        assert!(elsewhere.body.contains("another browser"));
        let damaged = browser.get(&format!("/sign-in?request={}x", &request[..request.len() - 2])).await;
        assert_eq!(damaged.status, 400);
        app.clock.advance(SignedDuration::from_secs(3601));
        let late = browser.submit(&form, "/sign-in", &[("username", "admin"), ("password", PASSWORD)]).await;
        assert!(late.body.contains("more than an hour ago"), "{}", late.body);
    }

    /// Only our own paths can be gone on to.
    async fn next_leads_only_to_our_own_pages(app) {
        for next in ["https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example", "%2F%5Cevil.example", "javascript%3Aalert(1)"] {
            let mut browser = app.browser();
            let back = browser.sign_in(&format!("/sign-in?next={next}"), "admin", PASSWORD).await;
            assert_eq!((back.status, back.location()), (200, ""), "{next}");
        }
    }
}
