//! Proxy providers: made, changed, taken away.

use crate::{
    on_both,
    support::{Guest, PAGE, Proxy},
};
use doorward_core::{
    access_rule::AccessRule,
    application::ApplicationProfile,
    method::Method,
    proxy_provider::{Identity, ProxyProfile},
};
use doorward_server::{
    applications::{self, ApplicationEdit, proxy},
    error::OperationError,
};
use futures::future::join_all;

fn fields(error: OperationError) -> Vec<&'static str> {
    match error {
        OperationError::Invalid(problems) => problems.0.into_iter().map(|problem| problem.field).collect(),
        other => panic!("{other}"),
    }
}

on_both! {
    async fn an_oauth_provider_is_made_underneath(app) {
        let client = app.guarded("netbox", |proxy| proxy.access_token_validity = "hours=8".parse().unwrap()).await;
        let entry = applications::find(&app.app, "netbox").unwrap();
        assert_eq!(entry.methods(), [Method::Proxy]);
        let oauth = entry.oauth.clone().unwrap();
        assert!(oauth.provider.profile.redirect_uris.is_empty());
        assert_eq!(oauth.redirect_uris[0].url, client.callback());
        assert_eq!(oauth.provider.profile.access_token_validity.to_string(), "hours=8");
        let other = app.second_process().await;
        let read = other.snapshot().application("netbox").unwrap().proxy.clone().unwrap();
        assert_eq!(read.provider, client.provider);
    }

    async fn a_provider_is_added_to_an_application_and_taken_away(app) {
        let before = app.application("netbox").await;
        let profile = ProxyProfile::single("https://netbox.example.org/");
        let client = proxy::add(&app.app, &app.actor(), "netbox", profile.clone()).await.unwrap();
        assert_eq!(client.provider.profile.external_host, "https://netbox.example.org");
        assert_eq!(client.client.provider.id, before.provider.id);
        let entry = applications::find(&app.app, "netbox").unwrap();
        assert_eq!(entry.methods(), [Method::Oidc, Method::Proxy]);
        assert!(matches!(
            proxy::add(&app.app, &app.actor(), "netbox", profile).await,
            Err(OperationError::Denied(_))
        ));
        proxy::remove(&app.app, &app.actor(), "netbox").await.unwrap();
        let entry = applications::find(&app.app, "netbox").unwrap();
        assert_eq!((entry.methods(), entry.oauth.is_some()), (vec![Method::Oidc], true));
        assert!(matches!(proxy::remove(&app.app, &app.actor(), "netbox").await, Err(OperationError::NotFound { .. })));
    }

    async fn a_host_belongs_to_one_application(app) {
        app.guarded("netbox", |_| {}).await;
        app.application("wiki").await;
        for host in ["https://netbox.example.org", "http://NETBOX.example.org/", "https://netbox.example.org:443"] {
            let added = proxy::add(&app.app, &app.actor(), "wiki", ProxyProfile::single(host)).await;
            assert_eq!(fields(added.unwrap_err()), ["external_host"], "{host}");
        }
        let domain = ProxyProfile::domain("https://auth.example.org", "example.org");
        proxy::add(&app.app, &app.actor(), "wiki", domain).await.unwrap();
        app.application("lab").await;
        let domain = ProxyProfile::domain("https://other.example.org", "example.org");
        let added = proxy::add(&app.app, &app.actor(), "lab", domain).await;
        assert_eq!(fields(added.unwrap_err()), ["cookie_domain"]);
        // What it has itself is not in its way.
        app.edit("netbox", |edit| edit.proxy.as_mut().unwrap().intercept_header_auth = false).await;
    }

    async fn of_many_who_take_a_host_at_once_one_gets_it(app) {
        for number in 0..10 {
            app.application(&format!("app-{number}")).await;
        }
        let adding = (0..10).map(|number| {
            let app = &app;
            let profile = ProxyProfile::single("https://netbox.example.org");
            async move { proxy::add(&app.app, &app.actor(), &format!("app-{number}"), profile).await }
        });
        let added = join_all(adding).await;
        assert_eq!(added.iter().filter(|result| result.is_ok()).count(), 1);
        for error in added.into_iter().filter_map(Result::err) {
            assert_eq!(fields(error), ["external_host"]);
        }
    }

    async fn what_is_wrong_is_named_by_field(app) {
        let mut profile = ProxyProfile::single("netbox.example.org");
        profile.skip_path_regex = vec!["(".to_owned()];
        let mut edit = ApplicationEdit {
            profile: ApplicationProfile { access: AccessRule::Everyone, ..ApplicationProfile::new("netbox", "NetBox") },
            oauth: None,
            ldap: None,
            proxy: Some(profile),
        };
        let made = applications::create(&app.app, &app.actor(), edit.clone(), Vec::new()).await;
        assert_eq!(fields(made.unwrap_err()), ["skip_path_regex", "external_host"]);
        edit.proxy = Some(ProxyProfile::domain("https://auth.example.net", "example.org"));
        let made = applications::create(&app.app, &app.actor(), edit.clone(), Vec::new()).await;
        assert_eq!(fields(made.unwrap_err()), ["cookie_domain"]);
        let mut profile = ProxyProfile::single("https://netbox.example.org");
        profile.headers.insert(Identity::Username, "Cookie".to_owned());
        edit.proxy = Some(profile);
        let made = applications::create(&app.app, &app.actor(), edit, Vec::new()).await;
        assert_eq!(fields(made.unwrap_err()), ["headers"]);
        assert!(app.app.snapshot().application("netbox").is_none());
    }

    async fn a_change_counts_from_the_next_request_on(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        let mut guest = Guest::new(&app);
        guest.signs_in("alice", PAGE).await;
        app.edit("netbox", |edit| {
            edit.proxy.as_mut().unwrap().headers.insert(Identity::Uid, "X-Remote-Id".to_owned());
            edit.proxy.as_mut().unwrap().headers.remove(&Identity::Email);
        })
        .await;
        let page = guest.asks(Proxy::Nginx, PAGE).await;
        assert!(page.headers.contains_key("x-remote-id") && !page.headers.contains_key("remote-user-email"));
        app.edit("netbox", |edit| edit.proxy.as_mut().unwrap().external_host = "https://nb.example.org".into()).await;
        assert_eq!(guest.asks(Proxy::Nginx, PAGE).await.status, 403);
        assert_eq!(guest.asks(Proxy::Nginx, "https://nb.example.org/").await.status, 200);
    }
}
