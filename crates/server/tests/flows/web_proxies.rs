//! Web proxies that do not run here, imitated: what they send and what they make of the answer stands in their documentation
//! and their source. nginx and Caddy run for real in the black-box tests.

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::HeaderMap,
};
use doorward_core::{
    access_rule::AccessRule,
    application::ApplicationProfile,
    method::Method,
    proxy_provider::{Identity, ProxyProfile},
};
use doorward_server::{
    applications::{
        self, ApplicationEdit,
        settings::{Wanted, settings},
    },
    directory::users,
    http::slashes,
    recipes::Style,
};
use doorward_store::db::STATEMENTS;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tower::ServiceExt;
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

use crate::{
    on_both,
    support::{PASSWORD, Page, TestApp},
};

const HOST: &str = "wiki.example.org";
/// A proxy that Doorward was told of.
const PEER: [u8; 4] = [192, 0, 2, 7];
const COPIED: [&str; 2] = ["remote-user", "remote-groups"];

/// Which one is imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proxy {
    /// Traefik's `forwardAuth` (`pkg/middlewares/auth/forward.go`).
    Traefik,
    /// Envoy's `ext_authz` with an HTTP service and `path_prefix`.
    Envoy,
}

/// What a browser asks the proxy for.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

/// What comes of it.
#[derive(Debug)]
enum Outcome {
    /// The application gets these headers.
    Passed(HeaderMap),
    /// The browser gets this.
    Answered(Page),
}

/// A proxy and the browser that comes by it.
struct Gate {
    proxy: Proxy,
    router: Router,
    cookies: BTreeMap<String, String>,
}

impl Gate {
    fn new(app: &TestApp, proxy: Proxy) -> Self {
        Self { proxy, router: app.router.clone(), cookies: BTreeMap::new() }
    }

    /// A request of the browser, as the proxy deals with it.
    async fn ask(&mut self, asked: Asked<'_>) -> Outcome {
        let mut from_browser = HeaderMap::new();
        for (name, value) in asked.headers {
            let name: axum::http::HeaderName = name.parse().unwrap();
            from_browser.append(name, value.parse().unwrap());
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            from_browser.insert("cookie", cookies.join("; ").parse().unwrap());
        }
        let page = if asked.path.starts_with("/outpost.goauthentik.io/") {
            return Outcome::Answered(self.send(self.passed_on(asked, from_browser)).await);
        } else if self.proxy == Proxy::Traefik {
            self.send(self.by_traefik(asked, &from_browser)).await
        } else {
            self.send(self.by_envoy(asked, &from_browser)).await
        };
        if !(200..300).contains(&page.status) {
            return Outcome::Answered(page);
        }
        // Both replace the headers that they are told to copy; Traefik deletes the browser's first.
        for name in COPIED {
            if self.proxy == Proxy::Traefik {
                from_browser.remove(name);
            }
            if let Some(value) = page.headers.get(name) {
                from_browser.insert(name, value.clone());
            }
        }
        Outcome::Passed(from_browser)
    }

    /// A GET with all headers of the browser and five of Traefik's own, which replace the browser's.
    fn by_traefik(&self, asked: Asked<'_>, from_browser: &HeaderMap) -> Request {
        let mut request = Request::get("/outpost.goauthentik.io/auth/traefik").body(Body::empty()).unwrap();
        *request.headers_mut() = from_browser.clone();
        for (name, value) in [
            ("host", "127.0.0.1:9000"),
            ("x-forwarded-method", asked.method),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", HOST),
            ("x-forwarded-uri", asked.path),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-port", "443"),
            ("x-forwarded-server", "traefik"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    /// Method, host and path of the browser's request, the path behind the prefix; of its headers `Authorization` and those
    /// that are listed.
    fn by_envoy(&self, asked: Asked<'_>, from_browser: &HeaderMap) -> Request {
        let path = format!("/outpost.goauthentik.io/auth/envoy{}", asked.path);
        let mut request = Request::builder().method(asked.method).uri(path).body(Body::empty()).unwrap();
        for name in ["cookie", "authorization"] {
            if let Some(value) = from_browser.get(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        for (name, value) in [
            ("host", HOST),
            ("content-length", "0"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-envoy-internal", "true"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    /// Doorward's own pages at the host.
    fn passed_on(&self, asked: Asked<'_>, from_browser: HeaderMap) -> Request {
        let mut request = Request::builder().method(asked.method).uri(asked.path).body(Body::empty()).unwrap();
        *request.headers_mut() = from_browser;
        for (name, value) in [("host", HOST), ("x-forwarded-proto", "https"), ("x-forwarded-for", "203.0.113.9")] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    async fn send(&mut self, request: Request) -> Page {
        let mut request = slashes::merge(request);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((PEER, 40_000))));
        let page = Page::read(self.router.clone().oneshot(request).await.unwrap()).await;
        for cookie in page.headers.get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        page
    }

    async fn get(&mut self, path: &str) -> Outcome {
        self.ask(Asked { method: "GET", path, headers: &[] }).await
    }

    async fn answer(&mut self, path: &str) -> Page {
        match self.get(path).await {
            Outcome::Answered(page) => page,
            Outcome::Passed(headers) => panic!("{path} passed: {headers:?}"),
        }
    }

    /// Goes the way of a sign-in, beginning at a page of the application; gives where it ends.
    async fn sign_in(&mut self, app: &TestApp, username: &str, path: &str) -> String {
        let here = format!("https://{HOST}");
        let page = self.answer(path).await;
        assert_eq!(page.status, 302, "{}", page.body);
        let start = page.location().strip_prefix(&here).unwrap_or(page.location()).to_owned();
        let page = self.answer(&start).await;
        let mut browser = app.browser();
        let back = browser.sign_in(page.location(), username, PASSWORD).await;
        let callback = back.location().strip_prefix(&here).unwrap_or_else(|| panic!("{} {}", back.status, back.body));
        let page = self.answer(callback).await;
        assert_eq!(page.status, 302, "{}", page.body);
        page.location().to_owned()
    }
}

/// An application behind a proxy, with headers of its own, for members of a group; alice is one.
async fn wiki(app: &TestApp) {
    let staff = app.group("staff", &[]).await;
    app.user("alice", &[&staff]).await;
    let mut profile = ApplicationProfile::new("wiki", "Wiki");
    profile.access = AccessRule::Only { groups: BTreeSet::from([staff.id]), users: BTreeSet::new() };
    let mut proxy = ProxyProfile::single(format!("https://{HOST}"));
    proxy.headers =
        [(Identity::Username, "Remote-User".to_owned()), (Identity::Groups, "Remote-Groups".to_owned())].into();
    let edit = ApplicationEdit { profile, oauth: None, ldap: None, proxy: Some(proxy) };
    applications::create(&app.app, &app.actor(), edit, Vec::new()).await.unwrap();
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

on_both! {
    async fn traefik_and_envoy_let_in_who_signed_in(app) {
        wiki(&app).await;
        for proxy in [Proxy::Traefik, Proxy::Envoy] {
            let mut gate = Gate::new(&app, proxy);
            let target = gate.sign_in(&app, "alice", "/a/b?c=d&e=%2F").await;
            assert_eq!(target, format!("https://{HOST}/a/b?c=d&e=%2F"), "{proxy:?}");
            // Whatever the browser pretends, and by whatever method it comes.
            let forged = [
                ("remote-user", "root"), ("remote-groups", "admins"), ("remote-groups", "more"),
                ("x-original-url", "https://wiki.example.org/outpost.goauthentik.io/ping"),
                ("x-forwarded-uri", "/outpost.goauthentik.io/ping"), ("x-forwarded-host", "other.example.org"),
                ("x-forwarded-proto", "http"), ("x-forwarded-method", "GET"),
            ];
            for method in ["GET", "POST", "DELETE", "OPTIONS"] {
                match gate.ask(Asked { method, path: "/a/b", headers: &forged }).await {
                    Outcome::Passed(headers) => {
                        assert_eq!(value(&headers, "remote-user"), ["alice"], "{proxy:?} {method}");
                        assert_eq!(value(&headers, "remote-groups"), ["staff"], "{proxy:?} {method}");
                    }
                    Outcome::Answered(page) => panic!("{proxy:?} {method}: {} {}", page.status, page.body),
                }
            }
            // Nor does it help without a session.
            let mut stranger = Gate::new(&app, proxy);
            for method in ["GET", "POST"] {
                let outcome = stranger.ask(Asked { method, path: "/a/b", headers: &forged }).await;
                assert!(matches!(&outcome, Outcome::Answered(page) if page.status == 302), "{proxy:?} {outcome:?}");
            }
        }
    }
}

on_both! {
    async fn traefik_and_envoy_show_why_somebody_is_refused(app) {
        wiki(&app).await;
        let alice = users::find_by_username(&app.app, "alice").await.unwrap();
        for proxy in [Proxy::Traefik, Proxy::Envoy] {
            let mut gate = Gate::new(&app, proxy);
            gate.sign_in(&app, "alice", "/").await;
            assert!(matches!(gate.get("/").await, Outcome::Passed(_)), "{proxy:?}");
            let (_, groups) = users::find(&app.app, alice.id).await.unwrap();
            users::update(&app.app, &app.actor(), alice.id, alice.profile.clone(), Some(BTreeSet::new())).await.unwrap();
            let page = gate.answer("/").await;
            assert_eq!(page.status, 403, "{proxy:?}");
            assert!(page.text().contains("No access") && page.text().contains("Wiki"), "{}", page.body);
            users::update(&app.app, &app.actor(), alice.id, alice.profile.clone(), Some(groups)).await.unwrap();

            users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
            assert_ne!(gate.answer("/").await.status, 200, "{proxy:?}");
            users::set_active(&app.app, &app.actor(), alice.id, true).await.unwrap();
        }
    }
}

on_both! {
    /// Two reads by index, no write, and nothing besides.
    async fn a_check_costs_two_statements(app) {
        wiki(&app).await;
        let mut gate = Gate::new(&app, Proxy::Traefik);
        gate.sign_in(&app, "alice", "/").await;
        let (counted, commits) = (Arc::new(AtomicUsize::new(0)), app.app.db.commits());
        let _counting = tracing::subscriber::set_default(Statements(counted.clone()));
        for _ in 0..3 {
            assert!(matches!(gate.get("/a").await, Outcome::Passed(_)));
        }
        assert_eq!((counted.load(Ordering::SeqCst), app.app.db.commits()), (6, commits));
        // A stranger costs none, whatever the cookie looks like.
        for cookie in [None, Some("authentik_proxy_00000000=abc"), Some(";;;=")] {
            let mut stranger = Gate::new(&app, Proxy::Traefik);
            let headers: Vec<(&str, &str)> = cookie.iter().map(|cookie| ("cookie", *cookie)).collect();
            let outcome = stranger.ask(Asked { method: "GET", path: "/a", headers: &headers }).await;
            assert!(matches!(&outcome, Outcome::Answered(page) if page.status == 302), "{outcome:?}");
        }
        assert_eq!((counted.load(Ordering::SeqCst), app.app.db.commits()), (6, commits));
    }
}

on_both! {
    /// A header that Doorward sends and a proxy does not copy would be the browser's to choose.
    async fn every_header_is_in_every_printed_configuration(app) {
        wiki(&app).await;
        let mut gate = Gate::new(&app, Proxy::Traefik);
        gate.sign_in(&app, "alice", "/").await;
        let asked = Asked { method: "GET", path: "/", headers: &[] };
        let mut question = HeaderMap::new();
        let cookies: Vec<String> = gate.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        question.insert("cookie", cookies.join("; ").parse().unwrap());
        let answer = gate.send(gate.by_traefik(asked, &question)).await;
        assert_eq!(answer.status, 200);
        let is_identity = |name: &&str| name.starts_with("x-authentik-") || name.starts_with("remote-");
        let sent: BTreeSet<&str> = answer.headers.keys().map(axum::http::HeaderName::as_str).filter(is_identity).collect();
        assert_eq!(sent.len(), 14, "{sent:?}");
        let entry = applications::find(&app.app, "wiki").unwrap();
        let blocks = settings(&app.app, &entry, Wanted::new(Method::Proxy, Style::File)).await.unwrap().unwrap();
        assert_eq!(blocks.len(), 3);
        for block in blocks {
            let text = block.text.to_lowercase();
            for name in &sent {
                let underscored = name.replace('-', "_");
                let copied = match block.filename.as_str() {
                    "/etc/caddy/Caddyfile" => text.lines().any(|line| {
                        line.contains("copy_headers") && line.split_whitespace().any(|word| word == *name)
                    }) && text.contains(&format!("request_header -{name}\n")) && text.contains(&format!("request_header -{underscored}\n")),
                    "/etc/traefik/dynamic/wiki.yaml" => {
                        text.contains(&format!("- \"{name}\"\n")) && text.contains(&format!("\"{underscored}\": \"\"\n"))
                    }
                    "/etc/nginx/conf.d/wiki.conf" => {
                        text.contains(&format!("auth_request_set $wiki_header_{underscored} $upstream_http_{underscored};"))
                            && text.contains(&format!("proxy_set_header {name} $wiki_header_{underscored};"))
                    }
                    other => panic!("{other}"),
                };
                assert!(copied, "{name} in {}:\n{}", block.filename, block.text);
            }
        }
    }
}

/// Counts the statements that are run on this thread.
struct Statements(Arc<AtomicUsize>);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == STATEMENTS
    }

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
