//! Advisories of other gates, replayed, and whatever else somebody may send.

use crate::{
    on_both,
    support::{Backend, Guest, PAGE, Page, Proxy, TestApp},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::{runtime::Handle, task::block_in_place};

const NGINX: &str = "/outpost.goauthentik.io/auth/nginx";

/// A question with headers as they are.
async fn asks(guest: &mut Guest, path: &str, headers: &[(&'static str, &str)]) -> Page {
    guest.host.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    guest.host.request("GET", path, None).await
}

async fn guarded(app: &TestApp) -> Guest {
    app.user("alice", &[]).await;
    app.guarded("netbox", |proxy| proxy.skip_path_regex = vec!["^/static/".to_owned(), "health".to_owned()]).await;
    Guest::new(app)
}

on_both! {
    async fn cve_2026_25748_a_malformed_cookie_is_no_session(app) {
        guarded(&app).await;
        let cookie = app.app.snapshot().proxies.iter().next().unwrap().cookie.clone();
        for value in ["", "x", "MTY|abc|==", "\"quoted\"", "a%00b", "=", "{}", &"a".repeat(5000), "aaaa; x=y", "a, b"] {
            for proxy in Proxy::ALL {
                let mut guest = Guest::new(&app);
                let cookie = format!("{cookie}={value}");
                let page = guest.asks_with(proxy, PAGE, &[("cookie", cookie.as_str())]).await;
                let expected = if proxy == Proxy::Nginx { 401 } else { 302 };
                assert_eq!(page.status, expected, "{proxy:?} {value}");
                assert!(!page.headers.contains_key("x-authentik-username"));
            }
        }
    }

    async fn ghsa_24rf_only_the_header_of_the_adapter_counts(app) {
        let mut guest = guarded(&app).await;
        // A browser can send any of these; nginx sets X-Original-URL alone.
        let open = "https://netbox.example.org/static/x.css";
        let page = asks(&mut guest, NGINX, &[
            ("x-original-url", PAGE),
            ("x-original-uri", "/static/x.css"),
            ("x-forwarded-uri", "/static/x.css"),
            ("x-forwarded-host", "netbox.example.org"),
            ("x-forwarded-proto", "https"),
            ("x-rewrite-url", open),
        ]).await;
        assert_eq!(page.status, 401);
        for headers in [
            &[("x-original-uri", "/static/x.css")][..],
            &[("x-forwarded-uri", "/static/x.css"), ("x-forwarded-host", "netbox.example.org"), ("x-forwarded-proto", "https")],
            &[("host", "netbox.example.org")],
        ] {
            assert_eq!(asks(&mut guest, NGINX, headers).await.status, 403, "{headers:?}");
        }
        for path in ["/outpost.goauthentik.io/auth/traefik", "/outpost.goauthentik.io/auth/caddy"] {
            assert_eq!(asks(&mut guest, path, &[("x-original-url", open)]).await.status, 403);
        }
        let page = asks(&mut guest, "/outpost.goauthentik.io/auth/envoy/dcim/", &[
            ("host", "netbox.example.org"), ("x-original-url", open), ("x-forwarded-uri", "/static/x.css"),
        ]).await;
        assert_eq!(page.status, 302);
    }

    async fn cve_2021_32637_an_original_url_that_cannot_be_read_lets_nobody_in(app) {
        let mut guest = guarded(&app).await;
        guest.signs_in("alice", PAGE).await;
        for url in [
            "", "/", "//", "https://", "https:///static/", "netbox.example.org/static/", "https://netbox.example.org", "ftp://netbox.example.org/static/",
            "https://netbox.example.org/static/ x", "https://netbox.example.org\\/static/", "https://netbox.example.org:x/static/",
            "https://alice@netbox.example.org/static/", "https://netbox.example.org/static/#", "https://[::1/static/",
        ] {
            let page = asks(&mut guest, NGINX, &[("x-original-url", url)]).await;
            assert_eq!(page.status, 403, "{url}");
            assert!(page.text().contains("cannot be read") && !page.headers.contains_key("remote-user"), "{url}");
        }
        let good = ["https", "netbox.example.org", "/static/"];
        for (index, bad) in [(0, "https,http"), (0, ""), (1, "netbox.example.org, evil"), (1, "a@b"), (2, "static/"), (2, "/a b"), (2, "")] {
            let mut values = good;
            values[index] = bad;
            let page = asks(&mut guest, "/outpost.goauthentik.io/auth/caddy", &[
                ("x-forwarded-proto", values[0]), ("x-forwarded-host", values[1]), ("x-forwarded-uri", values[2]),
            ]).await;
            assert_eq!(page.status, 403, "{bad}");
        }
    }

    async fn headers_that_come_twice_let_nobody_in(app) {
        let mut guest = guarded(&app).await;
        guest.signs_in("alice", PAGE).await;
        let open = "https://netbox.example.org/static/x";
        let page = asks(&mut guest, NGINX, &[("x-original-url", open), ("x-original-url", open)]).await;
        assert_eq!(page.status, 403);
        assert!(page.text().contains("x-original-url is there more than once"));
        let page = asks(&mut guest, "/outpost.goauthentik.io/auth/traefik", &[
            ("x-forwarded-proto", "https"), ("x-forwarded-host", "netbox.example.org"),
            ("x-forwarded-uri", "/static/x"), ("x-forwarded-uri", "/dcim/"),
        ]).await;
        assert_eq!(page.status, 403);
    }

    async fn a_proxy_that_is_not_listed_is_told_nothing(app) {
        let mut guest = guarded(&app).await;
        guest.signs_in("alice", PAGE).await;
        guest.host.peer = [203, 0, 113, 9].into();
        for proxy in Proxy::ALL {
            for url in [PAGE, "https://netbox.example.org/static/x", "https://netbox.example.org/outpost.goauthentik.io/ping"] {
                let page = guest.asks(proxy, url).await;
                assert_eq!(page.status, 403, "{proxy:?}");
                assert!(page.text().contains("set trusted_proxies = [\"203.0.113.9\"]"), "{}", page.text());
                assert!(!page.headers.contains_key("remote-user"));
            }
        }
        assert!(app.texts().await.iter().any(|text| text.contains("set trusted_proxies = [\"203.0.113.9\"]")));
    }

    async fn cve_2023_36456_and_2024_47070_addresses_of_browsers_change_no_decision(app) {
        let mut guest = guarded(&app).await;
        for address in ["127.0.0.1", "192.0.2.1", "not an address", "\u{e9}", ", ,", "::1, 127.0.0.1"] {
            let page = guest.asks_with(Proxy::Nginx, PAGE, &[("x-forwarded-for", address), ("x-real-ip", address)]).await;
            assert_eq!(page.status, 401, "{address}");
        }
        guest.host.peer = [203, 0, 113, 9].into();
        let page = guest.asks_with(Proxy::Nginx, PAGE, &[("x-forwarded-for", "192.0.2.1")]).await;
        assert_eq!(page.status, 403);
    }

    async fn an_unknown_host_is_nobodys(app) {
        let mut guest = guarded(&app).await;
        guest.signs_in("alice", PAGE).await;
        for proxy in Proxy::ALL {
            let page = guest.asks(proxy, "https://other.example.org/static/x").await;
            assert_eq!(page.status, 403, "{proxy:?}");
            assert!(page.text().contains("has this external host: other.example.org"), "{}", page.text());
            assert!(!page.text().contains("netbox.example.org"), "it lists what there is");
        }
        assert!(app.texts().await.iter().any(|text| text.contains("there are: https://netbox.example.org")));
        assert_eq!(guest.opens("https://other.example.org/outpost.goauthentik.io/start").await.status, 403);
    }

    async fn sly_paths_are_neither_open_nor_doorwards_own(app) {
        let mut guest = guarded(&app).await;
        for path in [
            "/static/../dcim/", "/static/%2e%2e/dcim/", "/static/..;/dcim/", "/static//x", "//static/x", "/static/%2fx", "/static/%5c..%5cx",
            "/dcim/?x=/static/", "/outpost.goauthentik.io/../dcim/", "/outpost.goauthentik.io/%2e%2e/dcim/", "/outpost.goauthentik.io//dcim/",
            "/outpost.goauthentik.iox/", "/outpost%2egoauthentik.io/", "/OUTPOST.goauthentik.io/start", "//outpost.goauthentik.io/start",
            "/outpost.goauthentik.io/..%3b/dcim/", "/outpost.goauthentik.io",
        ] {
            for proxy in Proxy::ALL {
                let page = guest.asks(proxy, &format!("https://netbox.example.org{path}")).await;
                assert!(matches!(page.status, 401 | 302), "{proxy:?} {path}: {}", page.status);
            }
        }
    }
}

/// Whatever is sent, nobody passes without a session but on an open path.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_nobody_passes() {
    let app = TestApp::new(Backend::Sqlite).await;
    app.guarded("netbox", |_| {}).await;
    let guest = Guest::new(&app);
    let host = "(netbox\\.example\\.org|[a-z.@:%\\\\-]{0,20})(:[0-9]{0,6})?";
    let question = (
        0_usize..4,
        "(https?|[a-z]{0,6})",
        host,
        "/?[!-~]{0,40}",
        "[!-~ ]{0,60}",
        "(Basic |Bearer |Token )?[!-~]{0,40}",
    );
    let cookie = app.app.snapshot().proxies.iter().next().unwrap().cookie.clone();
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let result = runner.run(&question, |(kind, scheme, host, path, value, authorization)| {
        let (proxy, mut guest) = (Proxy::ALL[kind], guest.clone());
        let (target, mut headers) = if proxy == Proxy::Envoy {
            let uri = format!("/outpost.goauthentik.io/auth/envoy{path}");
            prop_assume!(uri.parse::<axum::http::Uri>().is_ok());
            (uri, vec![("host", host), ("x-forwarded-proto", scheme)])
        } else {
            let (target, _) = proxy.question(PAGE);
            let url = format!("{scheme}://{host}{path}");
            let parts = [("x-forwarded-proto", scheme), ("x-forwarded-host", host), ("x-forwarded-uri", path)];
            (target, parts.into_iter().chain([("x-original-url", url)]).collect())
        };
        headers.extend([("cookie", format!("{cookie}={value}")), ("authorization", authorization)]);
        guest.host.headers = headers.clone();
        let page = block_in_place(|| Handle::current().block_on(guest.host.request("GET", &target, None)));
        let is_own = target.contains("/outpost.goauthentik.io/auth/envoy/outpost.goauthentik.io/")
            || headers.iter().any(|(_, value)| value.contains("/outpost.goauthentik.io/"));
        prop_assert!(page.status != 200 || is_own, "{target} {headers:?}");
        prop_assert!(page.headers.get("remote-user").is_none_or(axum::http::HeaderValue::is_empty));
        Ok(())
    });
    result.unwrap();
}
