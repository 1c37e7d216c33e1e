//! Consent: never, the first time, always.

use crate::{
    on_both,
    support::{CALLBACK, PASSWORD, Page},
};
use doorward_core::application::ConsentMode;

fn asks(page: &Page) -> bool {
    page.body.contains("id=\"allow\"") && page.body.contains("id=\"deny\"")
}

on_both! {
    /// Asked once, with the values; again only for more.
    async fn the_first_time_is_remembered(app) {
        let registered = app.application_with("a", |profile, _| profile.consent = ConsentMode::FirstTime).await;
        let client = app.client(&registered);
        app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let page = browser.get(&client.authorize(&[])).await;
        assert!(asks(&page) && page.body.contains("alice@example.org") && page.body.contains("netbox.example.org"), "{}", page.body);
        let back = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(back.location().starts_with(CALLBACK) && back.redirect_parameter("code").is_some());
        client.code(&mut browser, &[]).await;
        client.code(&mut browser, &[("scope", "openid"), ("prompt", "none")]).await;
        assert!(asks(&browser.get(&client.authorize(&[("scope", "openid offline_access")])).await));
        let silent = browser.get(&client.authorize(&[("scope", "openid offline_access"), ("prompt", "none")])).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("consent_required"));
    }

    /// Asked every time, and after `prompt=consent` even where it is never asked.
    async fn always_means_always(app) {
        let always = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::Always).await);
        let never = app.client(&app.application("b").await);
        let mut browser = app.signed_in("admin").await;
        for _ in 0..2 {
            let page = browser.get(&always.authorize(&[])).await;
            assert!(asks(&page));
            assert!(browser.submit(&page, "/consent", &[("decision", "allow")]).await.redirect_parameter("code").is_some());
        }
        let page = browser.get(&never.authorize(&[("prompt", "consent")])).await;
        assert!(asks(&page));
        assert!(browser.submit(&page, "/consent", &[("decision", "allow")]).await.redirect_parameter("code").is_some());
    }

    /// Only "allow" allows: everything else is a no, told to the client with its state.
    async fn everything_but_allow_denies(app) {
        let client = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::Always).await);
        let mut browser = app.signed_in("admin").await;
        for decision in ["deny", "", "ALLOW", "allow "] {
            let page = browser.get(&client.authorize(&[])).await;
            let back = browser.submit(&page, "/consent", &[("decision", decision)]).await;
            assert_eq!(back.redirect_parameter("error").as_deref(), Some("access_denied"), "{decision}");
            assert_eq!(back.redirect_parameter("state").as_deref(), Some("the-state"));
            assert_eq!(back.redirect_parameter("iss").as_deref(), Some(client.issuer.as_str()));
        }
    }

    /// What was not shown was not allowed: a request without scopes does not ask for offline access.
    async fn consent_covers_what_was_shown(app) {
        let client = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::FirstTime).await);
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&client.authorize(&[("scope", "")])).await;
        assert!(asks(&page) && !page.text().contains("offline_access"));
        browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let more = [("scope", "openid offline_access"), ("prompt", "none")];
        let silent = browser.get(&client.authorize(&more)).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("consent_required"));
    }

    /// The question was put to one person: another who signs in on the same browser is asked anew.
    async fn nobody_answers_for_somebody_else(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::FirstTime).await);
        let mut browser = app.signed_in("alice").await;
        let page = browser.get(&client.authorize(&[])).await;
        let out = browser.get("/sign-out").await;
        browser.submit(&out, "/sign-out", &[]).await;
        browser.sign_in("/sign-in", "admin", PASSWORD).await;
        let answered = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(asks(&answered) && answered.text().contains("admin@example.org"), "{}", answered.body);
    }

    /// Asked to sign in again and to consent: once each.
    async fn signing_in_again_and_consent_come_to_an_end(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(jiff::SignedDuration::from_secs(5));
        let page = browser.sign_in(&client.authorize(&[("prompt", "login consent")]), "admin", PASSWORD).await;
        assert!(asks(&page));
        app.clock.advance(jiff::SignedDuration::from_secs(5));
        let back = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(back.redirect_parameter("code").is_some(), "{}", back.body);
    }

    /// Dex CVE-2022-39222: consent belongs to the browser that was asked.
    async fn cve_2022_39222_consent_is_bound_to_the_browser(app) {
        let client = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::Always).await);
        let page = app.signed_in("admin").await.get(&client.authorize(&[])).await;
        let mut thief = app.signed_in("admin").await;
        let csrf = thief.get("/sign-out").await.hidden("csrf");
        let fields = [("csrf", csrf.as_str()), ("request", &page.hidden("request")), ("decision", "allow")];
        let stolen = thief.request("POST", "/consent", Some(&fields)).await;
        assert_eq!((stolen.status, stolen.location()), (400, ""));
    }
}
