//! Attacks on the authorization endpoint, as RFC 9700 lists them.

use crate::{
    on_both, response_types,
    support::{CALLBACK, OAuthClient, PASSWORD, claims_of},
};
use axum::{body::Body, extract::Request};
use doorward_core::{
    application::ConsentMode,
    redirect_uri::{MatchingMode, RedirectUri},
};
use doorward_protocols::oauth::pkce::s256;
use tower::ServiceExt;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

async fn exchange(client: &OAuthClient, code: &str, verifier: Option<&str>) -> crate::support::TokenAnswer {
    let mut fields = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    client.token(&fields).await
}

on_both! {
    /// RFC 9700, section 4.4: whoever asks several servers knows from every answer which of them it came from.
    async fn mix_up_every_answer_names_its_issuer(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        for response_type in ["code", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "token", "none"] {
            for mode in ["query", "fragment", "form_post", "unknown"] {
                for error in [("max_age", ""), ("max_age", "x"), ("prompt", "none login"), ("scope", "op\"en")] {
                    let page = browser.get(&client.authorize(&[("response_type", response_type), ("response_mode", mode), error])).await;
                    let found = if page.status == 200 {
                        page.hidden("iss")
                    } else {
                        page.redirect_parameter("iss").or_else(|| page.fragment().remove("iss")).unwrap_or_default()
                    };
                    assert_eq!(found, client.issuer, "{response_type} {mode} {error:?}");
                }
            }
        }
    }

    /// RFC 9700, section 4.5: a code injected into another sign-in fails by its verifier, and if the client looks at nothing
    /// but the nonce, by that.
    async fn code_injection_fails_by_verifier_and_nonce(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        let challenge = s256(VERIFIER);
        for response_type in ["code", "code id_token"] {
            let more = [("response_type", response_type), ("response_mode", "fragment"), ("nonce", "of-the-victim"),
                ("code_challenge", &challenge), ("code_challenge_method", "S256")];
            let answer = browser.get(&client.authorize(&more)).await.fragment();
            let other = VERIFIER.replace('d', "e");
            assert_eq!(exchange(&client, &answer["code"], Some(&other)).await.error(), "invalid_grant");
            let answer = browser.get(&client.authorize(&more)).await.fragment();
            let tokens = exchange(&client, &answer["code"], Some(VERIFIER)).await;
            assert_eq!(tokens.claims("id_token")["nonce"], "of-the-victim");
        }
        // In the fragment a code is bound to the ID token beside it: another one is seen to be another.
        let first = browser.get(&client.authorize(&[("response_type", "code id_token")])).await.fragment();
        let second = browser.get(&client.authorize(&[("response_type", "code id_token")])).await.fragment();
        assert_ne!(claims_of(&first["id_token"])["c_hash"], claims_of(&second["id_token"])["c_hash"]);
    }

    /// RFC 9700, section 4.8.2 (CVE-2024-23647): a challenge stripped on the way is noticed when the verifier comes.
    async fn pkce_downgrade_is_noticed(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        for response_type in ["code", "code token"] {
            let more = [("response_type", response_type), ("response_mode", "fragment")];
            let answer = browser.get(&client.authorize(&more)).await.fragment();
            assert_eq!(exchange(&client, &answer["code"], Some(VERIFIER)).await.error(), "invalid_grant");
            for stripped in [("code_challenge_method", "S256"), ("code_challenge_method", "plain")] {
                let page = browser.get(&client.authorize(&[stripped, more[0], more[1]])).await;
                assert_eq!(page.fragment()["error"], "invalid_request");
            }
            let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "plain"), more[0], more[1]];
            assert_eq!(browser.get(&client.authorize(&plain)).await.fragment()["error"], "invalid_request");
        }
    }

    /// RFC 9700, section 4.12: a browser that is sent on after a form makes a new request, and does not send what was typed
    /// once more.
    async fn no_redirect_sends_a_form_on(app) {
        let client = app.client(&app.application_with("a", |application, _| application.consent = ConsentMode::Always).await);
        let mut browser = app.browser();
        let form = browser.get(&client.authorize(&[])).await;
        let (csrf, request) = (form.hidden("csrf"), form.hidden("request"));
        let typed = [("csrf", csrf.as_str()), ("request", &request), ("username", "admin"), ("password", PASSWORD)];
        let page = browser.request("POST", "/sign-in", Some(&typed)).await;
        assert_eq!(page.status, 303);
        assert!(page.location().starts_with("/sign-in/continue?request="), "{}", page.location());
        let question = browser.get(page.location()).await;
        for answer in ["allow", "deny"] {
            let (csrf, request) = (question.hidden("csrf"), question.hidden("request"));
            let fields = [("csrf", csrf.as_str()), ("request", &request), ("decision", answer)];
            let page = browser.clone().request("POST", "/consent", Some(&fields)).await;
            assert_eq!(page.status, 303, "{answer}");
            assert!(page.location().starts_with(CALLBACK), "{}", page.location());
        }
    }

    /// CVE-2024-21637: an expression that allows everything allows no script, in no mode.
    async fn cve_2024_21637_no_script_is_an_address(app) {
        let client = app.client(&app.application_with("a", |_, provider| {
            provider.redirect_uris = vec![RedirectUri { matching_mode: MatchingMode::Regex, ..RedirectUri::exact(".*") }];
        }).await);
        let mut browser = app.signed_in("admin").await;
        for script in ["javascript:alert(1)", "JAVASCRIPT:alert(1)//https://x/", "data:text/html,<script>alert(1)</script>", "vbscript:x"] {
            for mode in ["query", "fragment", "form_post"] {
                let page = browser.get(&client.authorize(&[("redirect_uri", script), ("response_mode", mode)])).await;
                assert_eq!((page.status, page.location()), (400, ""), "{script} {mode}");
                assert!(!page.body.contains("action=\"javascript") && !page.body.contains("<script>alert"));
            }
        }
    }

    /// RFC 6749, section 3.1: parameters come once, whichever it is, also empty.
    async fn doubled_parameters_are_refused(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        for name in ["client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt",
            "code_challenge", "max_age", "foo"] {
            let target = format!("{}&{name}=&{name}=x", client.authorize(&[(name, "")]));
            let page = browser.request("GET", &target, None).await;
            assert_eq!((page.status, page.location()), (400, ""), "{name}");
        }
    }

    /// Requests of another type than forms are not read.
    async fn other_content_types_are_refused(app) {
        let client = app.client(&app.application("a").await);
        let body = client.authorize(&[]).split_once('?').unwrap().1.to_owned();
        for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
            let request = Request::post("/application/o/authorize/").header("content-type", content_type);
            let response = client.router.clone().oneshot(request.body(Body::from(body.clone())).unwrap()).await.unwrap();
            assert_eq!(response.status(), 400, "{content_type}");
            assert!(response.headers().get("location").is_none());
        }
    }

    /// What does not concern the answer is accepted, whatever it says (OpenID Connect Core 1.0, section 3.1.2.1).
    async fn hints_that_change_nothing_are_accepted(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        for hint in [("display", "page"), ("display", "popup"), ("display", "hologram"), ("ui_locales", "se de-CH"), ("ui_locales", "???"),
            ("claims_locales", "se"), ("acr_values", "urn:example:gold 2"), ("login_hint", "nobody@nowhere"), ("prompt", "create"),
            ("extra", "foobar")] {
            let claims = client.exchange(&client.code(&mut browser, &[hint]).await).await.claims("id_token");
            assert_eq!(claims["acr"], "goauthentik.io/providers/oauth2/default");
            assert_eq!(claims["auth_time"], app.clock.now().as_second());
        }
    }
}
