//! Advisories about OAuth and OpenID Connect, replayed, that no other file of tests stands for by name.

use crate::{
    on_both,
    support::{CALLBACK, PASSWORD, TestApp},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{application::ConsentMode, grant_type::GrantType};
use doorward_server::{
    applications::{self, ApplicationEdit},
    directory::{sessions, users},
};
use serde_json::json;
use std::net::TcpListener;

/// Takes a grant type from an application, as an administrator would.
async fn switch_off(app: &TestApp, slug: &str, grant_type: GrantType) {
    let entry = app.app.snapshot().application(slug).unwrap().clone();
    let mut edit = ApplicationEdit::of(&entry);
    edit.oauth.as_mut().unwrap().grant_types.remove(&grant_type);
    applications::update(&app.app, &app.actor(), slug, edit).await.unwrap();
}

/// A JWS whose signature is made by a key of the attacker's choice.
fn signed_with(secret: &[u8], header: &serde_json::Value, claims: &serde_json::Value) -> String {
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    let signature = aws_lc_rs::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

on_both! {
    /// A session that an administrator ended is over: for pages, for silent requests, for tokens.
    async fn cve_2025_29928_an_ended_session_is_over(app) {
        let alice = app.user("alice", &[]).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("alice").await;
        let tokens = client.exchange(&client.code(&mut browser, &[]).await).await;
        let code = client.code(&mut browser, &[]).await;
        for session in sessions::of_user(&app.app, alice.id).await.unwrap() {
            sessions::end(&app.app, &app.actor(), alice.id, session.id).await.unwrap();
        }
        let silent = browser.get(&client.authorize(&[("prompt", "none")])).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("login_required"));
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 401);
        assert_eq!(client.exchange(&code).await.error(), "invalid_grant");
    }

    /// Whoever was disabled authorizes nothing with what is left of a session, and gets no new one.
    async fn cve_2025_53942_the_disabled_authorize_nothing(app) {
        let alice = app.user("alice", &[]).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("alice").await;
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        let page = browser.get(&client.authorize(&[])).await;
        assert!(page.body.contains("id=\"sign-in\"") && page.location().is_empty(), "{}", page.body);
        let page = browser.sign_in(&client.authorize(&[]), "alice", PASSWORD).await;
        assert!(page.body.contains("id=\"sign-in\"") && !page.location().starts_with(CALLBACK), "{}", page.body);
    }

    /// What comes with a request stays text on every page that shows or carries it.
    async fn cve_2026_42849_and_cve_2019_8400_nothing_sent_becomes_markup(app) {
        let client = app.client(&app.application("a").await);
        let evil = "\"></script><script>alert(1)</script>";
        let mut browser = app.signed_in("admin").await;
        let requests = [
            client.authorize(&[("response_mode", "form_post"), ("state", evil)]),
            client.authorize(&[("response_mode", "form_post"), ("state", evil), ("response_type", "token")]),
            client.authorize(&[("redirect_uri", &format!("https://netbox.example.org/{evil}"))]),
            client.authorize(&[("client_id", evil), ("error_hint", evil), ("error_description", evil)]),
            format!("/application/o/a/end-session/?post_logout_redirect_uri={}", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"),
        ];
        for request in requests {
            let page = browser.get(&request).await;
            assert!(!page.body.is_empty() && !page.body.contains("<script>alert"), "{request}: {}", page.body);
        }
    }

    /// What waits for a sign-in belongs to the browser that began it.
    async fn cve_2026_7507_a_sign_in_that_was_begun_elsewhere_is_not_gone_on_with(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application("a").await);
        let (mut attacker, mut victim) = (app.browser(), app.browser());
        let form = attacker.get(&client.authorize(&[])).await;
        victim.get("/sign-in").await;
        let planted = victim.get(&format!("/sign-in?request={}", form.hidden("request"))).await;
        assert!(planted.status == 400 && !planted.body.contains("id=\"password\""), "{}", planted.body);
        let mut victim = app.signed_in("alice").await;
        let target = format!("/sign-in/continue?request={}", form.hidden("request"));
        assert!(!victim.get(&target).await.location().starts_with(CALLBACK));
    }

    /// What was switched off while somebody signed in stays off: nothing of the waiting request is believed.
    async fn cve_2026_7571_a_waiting_request_brings_back_no_flow(app) {
        app.user("alice", &[]).await;
        let registered = app.application_with("a", |_, provider| {
            provider.grant_types.insert(GrantType::Implicit);
        }).await;
        let client = app.client(&registered);
        let mut browser = app.browser();
        let form = browser.get(&client.authorize(&[("response_type", "id_token")])).await;
        switch_off(&app, "a", GrantType::Implicit).await;
        let back = browser.submit(&form, "/sign-in", &[("username", "alice"), ("password", PASSWORD)]).await;
        let answer = back.fragment();
        assert_eq!((answer["error"].as_str(), answer.contains_key("id_token")), ("unauthorized_client", false));
    }

    /// The key says how it signs, not the token: a public key is no shared secret.
    async fn cve_2026_11800_the_public_key_signs_nothing(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let tokens = client.exchange(&client.code(&mut browser, &[]).await).await;
        let claims = json!(tokens.claims("id_token"));
        let jwks = client.get("/application/o/a/jwks/").await.json();
        let kid = jwks["keys"][0]["kid"].clone();
        let modulus = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["n"].as_str().unwrap()).unwrap();
        let certificate = jwks["keys"][0]["x5c"][0].as_str().unwrap().as_bytes().to_vec();
        for secret in [modulus, certificate, jwks["keys"][0].to_string().into_bytes()] {
            for algorithm in ["HS256", "none", "RS256"] {
                let hint = signed_with(&secret, &json!({ "alg": algorithm, "kid": kid, "typ": "JWT" }), &claims);
                let page = browser.get(&client.authorize(&[("prompt", "none"), ("id_token_hint", &hint)])).await;
                assert_eq!(page.redirect_parameter("error").as_deref(), Some("invalid_request"), "{algorithm}");
                let page = browser.get(&format!("/application/o/a/end-session/?id_token_hint={hint}")).await;
                assert_eq!(page.status, 400, "{algorithm}");
            }
        }
        client.code(&mut browser, &[("prompt", "none")]).await;
    }

    /// A question that was put to one person is not answered by another, whatever the browser.
    async fn cve_2023_0264_consent_is_bound_to_the_person(app) {
        app.user("alice", &[]).await;
        let registered = app.application_with("a", |profile, _| profile.consent = ConsentMode::Always).await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let question = browser.get(&client.authorize(&[])).await;
        assert!(question.body.contains("id=\"allow\""), "{}", question.body);
        browser.sign_in("/sign-in", "alice", PASSWORD).await;
        let page = browser.submit(&question, "/consent", &[("decision", "allow")]).await;
        assert!(page.redirect_parameter("code").is_none(), "{}", page.location());
    }

    /// Nothing is fetched because a request says so.
    async fn cve_2020_10770_request_uri_is_not_fetched(app) {
        let client = app.client(&app.application("a").await);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}/request.jwt", listener.local_addr().unwrap());
        let mut browser = app.signed_in("admin").await;
        for name in ["request_uri", "sector_identifier_uri", "jwks_uri", "logo_uri"] {
            browser.get(&client.authorize(&[(name, &address)])).await;
        }
        let back = browser.get(&client.authorize(&[("request_uri", &address)])).await;
        assert_eq!(back.redirect_parameter("error").as_deref(), Some("request_uri_not_supported"));
        assert!(listener.accept().is_err(), "somebody came to fetch the request");
    }

    /// Without a page there is no other rule for addresses.
    async fn pocket_id_ghsa_2wvm_silent_requests_keep_to_the_list(app) {
        let client = app.client(&app.application("a").await);
        for mut browser in [app.browser(), app.signed_in("admin").await] {
            for uri in ["https://evil.example/", "https://netbox.example.org.evil.example/", "//evil.example"] {
                let page = browser.get(&client.authorize(&[("prompt", "none"), ("redirect_uri", uri)])).await;
                assert_eq!((page.status, page.location()), (400, ""), "{uri}");
            }
        }
    }

    /// A new sign-in was asked for: the session that is there does not stand for it, wherever one goes on.
    async fn pocket_id_ghsa_hp74_a_session_is_no_new_sign_in(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        for asked in [("prompt", "login"), ("max_age", "0")] {
            app.clock.advance(jiff::SignedDuration::from_secs(5));
            let form = browser.get(&client.authorize(&[asked])).await;
            assert!(form.body.contains("id=\"password\""), "{}", form.body);
            let page = browser.get(&format!("/sign-in/continue?request={}", form.hidden("request"))).await;
            assert!(!page.location().starts_with(CALLBACK), "{asked:?}: {}", page.location());
        }
    }

    /// Assertions are not believed, and so neither is one that comes twice.
    async fn cve_2020_15222_and_cve_2020_5300_no_assertion_authenticates(app) {
        let registered = app.application("a").await;
        let client = app.client(&registered);
        let code = client.code(&mut app.signed_in("admin").await, &[]).await;
        let claims = json!({ "iss": client.client_id, "sub": client.client_id, "aud": client.issuer, "jti": "1", "exp": 4_000_000_000_i64 });
        let assertion = signed_with(client.secret.as_bytes(), &json!({ "alg": "HS256" }), &claims);
        for _ in 0..2 {
            let answer = client.send("/application/o/token/", None, &[
                ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("client_id", &client.client_id),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", &assertion),
            ]).await;
            assert_eq!((answer.status, answer.error()), (401, "invalid_client"));
        }
        assert_eq!(client.exchange(&code).await.status, 200, "nobody used the code up");
    }

    /// Addresses come from the configuration, not from the request.
    async fn cve_2025_48936_no_address_is_made_of_a_header(app) {
        app.application("a").await;
        let mut browser = app.browser();
        browser.headers = vec![("host", "evil.example".into()), ("x-forwarded-host", "evil.example".into())];
        for path in ["/application/o/a/.well-known/openid-configuration", "/sign-in", "/device", "/application/o/a/check-session/"] {
            let page = browser.get(path).await;
            assert!(!page.body.contains("evil.example") && !page.location().contains("evil.example"), "{path}: {}", page.body);
        }
        let document = browser.get("/application/o/a/.well-known/openid-configuration").await.json();
        assert_eq!(document["issuer"], "https://id.example.org/application/o/a/");
    }

    /// What is listed for people who may see applications holds no secret.
    async fn cve_2026_40166_introspection_and_metadata_hold_no_secret(app) {
        let client = app.client(&app.application("a").await);
        let tokens = client.exchange(&client.code(&mut app.signed_in("admin").await, &[]).await).await;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", client.client_id, client.secret));
        let answer = client.send("/application/o/introspect/", Some(&format!("Basic {basic}")), &[("token", &tokens.text("access_token"))]).await;
        assert_eq!(answer.json["active"], true);
        let documents = [answer.json.to_string(), client.get("/application/o/a/.well-known/openid-configuration").await.body];
        assert!(documents.iter().all(|text| !text.contains(&client.secret)));
    }

    /// What waits for a sign-in is sealed: neither the address nor the page nor a cookie shows the request.
    async fn keycloak_cve_2024_4540_a_waiting_request_is_not_readable(app) {
        let client = app.client(&app.application("a").await);
        let sent = [("state", "a-telling-state"), ("nonce", "a-telling-nonce"), ("unknown", "a-telling-parameter")];
        let answer = app.browser().request("GET", &client.authorize(&sent), None).await;
        assert!(answer.location().starts_with("/sign-in?request="), "{}", answer.location());
        let form = app.browser().get(&client.authorize(&sent)).await;
        assert!(form.body.contains("id=\"sign-in\""));
        for page in [&answer, &form] {
            let shown = format!("{:?} {}", page.headers, page.body);
            assert!(!shown.contains("telling") && !shown.contains("oauth/complete"), "{shown}");
        }
    }

    /// No token is exchanged for one of another audience, and no client registers or changes itself.
    async fn keycloak_cve_2022_1245_and_cve_2026_9705_there_is_no_exchange_and_no_registration(app) {
        let client = app.client(&app.script_application("a", |_, _| {}).await);
        let token = client.for_itself("openid").await.text("access_token");
        let exchange = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("audience", "another"),
        ];
        let refused = client.token(&exchange).await;
        assert_eq!((refused.status, refused.error()), (400, "unsupported_grant_type"));
        let mut browser = app.browser();
        browser.headers.push(("authorization", format!("Bearer {token}")));
        for path in ["/application/o/a/register/", "/application/o/register/"] {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                let status = browser.request(method, path, None).await.status;
                assert!(matches!(status, 404 | 405), "{method} {path}: {status}");
            }
        }
    }
}
