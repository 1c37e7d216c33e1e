//! Codes: bound, single use, short-lived.

use crate::{on_both, support::CALLBACK};
use doorward_core::provider::ClientType;
use doorward_protocols::oauth::pkce::s256;
use doorward_server::jobs;
use futures::future::join_all;
use jiff::SignedDuration;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

on_both! {
    /// Fifty at once: one winner, and since the others replayed it, what it had got is revoked.
    async fn a_code_used_fifty_times_at_once_has_one_winner(app) {
        let netbox = app.client(&app.application("a").await);
        let code = netbox.code(&mut app.signed_in("admin").await, &[]).await;
        let answers = join_all((0..50).map(|_| netbox.exchange(&code))).await;
        let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(winners.len(), 1);
        assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.error() == "invalid_grant"));
        assert_eq!(netbox.userinfo(&winners[0].text("access_token")).await.status, 401);
    }

    /// Also long after: used codes are remembered past their end.
    async fn a_replayed_code_revokes_what_it_gave(app) {
        let netbox = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let answer = netbox.exchange(&netbox.code(&mut browser, &[("scope", "openid offline_access")]).await).await;
        assert_eq!(netbox.userinfo(&answer.text("access_token")).await.status, 200);
        let code = netbox.code(&mut browser, &[("scope", "openid offline_access")]).await;
        let first = netbox.exchange(&code).await;
        app.clock.advance(SignedDuration::from_secs(90));
        let second = netbox.exchange(&code).await;
        assert_eq!((second.status, second.error()), (400, "invalid_grant"));
        assert_eq!(netbox.userinfo(&first.text("access_token")).await.status, 401);
        assert_eq!(netbox.refresh(&first.text("refresh_token")).await.error(), "invalid_grant");
        // The other sign-in is another grant.
        assert_eq!(netbox.userinfo(&answer.text("access_token")).await.status, 200);
    }

    /// After a minute a code is worth nothing.
    async fn codes_expire(app) {
        let netbox = app.client(&app.application("a").await);
        let code = netbox.code(&mut app.signed_in("admin").await, &[]).await;
        app.clock.advance(SignedDuration::from_secs(60));
        assert_eq!(netbox.exchange(&code).await.error(), "invalid_grant");
    }

    /// Keycloak CVE-2026-16089: another client's code is not valid, and is not used up by trying.
    async fn cve_2026_16089_codes_are_bound_to_their_client(app) {
        let (one, other) = (app.client(&app.application("one").await), app.client(&app.application("other").await));
        let code = one.code(&mut app.signed_in("admin").await, &[]).await;
        let answer = other.exchange(&code).await;
        assert_eq!((answer.status, answer.error()), (400, "invalid_grant"));
        assert_eq!(one.exchange(&code).await.status, 200);
    }

    /// The redirect URI of the request must come back, byte for byte.
    async fn codes_are_bound_to_their_redirect_uri(app) {
        let netbox = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        for wrong in [&CALLBACK[..CALLBACK.len() - 1], "https://netbox.example.org/bye/", "https://evil.example/"] {
            let code = netbox.code(&mut browser, &[]).await;
            let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", wrong)];
            assert_eq!(netbox.token(&fields).await.error(), "invalid_grant", "{wrong}");
            // Used up all the same.
            assert_eq!(netbox.exchange(&code).await.error(), "invalid_grant");
        }
    }

    /// PKCE is checked if it was used, and cannot be slipped in or left out afterwards.
    async fn pkce_binds_a_code_to_its_verifier(app) {
        let netbox = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let challenge = s256(VERIFIER);
        let with_pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
        let wrong = VERIFIER.replace('d', "e");
        let cases: [(&[(&str, &str)], Option<&str>, u16); 5] = [
            (&with_pkce, Some(VERIFIER), 200),
            (&with_pkce, Some(&wrong), 400),
            (&with_pkce, None, 400),
            (&[], Some(VERIFIER), 400),
            (&[], None, 200),
        ];
        for (request, verifier, status) in cases {
            let code = netbox.code(&mut browser, request).await;
            let mut fields = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
            fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
            assert_eq!(netbox.token(&fields).await.status, status, "{request:?} {verifier:?}");
        }
    }

    /// Public clients have no secret, and must use PKCE.
    async fn public_clients_use_pkce_and_no_secret(app) {
        let registered = app.application_with("spa", |_, provider| provider.client_type = ClientType::Public).await;
        let spa = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let refused = browser.get(&spa.authorize(&[])).await;
        assert_eq!(refused.redirect_parameter("error").as_deref(), Some("invalid_request"));
        let challenge = s256(VERIFIER);
        let code = spa.code(&mut browser, &[("code_challenge", &challenge), ("code_challenge_method", "S256")]).await;
        let id = spa.client_id.clone();
        let fields = [
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER), ("client_id", &id),
        ];
        assert_eq!(spa.send("/application/o/token/", None, &fields).await.status, 200);
    }

    /// Whoever was disabled or lost access between code and token gets nothing.
    async fn the_person_is_looked_at_again_when_the_code_comes(app) {
        let alice = app.user("alice", &[]).await;
        let netbox = app.client(&app.application("a").await);
        let code = netbox.code(&mut app.signed_in("alice").await, &[]).await;
        doorward_server::directory::users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert_eq!(netbox.exchange(&code).await.error(), "invalid_grant");
    }

    /// A code is remembered for an hour after everything that it gave has ended: until then its replay is noticed.
    async fn used_codes_are_remembered_for_an_hour(app) {
        let client = app.client(&app.application("a").await);
        let code = client.code(&mut app.signed_in("admin").await, &[]).await;
        assert_eq!(client.exchange(&code).await.status, 200);
        let lifetime = app.app.snapshot().by_client_id(&client.client_id).unwrap().provider.profile.access_token_validity;
        let end = lifetime.duration() + SignedDuration::from_hours(1);
        let replays = async || app.texts().await.iter().filter(|text| text.contains("a code a second time")).count();
        app.clock.advance(end - SignedDuration::from_secs(1));
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(client.exchange(&code).await.error(), "invalid_grant");
        assert_eq!(replays().await, 1);
        app.clock.advance(SignedDuration::from_secs(1));
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(client.exchange(&code).await.error(), "invalid_grant");
        assert_eq!(replays().await, 1, "nobody knows it any more");
    }
}
