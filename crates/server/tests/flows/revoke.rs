//! Revocation (RFC 7009).

use crate::on_both;
use crate::support::{Browser, OAuthClient, TestApp, TokenAnswer};
use doorward_core::provider::ClientType;
use futures::future::join_all;
use serde_json::json;

const REVOKE: &str = "/application/o/revoke/";
const OFFLINE: (&str, &str) = ("scope", "openid profile offline_access");

async fn signed_in(app: &TestApp) -> (OAuthClient, Browser, TokenAnswer) {
    let client = app.client(&app.application("a").await);
    let mut browser = app.signed_in("admin").await;
    let answer = client.exchange(&client.code(&mut browser, &[OFFLINE]).await).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    (client, browser, answer)
}

async fn is_active(client: &OAuthClient, token: &str) -> bool {
    client.introspect(token).await["active"] == true
}

on_both! {
    /// An access token goes alone, a refresh token takes all of its sign-in along; twice is as good as once.
    async fn tokens_are_revoked(app) {
        let (client, mut browser, first) = signed_in(&app).await;
        let other = client.exchange(&client.code(&mut browser, &[OFFLINE]).await).await;
        let (access, refresh) = (first.text("access_token"), first.text("refresh_token"));
        for _ in 0..2 {
            let answer = client.revoke(&access).await;
            assert_eq!((answer.status, &answer.json, answer.page.header("cache-control")), (200, &json!({}), "no-store"));
        }
        assert!(!is_active(&client, &access).await && is_active(&client, &refresh).await);
        assert_eq!(client.userinfo(&access).await.status, 401);
        let second = client.refresh(&refresh).await;
        assert_eq!(second.status, 200, "{}", second.json);
        // Even by a refresh token that was used up: the application wants to be rid of it all.
        for _ in 0..2 {
            assert_eq!(client.revoke(&refresh).await.status, 200);
        }
        assert_eq!(client.userinfo(&second.text("access_token")).await.status, 401);
        assert_eq!(client.refresh(&second.text("refresh_token")).await.error(), "invalid_grant");
        // Another sign-in of the same person is another matter.
        assert!(is_active(&client, &other.text("access_token")).await);
        // A wrong hint does not hide it.
        let hinted = [("token", &*other.text("refresh_token")), ("token_type_hint", "access_token")];
        assert_eq!(client.basic(REVOKE, &hinted).await.status, 200);
        assert!(!is_active(&client, &other.text("access_token")).await);
    }

    /// Other clients' tokens and nonsense: as good as revoked to who asks, and untouched.
    async fn only_own_tokens_are_revoked(app) {
        let (client, _, answer) = signed_in(&app).await;
        let other = app.client(&app.application("other").await);
        let public = app.client(&app.application_with("spa", |_, provider| provider.client_type = ClientType::Public).await);
        for token in ["access_token", "refresh_token"] {
            let token = answer.text(token);
            assert_eq!((other.revoke(&token).await.status, other.revoke(&token).await.json), (200, json!({})));
            let fields = [("token", token.as_str()), ("client_id", &public.client_id)];
            assert_eq!(public.send(REVOKE, None, &fields).await.status, 200);
            assert!(is_active(&client, &token).await);
        }
        for nonsense in ["nonsense", &answer.text("id_token"), &"x".repeat(60 * 1024)] {
            assert_eq!(client.revoke(nonsense).await.status, 200);
        }
    }

    /// Who asks has to show who they are, as at the token endpoint; public clients by their name.
    async fn clients_authenticate(app) {
        let (client, mut browser, answer) = signed_in(&app).await;
        let token = answer.text("access_token");
        let id = client.client_id.as_str();
        for fields in [
            vec![("token", token.as_str())],
            vec![("token", &token), ("client_id", id)],
            vec![("token", &token), ("client_id", id), ("client_secret", "wrong")],
            vec![("token", &token), ("client_id", "unknown")],
        ] {
            let refused = client.send(REVOKE, None, &fields).await;
            assert_eq!((refused.status, refused.error()), (401, "invalid_client"), "{fields:?}");
        }
        for fields in [vec![], vec![("token", token.as_str()), ("token", &token)]] {
            assert_eq!(client.basic(REVOKE, &fields).await.error(), "invalid_request");
        }
        assert!(is_active(&client, &token).await);
        let registered = app.application_with("spa", |_, provider| provider.client_type = ClientType::Public).await;
        let spa = app.client(&registered);
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = doorward_protocols::oauth::pkce::s256(verifier);
        let code = spa.code(&mut browser, &[("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]).await;
        let fields = [
            ("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", crate::support::CALLBACK),
            ("code_verifier", verifier), ("client_id", &spa.client_id),
        ];
        let token = spa.send("/application/o/token/", None, &fields).await.text("access_token");
        assert_eq!(spa.userinfo(&token).await.status, 200);
        assert_eq!(spa.send(REVOKE, None, &[("token", &token), ("client_id", &spa.client_id)]).await.status, 200);
        assert_eq!(spa.userinfo(&token).await.status, 401);
    }

    /// Whatever wins, nothing that a refresh made in the same moment outlives the revocation.
    async fn a_refresh_at_the_same_time_gains_nothing(app) {
        let (client, _, answer) = signed_in(&app).await;
        let refresh = answer.text("refresh_token");
        let (client, refresh) = (&client, refresh.as_str());
        let answers = join_all((0..50).map(|n| async move {
            if n % 5 == 0 { client.revoke(refresh).await } else { client.refresh(refresh).await }
        })).await;
        for answer in answers {
            if answer.json.get("access_token").is_some() {
                assert!(!is_active(client, &answer.text("access_token")).await);
                assert_eq!(client.refresh(&answer.text("refresh_token")).await.error(), "invalid_grant");
            }
        }
        assert!(!is_active(client, &answer.text("access_token")).await);
    }

    /// A client's own tokens go the same way.
    async fn tokens_of_scripts_are_revoked(app) {
        let client = app.client(&app.script_application("a", |_, _| {}).await);
        let (one, two) = (client.for_itself("").await.text("access_token"), client.for_itself("").await.text("access_token"));
        client.revoke(&one).await;
        assert!(!is_active(&client, &one).await && is_active(&client, &two).await);
    }

    /// Browsers of registered origins may revoke, as they may ask for tokens.
    async fn cors_follows_the_redirect_uris(app) {
        app.application("a").await;
        for (origin, allowed) in [("https://netbox.example.org", "https://netbox.example.org"), ("https://evil.example", "")] {
            let mut browser = app.browser();
            browser.headers.push(("origin", origin.to_owned()));
            for method in ["OPTIONS", "POST"] {
                let page = browser.request(method, REVOKE, Some(&[("token", "x")])).await;
                assert_eq!(page.header("access-control-allow-origin"), allowed, "{method} {origin}");
            }
        }
    }
}
