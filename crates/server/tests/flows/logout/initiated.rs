//! RP-initiated logout: what goes beyond `end_session.rs`.

use super::{BYE, end_session, is_signed_in};
use crate::{on_both, support::PASSWORD};
use doorward_core::{
    group::GroupProfile,
    provider::IssuerMode,
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use doorward_server::{
    directory::{groups, users},
    keys,
};
use jiff::SignedDuration;

on_both! {
    /// A hint of an earlier session of the same person may have been found somewhere: they are asked first.
    async fn a_hint_of_another_session_is_asked_about(app) {
        let client = app.client(&app.application("a").await);
        let hint = client.exchange(&client.code(&mut app.signed_in("admin").await, &[]).await).await.text("id_token");
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&end_session(&client, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
        assert!(page.body.contains("id=\"confirm-sign-out\""));
        assert!(is_signed_in(&mut browser, &client).await);
        assert_eq!(browser.submit(&page, "/sign-out", &[]).await.location(), BYE, "the hint is good for the way back");
    }

    /// The session was renewed since: it is still the same.
    async fn a_hint_of_a_renewed_session_is_good(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        browser.sign_in(&client.authorize(&[("prompt", "login")]), "admin", PASSWORD).await;
        let page = browser.get(&end_session(&client, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
        assert_eq!(page.location(), BYE);
    }

    /// One issuer for all: a hint of another application is still another application's.
    async fn a_hint_of_another_application_with_the_same_issuer(app) {
        let global = async |slug: &str| {
            app.application_with(slug, |_, provider| provider.issuer_mode = IssuerMode::Global).await
        };
        let (client, other) = (app.client(&global("a").await), app.client(&global("b").await));
        let mut browser = app.signed_in("admin").await;
        let hint = other.exchange(&other.code(&mut browser, &[]).await).await.text("id_token");
        let page = browser.get(&end_session(&client, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
        assert_eq!((page.status, page.location()), (400, ""));
        assert!(is_signed_in(&mut browser, &client).await);
    }

    /// A hint whose key was rotated out: refused, and the log says why.
    async fn a_hint_of_a_forgotten_key_says_so(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        let name = app.app.snapshot().keys[0].name.clone();
        keys::rotate(&app.app, &app.actor(), &name, true).await.unwrap();
        app.clock.advance(SignedDuration::from_hours(3));
        app.app.refresh().await.unwrap();
        let page = browser.get(&end_session(&client, &[("id_token_hint", &hint)])).await;
        assert_eq!((page.status, page.location()), (400, ""));
        assert_eq!(super::said(&app.app, "the key was rotated out").await.len(), 1);
    }

    /// Without a hint an address that only a regex allows is not even offered.
    async fn without_hint_only_exact_addresses_are_offered(app) {
        let made = app.application_with("a", |_, provider| {
            let url = r"https://[a-z]+\.example\.org/out".to_owned();
            provider.redirect_uris.push(RedirectUri { url, matching_mode: MatchingMode::Regex, kind: RedirectKind::Logout });
        });
        let client = app.client(&made.await);
        let uri = "https://other.example.org/out";
        let mut browser = app.signed_in("admin").await;
        let asked = browser.get(&end_session(&client, &[("post_logout_redirect_uri", uri)])).await;
        let done = browser.submit(&asked, "/sign-out", &[]).await;
        assert_eq!((done.status, done.location()), (200, ""));
        assert!(!done.text().contains(uri));
        let mut browser = app.signed_in("admin").await;
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        let page = browser.get(&end_session(&client, &[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)])).await;
        assert_eq!(page.location(), uri);
    }

    /// Only a `state`, or a hint and no address: signed out, and a page.
    async fn nothing_to_return_to_ends_on_a_page(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let asked = browser.get(&end_session(&client, &[("state", "x")])).await;
        let done = browser.submit(&asked, "/sign-out", &[]).await;
        assert_eq!((done.status, done.location()), (200, ""));
        assert!(!is_signed_in(&mut browser, &client).await);
        let mut browser = app.signed_in("admin").await;
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        let done = browser.get(&end_session(&client, &[("id_token_hint", &hint)])).await;
        assert_eq!((done.status, done.location()), (200, ""));
        assert!(!is_signed_in(&mut browser, &client).await);
    }

    /// Doubled and oversized parameters: a page, and nobody is signed out.
    async fn doubled_and_oversized_parameters_are_refused(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let long = "x".repeat(48 * 1024 + 1);
        for fields in [
            vec![("post_logout_redirect_uri", BYE), ("post_logout_redirect_uri", BYE)],
            vec![("state", "a"), ("state", "b")],
            vec![("id_token_hint", long.as_str())],
        ] {
            for method in ["GET", "POST"] {
                let page = match method {
                    "GET" => browser.request("GET", &end_session(&client, &fields), None).await,
                    _ => browser.request("POST", "/application/o/a/end-session/", Some(&fields)).await,
                };
                assert_eq!((page.status, page.location()), (400, ""), "{method} {fields:?}");
            }
        }
        assert!(is_signed_in(&mut browser, &client).await);
    }

    /// People in hundreds of groups have long ID tokens; they sign out by GET, and by POST where no address takes it.
    async fn a_long_hint_is_a_good_hint(app) {
        let client = app.client(&app.application("a").await);
        let admin = users::find_by_username(&app.app, "admin").await.unwrap().id;
        for number in 0..400 {
            let group = GroupProfile::named(format!("network engineers of the region with number {number}"));
            groups::create(&app.app, &app.actor(), group, [admin].into()).await.unwrap();
        }
        let mut browser = app.signed_in("admin").await;
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        assert!(hint.len() > 16 * 1024, "{}", hint.len());
        let silent = client.authorize(&[("prompt", "none"), ("id_token_hint", &hint)]);
        assert!(browser.get(&silent).await.redirect_parameter("code").is_some());
        let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s")];
        let page = browser.request("POST", "/application/o/a/end-session/", Some(&fields)).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("taken on to sign out"), "{}", page.body);
        assert!(fields.iter().all(|(name, value)| page.hidden(name) == *value));
        let done = browser.request("POST", "/application/o/a/end-session/?back", Some(&fields)).await;
        assert_eq!(done.location(), format!("{BYE}?state=s"));
        assert!(!is_signed_in(&mut browser, &client).await);
        let again = client.exchange(&client.code(&mut app.signed_in("admin").await, &[]).await).await.text("id_token");
        assert_eq!(browser.get(&end_session(&client, &[("id_token_hint", &again)])).await.status, 200);
    }
}
