//! The `claims` parameter (OpenID Connect Core 1.0, section 5.5).

use crate::{
    on_both,
    support::{CALLBACK, OAuthClient, PASSWORD, Page, TestApp, TokenAnswer},
};
use doorward_core::{
    application::ConsentMode,
    claim_mapping::{ClaimMapping, MappingProfile},
    event::EventKind,
    id::MappingId,
};
use doorward_server::{directory::users, events, mappings};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NAME: &str = r#"{"userinfo": {"name": {"essential": true}}}"#;

async fn tokens(client: &OAuthClient, browser: &mut crate::support::Browser, scope: &str, claims: &str) -> TokenAnswer {
    client.exchange(&client.code(browser, &[("scope", scope), ("claims", claims)]).await).await
}

async fn userinfo(client: &OAuthClient, tokens: &TokenAnswer) -> Value {
    client.userinfo(&tokens.text("access_token")).await.json()
}

fn names(claims: &Value) -> BTreeSet<&str> {
    claims.as_object().unwrap().keys().map(String::as_str).collect()
}

fn asks(page: &Page) -> bool {
    page.body.contains("id=\"allow\"")
}

async fn mapping(app: &TestApp, scope: &str, expression: &str) -> ClaimMapping {
    let profile = MappingProfile {
        name: format!("Own {scope}"),
        scope: scope.into(),
        expression: expression.into(),
        description: String::new(),
    };
    mappings::create(&app.app, &app.actor(), profile).await.unwrap()
}

/// An application that leaves claims out of the ID token, with a change.
async fn quiet(app: &TestApp, slug: &str, mappings: Option<BTreeSet<MappingId>>) -> OAuthClient {
    let client = app.application_with(slug, |_, provider| {
        provider.include_claims_in_id_token = false;
        if let Some(mappings) = mappings {
            provider.mappings = mappings;
        }
    });
    app.client(&client.await)
}

on_both! {
    /// The module oidcc-claims-essential: an essential `name` without its scope comes from userinfo, and from nowhere else.
    async fn an_essential_name_comes_from_userinfo(app) {
        app.user("alice", &[]).await;
        let client = quiet(&app, "a", None).await;
        let mut browser = app.signed_in("alice").await;
        let tokens = tokens(&client, &mut browser, "openid", NAME).await;
        let told = userinfo(&client, &tokens).await;
        assert_eq!((names(&told), &told["name"]), (["name", "sub"].into(), &json!("Alice Example")));
        for token in ["id_token", "access_token"] {
            assert!(!tokens.claims(token).contains_key("name"));
        }
        assert_eq!(tokens.text("scope"), "openid");
    }

    /// `id_token` claims stand in the ID token, also after a refresh, also of an application that leaves claims out of it
    /// otherwise; not in userinfo, not in the access token.
    async fn id_token_claims_stand_in_the_id_token_and_stay(app) {
        app.well_known_user("alice").await;
        let client = quiet(&app, "a", None).await;
        let mut browser = app.signed_in("alice").await;
        let claims = r#"{"id_token": {"email": {"essential": true}, "birthdate": null, "auth_time": {"essential": true}},
                         "userinfo": {"zoneinfo": null, "address": {"essential": true}}, "verified_claims": {"x": 1}}"#;
        let first = tokens(&client, &mut browser, "openid offline_access", claims).await;
        let narrowed = [("grant_type", "refresh_token"), ("scope", "openid")];
        let second = client.refresh(&first.text("refresh_token")).await;
        let again = second.text("refresh_token");
        let third = client.token(&[&narrowed[..], &[("refresh_token", again.as_str())]].concat()).await;
        for tokens in [first, second, third] {
            let id_token = tokens.claims("id_token");
            assert_eq!((&id_token["email"], &id_token["birthdate"]), (&json!("alice@example.org"), &json!("1990-10-31")));
            assert_eq!(id_token["auth_time"], app.clock.now().as_second());
            assert!(!id_token.contains_key("zoneinfo") && !id_token.contains_key("email_verified"));
            assert!(!tokens.claims("access_token").contains_key("email"));
            // The scope address is not the application's: asked for or not, it is not had.
            assert_eq!(names(&userinfo(&client, &tokens).await), ["sub", "zoneinfo"].into());
        }
    }

    /// A claim of a mapping that the application does not have is never given, by whatever name it is asked for, nor one that
    /// tokens stand on.
    async fn mappings_of_others_are_out_of_reach(app) {
        app.user("alice", &[]).await;
        let secret = mapping(&app, "secret", "{\"badge\": \"4711\"}").await;
        let own = mapping(&app, "desk", "{\"desk\": \"3.14\"}").await;
        let openid = app.app.snapshot().mappings.iter().find(|found| found.profile.scope == "openid").unwrap().id;
        let client = quiet(&app, "a", Some([openid, own.id].into())).await;
        let other = quiet(&app, "b", Some([openid, secret.id].into())).await;
        let mut browser = app.signed_in("alice").await;
        let claims = r#"{"userinfo": {"badge": {"essential": true}, "desk": null, "name": null, "exp": null, "iss": null},
                         "id_token": {"badge": null, "client_id": null, "scope": {"value": "root"}}}"#;
        let mine = tokens(&client, &mut browser, "openid", claims).await;
        assert_eq!(names(&userinfo(&client, &mine).await), ["desk", "sub"].into());
        assert!(!mine.claims("id_token").contains_key("badge") && !mine.claims("id_token").contains_key("client_id"));
        let theirs = tokens(&other, &mut browser, "openid", claims).await;
        assert_eq!(names(&userinfo(&other, &theirs).await), ["badge", "sub"].into());
        // What is taken from the application is gone from what it had been given.
        let mut edit = doorward_server::applications::ApplicationEdit::of(app.app.snapshot().application("b").unwrap());
        edit.oauth.as_mut().unwrap().mappings = [openid].into();
        doorward_server::applications::update(&app.app, &app.actor(), "b", edit).await.unwrap();
        assert_eq!(names(&userinfo(&other, &theirs).await), ["sub"].into());
    }

    /// Another value than was asked for is not given; what a scope brings is given all the same.
    async fn values_that_differ_are_left_out(app) {
        app.user("alice", &[]).await;
        let client = quiet(&app, "a", None).await;
        let mut browser = app.signed_in("alice").await;
        let claims = |value: &str| format!(r#"{{"userinfo": {{"email": {{"values": ["x@example.org", "{value}"]}}}}}}"#);
        for (scope, value, is_given) in [
            ("openid", "bob@example.org", false),
            ("openid", "alice@example.org", true),
            ("openid email", "bob@example.org", true),
        ] {
            let tokens = tokens(&client, &mut browser, scope, &claims(value)).await;
            assert_eq!(userinfo(&client, &tokens).await.get("email").is_some(), is_given, "{scope} {value}");
        }
    }

    /// What cannot be read is refused by redirect, with what to change in the log; for plain OAuth it is an unknown parameter.
    async fn what_cannot_be_read_is_refused(app) {
        let client = quiet(&app, "a", None).await;
        let mut browser = app.signed_in("admin").await;
        let deep = format!("{{\"userinfo\":{}{}}}", "[".repeat(4000), "]".repeat(4000));
        let many = format!("{{\"userinfo\":{{{}}}}}", (0..101).map(|n| format!("\"c{n}\":null")).collect::<Vec<_>>().join(","));
        for bad in ["name", "[]", "{", "{\"userinfo\": {\"name\": true}}", &deep, &many] {
            let page = browser.get(&client.authorize(&[("claims", bad)])).await;
            assert!(page.location().starts_with(CALLBACK), "{}", page.body);
            assert_eq!(page.redirect_parameter("error").as_deref(), Some("invalid_request"), "{}", &bad[..20.min(bad.len())]);
            assert_eq!(page.redirect_parameter("state").as_deref(), Some("the-state"));
            assert!(page.redirect_parameter("code").is_none());
        }
        let events = app.app.db.read(|tx| Box::pin(doorward_store::event::newest(tx, 20))).await.unwrap();
        assert!(format!("{events:?}").contains("101 claims"), "{events:?}");
        client.code(&mut browser, &[("scope", "profile"), ("claims", "name")]).await;
    }

    /// Claims asked for by name are shown and remembered; more of them are asked about again.
    async fn claims_count_for_consent(app) {
        app.well_known_user("alice").await;
        let registered = app.application_with("a", |profile, _| profile.consent = ConsentMode::FirstTime).await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("alice").await;
        let request = |scope: &str, claims: &str, prompt: &str| {
            client.authorize(&[("scope", scope), ("claims", claims), ("prompt", prompt)])
        };
        let page = browser.get(&request("openid", NAME, "")).await;
        assert!(asks(&page) && page.text().contains("Alice Example") && !page.text().contains("1990-10-31"), "{}", page.body);
        let back = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(back.redirect_parameter("code").is_some());
        // The same again, less, and what no mapping can give: no question.
        for claims in [NAME, "{}", r#"{"userinfo": {"shoe_size": null, "sub": null}, "id_token": {"acr": null, "name": null}}"#] {
            assert!(browser.get(&request("openid", claims, "none")).await.redirect_parameter("code").is_some(), "{claims}");
        }
        // More: asked again, and then both are known.
        let more = r#"{"id_token": {"birthdate": null, "middle_name": null}, "userinfo": {"name": null}}"#;
        let silent = browser.get(&request("openid", more, "none")).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("consent_required"));
        let page = browser.get(&request("openid", more, "")).await;
        assert!(asks(&page) && page.text().contains("1990-10-31") && page.text().contains("Beatrice"), "{}", page.body);
        browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(browser.get(&request("openid", more, "none")).await.redirect_parameter("code").is_some());
        // A scope that was allowed covers its claims, whenever they are asked for.
        let page = browser.get(&request("openid profile", "", "")).await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let covered = r#"{"userinfo": {"zoneinfo": null, "locale": null}}"#;
        assert!(browser.get(&request("openid", covered, "none")).await.redirect_parameter("code").is_some());
    }

    /// An address is shown as people read it.
    async fn an_address_is_shown_in_one_line(app) {
        app.well_known_user("alice").await;
        let client = app.open_application("a", |_| {}).await;
        let page = app.signed_in("alice").await
            .get(&client.authorize(&[("scope", "openid address"), ("prompt", "consent")])).await;
        assert!(asks(&page) && page.text().contains("1 Main Street, Springfield, 12345, US"), "{}", page.body);
    }

    /// What there is nothing to tell for yet is asked about as well; what was never asked about is not given when it appears.
    async fn claims_that_appear_later_were_allowed_or_are_not_given(app) {
        app.user("alice", &[]).await;
        mapping(&app, "badge", "{\"badge\": user.attributes.badge} if user.attributes.badge is defined else {}").await;
        let all = app.app.snapshot().mappings.iter().map(|mapping| mapping.id).collect();
        let registered = app.application_with("a", |profile, provider| {
            profile.consent = ConsentMode::FirstTime;
            provider.mappings = all;
        });
        let client = app.client(&registered.await);
        let mut browser = app.signed_in("alice").await;
        let claims = r#"{"userinfo": {"phone_number": null, "badge": null}}"#;
        let request = [("scope", "openid"), ("claims", claims)];
        let page = browser.get(&client.authorize(&request)).await;
        assert!(asks(&page) && page.text().contains("phone number") && page.text().contains("not known yet"), "{}", page.body);
        assert!(!page.text().contains("badge"));
        let code = browser.submit(&page, "/consent", &[("decision", "allow")]).await.redirect_parameter("code").unwrap();
        let tokens = client.exchange(&code).await;
        assert_eq!(names(&userinfo(&client, &tokens).await), ["sub"].into());
        let person = users::find_person(&app.app, "alice").await.unwrap().user;
        let mut profile = person.profile.clone();
        profile.attributes = serde_json::from_value(json!({ "badge": "4711", "phone_number": "+1" })).unwrap();
        users::update(&app.app, &app.actor(), person.id, profile, None).await.unwrap();
        assert_eq!(names(&userinfo(&client, &tokens).await), ["phone_number", "sub"].into());
        let silent = browser.get(&client.authorize(&[&request[..], &[("prompt", "none")]].concat())).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("consent_required"));
    }

    /// Core, section 5.5.1.1: an essential `acr` that cannot be met is a failed authentication, a wish is not.
    async fn acr_is_a_wish_unless_it_is_essential(app) {
        let client = quiet(&app, "a", None).await;
        let mut browser = app.signed_in("admin").await;
        let acr = |details: &str| format!("{{\"id_token\": {{\"acr\": {details}}}}}");
        let reached = "goauthentik.io/providers/oauth2/default";
        for details in [
            r#"{"values": ["urn:mace:incommon:iap:silver"]}"#.to_owned(),
            r#"{"essential": true}"#.to_owned(),
            format!(r#"{{"essential": true, "values": ["gold", "{reached}"]}}"#),
        ] {
            let tokens = tokens(&client, &mut browser, "openid", &acr(&details)).await;
            assert_eq!(tokens.claims("id_token")["acr"], reached, "{details}");
        }
        let unmet = acr(r#"{"essential": true, "value": "gold"}"#);
        let page = browser.get(&client.authorize(&[("claims", &unmet)])).await;
        assert_eq!(page.redirect_parameter("error").as_deref(), Some("unmet_authentication_requirements"));
        assert!(page.redirect_parameter("code").is_none());
    }

    /// A `sub` with a value is one person: `prompt=none` says no to anybody else, and signing in as somebody else does too.
    async fn a_subject_is_that_person_and_nobody_else(app) {
        let client = quiet(&app, "a", None).await;
        app.user("alice", &[]).await;
        app.user("bob", &[]).await;
        let mut alice = app.signed_in("alice").await;
        let subject = tokens(&client, &mut alice, "openid", "").await.claims("id_token")["sub"].as_str().unwrap().to_owned();
        for member in ["id_token", "userinfo"] {
            let claims = format!("{{\"{member}\": {{\"sub\": {{\"value\": \"{subject}\"}}}}}}");
            let silent = [("claims", claims.as_str()), ("prompt", "none")];
            assert!(alice.get(&client.authorize(&silent)).await.redirect_parameter("code").is_some());
            let mut bob = app.signed_in("bob").await;
            let refused = bob.get(&client.authorize(&silent)).await;
            assert_eq!(refused.redirect_parameter("error").as_deref(), Some("login_required"));
            app.clock.advance(SignedDuration::from_secs(5));
            let target = client.authorize(&[("claims", claims.as_str())]);
            let back = bob.clone().sign_in(&target, "bob", PASSWORD).await;
            assert_eq!(back.redirect_parameter("error").as_deref(), Some("login_required"), "{member}");
            let right = bob.sign_in(&target, "alice", PASSWORD).await;
            assert!(right.redirect_parameter("code").is_some(), "{} {}", right.status, right.body);
        }
        // A hint and a subject that contradict each other fit nobody.
        let hint = tokens(&client, &mut alice, "openid", "").await.text("id_token");
        let other = [("claims", r#"{"id_token": {"sub": {"value": "other"}}}"#), ("id_token_hint", &hint), ("prompt", "none")];
        assert_eq!(alice.get(&client.authorize(&other)).await.redirect_parameter("error").as_deref(), Some("login_required"));
    }

    /// A mapping that fails lets nothing out, also where only a claim is asked for by name.
    async fn a_failing_mapping_denies(app) {
        mapping(&app, "broken", "{\"broken\": user.nope}").await;
        let all = app.app.snapshot().mappings.iter().map(|mapping| mapping.id).collect();
        let client = quiet(&app, "a", Some(all)).await;
        let mut browser = app.signed_in("admin").await;
        client.code(&mut browser, &[("scope", "openid")]).await;
        let page = browser.get(&client.authorize(&[("scope", "openid"), ("claims", NAME)])).await;
        assert_eq!(page.redirect_parameter("error").as_deref(), Some("server_error"));
    }

    /// What a client sends stands in one line of the log, whatever it holds.
    async fn line_breaks_and_escape_sequences_write_no_log_of_their_own(app) {
        let client = quiet(&app, "a", None).await;
        let mut browser = app.browser();
        for sly in [r"x\n2026-11-30T00:00:00Z WARN alice could not sign in", r"x\r\nWARN", r"x\u001b[31mred\u0007"] {
            let claims = format!(r#"{{"userinfo": {{"{sly}": 1}}}}"#);
            let page = browser.get(&client.authorize(&[("claims", &claims)])).await;
            assert_eq!(page.redirect_parameter("error").as_deref(), Some("invalid_request"));
        }
        let texts = app.texts().await;
        assert_eq!(texts.iter().filter(|text| text.contains("of the claims parameter")).count(), 3, "{texts:?}");
        assert!(texts.iter().all(|text| !text.chars().any(char::is_control)), "{texts:?}");
        // Whatever wrote it: nobody has to remember to look at what was sent.
        let entry = events::Entry::new(EventKind::TokenFailed, "a\nb\u{1b}[31mc\0");
        assert_eq!(entry.event(&app.app).text, "a\u{fffd}b\u{fffd}[31mc\u{fffd}");
    }
}
