//! What the authorization endpoint answers with: codes, tokens, or both (OpenID Connect Core 1.0, section 3).

use crate::{
    on_both,
    support::{CALLBACK, OAuthClient, PASSWORD, TestApp, claims_of},
};
use doorward_core::{
    grant_type::GrantType,
    provider::{ClientType, ProviderProfile},
    timeline::{Ending, StepKind},
};
use doorward_protocols::{oauth::pkce::s256, oidc::id_token::half_hash};
use doorward_server::directory::users;
use jiff::SignedDuration;
use std::collections::BTreeMap;

const HYBRID: [&str; 3] = ["code token", "code id_token", "code id_token token"];
const IMPLICIT: [&str; 2] = ["id_token", "id_token token"];

/// Every way of getting tokens by way of the browser.
pub(crate) fn switch_on(provider: &mut ProviderProfile) {
    provider.grant_types.extend([GrantType::Implicit, GrantType::Hybrid]);
}

pub(crate) async fn client(app: &TestApp) -> OAuthClient {
    app.client(&app.application_with("a", |_, provider| switch_on(provider)).await)
}

/// Checks a token with the application's published keys, as clients do.
async fn verify(client: &OAuthClient, token: &str) {
    use doorward_core::signing_key::KeyAlgorithm;
    let jwks = client.get(&format!("/application/o/{}/jwks/", client.slug)).await.json();
    let keys: Vec<_> = jwks["keys"].as_array().unwrap().iter().map(|key| (KeyAlgorithm::Rsa, key.clone())).collect();
    doorward_protocols::jose::verify::id_token_hint(token, &keys, &client.issuer, &client.client_id).unwrap();
}

fn hash(text: &str) -> String {
    half_hash(text, doorward_core::signing_key::KeyAlgorithm::Rsa)
}

fn names(answer: &BTreeMap<String, String>) -> Vec<&str> {
    answer.keys().map(String::as_str).collect()
}

on_both! {
    /// OpenID Connect Core 1.0, sections 3.2.2.5 and 3.3.2.5: what was asked for is in the fragment, bound together by hashes,
    /// and nothing else is.
    async fn every_response_type_answers_with_its_words(app) {
        app.user("alice", &[]).await;
        let client = client(&app).await;
        let mut browser = app.signed_in("alice").await;
        for response_type in HYBRID.into_iter().chain(IMPLICIT).chain(["token code id_token", "token id_token"]) {
            let page = browser.get(&client.authorize(&[("response_type", response_type)])).await;
            assert_eq!((page.status, page.redirect_parameter("state")), (303, None), "{response_type}");
            assert!(page.location().starts_with(&format!("{CALLBACK}#")), "{response_type}: {}", page.location());
            let answer = page.fragment();
            let words: Vec<_> = response_type.split(' ').collect();
            let has = |word| words.contains(&word);
            let mut expected = vec!["iss", "session_state", "state"];
            expected.extend(has("code").then_some("code"));
            expected.extend(has("id_token").then_some("id_token"));
            if has("token") {
                expected.extend(["access_token", "expires_in", "scope", "token_type"]);
            }
            expected.sort_unstable();
            assert_eq!(names(&answer), expected, "{response_type}");
            assert_eq!((answer["state"].as_str(), &answer["iss"]), ("the-state", &client.issuer));
            if has("token") {
                let said = (answer["token_type"].as_str(), answer["expires_in"].as_str(), answer["scope"].as_str());
                assert_eq!(said, ("Bearer", "3600", "email openid profile"));
                assert_eq!(client.userinfo(&answer["access_token"]).await.json()["email"], "alice@example.org");
            }
            if has("id_token") {
                verify(&client, &answer["id_token"]).await;
                let claims = claims_of(&answer["id_token"]);
                assert_eq!(claims["nonce"], "the-nonce");
                assert_eq!(claims["aud"], client.client_id.as_str());
                assert_eq!(claims.get("at_hash").and_then(|v| v.as_str()), answer.get("access_token").map(|t| hash(t)).as_deref());
                assert_eq!(claims.get("c_hash").and_then(|v| v.as_str()), answer.get("code").map(|c| hash(c)).as_deref());
            }
        }
    }

    /// OpenID Connect Core 1.0, section 3.3.3.6: both ID tokens of hybrid sign-ins are about the same person and sign-in.
    async fn both_id_tokens_say_the_same(app) {
        let client = client(&app).await;
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(SignedDuration::from_secs(30));
        for response_type in HYBRID {
            let answer = browser.get(&client.authorize(&[("response_type", response_type)])).await.fragment();
            let tokens = client.exchange(&answer["code"]).await;
            assert_eq!(tokens.status, 200, "{}", tokens.json);
            let back = tokens.claims("id_token");
            assert_eq!(back["nonce"], "the-nonce");
            if let Some(front) = answer.get("id_token").map(|token| claims_of(token)) {
                for name in ["iss", "sub", "aud", "auth_time", "sid", "nonce", "acr", "amr"] {
                    assert_eq!(front[name], back[name], "{name}");
                }
            }
        }
    }

    /// OpenID Connect Core 1.0, section 5.4: whoever gets an ID token alone cannot ask userinfo, so everything is in it.
    async fn an_id_token_alone_holds_the_claims(app) {
        let client = app.client(&app.application_with("a", |_, provider| {
            switch_on(provider);
            provider.include_claims_in_id_token = false;
        }).await);
        let mut browser = app.signed_in("admin").await;
        for (response_type, has_claims) in [("id_token", true), ("id_token token", false), ("code id_token", false)] {
            let answer = browser.get(&client.authorize(&[("response_type", response_type)])).await.fragment();
            let claims = claims_of(&answer["id_token"]);
            assert_eq!(claims.get("email").is_some(), has_claims, "{response_type}");
            assert_eq!(claims.get("preferred_username").is_some(), has_claims, "{response_type}");
        }
    }

    /// What is not switched on is refused, where the application looks for it, and the log says what to change.
    async fn grant_types_that_are_not_switched_on_are_refused(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        for (response_type, needed) in [("id_token", "implicit"), ("id_token token", "implicit"), ("code id_token", "hybrid")] {
            let page = browser.get(&client.authorize(&[("response_type", response_type)])).await;
            let answer = page.fragment();
            assert_eq!(names(&answer), ["error", "error_description", "iss", "state"]);
            assert_eq!(answer["error"], "unauthorized_client");
            // Events of one moment have no order.
            let events = app.app.db.read(|tx| Box::pin(doorward_store::event::newest(tx, 50))).await.unwrap();
            let said = events.iter().find(|event| answer["error_description"].contains(&event.reference)).unwrap();
            assert!(said.text.contains(&format!("the grant type {needed}")), "{}", said.text);
        }
        let page = browser.get(&client.authorize(&[("response_type", "token")])).await;
        assert_eq!(page.fragment()["error"], "unsupported_response_type");
        let only_implicit = app.client(&app.application_with("b", |_, provider| {
            provider.grant_types = [GrantType::Implicit].into();
        }).await);
        let page = browser.get(&only_implicit.authorize(&[])).await;
        assert_eq!(page.redirect_parameter("error").as_deref(), Some("unauthorized_client"));
        let page = browser.get(&only_implicit.authorize(&[("response_type", "id_token")])).await;
        assert!(page.fragment().contains_key("id_token"));
    }

    /// OpenID Connect Core 1.0, sections 3.2.2.1 and 3.3.2.1: errors travel in the fragment, too.
    async fn errors_of_tokens_travel_in_the_fragment(app) {
        let client = client(&app).await;
        let mut anonymous = app.browser();
        for response_type in HYBRID.into_iter().chain(IMPLICIT) {
            let has_id_token = response_type.contains("id_token");
            for (parameter, error) in [
                (("nonce", ""), if has_id_token { "invalid_request" } else { "login_required" }),
                (("scope", "email"), if has_id_token { "invalid_scope" } else { "login_required" }),
                (("response_mode", "query"), "invalid_request"),
                (("response_mode", "unknown"), "invalid_request"),
                (("max_age", "soon"), "invalid_request"),
                (("request", "x"), "request_not_supported"),
                (("display", "page"), "login_required"),
            ] {
                let target = client.authorize(&[("response_type", response_type), ("prompt", "none"), parameter]);
                let page = anonymous.get(&target).await;
                assert!(page.location().starts_with(&format!("{CALLBACK}#")), "{response_type} {parameter:?}");
                let answer = page.fragment();
                assert_eq!(names(&answer), ["error", "error_description", "iss", "state"]);
                assert_eq!(answer["error"], error, "{response_type} {parameter:?}");
                assert_eq!((answer["state"].as_str(), &answer["iss"]), ("the-state", &client.issuer));
            }
        }
    }

    /// RFC 9700, section 2.1.1: PKCE wherever a public client gets a code; tokens alone have nothing to bind.
    async fn public_clients_use_pkce_for_codes(app) {
        let registered = app.application_with("spa", |_, provider| {
            switch_on(provider);
            provider.client_type = ClientType::Public;
        }).await;
        let spa = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let challenge = s256(&"v".repeat(43));
        for response_type in HYBRID {
            let refused = browser.get(&spa.authorize(&[("response_type", response_type)])).await;
            assert_eq!(refused.fragment()["error"], "invalid_request", "{response_type}");
            let bound = [("response_type", response_type), ("code_challenge", &challenge), ("code_challenge_method", "S256")];
            assert!(browser.get(&spa.authorize(&bound)).await.fragment().contains_key("code"));
        }
        for response_type in IMPLICIT {
            let answer = browser.get(&spa.authorize(&[("response_type", response_type)])).await.fragment();
            assert!(answer.contains_key("id_token"), "{answer:?}");
        }
    }

    /// RFC 6749, section 4.2.2: no refresh token by way of the browser, and offline access only where a code is.
    async fn offline_access_needs_a_code(app) {
        let client = client(&app).await;
        let mut browser = app.signed_in("admin").await;
        let scope = ("scope", "openid offline_access");
        let implicit = browser.get(&client.authorize(&[("response_type", "id_token token"), scope])).await.fragment();
        assert_eq!(implicit["scope"], "openid");
        let hybrid = browser.get(&client.authorize(&[("response_type", "code token"), scope])).await.fragment();
        assert!(!hybrid.contains_key("refresh_token"));
        assert!(client.exchange(&hybrid["code"]).await.json["refresh_token"].is_string());
    }

    /// RFC 9700, section 4.5.3: a code that comes twice takes back what came with it by way of the browser as well.
    async fn a_replayed_code_revokes_front_channel_tokens(app) {
        let client = client(&app).await;
        let mut browser = app.signed_in("admin").await;
        let answer = browser.get(&client.authorize(&[("response_type", "code token")])).await.fragment();
        assert_eq!(client.userinfo(&answer["access_token"]).await.status, 200);
        assert_eq!(client.exchange(&answer["code"]).await.status, 200);
        assert_eq!(client.userinfo(&answer["access_token"]).await.status, 200);
        assert_eq!(client.exchange(&answer["code"]).await.error(), "invalid_grant");
        assert_eq!(client.userinfo(&answer["access_token"]).await.status, 401);
    }

    /// Tokens by way of the browser end with the session, with the person, and with their time, and not before.
    async fn front_channel_tokens_end_with_session_person_and_time(app) {
        let alice = app.user("alice", &[]).await;
        let client = client(&app).await;
        let target = client.authorize(&[("response_type", "id_token token")]);
        let mut browser = app.signed_in("alice").await;
        let token = browser.get(&target).await.fragment()["access_token"].clone();
        let page = browser.get("/sign-out").await;
        browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!(client.userinfo(&token).await.status, 401);
        let mut browser = app.signed_in("alice").await;
        let token = browser.get(&target).await.fragment()["access_token"].clone();
        app.clock.advance(SignedDuration::from_secs(3599));
        assert_eq!(client.userinfo(&token).await.status, 200);
        app.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(client.userinfo(&token).await.status, 401);
        let token = browser.get(&target).await.fragment()["access_token"].clone();
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert_eq!(client.userinfo(&token).await.status, 401);
        assert!(browser.get(&target).await.body.contains("id=\"sign-in\""));
    }

    /// A claim mapping that fails lets nobody in, with a code or without, and nothing of it is kept.
    async fn a_mapping_that_fails_gives_nothing(app) {
        let profile = doorward_core::claim_mapping::MappingProfile {
            name: "Broken".into(), scope: "profile".into(), expression: "{\"a\": user.nothing.x}".into(), description: String::new(),
        };
        let mapping = doorward_server::mappings::create(&app.app, &app.actor(), profile).await.unwrap();
        let client = app.client(&app.application_with("a", |_, provider| {
            switch_on(provider);
            provider.mappings.insert(mapping.id);
        }).await);
        let mut browser = app.signed_in("admin").await;
        for response_type in ["id_token", "code id_token token"] {
            for prompt in ["", "none"] {
                let target = client.authorize(&[("response_type", response_type), ("prompt", prompt)]);
                let answer = browser.get(&target).await.fragment();
                assert_eq!(names(&answer), ["error", "error_description", "iss", "state"]);
                assert_eq!(answer["error"], "server_error");
            }
        }
        let sessions = app.app.db.read(|tx| Box::pin(async move {
            tx.fetch_one::<Count>("SELECT COUNT(*) FROM grants", &[]).await
        })).await.unwrap();
        assert_eq!(sessions.0, 0);
    }

    /// The record says what the browser was sent back with, and that the person is signed in with it.
    async fn the_timeline_says_what_was_sent(app) {
        let client = client(&app).await;
        let mut browser = app.browser();
        let page = browser.sign_in(&client.authorize(&[("response_type", "id_token")]), "admin", PASSWORD).await;
        assert!(page.fragment().contains_key("id_token"));
        app.clock.advance(SignedDuration::from_mins(10));
        let record = app.attempt_to("a").await;
        assert_eq!((record.conclusion.ending, record.conclusion.text.as_str()), (Ending::Good, "admin signed in to App a."));
        let last = record.steps.last().unwrap();
        assert_eq!((last.kind, last.text.as_str()), (StepKind::TokensSent, "The browser was sent back to App a with an ID token"));
        let said = format!("{record:?}");
        assert!(!said.contains(&page.fragment()["id_token"]));
    }

    /// Discovery offers what is switched on, and says no to what there is not.
    async fn discovery_offers_what_is_switched_on(app) {
        let client = client(&app).await;
        let read = async |slug: &str| client.get(&format!("/application/o/{slug}/.well-known/openid-configuration")).await.json();
        let document = read("a").await;
        let types = serde_json::json!(["code", "id_token", "id_token token", "code token", "code id_token", "code id_token token"]);
        assert_eq!(document["response_types_supported"], types);
        assert_eq!(document["response_modes_supported"], serde_json::json!(["query", "fragment", "form_post"]));
        app.application("plain").await;
        let document = read("plain").await;
        assert_eq!(document["response_types_supported"], serde_json::json!(["code"]));
        for name in ["request_parameter_supported", "request_uri_parameter_supported"] {
            assert_eq!(document[name], false);
        }
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        assert!(document["prompt_values_supported"].as_array().unwrap().iter().any(|value| value == "select_account"));
        assert!(document.as_object().unwrap().values().all(|value| !value.is_null()));
    }
}

/// A number of rows.
struct Count(i64);

impl doorward_store::db::FromRow for Count {
    fn from_row(row: &doorward_store::db::Row<'_>) -> doorward_store::Result<Self> {
        Ok(Self(row.get(0)?))
    }
}
