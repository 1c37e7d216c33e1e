//! Refresh tokens: rotated, and a family that was replayed is revoked.

use crate::on_both;
use crate::support::{Browser, OAuthClient, TestApp, TokenAnswer};
use doorward_core::{access_rule::AccessRule, lifetime::Lifetime};
use doorward_server::{
    applications::{self, ApplicationEdit},
    directory::users,
};
use futures::future::join_all;
use jiff::SignedDuration;

const OFFLINE: (&str, &str) = ("scope", "openid profile offline_access");

async fn signed_in(app: &TestApp, slug: &str) -> (OAuthClient, Browser, TokenAnswer) {
    let client = app.client(&app.application(slug).await);
    app.user("alice", &[]).await;
    let mut browser = app.signed_in("alice").await;
    let answer = client.exchange(&client.code(&mut browser, &[OFFLINE]).await).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    (client, browser, answer)
}

on_both! {
    /// A new pair each time; the ID token keeps what it stands on.
    async fn tokens_rotate(app) {
        let (client, _, first) = signed_in(&app, "a").await;
        app.clock.advance(SignedDuration::from_mins(30));
        let second = client.refresh(&first.text("refresh_token")).await;
        assert_eq!(second.status, 200, "{}", second.json);
        assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
        let (old, new) = (first.claims("id_token"), second.claims("id_token"));
        for name in ["iss", "sub", "aud", "auth_time", "sid", "amr"] {
            assert_eq!(old[name], new[name], "{name}");
        }
        assert_ne!(old["iat"], new["iat"]);
        assert!(!new.contains_key("nonce"));
        assert_eq!(client.refresh(&second.text("refresh_token")).await.status, 200);
    }

    /// The second use of a rotated token ends the whole family.
    async fn a_replay_revokes_the_family(app) {
        let (client, _, first) = signed_in(&app, "a").await;
        let second = client.refresh(&first.text("refresh_token")).await;
        assert_eq!(client.refresh(&first.text("refresh_token")).await.error(), "invalid_grant");
        assert_eq!(client.refresh(&second.text("refresh_token")).await.error(), "invalid_grant");
        assert_eq!(client.userinfo(&second.text("access_token")).await.status, 401);
    }

    /// Fifty at once: one winner at most keeps its tokens for a moment, then the family is gone.
    async fn a_token_used_fifty_times_at_once_has_one_winner(app) {
        let (client, _, first) = signed_in(&app, "a").await;
        let token = first.text("refresh_token");
        let answers = join_all((0..50).map(|_| client.refresh(&token))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        assert_eq!(client.refresh(&winner.text("refresh_token")).await.error(), "invalid_grant");
    }

    /// Another client's token is not valid, and nothing is revoked by trying.
    async fn tokens_are_bound_to_their_client(app) {
        let (client, _, first) = signed_in(&app, "a").await;
        let other = app.client(&app.application("other").await);
        assert_eq!(other.refresh(&first.text("refresh_token")).await.error(), "invalid_grant");
        assert_eq!(client.refresh(&first.text("refresh_token")).await.status, 200);
    }

    /// Fewer scopes may be asked for, more may not.
    async fn scopes_can_be_narrowed_and_not_widened(app) {
        let (client, _, first) = signed_in(&app, "a").await;
        let token = first.text("refresh_token");
        let ask = |scope: &'static str| {
            let (client, token) = (client.clone(), token.clone());
            async move { client.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)]).await }
        };
        assert_eq!(ask("openid email").await.error(), "invalid_scope");
        let narrowed = ask("openid").await;
        assert_eq!(narrowed.json["scope"], "openid");
        assert!(!narrowed.claims("id_token").contains_key("groups"));
    }

    /// Signing out does not end what was allowed for a time without the person; disabling the person does.
    async fn offline_access_outlives_the_session_but_not_the_account(app) {
        let (client, mut browser, first) = signed_in(&app, "a").await;
        let online = client.exchange(&client.code(&mut browser, &[]).await).await;
        let page = browser.get("/sign-out").await;
        browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!(client.userinfo(&online.text("access_token")).await.status, 401);
        let second = client.refresh(&first.text("refresh_token")).await;
        assert_eq!(second.status, 200, "{}", second.json);
        let alice = users::find_by_username(&app.app, "alice").await.unwrap();
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert_eq!(client.refresh(&second.text("refresh_token")).await.error(), "invalid_grant");
        assert_eq!(client.userinfo(&second.text("access_token")).await.status, 401);
    }

    /// The access rule is looked at on every refresh.
    async fn lost_access_ends_refreshing(app) {
        let (client, _, first) = signed_in(&app, "a").await;
        let mut edit = ApplicationEdit::of(&applications::find(&app.app, "a").unwrap());
        edit.profile.access = AccessRule::nobody();
        applications::update(&app.app, &app.actor(), "a", edit).await.unwrap();
        assert_eq!(client.refresh(&first.text("refresh_token")).await.error(), "invalid_grant");
        assert_eq!(client.userinfo(&first.text("access_token")).await.status, 401);
    }

    /// CVE-2024-52287: scopes that were taken from an application are not given again, and without offline access its
    /// refresh tokens end.
    async fn cve_2024_52287_scopes_taken_away_are_gone(app) {
        let (client, _, first) = signed_in(&app, "a").await;
        let without = async |scope: &str| {
            let mut edit = ApplicationEdit::of(&applications::find(&app.app, "a").unwrap());
            let snapshot = app.app.snapshot();
            edit.oauth.as_mut().unwrap().mappings.retain(|id| snapshot.mapping(*id).unwrap().profile.scope != scope);
            applications::update(&app.app, &app.actor(), "a", edit).await.unwrap();
        };
        without("profile").await;
        let second = client.refresh(&first.text("refresh_token")).await;
        assert_eq!(second.json["scope"], "offline_access openid");
        without("offline_access").await;
        assert_eq!(client.refresh(&second.text("refresh_token")).await.error(), "invalid_grant");
    }

    /// RFC 9700, section 4.14.2: public clients' tokens rotate whatever the threshold.
    async fn public_clients_always_rotate(app) {
        let registered = app
            .application_with("spa", |_, provider| {
                provider.client_type = doorward_core::provider::ClientType::Public;
                provider.refresh_token_threshold = Lifetime::seconds(600);
            })
            .await;
        let spa = app.client(&registered);
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = doorward_protocols::oauth::pkce::s256(verifier);
        let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256"), OFFLINE];
        let code = spa.code(&mut app.signed_in("admin").await, &pkce).await;
        let id = spa.client_id.clone();
        let path = "/application/o/token/";
        let fields = [
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", crate::support::CALLBACK),
            ("code_verifier", verifier), ("client_id", &id),
        ];
        let token = spa.send(path, None, &fields).await.text("refresh_token");
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("client_id", &id)];
        assert_eq!(spa.send(path, None, &fields).await.status, 200);
        assert_eq!(spa.send(path, None, &fields).await.error(), "invalid_grant");
    }

    /// Tokens end after their time, and a threshold keeps them until near the end.
    async fn lifetimes_and_threshold_hold(app) {
        let registered = app.application_with("a", |_, provider| {
            provider.refresh_token_validity = Lifetime::seconds(3600);
            provider.refresh_token_threshold = Lifetime::seconds(600);
        }).await;
        let client = app.client(&registered);
        let code = client.code(&mut app.signed_in("admin").await, &[OFFLINE]).await;
        let token = client.exchange(&code).await.text("refresh_token");
        for _ in 0..2 {
            let answer = client.refresh(&token).await;
            assert_eq!((answer.status, answer.json.get("refresh_token")), (200, None));
        }
        app.clock.advance(SignedDuration::from_secs(3001));
        let rotated = client.refresh(&token).await.text("refresh_token");
        app.clock.advance(SignedDuration::from_secs(3600));
        assert_eq!(client.refresh(&rotated).await.error(), "invalid_grant");
    }
}
