//! Tokens for scripts: client credentials in authentik's variants.

use crate::on_both;
use crate::support::{
    OAuthClient, PASSWORD, TestApp,
    scripts::{CREDENTIALS, TOKEN},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::{
    access_rule::AccessRule, app_password, grant_type::GrantType, provider::ClientType, user::UserProfile,
};
use doorward_server::{
    applications::{self, ApplicationEdit, client_account},
    auth::throttle,
    directory::users,
};
use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

async fn script(app: &TestApp, slug: &str) -> OAuthClient {
    app.client(&app.script_application(slug, |_, _| {}).await)
}

on_both! {
    /// The client secret alone gives tokens for the application's own service account; no refresh token, ever.
    async fn a_client_speaks_for_itself(app) {
        let client = script(&app, "a").await;
        let answer = client.for_itself("openid profile offline_access").await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        assert_eq!(answer.json["scope"], "openid profile");
        assert_eq!((answer.json.get("refresh_token"), &answer.json["token_type"]), (None, &json!("Bearer")));
        assert_eq!(answer.page.header("cache-control"), "no-store");
        let claims = answer.claims("id_token");
        assert_eq!((&claims["preferred_username"], &claims["aud"]), (&json!("ak-a-client_credentials"), &json!(client.client_id)));
        assert_eq!((&claims["iss"], claims.get("amr"), claims.get("sid")), (&json!(client.issuer), None, None));
        assert_eq!(client.userinfo(&answer.text("access_token")).await.json()["preferred_username"], "ak-a-client_credentials");
        // The same account the next time; without openid no ID token, without scopes none.
        let again = client.for_itself("").await;
        assert_eq!((&again.json["scope"], again.json.get("id_token")), (&json!(""), None));
        assert_eq!(again.claims("access_token")["sub"], claims["sub"]);
        let user = users::find_by_username(&app.app, "ak-a-client_credentials").await.unwrap();
        assert_eq!(user.profile.user_type.as_str(), "service_account");
        let texts = app.texts().await;
        let told = |what: &str| texts.iter().filter(|text| text.contains(what)).count();
        assert_eq!((told("was made for App a"), told("App a was given tokens for itself")), (1, 1));
    }

    /// The names are authentik's, so that its guides' scripts work.
    async fn every_variant_gives_tokens(app) {
        let client = script(&app, "a").await;
        let robot = app.robot().await;
        let (_, secret) = app.app_password(&robot, None).await;
        let password = secret.expose();
        for answer in [
            client.by_app_password("robot", password, "openid profile").await,
            client.by_encoded_app_password("robot", password).await,
        ] {
            assert_eq!(answer.status, 200, "{}", answer.json);
            assert_eq!(client.introspect(&answer.text("access_token")).await["username"], "robot");
        }
        let basic = STANDARD.encode(format!("{}:{}", client.client_id, STANDARD.encode(format!("robot:{password}"))));
        assert_eq!(client.send(TOKEN, Some(&format!("Basic {basic}")), &[CREDENTIALS]).await.status, 200);
        // `password` is another name for it.
        let fields = [("grant_type", "password"), ("client_id", &client.client_id), ("username", "robot"), ("password", password)];
        assert_eq!(client.send(TOKEN, None, &fields).await.status, 200);
        // With a client secret that is right, and with one that is not.
        assert_eq!(client.token(&fields[2..].iter().copied().chain([CREDENTIALS]).collect::<Vec<_>>()).await.status, 200);
        let wrong = OAuthClient { secret: "wrong".into(), ..client.clone() };
        let answer = wrong.token(&[CREDENTIALS, ("username", "robot"), ("password", password)]).await;
        assert_eq!((answer.status, answer.error()), (401, "invalid_client"));
        let texts = app.texts().await;
        assert!(texts.iter().any(|text| text.contains("robot signed in to App a by client credentials")), "{texts:?}");
    }

    /// A person's own password is never taken, whichever way it comes.
    async fn a_persons_password_is_never_taken(app) {
        let client = script(&app, "a").await;
        app.user("alice", &[]).await;
        let answer = client.by_app_password("alice", PASSWORD, "openid").await;
        assert_eq!((answer.status, answer.error()), (400, "invalid_grant"));
        let encoded = client.by_encoded_app_password("alice", PASSWORD).await;
        assert_eq!((encoded.status, encoded.error()), (401, "invalid_client"));
        let unknown = client.by_app_password("nobody", PASSWORD, "openid").await;
        let text = |answer: &crate::support::TokenAnswer| {
            answer.text("error_description").split(" (reference").next().unwrap().to_owned()
        };
        assert_eq!((unknown.status, text(&unknown)), (answer.status, text(&answer)));
        let texts = app.texts().await;
        assert!(texts.iter().any(|text| text.contains("only app passwords are taken here")), "{texts:?}");
        // By LDAP, say, the same password still works: it was never looked at.
        app.signed_in("alice").await;
    }

    /// An app password for another application, expired or removed is none.
    async fn app_passwords_keep_to_their_application(app) {
        let registered = app.script_application("a", |_, _| {}).await;
        let (client, other) = (app.client(&registered), script(&app, "b").await);
        let robot = app.robot().await;
        let (kept, secret) = app.app_password(&robot, Some(registered.application.id)).await;
        let password = secret.expose();
        assert_eq!(client.by_app_password("robot", password, "").await.status, 200);
        assert_eq!(other.by_app_password("robot", password, "").await.error(), "invalid_grant");
        assert_eq!(other.by_encoded_app_password("robot", password).await.error(), "invalid_client");
        assert_eq!(client.by_app_password("admin", password, "").await.error(), "invalid_grant");
        let (user, id) = (robot.id, kept.id);
        let delete = app.app.db.write(move |tx| Box::pin(async move { doorward_store::app_password::delete(tx, user, id).await }));
        assert!(delete.await.unwrap());
        assert_eq!(client.by_app_password("robot", password, "").await.error(), "invalid_grant");
    }

    /// CVE-2025-64521: a disabled service account gets nothing, and what it had is dead.
    async fn cve_2025_64521_disabled_accounts_get_nothing(app) {
        let client = script(&app, "a").await;
        let robot = app.robot().await;
        let (_, secret) = app.app_password(&robot, None).await;
        let given = client.by_app_password("robot", secret.expose(), "openid").await.text("access_token");
        let own = client.for_itself("openid").await.text("access_token");
        let account = users::find_by_username(&app.app, "ak-a-client_credentials").await.unwrap();
        for id in [robot.id, account.id] {
            users::set_active(&app.app, &app.actor(), id, false).await.unwrap();
        }
        for answer in [
            client.by_app_password("robot", secret.expose(), "openid").await,
            client.for_itself("openid").await,
        ] {
            assert_eq!((answer.status, answer.error()), (400, "invalid_grant"));
        }
        assert_eq!(client.by_encoded_app_password("robot", secret.expose()).await.error(), "invalid_grant");
        for token in [&given, &own] {
            assert_eq!(client.introspect(token).await, json!({ "active": false }));
            assert_eq!(client.userinfo(token).await.status, 401);
        }
        // Enabled again it goes on, and what it had stays dead.
        users::set_active(&app.app, &app.actor(), account.id, true).await.unwrap();
        assert_eq!(client.for_itself("openid").await.status, 200);
        assert_eq!(client.introspect(&own).await, json!({ "active": false }));
    }

    /// The access rule is about users with app passwords; the client itself needs none.
    async fn the_access_rule_is_looked_at(app) {
        let client = app.client(&app.script_application("a", |application, _| application.access = AccessRule::nobody()).await);
        let robot = app.robot().await;
        let (_, secret) = app.app_password(&robot, None).await;
        let refused = client.by_app_password("robot", secret.expose(), "openid").await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_grant"));
        let own = client.for_itself("openid").await;
        assert_eq!(own.status, 200, "{}", own.json);
        assert_eq!(client.introspect(&own.text("access_token")).await["active"], true);
        assert_eq!(client.userinfo(&own.text("access_token")).await.status, 200);
        // At another application the account is nobody in particular.
        let other = app.client(&app.script_application("b", |application, _| application.access = AccessRule::nobody()).await);
        let account = users::find_by_username(&app.app, "ak-a-client_credentials").await.unwrap();
        let (_, secret) = app.app_password(&account, None).await;
        assert_eq!(other.by_app_password("ak-a-client_credentials", secret.expose(), "").await.error(), "invalid_grant");
        // A user that was let in and is not any more.
        let open = script(&app, "open").await;
        let (_, secret) = app.app_password(&robot, None).await;
        let given = open.by_app_password("robot", secret.expose(), "openid").await.text("access_token");
        let mut edit = ApplicationEdit::of(&applications::find(&app.app, "open").unwrap());
        edit.profile.access = AccessRule::nobody();
        applications::update(&app.app, &app.actor(), "open", edit).await.unwrap();
        assert_eq!(open.introspect(&given).await, json!({ "active": false }));
        assert_eq!(open.by_app_password("robot", secret.expose(), "openid").await.error(), "invalid_grant");
    }

    /// CVE-2024-52287: only scopes that are configured are given.
    async fn cve_2024_52287_only_configured_scopes_are_given(app) {
        let client = script(&app, "a").await;
        let answer = client.for_itself("openid email admin goauthentik.io/api").await;
        assert_eq!(answer.json["scope"], "email openid");
        assert_eq!(answer.claims("access_token")["scope"], "email openid");
    }

    /// Fifty at once, in two processes, make one account.
    async fn fifty_at_once_make_one_account(app) {
        let registered = app.script_application("a", |_, _| {}).await;
        let second = app.second_process().await;
        let (here, there) = (app.client(&registered), OAuthClient::new(doorward_server::router::router(second), &registered));
        let answers = join_all((0..50).map(|n| if n % 2 == 0 { here.for_itself("openid") } else { there.for_itself("openid") })).await;
        let subjects: std::collections::BTreeSet<String> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, 200, "{}", answer.json);
                answer.claims("access_token")["sub"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(subjects.len(), 1);
        let people = app.app.db.read(|tx| Box::pin(doorward_store::user::all(tx))).await.unwrap();
        assert_eq!(people.iter().filter(|user| user.profile.username.starts_with("ak-a")).count(), 1);
    }

    /// Whoever took the name before is not taken for the application, and keeps what is theirs.
    async fn an_account_of_that_name_is_not_taken_over(app) {
        let squatter = app.user("ak-a-client_credentials", &[]).await;
        let client = script(&app, "a").await;
        let answer = client.for_itself("openid profile").await;
        assert_eq!(answer.claims("id_token")["preferred_username"], "ak-a-client_credentials-2");
        assert_ne!(answer.claims("id_token")["sub"], json!(squatter.uid));
        let registered = applications::find_client(&app.app, "a").unwrap();
        let own = client_account::find(&app.app, &registered).await.unwrap().unwrap();
        // It goes with the application; the other stays.
        applications::delete(&app.app, &app.actor(), "a").await.unwrap();
        assert!(users::find_by_username(&app.app, &own.profile.username).await.is_err());
        assert!(users::find_by_username(&app.app, "ak-a-client_credentials").await.is_ok());
    }

    /// An account that has become somebody else's, too, stays when the application goes; a removed one is made anew.
    async fn accounts_come_and_go_with_the_application(app) {
        let client = script(&app, "a").await;
        client.for_itself("").await;
        let first = users::find_by_username(&app.app, "ak-a-client_credentials").await.unwrap();
        users::delete(&app.app, &app.actor(), first.id).await.unwrap();
        assert_eq!(client.for_itself("").await.status, 200);
        let second = users::find_by_username(&app.app, "ak-a-client_credentials").await.unwrap();
        assert_ne!(first.id, second.id);
        app.app_password(&second, None).await;
        // Renamed, it is still the application's.
        let profile = UserProfile { username: "batch".into(), ..second.profile.clone() };
        users::update(&app.app, &app.actor(), second.id, profile, None).await.unwrap();
        assert_eq!(client.for_itself("profile").await.claims("access_token")["preferred_username"], "batch");
        applications::delete(&app.app, &app.actor(), "a").await.unwrap();
        assert!(users::find_by_username(&app.app, "batch").await.is_ok());
    }

    /// Each grant type is switched on by itself; public clients have no credentials of their own.
    async fn grant_types_are_switched_on(app) {
        let client = app.client(&app.application("plain").await);
        let robot = app.robot().await;
        let (_, secret) = app.app_password(&robot, None).await;
        for grant_type in ["client_credentials", "password"] {
            let answer = client.token(&[("grant_type", grant_type)]).await;
            assert_eq!((answer.status, answer.error()), (400, "unauthorized_client"));
        }
        let client = app.client(&app.script_application("a", |_, provider| {
            provider.grant_types.remove(&GrantType::Password);
        }).await);
        assert_eq!(client.for_itself("").await.status, 200);
        let fields = [("grant_type", "password"), ("client_id", &client.client_id), ("username", "robot"), ("password", secret.expose())];
        assert_eq!(client.send(TOKEN, None, &fields).await.error(), "unauthorized_client");
        let public = app.client(&app.script_application("spa", |_, provider| provider.client_type = ClientType::Public).await);
        let bare = public.send(TOKEN, None, &[CREDENTIALS, ("client_id", &public.client_id)]).await;
        assert_eq!((bare.status, bare.error()), (400, "unauthorized_client"));
        assert_eq!(public.for_itself("").await.error(), "invalid_client");
        assert_eq!(public.by_app_password("robot", secret.expose(), "").await.status, 200);
        assert_eq!(public.by_encoded_app_password("robot", secret.expose()).await.status, 200);
    }

    /// What is malformed, half or twice is refused by the book.
    async fn odd_requests_are_refused(app) {
        let client = script(&app, "a").await;
        for (fields, error) in [
            (vec![CREDENTIALS, ("username", "robot")], "invalid_request"),
            (vec![CREDENTIALS, ("password", "x")], "invalid_request"),
            (vec![CREDENTIALS, CREDENTIALS], "invalid_request"),
            (vec![CREDENTIALS, ("scope", "a"), ("scope", "b")], "invalid_request"),
            (vec![CREDENTIALS, ("client_assertion", "e30.e30.x")], "invalid_client"),
            (vec![CREDENTIALS, ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")], "invalid_client"),
            (vec![CREDENTIALS, ("username", "robot"), ("password", "\u{1f600}")], "invalid_grant"),
            (vec![CREDENTIALS, ("client_secret", "x")], "invalid_request"),
        ] {
            assert_eq!(client.token(&fields).await.error(), error, "{fields:?}");
        }
        let long = "x".repeat(8 * 1024 + 1);
        assert_eq!(client.for_itself(&long).await.error(), "invalid_request");
    }

    /// Two Authorization headers, empty and odd ones; an unknown client reads like a wrong secret.
    async fn clients_are_told_nothing_by_refusals(app) {
        let client = script(&app, "a").await;
        let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let mut texts = std::collections::BTreeSet::new();
        for header in [basic(&client.client_id, "wrong"), basic("unknown", "wrong"), basic(&client.client_id, ""), basic("unknown", "")] {
            let answer = client.send(TOKEN, Some(&header), &[CREDENTIALS]).await;
            assert_eq!((answer.status, answer.error()), (401, "invalid_client"));
            assert!(answer.page.header("www-authenticate").starts_with("Basic"));
            texts.insert(answer.text("error_description").split(" (reference").next().unwrap().to_owned());
        }
        assert_eq!(texts.len(), 1, "{texts:?}");
        for header in ["", "Basic", "Basic ?", "Bearer x", "Digest y"] {
            assert_eq!(client.send(TOKEN, Some(header), &[CREDENTIALS]).await.error(), "invalid_client", "{header}");
        }
        let right = basic(&client.client_id, &client.secret);
        let mut browser = app.browser();
        browser.headers.extend([("authorization", right.clone()), ("authorization", right)]);
        let page = browser.request("POST", TOKEN, Some(&[CREDENTIALS])).await;
        assert_eq!((page.status, page.json()["error"].as_str()), (400, Some("invalid_request")));
    }

    /// Guessing is slowed down as everywhere, and never shuts out who knows the app password.
    async fn guessing_is_throttled(app) {
        let client = script(&app, "a").await;
        let robot = app.robot().await;
        let (_, secret) = app.app_password(&robot, None).await;
        for _ in 0..throttle::PER_ACCOUNT {
            let guess = app_password::new_secret();
            assert_eq!(client.by_app_password("robot", guess.expose(), "").await.error(), "invalid_grant");
        }
        let guess = app_password::new_secret();
        let answer = client.by_app_password("robot", guess.expose(), "").await;
        assert_eq!((answer.status, answer.error()), (429, "temporarily_unavailable"));
        assert_eq!(answer.page.header("retry-after"), "300");
        assert_eq!(client.by_app_password("robot", secret.expose(), "").await.status, 200);
    }

    /// Tokens expire, and their grants are cleaned up with them.
    async fn tokens_end_after_their_time(app) {
        let client = script(&app, "a").await;
        let token = client.for_itself("openid").await.text("access_token");
        app.clock.advance(SignedDuration::from_secs(3599));
        assert_eq!(client.introspect(&token).await["active"], true);
        app.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(client.introspect(&token).await, json!({ "active": false }));
        doorward_server::jobs::clean(&app.app).await.unwrap();
        let left: i64 = app.app.db.read(|tx| Box::pin(async move { tx.fetch_one("SELECT COUNT(*) FROM grants", &[]).await })).await.unwrap();
        assert_eq!(left, 0);
    }
}
