//! Attacks on the endpoints that programs call: what is sent twice, in two places, in another's name, or as something else.

use crate::on_both;
use crate::support::{
    OAuthClient, TestApp, TokenAnswer,
    scripts::{CREDENTIALS, TOKEN},
};
use axum::{body::Body, extract::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_server::events;
use futures::future::join_all;
use tower::ServiceExt;

const INTROSPECT: &str = "/application/o/introspect/";
const REVOKE: &str = "/application/o/revoke/";
const DEVICE: &str = "/application/o/device/";
const USERINFO: &str = "/application/o/userinfo/";

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// A request as it stands, with whatever content type and headers.
async fn raw(client: &OAuthClient, path: &str, headers: &[(&str, &str)], body: &str) -> crate::support::Page {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    crate::support::Page::read(client.router.clone().oneshot(request).await.unwrap()).await
}

async fn scene(app: &TestApp) -> (OAuthClient, TokenAnswer) {
    let client = app.client(&app.script_application("a", |_, _| {}).await);
    let mut browser = app.signed_in("admin").await;
    let code = client.code(&mut browser, &[("scope", "openid offline_access")]).await;
    let tokens = client.exchange(&code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
    (client, tokens)
}

on_both! {
    /// A NUL in a name that is wrapped in Base64: a wrong password on every database, counted and written down as such.
    async fn a_nul_in_a_wrapped_name_is_a_wrong_password(app) {
        let (client, _) = scene(&app).await;
        let robot = app.robot().await;
        let (_, password) = app.app_password(&robot, None).await;
        for name in ["rob\0ot", "\0", "robot\0"] {
            let answer = client.by_encoded_app_password(name, password.expose()).await;
            assert_eq!((answer.status, answer.error()), (401, "invalid_client"), "{name:?}");
        }
        let newest = events::newest(&app.app, 100).await.unwrap();
        assert_eq!(newest.iter().filter(|event| !event.ok && event.text.ends_with("unknown user")).count(), 3);
        assert_eq!(client.by_encoded_app_password("robot", password.expose()).await.status, 200);
    }

    /// Two ways to say who one is, or one way twice, are refused at every endpoint, also where both are right.
    async fn credentials_in_two_places_are_refused(app) {
        let (client, tokens) = scene(&app).await;
        let (id, secret) = (client.client_id.clone(), client.secret.clone());
        let header = basic(&id, &secret);
        let form = ("content-type", "application/x-www-form-urlencoded");
        let token = tokens.text("access_token");
        for path in [TOKEN, INTROSPECT, REVOKE, DEVICE] {
            let fields = [CREDENTIALS, ("client_id", id.as_str()), ("client_secret", secret.as_str()), ("token", token.as_str())];
            let both = client.send(path, Some(&header), &fields).await;
            assert_eq!((both.status, both.error()), (400, "invalid_request"), "{path}");
            let other_id = [CREDENTIALS, ("client_id", "another"), ("token", token.as_str())];
            let other = client.send(path, Some(&header), &other_id).await;
            assert_eq!((other.status, other.error()), (400, "invalid_request"), "{path}");
            let body = format!("grant_type=client_credentials&token={token}");
            let twice = raw(&client, path, &[form, ("authorization", &header), ("authorization", &header)], &body).await;
            assert_eq!((twice.status, twice.json()["error"].as_str()), (400, Some("invalid_request")), "{path}");
        }
        assert_eq!(client.userinfo(&token).await.status, 200, "nothing was revoked by it");
    }

    /// A form is a form: neither JSON, nor multipart, nor a query stands for it, and nothing counts twice.
    async fn what_is_no_form_or_repeats_itself_is_refused(app) {
        let (client, tokens) = scene(&app).await;
        let header = basic(&client.client_id, &client.secret);
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        for path in [TOKEN, INTROSPECT, REVOKE, DEVICE] {
            for content_type in ["application/json", "multipart/form-data; boundary=x", "text/plain", ""] {
                let body = format!("grant_type=refresh_token&refresh_token={refresh}&token={refresh}");
                let page = raw(&client, path, &[("content-type", content_type), ("authorization", &header)], &body).await;
                assert_eq!((page.status, page.json()["error"].as_str()), (400, Some("invalid_request")), "{path} {content_type}");
            }
            let form = ("content-type", "application/x-www-form-urlencoded");
            let in_query = format!("{path}?grant_type=refresh_token&refresh_token={refresh}&token={refresh}&client_id={}", client.client_id);
            let page = raw(&client, &in_query, &[form, ("authorization", &header)], "").await;
            assert_ne!(page.json()["active"].as_bool(), Some(true), "{path}");
            assert!(path == DEVICE || page.status == 400, "{path} {} {}", page.status, page.body);
            let body = format!("grant_type=refresh_token&refresh_token={refresh}&token={access}&token={refresh}&grant_type=refresh_token");
            let page = raw(&client, path, &[form, ("authorization", &header)], &body).await;
            assert_eq!((page.status, page.json()["error"].as_str()), (400, Some("invalid_request")), "{path}");
        }
        assert_eq!(client.refresh(&refresh).await.status, 200, "nothing was used up or revoked by it");
    }

    /// Every token is good for what it is for, and for nothing else.
    async fn tokens_do_not_stand_for_each_other(app) {
        let (client, tokens) = scene(&app).await;
        let mut browser = app.signed_in("admin").await;
        let code = client.code(&mut browser, &[]).await;
        let (access, refresh, id) = (tokens.text("access_token"), tokens.text("refresh_token"), tokens.text("id_token"));
        for token in [&refresh, &id, &code] {
            assert_eq!(client.userinfo(token).await.status, 401);
        }
        for token in [&access, &id, &code] {
            assert_eq!(client.refresh(token).await.error(), "invalid_grant");
            let grant = "urn:ietf:params:oauth:grant-type:device_code";
            assert_ne!(client.token(&[("grant_type", grant), ("device_code", token)]).await.status, 200);
        }
        for token in [&access, &refresh, &id] {
            assert_eq!(client.exchange(token).await.error(), "invalid_grant");
        }
        for token in [&id, &code] {
            assert_eq!(client.introspect(token).await, serde_json::json!({ "active": false }));
        }
        // None of it used anything up.
        assert_eq!(client.exchange(&code).await.status, 200);
        assert_eq!(client.refresh(&refresh).await.status, 200);
    }

    /// A token that a client revokes while it is being exchanged: whichever comes first, nothing is left that is alive once both
    /// are answered.
    async fn revoking_and_refreshing_at_once_leaves_nothing_alive(app) {
        let (client, tokens) = scene(&app).await;
        let mut refresh = tokens.text("refresh_token");
        for _ in 0..10 {
            let revoke = async { client.basic(REVOKE, &[("token", &refresh)]).await };
            let (answers, revoked) = futures::future::join(join_all((0..3).map(|_| client.refresh(&refresh))), revoke).await;
            assert_eq!(revoked.status, 200);
            for answer in answers.iter().filter(|answer| answer.status == 200) {
                assert_eq!(client.refresh(&answer.text("refresh_token")).await.error(), "invalid_grant");
                assert_eq!(client.userinfo(&answer.text("access_token")).await.status, 401);
            }
            let mut browser = app.signed_in("admin").await;
            let code = client.code(&mut browser, &[("scope", "openid offline_access")]).await;
            refresh = client.exchange(&code).await.text("refresh_token");
        }
    }

    /// A refresh token that was used before still stands for its family where it is revoked (RFC 7009, section 2.1), and for
    /// nobody else's.
    async fn a_used_refresh_token_revokes_its_family_and_no_other_clients(app) {
        let (client, tokens) = scene(&app).await;
        let other = app.client(&app.application("other").await);
        let first = tokens.text("refresh_token");
        let second = client.refresh(&first).await;
        assert_eq!(other.basic(REVOKE, &[("token", &first)]).await.status, 200);
        assert_eq!(client.userinfo(&second.text("access_token")).await.status, 200);
        assert_eq!(client.introspect(&first).await, serde_json::json!({ "active": false }));
        assert_eq!(client.basic(REVOKE, &[("token", &first)]).await.status, 200);
        assert_eq!(client.userinfo(&second.text("access_token")).await.status, 401);
        assert_eq!(client.refresh(&second.text("refresh_token")).await.error(), "invalid_grant");
    }

    /// Bodies and headers that are too large end in a refusal, not in work.
    async fn what_is_too_large_is_refused(app) {
        let (client, _) = scene(&app).await;
        let header = basic(&client.client_id, &client.secret);
        let form = ("content-type", "application/x-www-form-urlencoded");
        for path in [TOKEN, INTROSPECT, REVOKE, DEVICE, USERINFO] {
            let body = format!("grant_type=client_credentials&token={}", "x".repeat(300 * 1024));
            let page = raw(&client, path, &[form, ("authorization", &header)], &body).await;
            assert_eq!(page.status, 413, "{path}");
            let body = format!("grant_type=client_credentials&token={}", "x".repeat(65 * 1024));
            let page = raw(&client, path, &[form, ("authorization", &header)], &body).await;
            assert!((400..=401).contains(&page.status), "{path} {}", page.status);
            let many = "a=1&".repeat(200);
            let page = raw(&client, path, &[form, ("authorization", &header)], &many).await;
            assert!((400..=401).contains(&page.status), "{path} {}", page.status);
        }
        let long = format!("Basic {}", STANDARD.encode("x".repeat(8 * 1024)));
        assert_eq!(raw(&client, TOKEN, &[form, ("authorization", &long)], "grant_type=client_credentials").await.status, 401);
    }
}
