//! What keeping costs, what is never kept, and what is forgotten.

use super::kinds;
use crate::{
    on_both,
    support::{PASSWORD, TestApp},
};
use doorward_core::{
    clock::from_millis,
    id::AttemptId,
    timeline::{Attempt, AttemptMethod, Standing, StepKind},
};
use doorward_server::{
    app::App,
    events::budget::PER_ADDRESS,
    jobs::{Jobs, clean},
    timeline::{self, StepDraft, Trail, read::Wanted},
};
use doorward_store::{self as store, attempt_step::STEPS_MAX};
use futures::future::join_all;
use jiff::SignedDuration;
use std::time::Duration;

/// As another process sees it: without what waits in this one.
async fn kept(app: &App) -> i64 {
    let now = app.clock.now();
    app.db
        .read(move |tx| Box::pin(async move { store::attempt::count(tx, &Wanted::default(), now).await }))
        .await
        .unwrap()
}

async fn keep(app: &TestApp, attempt: Attempt) {
    app.app.db.write(move |tx| Box::pin(async move { store::attempt::merge(tx, &attempt).await })).await.unwrap();
}

/// Everything in the timeline's tables.
async fn everything(app: &TestApp) -> String {
    timeline::flush(&app.app).await.unwrap();
    let sql = "SELECT a.username || a.address || a.user_agent || a.reference || s.text || s.details \
               FROM attempts a JOIN attempt_steps s ON s.attempt_id = a.id";
    app.app.db.read(|tx| Box::pin(tx.fetch::<String>(sql, &[]))).await.unwrap().join("\n")
}

on_both! {
    /// As many transactions as before there was a timeline: one for the code, one for the tokens, none for userinfo.
    async fn an_oidc_round_trip_costs_no_transaction_more(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(SignedDuration::from_secs(1));
        timeline::flush(&app.app).await.unwrap();
        let commits = || app.app.db.commits();
        let before = commits();
        let code = client.code(&mut browser, &[]).await;
        assert_eq!(commits() - before, 1, "authorize");
        let tokens = client.exchange(&code).await;
        assert_eq!(commits() - before, 2, "token");
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 200);
        assert_eq!(commits() - before, 2, "userinfo");
        // Anonymous visitors cause none at all.
        app.browser().get(&client.authorize(&[])).await;
        assert_eq!((commits() - before, app.app.timeline.waiting()), (2, 5));
        timeline::flush(&app.app).await.unwrap();
        assert_eq!((commits() - before, app.app.timeline.waiting()), (3, 0), "all of it in one");
        timeline::flush(&app.app).await.unwrap();
        assert_eq!(commits() - before, 3, "nothing is written where nothing was noted");
    }

    async fn secrets_are_never_kept(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.browser();
        let verifier = "v".repeat(43);
        let challenge = doorward_protocols::oauth::pkce::s256(&verifier);
        let target = client.authorize(&[
            ("code_challenge", &challenge), ("code_challenge_method", "S256"), ("scope", "openid email offline_access"),
            ("login_hint", "hinted@example.org"),
        ]);
        let form = browser.get(&target).await;
        let again = browser.submit(&form, "/sign-in", &[("username", "alice"), ("password", "wrong-password-1")]).await;
        browser.submit(&again, "/sign-in", &[("username", "my-password-2"), ("password", "x")]).await;
        let back = browser.submit(&again, "/sign-in", &[("username", "alice"), ("password", PASSWORD)]).await;
        let code = back.redirect_parameter("code").unwrap();
        let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", verifier.as_str()),
            ("redirect_uri", crate::support::CALLBACK)];
        let wrong = crate::support::OAuthClient { secret: "wrong-secret-3".into(), ..client.clone() };
        wrong.token(&fields).await;
        let tokens = client.token(&fields).await;
        client.userinfo(&tokens.text("access_token")).await;
        client.refresh(&tokens.text("refresh_token")).await;
        client.refresh(&tokens.text("refresh_token")).await;
        client.exchange(&code).await;
        let rows = everything(&app).await;
        assert!(rows.lines().count() > 8 && rows.contains("asked userinfo"), "{rows}");
        let cookies: Vec<_> = browser.cookies.values().cloned().collect();
        let secrets = ["wrong-password-1", "my-password-2", PASSWORD, "wrong-secret-3", "hinted@example.org", "the-nonce", "the-state"];
        let made = [code, verifier, challenge, client.secret.clone(), tokens.text("access_token"), tokens.text("id_token"),
            tokens.text("refresh_token")];
        for secret in secrets.iter().map(|secret| (*secret).to_owned()).chain(made).chain(cookies) {
            assert!(!rows.contains(&secret), "{secret} in {rows}");
        }
    }

    /// Requests of anonymous visitors leave nothing, and their failures no more than the budget.
    async fn a_flood_is_bounded(app) {
        let client = app.client(&app.application("a").await);
        for _ in 0..20 {
            app.browser().get(&client.authorize(&[])).await;
        }
        assert_eq!((app.app.timeline.waiting(), app.attempts().await.len()), (0, 0));
        for number in 0..(PER_ADDRESS + 20) {
            let uri = format!("https://netbox.example.org/{number}/");
            app.browser().get(&client.authorize(&[("redirect_uri", &uri)])).await;
        }
        assert_eq!(app.attempts().await.len(), usize::try_from(PER_ADDRESS).unwrap());
        let misses = timeline::near_misses::open(&app.app, None).await.unwrap();
        assert_eq!(misses.len(), usize::try_from(timeline::near_misses::PER_APPLICATION).unwrap());
    }

    /// What one side does not know the other adds, in whatever order they write; a step stays one however often it comes.
    async fn several_nodes_add_to_one_attempt(app) {
        let other = app.second_process().await;
        let client = app.application("a").await;
        let alice = app.user("alice", &[]).await;
        let id = AttemptId::new(&app.clock);
        let asked = || Trail::of(id, AttemptMethod::Oidc).to(&client.application)
            .asked("App a asked for a sign-in", [("scope".to_owned(), "openid".to_owned())].into());
        app.clock.advance(SignedDuration::from_secs(1));
        app.app.timeline.note(&asked().by_user(&alice), StepDraft::good(StepKind::SignedIn, "alice signed in"));
        app.clock.advance(SignedDuration::from_secs(1));
        let nameless = Trail::of(id, AttemptMethod::Oidc).by(alice.id, "").to(&client.application);
        other.timeline.note(&nameless, StepDraft::good(StepKind::Tokens, "tokens"));
        other.timeline.note(&asked(), StepDraft::good(StepKind::Userinfo, "userinfo"));
        timeline::flush(&other).await.unwrap();
        timeline::flush(&app.app).await.unwrap();
        let record = app.attempt_to("a").await;
        assert_eq!(kinds(&record), [StepKind::Asked, StepKind::SignedIn, StepKind::Tokens, StepKind::Userinfo]);
        assert_eq!(record.attempt.user.as_ref().unwrap().1, "alice");
        assert_eq!((record.attempt.standing, record.attempt.last_at), (Standing::Done, app.clock.now()));
    }

    /// Fifty who write at once, about the same attempts.
    async fn writers_do_not_stand_in_each_others_way(app) {
        let others = [app.second_process().await, app.second_process().await];
        let ids: Vec<_> = (0..50).map(|_| AttemptId::new(&app.clock)).collect();
        for (turn, process) in others.iter().enumerate() {
            let order: Box<dyn Iterator<Item = _>> = if turn == 0 { Box::new(ids.iter()) } else { Box::new(ids.iter().rev()) };
            for id in order {
                let trail = Trail::of(*id, AttemptMethod::Oidc);
                process.timeline.note(&trail, StepDraft::good(StepKind::SignedIn, format!("process {turn}")));
            }
        }
        for written in join_all(others.iter().map(timeline::flush)).await {
            written.unwrap();
        }
        let all = app.attempts().await;
        assert!(all.len() == 50 && all.iter().all(|record| record.steps.len() == 2), "{}", all.len());
    }

    async fn steps_of_one_attempt_are_bounded(app) {
        let trail = Trail::begin(&app.app, AttemptMethod::Oidc);
        for _ in 0..(STEPS_MAX + 20) {
            app.app.timeline.note(&trail, StepDraft::refused(StepKind::Userinfo, "x"));
        }
        assert_eq!(app.attempts().await[0].steps.len(), usize::try_from(STEPS_MAX).unwrap());
    }

    /// A server that stops has written everything; one that runs has written what is older than half a second.
    async fn what_was_noted_is_written_behind_and_at_the_end(app) {
        let other = app.second_process().await;
        let jobs = Jobs::default();
        jobs.start(&app.app);
        let note = || app.app.timeline.note(&Trail::begin(&app.app, AttemptMethod::Ldap), StepDraft::good(StepKind::Bind, "x"));
        note();
        let mut waited = Duration::ZERO;
        while kept(&other).await == 0 {
            assert!(waited < Duration::from_secs(20), "nothing was written");
            tokio::time::sleep(Duration::from_millis(50)).await;
            waited += Duration::from_millis(50);
        }
        note();
        jobs.finish(&app.app).await;
        assert_eq!(kept(&other).await, 2);
        // Without a job whatever reads in the same process sees it.
        note();
        assert_eq!((kept(&other).await, app.attempts().await.len()), (2, 3));
    }

    /// By age, and by number: those whom nobody knows push out nobody else.
    async fn old_attempts_are_forgotten(app) {
        let at = |day: i64| from_millis(1_767_323_045_678 - day * 24 * 3_600_000);
        for (day, proven) in [(89, true), (91, true), (29, false), (31, false)] {
            let id = AttemptId::new(&app.clock);
            keep(&app, Attempt { last_at: at(day), proven, ..Attempt::new(id, AttemptMethod::Oidc) }).await;
        }
        clean(&app.app).await.unwrap();
        let left: Vec<_> = app.attempts().await.iter().map(|record| (record.attempt.last_at, record.attempt.proven)).collect();
        assert_eq!(left, [(at(29), false), (at(89), true)]);
        for minute in 0..5 {
            let id = AttemptId::new(&app.clock);
            let last_at = from_millis(at(10).as_millisecond() + minute * 60_000);
            keep(&app, Attempt { last_at, ..Attempt::new(id, AttemptMethod::Oidc) }).await;
        }
        let delete = app.app.db.write(|tx| Box::pin(store::attempt::delete_beyond(tx, false, 2)));
        assert_eq!(delete.await.unwrap(), 3);
        assert_eq!(kept(&app.app).await, 4);
    }
}
