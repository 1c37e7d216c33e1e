//! `prompt=select_account`: going on as the person signed in, or as somebody else; and whom the form names otherwise.

use crate::{
    on_both,
    support::{OAuthClient, PASSWORD, Page, TestApp},
};
use doorward_core::application::ConsentMode;
use jiff::SignedDuration;

async fn name(client: &OAuthClient, page: &Page) -> String {
    let code = page.redirect_parameter("code").unwrap_or_else(|| panic!("no code: {} {}", page.status, page.body));
    client.exchange(&code).await.claims("id_token")["preferred_username"].as_str().unwrap().to_owned()
}

async fn two_people(app: &TestApp) {
    app.user("alice", &[]).await;
    app.user("bob", &[]).await;
}

on_both! {
    async fn one_may_go_on_as_oneself(app) {
        two_people(&app).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("alice").await;
        app.clock.advance(SignedDuration::from_secs(60));
        let before = client.exchange(&client.code(&mut browser, &[]).await).await.claims("id_token");
        let form = browser.get(&client.authorize(&[("prompt", "select_account")])).await;
        assert!(form.body.contains("id=\"go-on\"") && form.body.contains("Alice Example"), "{}", form.body);
        assert!(form.body.contains("id=\"sign-in\"") && !form.body.contains("readonly"));
        let back = browser.submit(&form, "/sign-in", &[("choice", "continue")]).await;
        let code = back.redirect_parameter("code").unwrap();
        let after = client.exchange(&code).await.claims("id_token");
        // Nobody showed again who they are.
        assert_eq!((&after["auth_time"], &after["sub"]), (&before["auth_time"], &before["sub"]));
        assert_eq!(back.redirect_parameter("state").as_deref(), Some("the-state"));
    }

    async fn one_may_sign_in_as_somebody_else(app) {
        two_people(&app).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("alice").await;
        app.clock.advance(SignedDuration::from_secs(60));
        let form = browser.get(&client.authorize(&[("prompt", "select_account")])).await;
        let wrong = browser.submit(&form, "/sign-in", &[("username", "bob"), ("password", "wrong")]).await;
        assert!(wrong.status == 401 && wrong.body.contains("id=\"go-on\""));
        let back = browser.submit(&form, "/sign-in", &[("username", "bob"), ("password", PASSWORD)]).await;
        assert_eq!(name(&client, &back).await, "bob");
        // Whoever has nobody to choose from signs in.
        let form = app.browser().get(&client.authorize(&[("prompt", "select_account")])).await;
        assert!(!form.body.contains("id=\"go-on\"") && form.body.contains("id=\"sign-in\""));
    }

    /// A choice is the choice of the one who was asked, and only where there was one.
    async fn the_choice_is_bound_to_the_person(app) {
        two_people(&app).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("alice").await;
        app.clock.advance(SignedDuration::from_secs(60));
        let form = browser.get(&client.authorize(&[("prompt", "select_account")])).await;
        browser.sign_in("/sign-in?next=/if/user/", "bob", PASSWORD).await;
        app.clock.advance(SignedDuration::from_secs(60));
        let mut later = browser.clone();
        let fresh = later.get(&client.authorize(&[("prompt", "select_account")])).await;
        assert!(fresh.body.contains("Bob Example"));
        // Alice's form in front of Bob, who signed in after it was shown: he was asked, by signing in.
        let back = browser.submit(&form, "/sign-in", &[("choice", "continue")]).await;
        assert_eq!(name(&client, &back).await, "bob");
        // Neither a new sign-in nor a fresh one can be had by choosing to go on.
        for parameter in [("prompt", "login"), ("prompt", "login select_account"), ("max_age", "1")] {
            let form = browser.get(&client.authorize(&[parameter])).await;
            assert!(!form.body.contains("id=\"go-on\""), "{parameter:?}");
            let page = browser.submit(&form, "/sign-in", &[("choice", "continue")]).await;
            assert!(page.body.contains("id=\"sign-in\""), "{parameter:?}: {}", page.location());
        }
        // Nor without the token of the browser's own forms.
        let sealed = fresh.hidden("request");
        let forged = later.request("POST", "/sign-in", Some(&[("request", &sealed), ("choice", "continue")])).await;
        assert_eq!(forged.status, 403);
    }

    /// After the choice comes consent, if there is any to ask for, and the choice is not asked for again.
    async fn consent_comes_after_the_choice(app) {
        two_people(&app).await;
        let client = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::Always).await);
        let mut browser = app.signed_in("alice").await;
        app.clock.advance(SignedDuration::from_secs(60));
        let form = browser.get(&client.authorize(&[("prompt", "select_account consent")])).await;
        let consent = browser.submit(&form, "/sign-in", &[("choice", "continue")]).await;
        assert!(consent.body.contains("id=\"allow\""), "{}", consent.body);
        let back = browser.submit(&consent, "/consent", &[("decision", "allow")]).await;
        assert_eq!(name(&client, &back).await, "alice");
    }

    /// OpenID Connect Core 1.0, section 3.1.2.1: a hint for somebody else leads to a form in which they can sign in.
    async fn a_hint_for_somebody_else_leaves_the_name_open(app) {
        two_people(&app).await;
        let client = app.client(&app.application("a").await);
        let mut bob = app.signed_in("bob").await;
        let hint = client.exchange(&client.code(&mut bob, &[]).await).await.text("id_token");
        // An expired one is as good.
        app.clock.advance(SignedDuration::from_hours(2));
        let mut browser = app.signed_in("alice").await;
        app.clock.advance(SignedDuration::from_secs(60));
        let target = client.authorize(&[("id_token_hint", &hint), ("login_hint", "bob")]);
        let form = browser.get(&target).await;
        assert!(!form.body.contains("readonly") && form.body.contains("value=\"bob\""), "{}", form.body);
        let wrong = browser.clone().submit(&form, "/sign-in", &[("username", "alice"), ("password", PASSWORD)]).await;
        assert_eq!(wrong.redirect_parameter("error").as_deref(), Some("login_required"));
        let back = browser.submit(&form, "/sign-in", &[("username", "bob"), ("password", PASSWORD)]).await;
        assert_eq!(name(&client, &back).await, "bob");
        for (tampered, why) in [(format!("{}x", &hint[..hint.len() - 2]), "signature"), (other_client(&app).await, "audience")] {
            let page = browser.get(&client.authorize(&[("id_token_hint", &tampered), ("prompt", "none")])).await;
            assert_eq!(page.redirect_parameter("error").as_deref(), Some("invalid_request"), "{why}");
        }
    }
}

/// An ID token of another application.
async fn other_client(app: &TestApp) -> String {
    let other = app.client(&app.application("other").await);
    let mut browser = app.signed_in("bob").await;
    other.exchange(&other.code(&mut browser, &[]).await).await.text("id_token")
}
