//! RP-initiated logout.

use crate::{
    on_both,
    support::{Browser, OAuthClient},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const BYE: &str = "https://netbox.example.org/bye/";

fn end_session(client: &OAuthClient, fields: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/application/o/{}/end-session/?{query}", client.slug)
}

async fn is_signed_in(browser: &mut Browser, client: &OAuthClient) -> bool {
    browser.get(&client.authorize(&[("prompt", "none")])).await.redirect_parameter("code").is_some()
}

on_both! {
    /// A valid hint signs out at once and returns, with `state` only if it was sent.
    async fn a_hint_signs_out_and_returns(app) {
        let client = app.client(&app.application("a").await);
        for (state, target) in [(Some("x y"), format!("{BYE}?state=x+y")), (None, BYE.to_owned())] {
            let mut browser = app.signed_in("admin").await;
            let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
            // Expired ID tokens are valid hints.
            app.clock.advance(jiff::SignedDuration::from_hours(2));
            let mut fields = vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
            fields.extend(state.map(|state| ("state", state)));
            let page = browser.get(&end_session(&client, &fields)).await;
            assert_eq!(page.location(), target);
            assert!(!is_signed_in(&mut browser, &client).await);
        }
    }

    /// NetBox sends no hint: the person confirms, and is offered the way back. Nobody is sent there.
    async fn without_hint_the_person_confirms(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let id = client.client_id.clone();
        let page = browser.get(&end_session(&client, &[("client_id", &id), ("post_logout_redirect_uri", BYE)])).await;
        assert!(page.body.contains("id=\"confirm-sign-out\""));
        assert!(is_signed_in(&mut browser, &client).await);
        let back = browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!((back.status, back.location()), (200, ""));
        assert!(back.text().contains(&format!("id=\"return-link\" href=\"{BYE}\"")));
        assert!(!is_signed_in(&mut browser, &client).await);
    }

    /// By POST it comes from another site, without cookies: the browser comes back with GET, and nobody is told "done" before.
    async fn a_post_comes_back_with_cookies(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let mut without_cookies = app.browser();
        let target = "/application/o/a/end-session/";
        let page = without_cookies.request("POST", target, Some(&[("post_logout_redirect_uri", BYE), ("state", "x")])).await;
        assert_eq!(page.status, 303);
        let asked = browser.get(page.location()).await;
        let back = browser.submit(&asked, "/sign-out", &[]).await;
        assert!(back.text().contains(&format!("id=\"return-link\" href=\"{BYE}?state=x\"")));
        assert!(!is_signed_in(&mut browser, &client).await);
    }

    /// No parameters at all: still a way out, and a page at the end.
    async fn no_parameters_still_sign_out(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&end_session(&client, &[])).await;
        let done = browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!((done.status, done.location()), (200, ""));
        assert!(!is_signed_in(&mut browser, &client).await);
        assert_eq!(browser.get(&end_session(&client, &[])).await.status, 200);
    }

    /// Unregistered addresses, tampered, foreign and misplaced hints: a page, no redirect, nobody signed out.
    async fn what_is_not_right_redirects_nowhere(app) {
        let client = app.client(&app.application("a").await);
        let other = app.client(&app.application("b").await);
        let mut browser = app.signed_in("admin").await;
        let answer = client.exchange(&client.code(&mut browser, &[]).await).await;
        let hint = answer.text("id_token");
        let foreign = other.exchange(&other.code(&mut browser, &[]).await).await.text("id_token");
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#), hint.split('.').nth(1).unwrap());
        let access_token = answer.text("access_token");
        for fields in [
            [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", "https://netbox.example.org/other/")],
            [("id_token_hint", &hint), ("post_logout_redirect_uri", "https://netbox.example.org/bye/?x=1")],
            [("id_token_hint", &hint), ("post_logout_redirect_uri", crate::support::CALLBACK)],
            [("id_token_hint", &unsigned), ("post_logout_redirect_uri", BYE)],
            [("id_token_hint", &foreign), ("post_logout_redirect_uri", BYE)],
            [("id_token_hint", &access_token), ("post_logout_redirect_uri", BYE)],
            [("client_id", &other.client_id), ("post_logout_redirect_uri", BYE)],
        ] {
            let page = browser.get(&end_session(&client, &fields)).await;
            assert_eq!((page.status, page.location()), (400, ""), "{fields:?}");
            assert!(is_signed_in(&mut browser, &client).await);
        }
    }

    /// Without a session only a hint makes the address believable.
    async fn without_session_only_a_hint_redirects(app) {
        let client = app.client(&app.application("a").await);
        let hint = client.exchange(&client.code(&mut app.signed_in("admin").await, &[]).await).await.text("id_token");
        let mut anonymous = app.browser();
        let with = anonymous.get(&end_session(&client, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
        assert_eq!(with.location(), BYE);
        let without = anonymous.get(&end_session(&client, &[("post_logout_redirect_uri", BYE)])).await;
        assert_eq!((without.status, without.location()), (200, ""));
    }

    /// A hint of somebody else is not this person's "yes".
    async fn a_hint_of_somebody_else_is_asked_about(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application("a").await);
        let hint = client.exchange(&client.code(&mut app.signed_in("alice").await, &[]).await).await.text("id_token");
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&end_session(&client, &[("id_token_hint", &hint)])).await;
        assert!(page.body.contains("id=\"confirm-sign-out\""));
        assert!(is_signed_in(&mut browser, &client).await);
    }
}
