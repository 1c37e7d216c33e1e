//! Redirect loops: found, and explained.

use crate::{
    on_both,
    support::{Guest, PAGE, Proxy},
};
use jiff::SignedDuration;

const START: &str =
    "https://netbox.example.org/outpost.goauthentik.io/start?rd=https%3A%2F%2Fnetbox.example.org%2Fdcim%2F";

on_both! {
    async fn a_proxy_that_does_not_pass_the_cookie_on_is_named(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        // Its questions come without cookies.
        let page = Guest::new(&app).asks(Proxy::Traefik, PAGE).await;
        let callback = guest.comes_back("alice", PAGE).await;
        assert_eq!(guest.opens(&callback).await.location(), PAGE);
        for _ in 0..2 {
            let back = guest.opens(page.location()).await;
            assert_eq!((back.status, back.location()), (302, PAGE));
        }
        let explained = guest.opens(page.location()).await;
        assert_eq!(explained.status, 400);
        let text = explained.text();
        assert!(text.contains("Signed in again and again"), "{text}");
        assert!(text.contains(&format!("The cookie {} is here", client.cookie)), "{text}");
        assert!(text.contains("Let the proxy pass on the header Cookie"), "{text}");
        assert!(app.texts().await.iter().any(|text| text.contains("goes round in circles. The cookie")));
        // Beginning again is possible, and counted anew.
        assert_eq!(guest.opens(page.location()).await.status, 302);
    }

    async fn a_session_that_is_never_found_is_a_loop_as_well(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        for _ in 0..3 {
            guest.host.cookies.remove(&client.cookie);
            assert_eq!(guest.signs_in("alice", PAGE).await.location(), PAGE);
        }
        guest.host.cookies.remove(&client.cookie);
        let page = guest.opens(START).await;
        assert!(page.status == 400 && page.text().contains("was set, but your browser does not send it"), "{}", page.text());
    }

    async fn http_where_https_is_expected_is_named(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        for _ in 0..3 {
            guest.host.cookies.retain(|name, _| name.ends_with("_start"));
            guest.signs_in("alice", PAGE).await;
        }
        guest.host.cookies.retain(|name, _| name.ends_with("_start"));
        let page = guest.opens("https://netbox.example.org/outpost.goauthentik.io/start?rd=http://netbox.example.org/").await;
        let text = page.text();
        assert!(page.status == 400 && text.contains("The proxy says that your browser came by http"), "{text}");
        assert!(text.contains("X-Forwarded-Proto: https"), "{text}");
    }

    async fn blocked_cookies_are_named_at_the_callback(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        let callback = guest.comes_back("alice", PAGE).await;
        guest.host.cookies.clear();
        let page = guest.opens(&callback).await;
        let text = page.text();
        assert!(page.status == 400 && text.contains("did not come back"), "{text}");
        assert!(text.contains("Allow cookies for netbox.example.org"), "{text}");
    }

    async fn signing_in_now_and_then_is_no_loop(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        for _ in 0..6 {
            guest.host.cookies.remove(&client.cookie);
            assert_eq!(guest.signs_in("alice", PAGE).await.location(), PAGE);
            app.clock.advance(SignedDuration::from_secs(16));
        }
    }

    async fn pages_at_the_host_name_doorwards_address_and_load_nothing_else(app) {
        app.guarded("netbox", |_| {}).await;
        let page = Guest::new(&app).opens("https://wiki.example.org/outpost.goauthentik.io/start").await;
        assert_eq!(page.status, 403);
        assert!(page.text().contains("href=\"https://id.example.org/assets/doorward.css"), "{}", page.body);
        assert!(!page.body.contains("<script"));
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src https://id.example.org;"), "{policy}");
        assert!(!page.headers.contains_key("strict-transport-security"));
    }
}
