//! Introspection (RFC 7662): a client hears of its own living tokens, and of nothing else.

use crate::on_both;
use crate::support::{CALLBACK, OAuthClient, TestApp, TokenAnswer};
use doorward_core::{access_rule::AccessRule, provider::ClientType};
use doorward_server::{
    applications::{self, ApplicationEdit},
    directory::users,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

const INTROSPECT: &str = "/application/o/introspect/";

async fn signed_in(app: &TestApp) -> (OAuthClient, TokenAnswer) {
    let client = app.client(&app.application("a").await);
    app.user("alice", &[]).await;
    let scope = ("scope", "openid profile offline_access");
    let code = client.code(&mut app.signed_in("alice").await, &[scope]).await;
    let answer = client.exchange(&code).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    (client, answer)
}

fn inactive() -> Value {
    json!({ "active": false })
}

on_both! {
    /// What a resource server is told of an access token: its claims, and whose it is.
    async fn living_tokens_are_described(app) {
        let (client, answer) = signed_in(&app).await;
        let token = answer.text("access_token");
        let told = client.introspect(&token).await;
        let claims = answer.claims("access_token");
        for name in ["exp", "iat", "sub", "aud", "iss", "jti", "auth_time", "acr", "groups", "azp"] {
            assert_eq!(told[name], claims[name], "{name}");
        }
        assert_eq!(told["active"], true);
        assert_eq!(told["username"], "alice");
        assert_eq!(told["client_id"], client.client_id);
        assert_eq!(told["token_type"], "Bearer");
        assert_eq!(told["scope"], "offline_access openid profile");
        // A refresh token: the same person, its own end.
        let refresh = client.introspect(&answer.text("refresh_token")).await;
        for name in ["active", "sub", "iss", "aud", "username", "client_id", "scope", "auth_time", "acr"] {
            assert_eq!(refresh[name], told[name], "{name}");
        }
        assert!(refresh["exp"].as_i64() > told["exp"].as_i64());
        assert_eq!(refresh.get("token_type"), None);
        // Hints, right, wrong and unknown, change nothing.
        for hint in ["access_token", "refresh_token", "magic", ""] {
            let answer = client.basic(INTROSPECT, &[("token", &token), ("token_type_hint", hint)]).await;
            assert_eq!((&answer.json["active"], answer.page.header("cache-control")), (&json!(true), "no-store"));
            assert_eq!(answer.page.header("content-type"), "application/json");
        }
    }

    /// CVE-2024-47077: another application's tokens are none, as access and as refresh token.
    async fn cve_2024_47077_tokens_of_other_providers_are_not_active(app) {
        let (_, answer) = signed_in(&app).await;
        let other = app.client(&app.application("other").await);
        for token in ["access_token", "refresh_token"] {
            let token = answer.text(token);
            for hint in ["access_token", "refresh_token"] {
                let told = other.basic(INTROSPECT, &[("token", &token), ("token_type_hint", hint)]).await;
                assert_eq!((told.status, told.json), (200, inactive()));
            }
        }
    }

    /// There is no signed answer (RFC 9701) that would tell more, or to others, than the plain one.
    async fn keycloak_cve_2026_18208_no_signed_answer_tells_more(app) {
        let (client, answer) = signed_in(&app).await;
        let other = app.client(&app.application("other").await);
        let token = answer.text("access_token");
        let mut browser = app.browser();
        browser.headers.push(("accept", "application/token-introspection+jwt".to_owned()));
        for (who, is_active) in [(&client, true), (&other, false)] {
            let fields = [("token", token.as_str()), ("client_id", &who.client_id), ("client_secret", &who.secret)];
            let page = browser.request("POST", INTROSPECT, Some(&fields)).await;
            assert_eq!((page.status, page.header("content-type")), (200, "application/json"));
            assert_eq!(page.json()["active"], is_active);
        }
    }

    /// Only clients with a secret ask; public clients hear nothing at all.
    async fn keycloak_cve_2026_37979_only_clients_with_a_secret_ask(app) {
        let (client, answer) = signed_in(&app).await;
        let token = answer.text("access_token");
        let public = app.client(&app.application_with("spa", |_, provider| provider.client_type = ClientType::Public).await);
        for (fields, authorization) in [
            (vec![("token", token.as_str()), ("client_id", &public.client_id)], None),
            (vec![("token", &token), ("client_id", &client.client_id)], None),
            (vec![("token", &token), ("client_id", &client.client_id), ("client_secret", "wrong")], None),
            (vec![("token", &token), ("client_id", "unknown"), ("client_secret", "wrong")], None),
            (vec![("token", &token)], None),
            (vec![("token", &token)], Some(format!("Bearer {token}"))),
        ] {
            let told = client.send(INTROSPECT, authorization.as_deref(), &fields).await;
            assert_eq!((told.status, told.error()), (401, "invalid_client"), "{fields:?}");
        }
    }

    /// Keycloak CVE-2026-8922: what was revoked, in whichever way, is not active.
    async fn keycloak_cve_2026_8922_whatever_ends_a_token_shows(app) {
        let (client, answer) = signed_in(&app).await;
        let alice = users::find_by_username(&app.app, "alice").await.unwrap();
        let both = async |answer: &TokenAnswer| {
            [client.introspect(&answer.text("access_token")).await, client.introspect(&answer.text("refresh_token")).await]
        };
        let renew = async || {
            let code = client.code(&mut app.signed_in("alice").await, &[("scope", "openid offline_access")]).await;
            client.exchange(&code).await
        };
        // Used up.
        let second = client.refresh(&answer.text("refresh_token")).await;
        assert_eq!(client.introspect(&answer.text("refresh_token")).await, inactive());
        assert_eq!(client.introspect(&second.text("refresh_token")).await["active"], true);
        // Replayed, which revokes everything.
        client.refresh(&answer.text("refresh_token")).await;
        assert_eq!(both(&second).await, [inactive(), inactive()]);
        // The person disabled, and enabled again.
        let third = renew().await;
        for is_active in [false, true] {
            users::set_active(&app.app, &app.actor(), alice.id, is_active).await.unwrap();
            assert_eq!(both(&third).await, [inactive(), inactive()]);
        }
        // Access lost.
        let fourth = renew().await;
        let access = async |rule: AccessRule| {
            let mut edit = ApplicationEdit::of(&applications::find(&app.app, "a").unwrap());
            edit.profile.access = rule;
            applications::update(&app.app, &app.actor(), "a", edit).await.unwrap();
        };
        access(AccessRule::nobody()).await;
        assert_eq!(both(&fourth).await, [inactive(), inactive()]);
        access(AccessRule::Everyone).await;
        assert_eq!(client.introspect(&fourth.text("access_token")).await["active"], true);
        // Expired.
        app.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(client.introspect(&fourth.text("access_token")).await, inactive());
        assert_eq!(client.introspect(&fourth.text("refresh_token")).await["active"], true);
        app.clock.advance(SignedDuration::from_hours(24 * 30));
        assert_eq!(client.introspect(&fourth.text("refresh_token")).await, inactive());
        // Deleted.
        let fifth = renew().await;
        users::delete(&app.app, &app.actor(), alice.id).await.unwrap();
        assert_eq!(both(&fifth).await, [inactive(), inactive()]);
    }

    /// What is no token of ours: nonsense, parts, ID tokens, codes.
    async fn zitadel_cve_2026_27840_parts_of_tokens_and_nonsense_are_not_active(app) {
        let (client, answer) = signed_in(&app).await;
        let token = answer.text("access_token");
        let code = client.code(&mut app.signed_in("alice").await, &[]).await;
        for bad in [&token[..token.len() - 1], "nonsense", "\u{1f600}", answer.text("id_token").as_str(), code.as_str()] {
            assert_eq!(client.introspect(bad).await, inactive(), "{bad}");
        }
        assert_eq!(client.exchange(&code).await.status, 200, "{CALLBACK}");
    }

    /// Missing and repeated parameters are errors, and tokens may be long.
    async fn odd_requests_are_refused(app) {
        let (client, answer) = signed_in(&app).await;
        let token = answer.text("access_token");
        for fields in [vec![], vec![("token", "")], vec![("token", token.as_str()), ("token", &token)]] {
            let told = client.basic(INTROSPECT, &fields).await;
            assert_eq!((told.status, told.error()), (400, "invalid_request"), "{fields:?}");
        }
        assert_eq!(client.introspect(&"x".repeat(60 * 1024)).await, inactive());
        assert_eq!(client.basic(INTROSPECT, &[("token", &"x".repeat(65 * 1024))]).await.error(), "invalid_request");
        assert_eq!(client.get(INTROSPECT).await.status, 405);
    }

    /// Scopes that were taken from the application are not told any more.
    async fn cve_2024_52287_scopes_taken_away_are_not_told(app) {
        let (client, answer) = signed_in(&app).await;
        let mut edit = ApplicationEdit::of(&applications::find(&app.app, "a").unwrap());
        let snapshot = app.app.snapshot();
        edit.oauth.as_mut().unwrap().mappings.retain(|id| snapshot.mapping(*id).unwrap().profile.scope == "openid");
        applications::update(&app.app, &app.actor(), "a", edit).await.unwrap();
        assert_eq!(client.introspect(&answer.text("access_token")).await["scope"], "openid");
        assert_eq!(client.introspect(&answer.text("refresh_token")).await, inactive());
    }
}
