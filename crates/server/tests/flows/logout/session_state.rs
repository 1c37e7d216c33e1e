//! Session management: what applications hear from the frame, computed here as its script does.

use super::{end_session, is_signed_in};
use crate::{
    on_both,
    support::{Browser, CALLBACK, OAuthClient, PASSWORD},
};
use doorward_core::cipher::sha256_hex;

const COOKIE: &str = "__Host-doorward-state";
const ORIGIN: &str = "https://netbox.example.org";

/// What the script answers.
fn check(browser: &Browser, client: &OAuthClient, session_state: &str) -> &'static str {
    let Some(state) = browser.cookies.get(COOKIE) else { return "error" };
    let (hash, salt) = session_state.split_once('.').unwrap();
    let text = format!("{} {ORIGIN} {state} {salt}", client.client_id);
    if sha256_hex(text.as_bytes()) == hash { "unchanged" } else { "changed" }
}

async fn session_state(browser: &mut Browser, client: &OAuthClient) -> String {
    browser.get(&client.authorize(&[])).await.redirect_parameter("session_state").unwrap()
}

on_both! {
    /// oidcc-session-management: unchanged before, changed after signing out, and changed again by signing in.
    async fn unchanged_before_and_changed_after(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.browser();
        let page = browser.sign_in(&client.authorize(&[]), "admin", PASSWORD).await;
        assert!(page.location().starts_with(CALLBACK));
        let first = page.redirect_parameter("session_state").unwrap();
        assert_eq!(check(&browser, &client, &first), "unchanged");
        let second = session_state(&mut browser, &client).await;
        assert_ne!(first, second, "the salt is new");
        assert_eq!((check(&browser, &client, &first), check(&browser, &client, &second)), ("unchanged", "unchanged"));
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        browser.get(&end_session(&client, &[("id_token_hint", &hint)])).await;
        assert_eq!(check(&browser, &client, &first), "changed");
        assert!(!is_signed_in(&mut browser, &client).await);
        browser.sign_in("/if/user/", "admin", PASSWORD).await;
        assert_eq!(check(&browser, &client, &first), "changed");
    }

    /// The same person signs in again: unchanged. Somebody else: changed.
    async fn only_somebody_else_is_a_change(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let first = session_state(&mut browser, &client).await;
        for (username, answer) in [("admin", "unchanged"), ("alice", "changed")] {
            browser.sign_in(&client.authorize(&[("prompt", "login")]), username, PASSWORD).await;
            assert_eq!(check(&browser, &client, &first), answer, "{username}");
        }
    }

    /// A session that ended elsewhere shows when the browser comes by; another site's form or frame changes nothing.
    async fn the_state_follows_the_session(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let first = session_state(&mut browser, &client).await;
        // Across sites only the state cookie travels, and frames keep no others: the rest is SameSite=Lax.
        let silent = client.authorize(&[("prompt", "none")]);
        for (method, target) in [("POST", "/application/o/a/end-session/"), ("GET", silent.as_str())] {
            let mut foreign = app.browser();
            foreign.cookies.insert(COOKIE.to_owned(), browser.cookies[COOKIE].clone());
            let body: Option<&[(&str, &str)]> = (method == "POST").then_some(&[("state", "x")]);
            foreign.request(method, target, body).await;
            assert_eq!(check(&foreign, &client, &first), "unchanged", "{method}");
        }
        let admin = doorward_server::directory::users::find_by_username(&app.app, "admin").await.unwrap();
        let sessions = doorward_server::directory::sessions::of_user(&app.app, admin.id).await.unwrap();
        for session in sessions {
            doorward_server::directory::sessions::end(&app.app, &app.actor(), admin.id, session.id).await.unwrap();
        }
        browser.get(&client.authorize(&[("prompt", "none")])).await;
        assert_eq!(check(&browser, &client, &first), "changed");
    }

    /// Plain OAuth gets no `session_state`.
    async fn only_openid_requests_get_it(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&client.authorize(&[("scope", "email")])).await;
        assert!(page.redirect_parameter("code").is_some() && page.redirect_parameter("session_state").is_none());
    }

    /// CVE-2024-1249 (Keycloak): the frame is anybody's to hold, so it makes no requests and knows nothing but the cookie's
    /// name; the origin is part of the hash; what is asked is bounded.
    async fn cve_2024_1249_the_frame_trusts_no_origin(app) {
        let client = app.client(&app.application("a").await);
        let page = client.get("/application/o/a/check-session/").await;
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors *") && policy.contains("script-src 'self'") && !policy.contains("connect-src"));
        assert!(page.header("x-frame-options").is_empty() && page.header("set-cookie").is_empty());
        assert!(page.body.contains("data-cookie=\"__Host-doorward-state\""));
        assert_eq!(client.get("/application/o/nobody/check-session/").await.status, 404);
        let script = client.get("/assets/check-session.js").await;
        assert!(script.body.contains("question.length <= 400"));
        assert!(script.body.contains("parts[1] + \" \" + origin + \" \" + state + \" \" + parts[3]"));
        assert!(!script.body.contains("fetch") && !script.body.contains("XMLHttpRequest") && !script.body.contains("\"*\""));
    }

    /// Discovery names what there is.
    async fn discovery_names_logout_and_the_frame(app) {
        let client = app.client(&app.application("a").await);
        let document = client.get("/application/o/a/.well-known/openid-configuration").await.json();
        let own = "https://id.example.org/application/o/a/";
        assert_eq!(document["check_session_iframe"], format!("{own}check-session/"));
        assert_eq!(document["end_session_endpoint"], format!("{own}end-session/"));
        for name in ["backchannel_logout", "backchannel_logout_session", "frontchannel_logout", "frontchannel_logout_session"] {
            assert_eq!(document[format!("{name}_supported")], true, "{name}");
        }
    }
}
