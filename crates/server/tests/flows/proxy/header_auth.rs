//! `Authorization` at a protected host.

use crate::{
    on_both,
    support::{CALLBACK, Guest, PAGE, PASSWORD, Proxy, TestApp},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::{access_rule::AccessRule, redirect_uri::RedirectUri};
use doorward_server::directory::users;
use jiff::SignedDuration;

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

async fn asks(app: &TestApp, authorization: &str) -> crate::support::Page {
    Guest::new(app).asks_with(Proxy::Traefik, PAGE, &[("authorization", authorization)]).await
}

/// An access token of an application behind a proxy, for alice.
async fn token(app: &TestApp, slug: &str) -> String {
    app.edit(slug, |edit| edit.oauth.as_mut().unwrap().redirect_uris = vec![RedirectUri::exact(CALLBACK)]).await;
    let client = app.app.snapshot().by_slug(slug).unwrap().clone();
    let client = app.client(&client);
    let code = client.code(&mut app.signed_in("alice").await, &[]).await;
    client.exchange(&code).await.text("access_token")
}

on_both! {
    async fn an_app_password_lets_a_client_in(app) {
        let ops = app.group("ops", &[]).await;
        let alice = app.user("alice", &[&ops]).await;
        app.guarded("netbox", |_| {}).await;
        let (_, secret) = app.app_password(&alice, None).await;
        let page = asks(&app, &basic("alice", secret.expose())).await;
        assert_eq!((page.status, page.header("remote-user"), page.header("remote-user-group")), (200, "alice", "ops"));
        assert_eq!(page.header("x-authentik-jwt"), "");
        for wrong in [basic("alice", "wrong"), basic("bob", secret.expose()), "Basic !".to_owned(), "Basic".to_owned()] {
            let page = asks(&app, &wrong).await;
            assert_eq!(page.status, 401, "{wrong}");
            assert_eq!(page.header("www-authenticate"), "Basic realm=\"netbox\", charset=\"UTF-8\"");
            assert!(page.location().is_empty() && !page.headers.contains_key("remote-user"));
        }
    }

    async fn an_app_password_of_another_application_lets_nobody_in(app) {
        let alice = app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let other = app.application("other").await;
        let (_, secret) = app.app_password(&alice, Some(other.application.id)).await;
        assert_eq!(asks(&app, &basic("alice", secret.expose())).await.status, 401);
    }

    async fn the_password_itself_works_and_the_throttle_holds(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        assert_eq!(asks(&app, &basic("alice", PASSWORD)).await.status, 200);
        for _ in 0..doorward_server::auth::throttle::PER_ACCOUNT {
            assert_eq!(asks(&app, &basic("alice", "wrong")).await.status, 401);
        }
        assert_eq!(asks(&app, &basic("alice", PASSWORD)).await.status, 401);
    }

    async fn the_access_rule_counts_for_credentials_as_well(app) {
        let alice = app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let (_, secret) = app.app_password(&alice, None).await;
        let bearer = format!("Bearer {}", token(&app, "netbox").await);
        app.edit("netbox", |edit| edit.profile.access = AccessRule::nobody()).await;
        assert_eq!(asks(&app, &basic("alice", secret.expose())).await.status, 403);
        assert_eq!(asks(&app, &bearer).await.status, 403);
    }

    async fn a_token_of_this_provider_lets_a_client_in(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let token = token(&app, "netbox").await;
        for authorization in [format!("Bearer {token}"), format!("bearer {token}"), basic("goauthentik.io/token", &token)] {
            let page = asks(&app, &authorization).await;
            assert_eq!((page.status, page.header("remote-user")), (200, "alice"), "{authorization}");
        }
        // The provider's tokens live as long as its sessions.
        app.clock.advance(SignedDuration::from_hours(24));
        let page = asks(&app, &format!("Bearer {token}")).await;
        assert_eq!((page.status, page.header("www-authenticate")), (401, "Bearer error=\"invalid_token\""));
    }

    async fn foreign_tokens_let_nobody_in(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        app.guarded("wiki", |proxy| proxy.external_host = "https://wiki.example.org".into()).await;
        let others = token(&app, "wiki").await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        let id_token = guest.asks(Proxy::Nginx, PAGE).await.header("x-authentik-jwt").to_owned();
        let unsigned = format!("{}.{}.", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0", others.split('.').nth(1).unwrap());
        for token in [others.as_str(), &id_token, &unsigned, "nbt_abc.def", "x", "a.b.c"] {
            let page = asks(&app, &format!("Bearer {token}")).await;
            assert_eq!(page.status, 401, "{token}");
            assert!(!page.headers.contains_key("remote-user"));
            assert_eq!(asks(&app, &basic("goauthentik.io/token", token)).await.status, 401);
        }
    }

    async fn a_revoked_token_lets_nobody_in(app) {
        let alice = app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let bearer = format!("Bearer {}", token(&app, "netbox").await);
        assert_eq!(asks(&app, &bearer).await.status, 200);
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert_eq!(asks(&app, &bearer).await.status, 401);
        users::set_active(&app.app, &app.actor(), alice.id, true).await.unwrap();
        assert_eq!(asks(&app, &bearer).await.status, 401);
    }

    async fn schemes_of_the_applications_own_change_nothing(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        for authorization in ["Token nbt_abc", "Negotiate abc", ""] {
            let page = asks(&app, authorization).await;
            assert_eq!(page.status, 302, "{authorization}");
        }
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        let page = guest.asks_with(Proxy::Nginx, PAGE, &[("authorization", "Token nbt_abc")]).await;
        assert_eq!((page.status, page.header("remote-user")), (200, "alice"));
    }

    async fn without_interception_the_header_is_nobodys_matter(app) {
        let alice = app.user("alice", &[]).await;
        app.guarded("netbox", |proxy| proxy.intercept_header_auth = false).await;
        let (_, secret) = app.app_password(&alice, None).await;
        for authorization in [basic("alice", secret.expose()), basic("alice", "wrong"), "Bearer x".to_owned()] {
            assert_eq!(asks(&app, &authorization).await.status, 302, "{authorization}");
        }
    }
}
