//! Tokens that are given at the moment in which their user is disabled.

use crate::on_both;
use crate::support::{OAuthClient, TestApp};
use doorward_core::id::UserId;
use doorward_server::directory::users;
use doorward_store::grant::Grant;
use futures::future::{join, join_all};
use jiff::SignedDuration;

async fn set_active(app: &TestApp, user: UserId, is_active: bool) {
    users::set_active(&app.app, &app.actor(), user, is_active).await.unwrap();
}

async fn robot(app: &TestApp) -> (OAuthClient, UserId, String) {
    let client = app.client(&app.script_application("a", |_, _| {}).await);
    let robot = app.robot().await;
    let (_, password) = app.app_password(&robot, None).await;
    (client, robot.id, password.expose().clone())
}

on_both! {
    /// Twenty at once, again and again, with the disabling among them: none of their tokens is ever good again.
    async fn no_token_outlives_being_disabled(app) {
        let (client, robot, password) = robot(&app).await;
        for _ in 0..10 {
            let asking = join_all((0..20).map(|_| client.by_app_password("robot", &password, "openid")));
            let (answers, ()) = join(asking, set_active(&app, robot, false)).await;
            let given: Vec<_> = answers.iter().filter(|answer| answer.status == 200).map(|answer| answer.text("access_token")).collect();
            for token in &given {
                assert_eq!(client.userinfo(token).await.status, 401, "while disabled");
            }
            set_active(&app, robot, true).await;
            for token in &given {
                assert_eq!(client.userinfo(token).await.status, 401, "enabled again");
            }
            let anew = client.by_app_password("robot", &password, "openid").await;
            assert_eq!(client.userinfo(&anew.text("access_token")).await.status, 200);
        }
    }

    /// The worst case, played: the token's row becomes visible only after the disabling has looked for it, and the form that
    /// enables the user was read before they were disabled.
    async fn a_row_that_came_too_late_is_revoked_by_enabling(app) {
        let (client, robot, _) = robot(&app).await;
        let provider = app.app.snapshot().by_client_id(&client.client_id).unwrap().provider.id;
        let stale = users::find_by_username(&app.app, "robot").await.unwrap().profile;
        set_active(&app, robot, false).await;
        let now = app.clock.now();
        let id = doorward_core::id::GrantId::new(&app.clock);
        let late = Grant {
            id, provider, user: robot, session: None, sid: String::new(), scopes: "openid".into(), authenticated_at: now,
            methods: String::new(), created_at: now, expires_at: now + SignedDuration::from_mins(5), revoked_at: None,
            attempt: None, claims: None,
        };
        app.app.db.write(move |tx| Box::pin(async move {
            doorward_store::grant::insert(tx, &late).await?;
            let hash = doorward_core::cipher::sha256_hex(b"late");
            doorward_store::access_token::insert(tx, &hash, late.id, "openid", late.created_at, late.expires_at).await
        })).await.unwrap();
        assert_eq!(client.userinfo("late").await.status, 401);
        users::update(&app.app, &app.actor(), robot, stale, None).await.unwrap();
        assert!(users::find_by_username(&app.app, "robot").await.unwrap().profile.is_active);
        assert_eq!(client.userinfo("late").await.status, 401);
    }

    /// Changing something else about somebody ends nothing.
    async fn a_change_of_somebody_active_ends_nothing(app) {
        let client = app.client(&app.application("a").await);
        let alice = app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let token = client.exchange(&client.code(&mut browser, &[]).await).await.text("access_token");
        set_active(&app, alice.id, true).await;
        assert_eq!(client.userinfo(&token).await.status, 200);
        assert_eq!(client.code(&mut browser, &[("prompt", "none")]).await.len(), 43);
    }
}
