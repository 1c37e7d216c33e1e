//! What proxies get to hear.

use crate::{
    on_both,
    support::{Guest, PAGE, Proxy},
};
use doorward_core::{access_rule::AccessRule, group::GroupProfile, proxy_provider::BasicAuth, user::UserProfile};
use doorward_server::{
    applications::proxy,
    directory::{groups, sessions, users},
};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// Names of all headers that tell who somebody is.
const HEADERS: [&str; 12] = [
    "x-authentik-username",
    "x-authentik-groups",
    "x-authentik-entitlements",
    "x-authentik-email",
    "x-authentik-name",
    "x-authentik-uid",
    "x-authentik-jwt",
    "remote-user",
    "remote-user-group",
    "remote-user-email",
    "remote-user-first-name",
    "remote-user-last-name",
];

on_both! {
    async fn nobody_is_sent_to_sign_in(app) {
        app.guarded("netbox", |_| {}).await;
        let start = "https://netbox.example.org/outpost.goauthentik.io/start\
            ?rd=https%3A%2F%2Fnetbox.example.org%2Fdcim%2Fsites%2F%3Fq%3Da%26page%3D2";
        let mut guest = Guest::new(&app);
        for proxy in Proxy::ALL {
            let page = guest.asks(proxy, PAGE).await;
            let expected = if proxy == Proxy::Nginx { (401, "") } else { (302, start) };
            assert_eq!((page.status, page.location()), expected, "{proxy:?}");
            assert!(HEADERS.iter().all(|name| !page.headers.contains_key(*name)));
        }
    }

    async fn somebody_signed_in_passes_with_their_names_and_groups(app) {
        let staff = app.group("staff", &[]).await;
        let ops = app.group("ops", &[&staff]).await;
        let alice = app.user("alice", &[&ops]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        let back = guest.signs_in("alice", PAGE).await;
        assert_eq!((back.status, back.location()), (302, PAGE));
        for proxy in Proxy::ALL {
            let page = guest.asks(proxy, PAGE).await;
            assert_eq!(page.status, 200, "{proxy:?}");
            for (name, value) in [
                ("x-authentik-username", "alice"),
                ("x-authentik-groups", "ops|staff"),
                ("x-authentik-entitlements", ""),
                ("x-authentik-email", "alice@example.org"),
                ("x-authentik-name", "Alice Example"),
                ("x-authentik-uid", alice.uid.as_str()),
                ("x-authentik-meta-jwks", "https://id.example.org/application/o/netbox/jwks/"),
                ("x-authentik-meta-app", "netbox"),
                ("remote-user", "alice"),
                ("remote-user-group", "ops|staff"),
                ("remote-user-email", "alice@example.org"),
                ("remote-user-first-name", "Alice"),
                ("remote-user-last-name", "Example"),
            ] {
                assert_eq!(page.header(name), value, "{proxy:?} {name}");
            }
            let token = page.header("x-authentik-jwt");
            assert_eq!(token.split('.').count(), 3, "{token}");
            assert!(!page.headers.contains_key("authorization"));
        }
    }

    async fn what_the_browser_says_it_is_never_comes_back(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |proxy| proxy.skip_path_regex = vec!["^/static/".to_owned()]).await;
        let mut guest = Guest::new(&app);
        let forged: Vec<_> = HEADERS.iter().map(|name| (*name, "admin")).collect();
        let open = guest.asks_with(Proxy::Nginx, "https://netbox.example.org/static/x.css", &forged).await;
        assert_eq!(open.status, 200);
        // Every header is there, empty, so that it takes the place of the browser's.
        assert!(HEADERS.iter().all(|name| open.headers.contains_key(*name) && open.header(name).is_empty()));
        guest.signs_in("alice", PAGE).await;
        let page = guest.asks_with(Proxy::Nginx, PAGE, &forged).await;
        assert!(HEADERS.iter().all(|name| page.headers.contains_key(*name) && page.header(name) != "admin"));
        assert!(page.headers.keys().all(|name| page.headers.get_all(name).iter().count() == 1));
    }

    async fn groups_and_names_are_those_of_now(app) {
        let ops = app.group("ops", &[]).await;
        let alice = app.user("alice", &[&ops]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        groups::update(&app.app, &app.actor(), ops.id, GroupProfile::named("operators"), None).await.unwrap();
        assert_eq!(guest.asks(Proxy::Caddy, PAGE).await.header("remote-user-group"), "operators");
        let profile = UserProfile { email: "alice@lab.example".into(), ..alice.profile.clone() };
        users::update(&app.app, &app.actor(), alice.id, profile, None).await.unwrap();
        assert_eq!(guest.asks(Proxy::Caddy, PAGE).await.header("remote-user-email"), "alice@lab.example");
    }

    async fn whoever_loses_access_is_stopped_at_the_next_request(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        app.edit("netbox", |edit| edit.profile.access = AccessRule::nobody()).await;
        for proxy in Proxy::ALL {
            let page = guest.asks(proxy, PAGE).await;
            assert_eq!(page.status, 403, "{proxy:?}");
            assert!(page.text().contains("You are signed in as alice, but App netbox is not open to you."));
            assert!(HEADERS.iter().all(|name| !page.headers.contains_key(*name)));
        }
        // The start page says the same, and does not send anybody round in circles.
        let page = guest.opens("https://netbox.example.org/outpost.goauthentik.io/start").await;
        assert_eq!(page.status, 403);
        let reference = page.body.split("id=\"reference\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let events = doorward_server::events::by_reference(&app.app, &reference).await.unwrap();
        assert!(events[0].text.contains("alice"));
    }

    async fn a_disabled_user_is_cut_off(app) {
        let alice = app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 200);
        let profile = UserProfile { is_active: false, ..alice.profile.clone() };
        users::update(&app.app, &app.actor(), alice.id, profile, None).await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 401);
    }

    async fn a_session_ends_with_the_one_it_came_from(app) {
        let alice = app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        let session = sessions::of_user(&app.app, alice.id).await.unwrap().remove(0);
        sessions::end(&app.app, &app.actor(), alice.id, session.id).await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 401);
    }

    async fn a_session_ends_by_itself(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |proxy| proxy.access_token_validity = "minutes=5".parse().unwrap()).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        app.clock.advance(SignedDuration::from_secs(299));
        doorward_server::jobs::clean(&app.app).await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 200);
        app.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 401);
        doorward_server::jobs::clean(&app.app).await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 401);
    }

    async fn a_session_outlives_the_clean_up_of_its_grant_and_not_the_session_at_doorward(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        app.clock.advance(SignedDuration::from_hours(11));
        doorward_server::jobs::clean(&app.app).await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 200);
        app.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 401);
    }

    async fn a_cookie_is_good_for_its_own_application_only(app) {
        app.user("alice", &[]).await;
        let netbox = app.guarded("netbox", |_| {}).await;
        let wiki = app.guarded("wiki", |proxy| proxy.external_host = "https://wiki.example.org".into()).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        let token = guest.host.cookies[&netbox.cookie].clone();
        guest.host.cookies.insert(wiki.cookie.clone(), token);
        assert_eq!(guest.asks(Proxy::Nginx, "https://wiki.example.org/").await.status, 401);
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 200);
    }

    async fn a_name_that_netbox_would_change_passes_for_nobody(app) {
        app.user("alicé", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alicé", PAGE).await;
        let page = guest.asks(Proxy::Traefik, PAGE).await;
        assert_eq!(page.status, 403);
        assert!(page.text().contains("Your username cannot be passed on"), "{}", page.text());
        assert!(app.texts().await.iter().any(|text| text.contains("would become \"alic\"")));
        // authentik's headers carry it as it is.
        app.edit("netbox", |edit| edit.proxy.as_mut().unwrap().headers.clear()).await;
        let page = guest.asks(Proxy::Traefik, PAGE).await;
        assert_eq!((page.status, page.headers["x-authentik-username"].as_bytes()), (200, "alicé".as_bytes()));
    }

    async fn a_group_that_would_become_two_is_left_out_and_named_once(app) {
        let sly = app.group("ops|netbox-admins", &[]).await;
        let far = app.group("Größe", &[]).await;
        let ops = app.group("ops", &[]).await;
        app.user("alice", &[&sly, &far, &ops]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        for _ in 0..3 {
            let page = guest.asks(Proxy::Caddy, PAGE).await;
            assert_eq!(page.header("remote-user-group"), "ops");
            let groups = String::from_utf8(page.headers["x-authentik-groups"].as_bytes().to_vec()).unwrap();
            assert_eq!(groups.split('|').collect::<BTreeSet<_>>(), BTreeSet::from(["ops", "Größe"]));
        }
        let said = app.texts().await.into_iter().filter(|text| text.contains("is not told of the groups")).count();
        assert_eq!(said, 1);
    }

    async fn a_separator_of_its_own_stands_in_its_own_header(app) {
        let (a, b) = (app.group("net,box", &[]).await, app.group("ops", &[]).await);
        let c = app.group("rack|room", &[]).await;
        app.user("alice", &[&a, &b, &c]).await;
        app.guarded("netbox", |proxy| proxy.group_separator = ",".into()).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        let page = guest.asks(Proxy::Caddy, PAGE).await;
        let own: BTreeSet<_> = page.header("remote-user-group").split(',').collect();
        assert_eq!(own, BTreeSet::from(["ops", "rack|room"]));
        let authentik: BTreeSet<_> = page.header("x-authentik-groups").split('|').collect();
        assert_eq!(authentik, BTreeSet::from(["net,box", "ops"]));
    }

    async fn open_paths_need_nobody_and_say_who_is_there(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |proxy| proxy.skip_path_regex = vec!["^/static/".to_owned()]).await;
        let (open, mut guest) = ("https://netbox.example.org/static/netbox.css?v=1", Guest::new(&app));
        for proxy in Proxy::ALL {
            assert_eq!(guest.asks(proxy, open).await.status, 200, "{proxy:?}");
            // Whatever credentials come with it are the application's.
            let with_token = guest.asks_with(proxy, open, &[("authorization", "Bearer nbt_abc")]).await;
            assert_eq!((with_token.status, with_token.header("remote-user")), (200, ""), "{proxy:?}");
            assert_ne!(guest.asks(proxy, "https://netbox.example.org/dcim/static/").await.status, 200, "{proxy:?}");
        }
        guest.signs_in("alice", PAGE).await;
        assert_eq!(guest.asks(Proxy::Nginx, open).await.header("remote-user"), "alice");
        app.edit("netbox", |edit| edit.profile.access = AccessRule::nobody()).await;
        let page = guest.asks(Proxy::Nginx, open).await;
        assert_eq!((page.status, page.header("remote-user")), (200, ""));
    }

    async fn doorwards_own_paths_are_let_through_for_nobody(app) {
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        for path in ["start?rd=x", "ping", "auth/nginx"] {
            let page = guest.asks(Proxy::Traefik, &format!("https://netbox.example.org/outpost.goauthentik.io/{path}")).await;
            assert_eq!((page.status, page.header("remote-user"), page.header("x-authentik-username")), (200, "", ""));
        }
    }

    async fn credentials_for_the_application_come_from_attributes(app) {
        let alice = app.user("alice", &[]).await;
        app.guarded("netbox", |proxy| {
            proxy.basic_auth = Some(BasicAuth { user_attribute: "app_user".into(), password_attribute: "app_password".into() });
        })
        .await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        let page = guest.asks(Proxy::Nginx, PAGE).await;
        assert!(page.headers.contains_key("authorization") && page.header("authorization").is_empty());
        let mut profile = alice.profile.clone();
        profile.attributes.insert("app_password".into(), "s3cret".into());
        users::update(&app.app, &app.actor(), alice.id, profile, None).await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.header("authorization"), "Basic YWxpY2U6czNjcmV0");
    }

    async fn sessions_end_when_the_provider_is_taken_away(app) {
        app.user("alice", &[]).await;
        let client = app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        proxy::remove(&app.app, &app.actor(), "netbox").await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 403);
        proxy::add(&app.app, &app.actor(), "netbox", client.provider.profile.clone()).await.unwrap();
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 401);
    }
}
