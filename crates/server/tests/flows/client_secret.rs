//! Replacing client secrets while the old one still works.

use crate::on_both;
use crate::support::OAuthClient;
use doorward_core::{lifetime::Lifetime, provider::KEEP_SECRET_MAX};
use doorward_server::{
    applications::{self, client_secret},
    error::OperationError,
    jobs,
};
use futures::future::join_all;
use jiff::SignedDuration;

on_both! {
    /// Unless asked for otherwise the old secret is refused at once.
    async fn the_old_secret_is_refused_at_once_by_default(app) {
        let old = app.client(&app.script_application("a", |_, _| {}).await);
        let secret = client_secret::rotate(&app.app, &app.actor(), "a", Lifetime::seconds(0)).await.unwrap();
        let new = OAuthClient { secret: secret.expose().clone(), ..old.clone() };
        assert_eq!(old.for_itself("").await.error(), "invalid_client");
        assert_eq!(new.for_itself("").await.status, 200);
        let client = applications::find_client(&app.app, "a").unwrap();
        assert!(client.provider.previous_secret.is_none());
    }

    /// Both work at every endpoint until the time is over; the use of the old one shows, once an hour.
    async fn two_secrets_work_for_a_while(app) {
        let old = app.client(&app.script_application("a", |_, _| {}).await);
        let secret = client_secret::rotate(&app.app, &app.actor(), "a", Lifetime::seconds(86_400)).await.unwrap();
        let new = OAuthClient { secret: secret.expose().clone(), ..old.clone() };
        let status = async || {
            let client = applications::find_client(&app.app, "a").unwrap();
            client_secret::old(&app.app, &client).await.unwrap()
        };
        assert_eq!(new.for_itself("").await.status, 200);
        assert_eq!(status().await.unwrap().used_at, None);
        for client in [&old, &new] {
            let token = client.for_itself("").await.text("access_token");
            assert_eq!(client.introspect(&token).await["active"], true);
            assert_eq!(client.revoke(&token).await.status, 200);
        }
        assert_eq!(status().await.unwrap().used_at, Some(app.clock.now()));
        let told = async || app.texts().await.iter().filter(|text| text.contains("still uses its old client secret")).count();
        assert_eq!(told().await, 1);
        app.clock.advance(SignedDuration::from_hours(2));
        app.app.refresh().await.unwrap();
        assert_eq!(old.for_itself("").await.status, 200);
        assert_eq!((told().await, status().await.unwrap().used_at), (2, Some(app.clock.now())));
        app.clock.advance(SignedDuration::from_hours(22));
        let late = old.for_itself("").await;
        assert_eq!((late.status, late.error()), (401, "invalid_client"));
        assert_eq!(new.for_itself("").await.status, 200);
        assert!(status().await.is_none());
        // Then it is forgotten.
        jobs::clean(&app.app).await.unwrap();
        app.app.refresh().await.unwrap();
        let client = applications::find_client(&app.app, "a").unwrap();
        assert!(client.provider.previous_secret.is_none());
    }

    /// It can be stopped before its time, and a second replacement stops what came before it.
    async fn the_old_secret_can_be_stopped(app) {
        let first = app.client(&app.script_application("a", |_, _| {}).await);
        let day = Lifetime::seconds(86_400);
        let rotate = async || {
            let secret = client_secret::rotate(&app.app, &app.actor(), "a", day).await.unwrap();
            OAuthClient { secret: secret.expose().clone(), ..first.clone() }
        };
        let second = rotate().await;
        let third = rotate().await;
        assert_eq!(first.for_itself("").await.error(), "invalid_client");
        assert_eq!((second.for_itself("").await.status, third.for_itself("").await.status), (200, 200));
        assert!(client_secret::stop_old(&app.app, &app.actor(), "a").await.unwrap());
        assert_eq!(second.for_itself("").await.error(), "invalid_client");
        assert_eq!(third.for_itself("").await.status, 200);
        assert!(!client_secret::stop_old(&app.app, &app.actor(), "a").await.unwrap());
        // A leaked secret is replaced at once, whatever was accepted.
        let fourth = rotate().await;
        client_secret::rotate(&app.app, &app.actor(), "a", Lifetime::seconds(0)).await.unwrap();
        for client in [third, fourth] {
            assert_eq!(client.for_itself("").await.error(), "invalid_client");
        }
    }

    /// Many replace it at once: the last two secrets work, whoever was given them.
    async fn replacing_at_once_keeps_the_last_two(app) {
        let first = app.client(&app.script_application("a", |_, _| {}).await);
        let actor = app.actor();
        let rotate = || client_secret::rotate(&app.app, &actor, "a", Lifetime::seconds(3600));
        let secrets = join_all((0..10).map(|_| rotate())).await;
        app.app.refresh().await.unwrap();
        let mut good = 0;
        for secret in secrets {
            let client = OAuthClient { secret: secret.unwrap().expose().clone(), ..first.clone() };
            good += usize::from(client.for_itself("").await.status == 200);
        }
        assert_eq!(good, 2);
        assert_eq!(first.for_itself("").await.error(), "invalid_client");
    }

    /// Thirty days at most.
    async fn the_time_has_a_limit(app) {
        app.application("a").await;
        let long = Lifetime::millis(KEEP_SECRET_MAX.as_millis() + 1);
        let refused = client_secret::rotate(&app.app, &app.actor(), "a", long).await;
        assert!(matches!(refused, Err(OperationError::Invalid(_))));
        client_secret::rotate(&app.app, &app.actor(), "a", KEEP_SECRET_MAX).await.unwrap();
    }

    /// Another process with the same data sees it within its next look.
    async fn other_processes_see_it(app) {
        let registered = app.script_application("a", |_, _| {}).await;
        let second = app.second_process().await;
        let there = OAuthClient::new(doorward_server::router::router(second.clone()), &registered);
        client_secret::rotate(&app.app, &app.actor(), "a", Lifetime::seconds(3600)).await.unwrap();
        second.refresh().await.unwrap();
        assert_eq!(there.for_itself("").await.status, 200);
        client_secret::stop_old(&app.app, &app.actor(), "a").await.unwrap();
        second.refresh().await.unwrap();
        assert_eq!(there.for_itself("").await.error(), "invalid_client");
    }
}
