//! The device's side: the request for a code, and every answer of the token endpoint.

use super::{DEVICE, GRANT, allow, answer, application, application_with, ask, begin, poll, type_code};
use crate::{on_both, support::TestApp};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::{
    access_rule::AccessRule,
    grant_type::GrantType,
    lifetime::Lifetime,
    network::Networks,
    provider::ClientType,
    timeline::{AttemptMethod, Ending, StepKind::*},
};
use doorward_server::{directory::users, jobs};
use jiff::SignedDuration;

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

async fn disable(app: &TestApp, username: &str) {
    let user = users::find_by_username(&app.app, username).await.unwrap();
    users::set_active(&app.app, &app.actor(), user.id, false).await.unwrap();
}

on_both! {
    /// From the request to tokens and new tokens: what authentik's clients see, and one record of it.
    async fn a_device_signs_in(app) {
        app.user("alice", &[]).await;
        let client = application(&app, "a").await;
        let given = ask(&client, "openid profile offline_access").await;
        assert_eq!((given.status, given.page.header("cache-control")), (200, "no-store"));
        let (device_code, user_code) = (given.text("device_code"), given.text("user_code"));
        assert!(device_code.len() == 128 && device_code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(user_code.len() == 9 && user_code.bytes().all(|byte| byte.is_ascii_digit()), "{user_code}");
        assert_eq!(given.text("verification_uri"), "https://id.example.org/device");
        assert_eq!(given.text("verification_uri_complete"), format!("https://id.example.org/device?code={user_code}"));
        assert_eq!((given.json["expires_in"].as_i64(), given.json["interval"].as_i64()), (Some(600), Some(5)));
        assert!(app.attempts().await.is_empty(), "nobody is known yet");

        let codes = super::Codes { device_code, user_code };
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        let mut browser = app.signed_in("alice").await;
        app.clock.advance(seconds(30));
        allow(&mut browser, &codes).await;
        app.clock.advance(seconds(5));
        let tokens = poll(&client, &codes).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        assert_eq!(tokens.json["scope"], "offline_access openid profile");
        let claims = tokens.claims("id_token");
        assert_eq!(claims["aud"], client.client_id.as_str());
        assert_eq!(claims["preferred_username"], "alice");
        assert_eq!(claims["auth_time"].as_i64().unwrap(), app.clock.now().as_second() - 35, "when she signed in");
        assert!(!claims.contains_key("sid") && !claims.contains_key("nonce"), "{claims:?}");
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 200);
        assert_eq!(client.refresh(&tokens.text("refresh_token")).await.status, 200);

        let record = app.attempt_to("a").await;
        assert_eq!(record.attempt.method, AttemptMethod::Device);
        let kinds: Vec<_> = record.steps.iter().map(|step| step.kind).collect();
        assert_eq!(kinds, [Asked, ConsentAsked, Access, Consent, Tokens, Userinfo, Refreshed]);
        assert_eq!(record.steps[0].text, "App a asked for a sign-in on a device at 127.0.0.1");
        assert!(record.steps[3].text.contains("alice allowed a device at 127.0.0.1"), "{}", record.steps[3].text);
        assert_eq!(record.conclusion.ending, Ending::Good);
    }

    /// RFC 8628, section 3.1: whoever sends credentials must have them right; authentik's clients send none.
    async fn credentials_that_are_sent_must_be_right(app) {
        let client = application(&app, "a").await;
        let public = application_with(&app, "tv", |_, provider| provider.client_type = ClientType::Public).await;
        let fields = [("client_id", client.client_id.as_str()), ("scope", "openid")];
        let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{}:{secret}", client.client_id)));
        assert_eq!(client.send(DEVICE, Some(&basic(&client.secret)), &fields).await.status, 200);
        assert_eq!(client.send(DEVICE, None, &fields).await.status, 200);
        let wrong = client.send(DEVICE, Some(&basic("wrong")), &fields).await;
        assert_eq!((wrong.status, wrong.error()), (401, "invalid_client"));
        assert!(wrong.page.header("www-authenticate").starts_with("Basic"));
        let empty = client.send(DEVICE, Some(&basic("")), &fields).await;
        assert_eq!((empty.status, empty.error()), (401, "invalid_client"));
        let posted = [fields[0], ("client_secret", "wrong")];
        assert_eq!(client.send(DEVICE, None, &posted).await.error(), "invalid_client");
        assert_eq!(public.send(DEVICE, None, &[("client_id", &public.client_id), ("client_secret", "x")]).await.error(), "invalid_client");
        // At the token endpoint nothing is given without.
        let codes = begin(&client, "openid").await;
        allow(&mut app.signed_in("admin").await, &codes).await;
        let fields = [("grant_type", GRANT), ("device_code", codes.device_code.as_str()), ("client_id", &client.client_id)];
        assert_eq!(client.send("/application/o/token/", None, &fields).await.error(), "invalid_client");
        assert_eq!(poll(&client, &codes).await.status, 200);
        let codes = begin(&public, "openid").await;
        allow(&mut app.signed_in("admin").await, &codes).await;
        let fields = [("grant_type", GRANT), ("device_code", codes.device_code.as_str()), ("client_id", &public.client_id)];
        assert_eq!(public.send("/application/o/token/", None, &fields).await.status, 200);
    }

    /// Requests that cannot be served, each with its own error.
    async fn bad_requests_are_told_apart(app) {
        let client = application(&app, "a").await;
        let id = client.client_id.clone();
        let send = async |fields: &[(&str, &str)]| {
            let answer = client.send(DEVICE, None, fields).await;
            assert!(answer.json["error_description"].as_str().unwrap().contains("(reference "), "{}", answer.json);
            (answer.status, answer.error().to_owned())
        };
        assert_eq!(send(&[("scope", "openid")]).await, (401, "invalid_client".into()));
        assert_eq!(send(&[("client_id", "nobody")]).await, (401, "invalid_client".into()));
        assert_eq!(send(&[("client_id", &id), ("client_id", &id)]).await, (400, "invalid_request".into()));
        assert_eq!(send(&[("client_id", &id), ("scope", "op\"en")]).await, (400, "invalid_scope".into()));
        let fields = [("grant_type", GRANT)];
        assert_eq!(client.token(&fields).await.error(), "invalid_request");
        assert_eq!(client.token(&[fields[0], ("device_code", "nonsense")]).await.error(), "invalid_grant");
        let other = app.client(&app.application("other").await);
        assert_eq!(ask(&other, "openid").await.error(), "unauthorized_client");
        assert_eq!(other.token(&[fields[0], ("device_code", "x")]).await.error(), "unauthorized_client");
        assert!(app.texts().await.iter().any(|text| text.contains("device_code is not switched on for this application")));
    }

    /// A code lasts long enough to be typed, whatever the provider's codes in addresses last.
    async fn codes_last_long_enough_to_be_typed(app) {
        for (slug, seconds) in [("a", 10), ("b", 600)] {
            let client = application_with(&app, slug, |_, provider| {
                provider.access_code_validity = Lifetime::seconds(seconds);
            });
            assert_eq!(ask(&client.await, "openid").await.json["expires_in"], 600);
        }
    }

    /// CVE-2024-52287: scopes that are not configured are not given, nor are those taken away meanwhile.
    async fn cve_2024_52287_only_configured_scopes(app) {
        let client = application(&app, "a").await;
        let mut browser = app.signed_in("admin").await;
        let codes = begin(&client, "openid email profile goauthentik.io/api admin").await;
        app.edit("a", |edit| {
            let snapshot = app.app.snapshot();
            edit.oauth.as_mut().unwrap().mappings.retain(|id| snapshot.mapping(*id).unwrap().profile.scope != "email");
        }).await;
        let question = type_code(&mut browser, &codes.user_code).await;
        assert!(!question.body.contains(">email<") && !question.text().contains("goauthentik.io/api"), "{}", question.text());
        answer(&mut browser, &question, "allow").await;
        app.edit("a", |edit| {
            let snapshot = app.app.snapshot();
            edit.oauth.as_mut().unwrap().mappings.retain(|id| snapshot.mapping(*id).unwrap().profile.scope != "profile");
        }).await;
        let tokens = poll(&client, &codes).await;
        assert_eq!(tokens.json["scope"], "openid");
        // No scope at all means all that are configured, but for offline access.
        let codes = begin(&client, "").await;
        allow(&mut browser, &codes).await;
        let tokens = poll(&client, &codes).await;
        assert_eq!(tokens.json["scope"], "openid", "{}", tokens.json);
    }

    /// CVE-2023-2585: a code is its client's; what another client sends neither uses it up nor slows its device down.
    async fn cve_2023_2585_codes_are_bound_to_their_client(app) {
        let (client, other) = (application(&app, "a").await, application(&app, "b").await);
        let codes = begin(&client, "openid").await;
        for _ in 0..3 {
            assert_eq!(poll(&other, &codes).await.error(), "invalid_grant");
        }
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        allow(&mut app.signed_in("admin").await, &codes).await;
        assert_eq!(poll(&other, &codes).await.error(), "invalid_grant");
        assert_eq!(poll(&client, &codes).await.status, 200);
    }

    /// CVE-2024-38371: the access rule is looked at when the code is typed, when it is allowed, and when tokens are fetched.
    async fn cve_2024_38371_the_access_rule_holds_at_every_step(app) {
        app.user("alice", &[]).await;
        let client = application(&app, "a").await;
        let mut browser = app.signed_in("alice").await;
        let set = async |access: AccessRule| app.edit("a", |edit| edit.profile.access = access).await;
        let codes = begin(&client, "openid").await;
        set(AccessRule::nobody()).await;
        let page = type_code(&mut browser, &codes.user_code).await;
        assert!(page.status == 403 && page.body.contains("is not open to you"), "{}", page.text());
        set(AccessRule::Everyone).await;
        let question = type_code(&mut browser, &codes.user_code).await;
        set(AccessRule::nobody()).await;
        assert_eq!(answer(&mut browser, &question, "allow").await.status, 403);
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        set(AccessRule::Everyone).await;
        allow(&mut browser, &codes).await;
        set(AccessRule::nobody()).await;
        assert_eq!(poll(&client, &codes).await.error(), "invalid_grant");
        assert_eq!(app.attempt_to("a").await.conclusion.ending, Ending::Failed);
        set(AccessRule::Everyone).await;
        assert_eq!(poll(&client, &codes).await.status, 200, "nothing was lost by the look");
    }

    /// Networks hold for the device as for the browser: what is typed inside gives nothing outside.
    async fn networks_hold_for_the_device_too(app) {
        let client = application_with(&app, "a", |profile, _| {
            profile.networks = Networks::parse(["10.0.0.0/8"]).unwrap();
        }).await;
        assert_eq!(ask(&client, "openid").await.error(), "access_denied", "the device is at 127.0.0.1");
        let mut device = app.browser();
        device.peer = "10.1.2.3".parse().unwrap();
        let given = device.request("POST", DEVICE, Some(&[("client_id", &client.client_id), ("scope", "openid")])).await;
        assert_eq!(given.status, 200, "{}", given.body);
        let code = |name: &str| given.json()[name].as_str().unwrap().to_owned();
        let codes = super::Codes { device_code: code("device_code"), user_code: code("user_code") };
        let mut browser = app.signed_in("admin").await;
        let page = type_code(&mut browser, &codes.user_code).await;
        assert!(page.status == 403 && page.body.contains("Not from this network"), "{}", page.text());
        browser.peer = "10.9.9.9".parse().unwrap();
        allow(&mut browser, &codes).await;
        assert_eq!(poll(&client, &codes).await.error(), "invalid_grant", "fetched from 127.0.0.1");
        let basic = STANDARD.encode(format!("{}:{}", client.client_id, client.secret));
        device.headers.push(("authorization", format!("Basic {basic}")));
        let fields = [("grant_type", GRANT), ("device_code", codes.device_code.as_str())];
        assert_eq!(device.request("POST", "/application/o/token/", Some(&fields)).await.status, 200);
    }

    /// RFC 8628, section 3.5: too early makes the interval longer; enough patience is answered as usual; nothing is written.
    async fn devices_that_ask_too_often_are_slowed_down(app) {
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid").await;
        let before = app.texts().await.len();
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        app.clock.advance(seconds(5));
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        app.clock.advance(seconds(2));
        let slow = poll(&client, &codes).await;
        assert_eq!((slow.status, slow.error()), (400, "slow_down"));
        app.clock.advance(seconds(6));
        assert_eq!(poll(&client, &codes).await.error(), "slow_down", "ten seconds now");
        app.clock.advance(seconds(15));
        assert_eq!(poll(&client, &codes).await.error(), "authorization_pending");
        assert_eq!((app.texts().await.len(), app.attempts().await.len()), (before, 0), "asking leaves no trace");
        // Another device is not held to it, and whoever was allowed is answered at once.
        let second = begin(&client, "openid").await;
        assert_eq!(poll(&client, &second).await.error(), "authorization_pending");
        allow(&mut app.signed_in("admin").await, &codes).await;
        assert_eq!(poll(&client, &codes).await.status, 200);
    }

    /// What was denied stays so, for whoever asks and types afterwards.
    async fn denied_is_denied(app) {
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid").await;
        let mut browser = app.signed_in("admin").await;
        let question = type_code(&mut browser, &codes.user_code).await;
        let page = answer(&mut browser, &question, "deny").await;
        assert!(page.body.contains("id=\"device-denied\""), "{}", page.text());
        for _ in 0..2 {
            let told = poll(&client, &codes).await;
            assert_eq!((told.status, told.error()), (400, "access_denied"));
        }
        assert_eq!(answer(&mut browser, &question, "allow").await.status, 400, "the old question does not help");
        assert_eq!(type_code(&mut browser, &codes.user_code).await.status, 400);
        assert_eq!(poll(&client, &codes).await.error(), "access_denied");
        let record = app.attempt_to("a").await;
        assert_eq!(record.conclusion.text, "admin did not allow App a to know who they are.");
    }

    /// Too late to type, to allow and to fetch; later on the code is forgotten.
    async fn codes_expire(app) {
        let client = application(&app, "a").await;
        let mut browser = app.signed_in("admin").await;
        let (typed, allowed) = (begin(&client, "openid").await, begin(&client, "openid").await);
        allow(&mut browser, &allowed).await;
        let question = type_code(&mut browser, &typed.user_code).await;
        app.clock.advance(seconds(600));
        assert_eq!(answer(&mut browser, &question, "allow").await.status, 400);
        assert_eq!(type_code(&mut browser, &typed.user_code).await.status, 400);
        for codes in [&typed, &allowed] {
            let told = poll(&client, codes).await;
            assert_eq!((told.status, told.error()), (400, "expired_token"));
        }
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(poll(&client, &typed).await.error(), "expired_token", "remembered for an hour");
        app.clock.advance(seconds(3600));
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(poll(&client, &typed).await.error(), "invalid_grant");
        assert_eq!(poll(&client, &allowed).await.error(), "invalid_grant");
    }

    /// A second use takes everything back, also when the code has expired since.
    async fn a_second_use_revokes_the_tokens(app) {
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid offline_access").await;
        allow(&mut app.signed_in("admin").await, &codes).await;
        let tokens = poll(&client, &codes).await;
        app.clock.advance(seconds(700));
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 200);
        assert_eq!(poll(&client, &codes).await.error(), "invalid_grant");
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 401);
        assert_eq!(client.refresh(&tokens.text("refresh_token")).await.error(), "invalid_grant");
    }

    /// A device outlives the browser in which it was allowed, and not the account.
    async fn devices_outlive_the_session_but_not_the_account(app) {
        app.user("alice", &[]).await;
        let client = application(&app, "a").await;
        let mut browser = app.signed_in("alice").await;
        let (first, second) = (begin(&client, "openid offline_access").await, begin(&client, "openid").await);
        for codes in [&first, &second] {
            allow(&mut browser, codes).await;
        }
        let page = browser.get("/sign-out").await;
        browser.submit(&page, "/sign-out", &[]).await;
        let tokens = poll(&client, &first).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 200);
        disable(&app, "alice").await;
        assert_eq!(poll(&client, &second).await.error(), "invalid_grant", "allowed, not fetched");
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 401);
        assert_eq!(client.refresh(&tokens.text("refresh_token")).await.error(), "invalid_grant");
    }

    /// What an administrator switches off ends for devices under way; refresh tokens need their grant type and scope.
    async fn what_is_switched_off_ends(app) {
        let client = application_with(&app, "a", |_, provider| {
            provider.grant_types.remove(&GrantType::RefreshToken);
        }).await;
        let mut browser = app.signed_in("admin").await;
        let codes = begin(&client, "openid offline_access").await;
        allow(&mut browser, &codes).await;
        assert!(poll(&client, &codes).await.json.get("refresh_token").is_none());
        let (codes, waiting) = (begin(&client, "openid").await, begin(&client, "openid").await);
        allow(&mut browser, &codes).await;
        let question = type_code(&mut browser, &waiting.user_code).await;
        app.edit("a", |edit| { edit.oauth.as_mut().unwrap().grant_types.remove(&GrantType::DeviceCode); }).await;
        assert_eq!(poll(&client, &codes).await.error(), "unauthorized_client");
        assert_eq!(answer(&mut browser, &question, "allow").await.status, 400);
        assert_eq!(type_code(&mut browser, &waiting.user_code).await.status, 400);
    }
}
