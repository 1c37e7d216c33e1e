//! Everything below a domain.

use crate::{
    on_both,
    support::{Guest, Proxy},
};
use doorward_core::proxy_provider::{ProxyMode, ProxyProfile};

fn domain(proxy: &mut ProxyProfile) {
    proxy.mode = ProxyMode::ForwardDomain;
    proxy.external_host = "https://auth.example.org".into();
    proxy.cookie_domain = "example.org".into();
}

on_both! {
    async fn one_sign_in_is_good_for_every_host_below(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("lab", domain).await;
        let mut guest = Guest::new(&app);
        let page = guest.asks(Proxy::Caddy, "https://wiki.example.org/a?b=c").await;
        let start = "https://auth.example.org/outpost.goauthentik.io/start?rd=https%3A%2F%2Fwiki.example.org%2Fa%3Fb%3Dc";
        assert_eq!((page.status, page.location()), (302, start));
        let page = guest.opens(start).await;
        let callback = guest.authorizes("alice", page.location()).await;
        assert!(callback.starts_with("https://auth.example.org/outpost.goauthentik.io/callback?"), "{callback}");
        let page = guest.opens(&callback).await;
        assert_eq!(page.location(), "https://wiki.example.org/a?b=c");
        let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        let session = cookies.iter().find(|cookie| cookie.starts_with(&format!("{}=", client.cookie))).unwrap();
        assert!(session.contains("; Domain=example.org") && session.contains("; Secure"), "{session}");
        for host in ["wiki.example.org", "example.org", "a.b.example.org:8443", "auth.example.org"] {
            assert_eq!(guest.asks(Proxy::Nginx, &format!("https://{host}/")).await.status, 200, "{host}");
        }
        for host in ["evilexample.org", "example.org.evil.example", "org"] {
            assert_eq!(guest.asks(Proxy::Nginx, &format!("https://{host}/")).await.status, 403, "{host}");
        }
    }

    async fn the_start_at_any_host_below_works_and_rd_stays_below(app) {
        app.user("alice", &[]).await;
        app.guarded("lab", domain).await;
        for (rd, expected) in [
            ("https://wiki.example.org/x", "https://wiki.example.org/x"),
            ("http://wiki.example.org/x", "https://wiki.example.org/x"),
            ("https://evilexample.org/", "https://auth.example.org/"),
        ] {
            let mut guest = Guest::new(&app);
            let page = guest.opens(&format!("https://wiki.example.org/outpost.goauthentik.io/start?rd={rd}")).await;
            let callback = guest.authorizes("alice", page.location()).await;
            assert_eq!(guest.opens(&callback).await.location(), expected, "{rd}");
        }
    }

    async fn an_application_of_its_own_goes_before_the_domain(app) {
        app.user("alice", &[]).await;
        app.guarded("lab", domain).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", "https://auth.example.org/").await;
        assert_eq!(guest.asks(Proxy::Nginx, "https://wiki.example.org/").await.status, 200);
        assert_eq!(guest.asks(Proxy::Nginx, "https://netbox.example.org/").await.status, 401);
        app.guarded("deep", |proxy| {
            domain(proxy);
            proxy.external_host = "https://auth.deep.example.org".into();
            proxy.cookie_domain = "deep.example.org".into();
        })
        .await;
        assert_eq!(guest.asks(Proxy::Nginx, "https://wiki.deep.example.org/").await.status, 401);
    }
}
