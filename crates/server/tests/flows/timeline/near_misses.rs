//! "NetBox tried to use X. Allow it?"

use crate::{on_both, support::TestApp};
use doorward_server::{applications, timeline::near_misses};
use jiff::SignedDuration;

const WRONG: &str = "https://netbox.example.org/oauth/complete/oidc";

async fn open(app: &TestApp) -> Vec<(String, i64)> {
    let open = near_misses::open(&app.app, Some("a")).await.unwrap();
    open.into_iter().map(|candidate| (candidate.miss.uri, candidate.miss.count)).collect()
}

async fn try_with(app: &TestApp, uri: &str) -> u16 {
    let client = app.client(&applications::find_client(&app.app, "a").unwrap());
    app.browser().request("GET", &client.authorize(&[("redirect_uri", uri)]), None).await.status
}

on_both! {
    async fn an_unknown_redirect_uri_is_asked_about_until_it_is_allowed(app) {
        app.application("a").await;
        for _ in 0..3 {
            assert_eq!(try_with(&app, WRONG).await, 400);
            app.clock.advance(SignedDuration::from_secs(1));
        }
        assert_eq!(open(&app).await, [(WRONG.to_owned(), 3)]);
        near_misses::allow(&app.app, &app.actor(), "a", WRONG).await.unwrap();
        assert!(open(&app).await.is_empty());
        assert_eq!(try_with(&app, WRONG).await, 303);
        assert!(near_misses::allow(&app.app, &app.actor(), "a", "https://other.example/").await.is_err());
    }

    /// Dismissed once, it is not asked about again, however often it comes.
    async fn what_was_dismissed_stays_so(app) {
        app.application("a").await;
        try_with(&app, WRONG).await;
        near_misses::dismiss(&app.app, &app.actor(), "a", WRONG).await.unwrap();
        try_with(&app, WRONG).await;
        assert!(open(&app).await.is_empty());
        assert!(near_misses::dismiss(&app.app, &app.actor(), "a", WRONG).await.is_err());
        assert!(app.texts().await.iter().any(|text| text.contains("dismissed the redirect URI")));
    }

    /// Neither what could never be registered, nor what another way has registered since, nor what is of no application.
    async fn only_what_could_be_allowed_is_asked_about(app) {
        app.application("a").await;
        for uri in ["javascript:alert(1)", "https://u@netbox.example.org/", "https://netbox.example.org/#x", ""] {
            assert_eq!(try_with(&app, uri).await, 400);
        }
        assert!(open(&app).await.is_empty());
        try_with(&app, WRONG).await;
        applications::add_redirect_uri(&app.app, &app.actor(), "a", WRONG).await.unwrap();
        assert!(open(&app).await.is_empty());
        try_with(&app, "https://netbox.example.org/third/").await;
        applications::delete(&app.app, &app.actor(), "a").await.unwrap();
        assert!(near_misses::open(&app.app, None).await.unwrap().is_empty());
    }

    /// What came stands beside what is registered, with the host that would get the sign-ins.
    async fn what_came_is_compared_with_what_is_registered(app) {
        app.application("a").await;
        try_with(&app, WRONG).await;
        let candidate = near_misses::find(&app.app, "a", WRONG).await.unwrap();
        let compared = near_misses::compare(&candidate);
        assert_eq!(compared.host, "netbox.example.org");
        let differing: Vec<_> = compared.registered.iter().filter(|span| !span.same).map(|span| span.text.as_str()).collect();
        assert_eq!(differing, ["/"], "the slash at the end is missing");
    }
}
