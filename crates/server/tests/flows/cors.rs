//! Pages that sign people in by themselves: single-page applications, in the browser of the person (Fetch standard, CORS
//! protocol).

use crate::on_both;
use crate::support::{Browser, CALLBACK, OAuthClient, Page, TestApp};
use doorward_core::{grant_type::GrantType, provider::ClientType, redirect_uri::RedirectUri};

/// Where the pages of [`CALLBACK`] come from.
const OWN: &str = "https://netbox.example.org";
/// Where those of another application come from.
const OTHER: &str = "https://other.example.org:8443";
/// Doorward itself.
const HOME: &str = "https://id.example.org";
const FOREIGN: &str = "https://evil.example";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const TOKEN: &str = "/application/o/token/";
const USERINFO: &str = "/application/o/userinfo/";
const REVOKE: &str = "/application/o/revoke/";

/// A script on a page of an origin, without cookies.
fn page_of(app: &TestApp, origin: &str) -> Browser {
    let mut page = app.browser();
    page.headers.push(("origin", origin.to_owned()));
    page
}

async fn asks_before(app: &TestApp, origin: &str, path: &str) -> Page {
    let mut page = page_of(app, origin);
    page.headers.push(("access-control-request-method", "POST".to_owned()));
    page.headers.push(("access-control-request-headers", "authorization,content-type".to_owned()));
    page.request("OPTIONS", path, None).await
}

fn allowed(page: &Page) -> &str {
    assert_eq!(page.header("access-control-allow-credentials"), "", "never with cookies");
    page.header("access-control-allow-origin")
}

/// A public client at [`CALLBACK`], and another application at another origin.
async fn scene(app: &TestApp) -> (OAuthClient, OAuthClient) {
    let spa = app.application_with("spa", |_, provider| provider.client_type = ClientType::Public).await;
    let other = app.application_with("other", |_, provider| {
        provider.redirect_uris = vec![RedirectUri::exact("https://other.example.org:8443/callback")];
    });
    (app.client(&spa), app.client(&other.await))
}

async fn code(app: &TestApp, spa: &OAuthClient) -> String {
    let challenge = doorward_protocols::oauth::pkce::s256(VERIFIER);
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    spa.code(&mut app.signed_in("admin").await, &pkce).await
}

async fn exchange(page: &mut Browser, spa: &OAuthClient, code: &str) -> Page {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", spa.client_id.as_str()),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    page.request("POST", TOKEN, Some(&fields)).await
}

on_both! {
    /// What oidc-client-ts does: documents, code, token, userinfo, revocation, and refusals that it can read.
    async fn a_page_signs_its_person_in(app) {
        let (spa, _) = scene(&app).await;
        let mut page = page_of(&app, OWN);
        for document in [".well-known/openid-configuration", "jwks/"] {
            assert_eq!(allowed(&page.get(&format!("/application/o/spa/{document}")).await), "*");
        }
        let answer = exchange(&mut page, &spa, &code(&app, &spa).await).await;
        assert_eq!((answer.status, allowed(&answer), answer.header("vary")), (200, OWN, "Origin"));
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let before = asks_before(&app, OWN, USERINFO).await;
        assert_eq!((before.status, allowed(&before)), (204, OWN));
        assert!(before.header("access-control-allow-headers").contains("Authorization"));
        assert!(before.header("access-control-allow-methods").contains("GET, POST"));
        let mut with_token = page.clone();
        with_token.headers.push(("authorization", format!("Bearer {token}")));
        let userinfo = with_token.get(USERINFO).await;
        assert_eq!((userinfo.status, allowed(&userinfo)), (200, OWN));
        let revoked = page.request("POST", REVOKE, Some(&[("client_id", &spa.client_id), ("token", &token)])).await;
        assert_eq!((revoked.status, allowed(&revoked)), (200, OWN));
        // Refusals: the page can tell why.
        let refused = with_token.get(USERINFO).await;
        assert_eq!((refused.status, allowed(&refused)), (401, OWN));
        assert!(refused.header("access-control-expose-headers").contains("WWW-Authenticate"));
        let refused = exchange(&mut page, &spa, "nonsense").await;
        assert_eq!((refused.status, allowed(&refused), refused.json()["error"].as_str()), (400, OWN, Some("invalid_grant")));
    }

    /// Pages of nobody's origin read nothing, and those of another application only what is said to everybody.
    async fn pages_of_other_origins_read_nothing(app) {
        let (spa, _) = scene(&app).await;
        for origin in [FOREIGN, OTHER, "null", "https://netbox.example.org.evil.example", "http://netbox.example.org", "https://netbox.example.org:444"] {
            let mut page = page_of(&app, origin);
            let answer = exchange(&mut page, &spa, &code(&app, &spa).await).await;
            assert_eq!((answer.status, allowed(&answer), answer.header("vary")), (200, "", "Origin"), "{origin}");
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            let mut with_token = page.clone();
            with_token.headers.push(("authorization", format!("Bearer {token}")));
            let userinfo = with_token.get(USERINFO).await;
            assert_eq!((userinfo.status, allowed(&userinfo)), (200, ""), "{origin}");
            let revoked = page.request("POST", REVOKE, Some(&[("client_id", &spa.client_id), ("token", &token)])).await;
            assert_eq!((revoked.status, allowed(&revoked)), (200, ""), "{origin}");
            let is_known = origin == OTHER;
            for path in [TOKEN, USERINFO, REVOKE] {
                let before = asks_before(&app, origin, path).await;
                assert_eq!(allowed(&before), if is_known { OTHER } else { "" }, "{origin} {path}");
            }
        }
    }

    /// Documents are everybody's, also for pages that add headers of their own; nothing else is, and what only servers ask is
    /// for no page at all.
    async fn documents_are_everybodys_and_what_servers_ask_is_nobodys(app) {
        let (spa, _) = scene(&app).await;
        for path in ["/application/o/spa/.well-known/openid-configuration", "/application/o/spa/jwks/", "/.well-known/openid-configuration"] {
            let before = asks_before(&app, FOREIGN, path).await;
            assert_eq!((before.status, allowed(&before), before.header("access-control-allow-headers")), (204, "*", "*"), "{path}");
        }
        for path in ["/application/o/introspect/", "/application/o/device/", "/sign-in", "/if/user/", "/application/o/authorize/"] {
            let before = asks_before(&app, OWN, path).await;
            assert_eq!((before.status, allowed(&before)), (405, ""), "{path}");
        }
        let mut page = page_of(&app, OWN);
        let fields = [("client_id", spa.client_id.as_str()), ("token", "x")];
        assert_eq!(allowed(&page.request("POST", "/application/o/introspect/", Some(&fields)).await), "");
        let authorize = page.get(&spa.authorize(&[])).await;
        assert_eq!(allowed(&authorize), "");
    }

    /// A page that somebody visits makes their browser try passwords and ask for device codes: in their name and from their
    /// address, but nothing of it is counted. The client's own pages may.
    async fn pages_of_other_sites_use_up_nothing(app) {
        let client = app.client(&app.script_application("a", |_, provider| {
            provider.grant_types.insert(GrantType::DeviceCode);
        }).await);
        let password = [
            ("grant_type", "client_credentials"),
            ("client_id", client.client_id.as_str()),
            ("username", "admin"),
            ("password", "wrong"),
        ];
        let device = [("client_id", client.client_id.as_str()), ("scope", "openid")];
        for header in [("origin", FOREIGN), ("origin", OTHER), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
            let mut page = app.browser();
            page.headers.push((header.0, header.1.to_owned()));
            for _ in 0..25 {
                for (path, fields) in [(TOKEN, &password[..]), ("/application/o/device/", &device[..])] {
                    let answer = page.request("POST", path, Some(fields)).await;
                    assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request")), "{header:?}");
                }
            }
        }
        app.signed_in("admin").await;
        for origin in [OWN, HOME] {
            let mut own = page_of(&app, origin);
            assert_eq!(own.request("POST", "/application/o/device/", Some(&device)).await.status, 200, "{origin}");
            assert_eq!(own.request("POST", TOKEN, Some(&password)).await.json()["error"], "invalid_grant", "{origin}");
        }
    }
}
