//! The authorization table: every route, and who may use it. A route that is not in it fails the build.

use crate::support::{Backend, TestApp};
use doorward_core::provider::IssuerMode;
use std::collections::BTreeSet;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// Everybody.
    Anyone,
    /// Whoever is signed in; others are sent to sign in.
    Member,
    /// Programs with credentials of their own: 4xx without.
    Client,
}

/// Everything outside of administration. `{slug}` stands for an application.
const TABLE: &[(&str, &str, May)] = &[
    ("GET", "/", May::Anyone),
    ("GET", "/setup", May::Client),
    ("POST", "/setup", May::Client),
    ("GET", "/sign-in", May::Anyone),
    ("POST", "/sign-in", May::Client),
    ("GET", "/sign-in/code", May::Anyone),
    ("POST", "/sign-in/code", May::Client),
    ("GET", "/sign-in/continue", May::Client),
    ("POST", "/sign-in/continue", May::Client),
    ("GET", "/sign-out", May::Anyone),
    ("POST", "/sign-out", May::Client),
    ("POST", "/consent", May::Client),
    ("GET", "/device", May::Member),
    ("POST", "/device", May::Member),
    ("GET", "/if/user/", May::Member),
    ("GET", "/if/user/security/", May::Member),
    ("POST", "/if/user/security/app-passwords/add/", May::Member),
    ("POST", "/if/user/security/app-passwords/{id}/delete/", May::Member),
    ("GET", "/if/user/security/password/", May::Member),
    ("POST", "/if/user/security/password/", May::Member),
    ("GET", "/if/user/security/authenticator/", May::Member),
    ("POST", "/if/user/security/authenticator/", May::Member),
    ("POST", "/if/user/security/authenticator/remove/", May::Member),
    ("GET", "/application/launch/{slug}/", May::Member),
    ("GET", "/application/o/authorize/", May::Client),
    ("POST", "/application/o/authorize/", May::Anyone),
    ("GET", "/application/o/end-session/", May::Anyone),
    ("POST", "/application/o/end-session/", May::Anyone),
    ("GET", "/application/o/{slug}/end-session/", May::Anyone),
    ("POST", "/application/o/{slug}/end-session/", May::Anyone),
    ("POST", "/application/o/token/", May::Client),
    ("OPTIONS", "/application/o/token/", May::Anyone),
    ("POST", "/application/o/device/", May::Client),
    ("GET", "/application/o/userinfo/", May::Client),
    ("POST", "/application/o/userinfo/", May::Client),
    ("OPTIONS", "/application/o/userinfo/", May::Anyone),
    ("POST", "/application/o/introspect/", May::Client),
    ("POST", "/application/o/revoke/", May::Client),
    ("OPTIONS", "/application/o/revoke/", May::Anyone),
    ("GET", "/application/o/{slug}/", May::Anyone),
    ("GET", "/application/o/{slug}/.well-known/openid-configuration", May::Anyone),
    ("OPTIONS", "/application/o/{slug}/.well-known/openid-configuration", May::Anyone),
    ("GET", "/application/o/{slug}/.well-known/oauth-authorization-server", May::Anyone),
    ("OPTIONS", "/application/o/{slug}/.well-known/oauth-authorization-server", May::Anyone),
    ("GET", "/.well-known/oauth-authorization-server/application/o/{slug}", May::Anyone),
    ("OPTIONS", "/.well-known/oauth-authorization-server/application/o/{slug}", May::Anyone),
    ("GET", "/.well-known/oauth-authorization-server/application/o/{slug}/", May::Anyone),
    ("OPTIONS", "/.well-known/oauth-authorization-server/application/o/{slug}/", May::Anyone),
    ("GET", "/.well-known/openid-configuration/application/o/{slug}", May::Anyone),
    ("OPTIONS", "/.well-known/openid-configuration/application/o/{slug}", May::Anyone),
    ("GET", "/.well-known/openid-configuration/application/o/{slug}/", May::Anyone),
    ("OPTIONS", "/.well-known/openid-configuration/application/o/{slug}/", May::Anyone),
    ("GET", "/.well-known/openid-configuration", May::Anyone),
    ("OPTIONS", "/.well-known/openid-configuration", May::Anyone),
    ("GET", "/.well-known/oauth-authorization-server", May::Anyone),
    ("OPTIONS", "/.well-known/oauth-authorization-server", May::Anyone),
    ("GET", "/.well-known/webfinger", May::Client),
    ("GET", "/application/o/jwks/", May::Anyone),
    ("OPTIONS", "/application/o/jwks/", May::Anyone),
    ("GET", "/application/o/check-session/", May::Anyone),
    ("GET", "/application/o/{slug}/jwks/", May::Anyone),
    ("OPTIONS", "/application/o/{slug}/jwks/", May::Anyone),
    ("GET", "/application/o/{slug}/check-session/", May::Anyone),
    ("GET", "/outpost.goauthentik.io/auth/nginx", May::Client),
    ("GET", "/outpost.goauthentik.io/auth/traefik", May::Client),
    ("GET", "/outpost.goauthentik.io/auth/caddy", May::Client),
    ("GET", "/outpost.goauthentik.io/auth/envoy", May::Client),
    ("GET", "/outpost.goauthentik.io/auth/envoy/", May::Client),
    ("GET", "/outpost.goauthentik.io/auth/envoy/{*original}", May::Client),
    ("GET", "/outpost.goauthentik.io/start", May::Client),
    ("GET", "/outpost.goauthentik.io/callback", May::Client),
    ("GET", "/outpost.goauthentik.io/sign_out", May::Client),
    ("GET", "/outpost.goauthentik.io/ping", May::Anyone),
    ("GET", "/assets/{name}", May::Anyone),
    ("GET", "/-/health/live/", May::Anyone),
    ("GET", "/-/health/ready/", May::Anyone),
];

/// Methods and paths of the routes in a source file. What takes every method does the same for all of them.
fn routes(source: &str) -> BTreeSet<(&'static str, String)> {
    let methods = [("get(", "GET"), ("post(", "POST"), ("options(", "OPTIONS"), ("any(", "GET")];
    let mut found = BTreeSet::new();
    for rest in source.split(".route(").skip(1) {
        let (path, handlers) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')).unwrap();
        let handlers = handlers.split([';', '}']).next().unwrap();
        let of_path = methods.iter().filter(|(call, _)| handlers.contains(call));
        let before = found.len();
        found.extend(of_path.map(|(_, method)| (*method, path.to_owned())));
        assert!(found.len() > before, "{path} is there twice, or with handlers that this test cannot read: {handlers}");
    }
    found
}

#[test]
fn every_route_is_in_the_table() {
    let source = include_str!("../../src/router.rs");
    for name in ["document", "global_document"] {
        assert!(source.contains(&format!("let {name} = get(discovery::{name}).options(discovery::options);")));
    }
    let source = source.replace("document.clone()", "get().options()");
    let listed: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| (*method, (*path).to_owned())).collect();
    assert_eq!(routes(&source), listed);
    let administration = routes(include_str!("../../src/admin/mod.rs"));
    assert!(administration.iter().all(|(_, path)| path.starts_with("/if/admin/")));
}

/// A path in which something stands for what is open.
fn target(path: &str) -> String {
    let id = "0190a0a0-0000-7000-8000-000000000000";
    path.replace("{slug}", "a").replace("{name}", "doorward.css").replace("{id}", id).replace("{*original}", "x")
}

/// Forms of people signed in are refused without the token of their browser.
#[tokio::test(flavor = "multi_thread")]
async fn forms_of_members_need_their_token() {
    let app = TestApp::new(Backend::Sqlite).await;
    let mut browser = app.signed_in("admin").await;
    let foreign = app.browser().get("/sign-in").await.hidden("csrf");
    for (method, path, may) in TABLE {
        if (*method, *may) != ("POST", May::Member) {
            continue;
        }
        for csrf in ["", foreign.as_str()] {
            let page = browser.request("POST", &target(path), Some(&[("csrf", csrf)])).await;
            assert_eq!(page.status, 403, "{path}");
        }
    }
}

/// One with its own issuer, and one with the issuer that applications share.
async fn applications(app: &TestApp) {
    app.application("a").await;
    app.application_with("shared", |_, provider| provider.issuer_mode = IssuerMode::Global).await;
}

/// Every route as nobody, and every form without its token.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_what_is_not_for_anyone() {
    let app = TestApp::new(Backend::Sqlite).await;
    applications(&app).await;
    for (method, path, may) in TABLE {
        let target = target(path);
        let body: Option<&[(&str, &str)]> = (*method == "POST").then_some(&[("x", "y")]);
        let page = app.browser().request(method, &target, body).await;
        let fits = match may {
            May::Anyone => page.status < 400,
            May::Member => page.status == 303 && page.location().starts_with("/sign-in?request="),
            May::Client => (400..500).contains(&page.status) && page.location().is_empty(),
        };
        assert!(fits, "{method} {target}: {} {}", page.status, page.location());
    }
}

/// Headers that keep pages to themselves are on every answer.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers() {
    let app = TestApp::new(Backend::Sqlite).await;
    applications(&app).await;
    for (method, path, _) in TABLE {
        let target = target(path);
        let page = app.browser().request(method, &target, None).await;
        let policy = page.header("content-security-policy");
        // One page is there to be framed; it only answers questions.
        let framed_by = if path.ends_with("/check-session/") { "frame-ancestors *" } else { "frame-ancestors 'none'" };
        assert!(policy.contains("default-src 'none'") && policy.contains(framed_by), "{target}");
        assert_eq!(page.header("x-frame-options").is_empty(), path.ends_with("/check-session/"), "{target}");
        assert!(!policy.contains("unsafe"), "{target}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{target}");
        // RFC 9700, section 4.2.4: no address of ours, with what stands in it, is told to anybody.
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{target}");
        let is_document = path.contains("/openid-configuration") || path.contains("/oauth-authorization-server");
        let is_file = path.starts_with("/assets/") || path.ends_with("/check-session/") || path.ends_with("/jwks/");
        let is_public = *method == "GET" && (is_document || is_file);
        assert_eq!(
            page.header("cache-control") == "no-store",
            !is_public,
            "{target}: {}",
            page.header("cache-control")
        );
        // Doorward says nothing about the hosts of others.
        let is_at_home = !path.starts_with("/outpost.goauthentik.io/");
        assert_eq!(page.header("strict-transport-security").contains("max-age"), is_at_home, "{target}");
    }
}

/// Bodies that are too large are refused before they are read to the end.
#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_are_refused() {
    let app = TestApp::new(Backend::Sqlite).await;
    let large = "x".repeat(300 * 1024);
    for path in [
        "/sign-in",
        "/application/o/token/",
        "/application/o/userinfo/",
        "/application/o/authorize/",
        "/application/o/introspect/",
        "/application/o/revoke/",
    ] {
        let page = app.browser().request("POST", path, Some(&[("a", large.as_str())])).await;
        assert!((400..500).contains(&page.status), "{path}: {}", page.status);
    }
}
