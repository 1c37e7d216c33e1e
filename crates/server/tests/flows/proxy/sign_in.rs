//! From a protected host to Doorward and back, and out again.

use crate::{
    on_both,
    support::{Guest, PAGE, Proxy, TestApp},
};
use doorward_core::{access_rule::AccessRule, application::ConsentMode};
use futures::future::join_all;
use jiff::SignedDuration;

const START: &str = "https://netbox.example.org/outpost.goauthentik.io/start";

async fn sessions(app: &TestApp) -> i64 {
    let ids: Vec<_> = app.app.snapshot().proxies.iter().map(|client| client.provider.id).collect();
    let count =
        app.app.db.read(move |tx| Box::pin(async move { doorward_store::proxy_session::count(tx, ids[0]).await }));
    count.await.unwrap()
}

on_both! {
    async fn the_start_asks_doorward_for_a_code(app) {
        let client = app.guarded("netbox", |_| {}).await;
        let page = Guest::new(&app).opens(&format!("{START}?rd={PAGE}")).await;
        assert_eq!(page.status, 302);
        assert!(page.location().starts_with("https://id.example.org/application/o/authorize/?"));
        for (name, value) in [
            ("client_id", client.client.provider.profile.client_id.as_str()),
            ("redirect_uri", "https://netbox.example.org/outpost.goauthentik.io/callback?X-authentik-auth-callback=true"),
            ("response_type", "code"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(page.redirect_parameter(name).as_deref(), Some(value));
        }
        let cookie = page.header("set-cookie");
        assert!(cookie.starts_with(&format!("{}_start=", client.cookie)), "{cookie}");
        assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{cookie}");
    }

    async fn the_callback_begins_a_session_and_goes_back(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        let page = guest.signs_in("alice", PAGE).await;
        assert_eq!((page.status, page.location()), (302, PAGE));
        let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        let session = cookies.iter().find(|cookie| cookie.starts_with(&format!("{}=", client.cookie))).unwrap();
        assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{session}");
        assert!(app.texts().await.iter().any(|text| text == "a session at netbox.example.org began for App netbox"));
        assert_eq!(client.cookie.len(), "authentik_proxy_".len() + 8);
    }

    async fn what_nginx_wrote_unencoded_is_gone_back_to_whole(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        let start = guest.opens(&format!("{START}?rd={PAGE}")).await;
        let callback = guest.authorizes("alice", start.location()).await;
        assert_eq!(guest.opens(&callback).await.location(), PAGE);
    }

    async fn rd_leads_nowhere_else(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.doorward.sign_in("/if/user/", "alice", crate::support::PASSWORD).await;
        for rd in ["https://evil.example/", "https://netbox.example.org@evil.example/", "//evil.example", "javascript:alert(1)", ""] {
            guest.host.cookies.clear();
            let start = guest.opens(&format!("{START}?rd={rd}")).await;
            let callback = guest.authorizes("alice", start.location()).await;
            assert_eq!(guest.opens(&callback).await.location(), "https://netbox.example.org/", "{rd}");
        }
    }

    async fn a_callback_in_another_browser_begins_nothing(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let (mut alice, mut mallory) = (Guest::new(&app), Guest::new(&app));
        let callback = alice.comes_back("alice", PAGE).await;
        mallory.opens(START).await;
        for mut other in [Guest::new(&app), mallory] {
            let page = other.opens(&callback).await;
            assert_eq!(page.status, 400);
            assert!(page.text().contains("begun in another browser"), "{}", page.text());
            assert!(page.body.contains("id=\"restart\" href=\"https://netbox.example.org/\"") || page.text().contains("href=\"https://netbox.example.org/\""));
            assert!(page.headers.get_all("set-cookie").iter().all(|cookie| cookie.to_str().unwrap().contains("_start=")));
        }
        assert_eq!(sessions(&app).await, 0);
        // It is still good where it belongs.
        assert_eq!(alice.opens(&callback).await.location(), PAGE);
    }

    async fn a_state_is_good_for_ten_minutes_and_its_own_application(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        app.guarded("wiki", |proxy| proxy.external_host = "https://wiki.example.org".into()).await;
        let mut guest = Guest::new(&app);
        let callback = guest.comes_back("alice", PAGE).await;
        let foreign = callback.replace("netbox.example.org", "wiki.example.org");
        guest.opens("https://wiki.example.org/outpost.goauthentik.io/start").await;
        assert_eq!(guest.opens(&foreign).await.status, 400);
        app.clock.advance(SignedDuration::from_secs(600));
        assert_eq!(guest.opens(&callback).await.status, 400);
        assert_eq!(sessions(&app).await, 0);
    }

    async fn a_callback_that_is_damaged_begins_nothing(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        let callback = guest.comes_back("alice", PAGE).await;
        let (base, _) = callback.split_once('?').unwrap();
        let state = url::Url::parse(&callback).unwrap();
        let state = state.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        for query in [
            String::new(),
            "code=abc".to_owned(),
            format!("code=abc&state={state}"),
            format!("state={state}"),
            format!("code=&state={state}"),
            format!("error=access_denied&state={state}"),
            format!("code=abc&code=abc&state={state}"),
            format!("code=abc&error=x&state={state}"),
            "code=abc&state=abc".to_owned(),
        ] {
            let page = guest.opens(&format!("{base}?{query}")).await;
            assert_eq!((page.status, page.location()), (400, ""), "{query}");
        }
        assert_eq!(sessions(&app).await, 0);
    }

    async fn fifty_callbacks_with_one_code_begin_one_session(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        let callback = guest.comes_back("alice", PAGE).await;
        let attempts = (0..50).map(|_| {
            let (mut guest, callback) = (guest.clone(), callback.clone());
            async move { (guest.opens(&callback).await, guest) }
        });
        let mut all = join_all(attempts).await;
        assert!(all.iter().all(|(page, _)| (page.status, page.location()) == (302, PAGE)));
        let with_session = all.iter_mut().filter(|(_, guest)| guest.host.cookies.contains_key(&client.cookie));
        let mut winners: Vec<_> = with_session.map(|(_, guest)| guest.clone()).collect();
        assert_eq!((winners.len(), sessions(&app).await), (1, 1));
        assert_eq!(winners[0].asks(Proxy::Nginx, PAGE).await.status, 200);
        // The page loaded once more does no harm either.
        assert_eq!(winners[0].opens(&callback).await.location(), PAGE);
        assert_eq!((winners[0].asks(Proxy::Nginx, PAGE).await.status, sessions(&app).await), (200, 1));
    }

    async fn several_tabs_sign_in_at_once(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        let mut callbacks = Vec::new();
        for tab in 0..5 {
            callbacks.push(guest.comes_back("alice", &format!("https://netbox.example.org/{tab}")).await);
        }
        for (tab, callback) in callbacks.iter().enumerate() {
            assert_eq!(guest.opens(callback).await.location(), format!("https://netbox.example.org/{tab}"));
        }
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 200);
        assert_eq!(sessions(&app).await, 1);
    }

    async fn doorward_itself_says_no_to_those_without_access(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        app.edit("netbox", |edit| edit.profile.access = AccessRule::nobody()).await;
        let mut guest = Guest::new(&app);
        assert_eq!(guest.comes_back("alice", PAGE).await, "");
        // Whoever loses it between code and callback is told at the host.
        app.edit("netbox", |edit| edit.profile.access = AccessRule::Everyone).await;
        let callback = guest.comes_back("alice", PAGE).await;
        app.edit("netbox", |edit| edit.profile.access = AccessRule::nobody()).await;
        assert_eq!(guest.opens(&callback).await.status, 400);
        assert_eq!(sessions(&app).await, 0);
    }

    async fn consent_is_asked_for_and_can_be_refused(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        app.edit("netbox", |edit| edit.profile.consent = ConsentMode::Always).await;
        let mut guest = Guest::new(&app);
        let start = guest.opens(START).await;
        let form = guest.doorward.sign_in(start.location(), "alice", crate::support::PASSWORD).await;
        let page = guest.doorward.submit(&form, "/consent", &[("decision", "deny")]).await;
        let callback = guest.opens(page.location()).await;
        assert_eq!(callback.status, 400);
        assert!(app.texts().await.iter().any(|text| text.contains("the sign-in was not finished: access_denied")));
    }

    async fn signing_out_ends_both_sessions(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        let stolen = guest.clone();
        let page = guest.opens("https://netbox.example.org/outpost.goauthentik.io/sign_out").await;
        assert_eq!(page.status, 302);
        assert!(page.location().starts_with("https://id.example.org/application/o/netbox/end-session/?id_token_hint="));
        assert!(!guest.host.cookies.contains_key(&client.cookie));
        assert_eq!(stolen.clone().asks(Proxy::Nginx, PAGE).await.status, 401);
        let done = guest.doorward.get(page.location()).await;
        assert!(done.status == 200 && done.text().contains("signed out"), "{}", done.text());
        assert_eq!(guest.doorward.request("GET", "/if/user/", None).await.status, 303);
        // Again, with nobody there.
        let page = guest.opens("https://netbox.example.org/outpost.goauthentik.io/sign_out").await;
        assert_eq!(page.location(), "https://id.example.org/application/o/netbox/end-session/");
    }

    async fn callback_and_sign_out_work_on_any_path_where_the_browser_gets_the_answer(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        for proxy in [Proxy::Traefik, Proxy::Caddy, Proxy::Envoy] {
            let mut guest = Guest::new(&app);
            let callback = guest.comes_back("alice", PAGE).await;
            let page = guest.asks(proxy, &callback).await;
            assert_eq!((page.status, page.location()), (302, PAGE), "{proxy:?}");
            assert_eq!(guest.asks(proxy, PAGE).await.status, 200);
            let page = guest.asks(proxy, "https://netbox.example.org/logout/?X-authentik-logout=true").await;
            assert!(page.location().starts_with("https://id.example.org/application/o/netbox/end-session/"), "{proxy:?}");
            assert_eq!(guest.asks(proxy, PAGE).await.status, 302);
        }
        let page = Guest::new(&app).asks(Proxy::Nginx, "https://netbox.example.org/?X-authentik-logout=true").await;
        assert_eq!(page.status, 401);
    }

    async fn the_ping_answers(app) {
        assert_eq!(app.browser().get("/outpost.goauthentik.io/ping").await.status, 204);
    }
}
