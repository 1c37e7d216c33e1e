//! The queue of notes: once each, by one of several, tried again and given up.

use super::{Mood, Scene, said, waiting};
use crate::{
    on_both,
    support::{Backend, TestApp},
};
use doorward_server::{
    applications::{self, ApplicationEdit},
    directory::users,
    jobs::Jobs,
    oidc::logout::{self, GIVEN_UP_AFTER, LEASE, RETRY_MAX, worker},
};
use jiff::SignedDuration;
use std::time::Duration;

impl Scene {
    /// Somebody signs in and is disabled, so that a note waits.
    async fn leaves(&self, username: &str) {
        let user = self.app.user(username, &[]).await;
        self.arrives(username).await;
        users::set_active(&self.app.app, &self.app.actor(), user.id, false).await.unwrap();
    }
}

on_both! {
    /// Fifty nodes want one note: one has it.
    async fn one_of_fifty_gets_a_notice(app) {
        let scene = Scene::new(app).await;
        scene.leaves("alice").await;
        let other = scene.app.second_process().await;
        let claims = futures::future::join_all((0..50).map(|number| {
            let app = if number % 2 == 0 { scene.app.app.clone() } else { other.clone() };
            tokio::spawn(async move { worker::claim(&app, 1).await.unwrap().len() })
        }));
        assert_eq!(claims.await.into_iter().map(Result::unwrap).sum::<usize>(), 1);
    }

    /// Two nodes work at once: every sign-out is told once.
    async fn two_nodes_tell_each_sign_out_once(app) {
        let scene = Scene::new(app).await;
        for number in 0..10 {
            scene.leaves(&format!("user{number}")).await;
        }
        let other = scene.app.second_process().await;
        let (first, second) = tokio::join!(worker::step(&scene.app.app), worker::step(&other));
        assert_eq!(first.unwrap() + second.unwrap(), 10);
        let mut told: Vec<_> = scene.receiver.told().into_iter().map(|told| told.body).collect();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 10);
        assert!(scene.waiting().await.is_empty());
    }

    /// A node that dies keeps its note until the lease ends; when it comes back its word no longer counts.
    async fn a_dead_nodes_notice_is_taken_over(app) {
        let scene = Scene::new(app).await;
        scene.leaves("alice").await;
        let dead = worker::claim(&scene.app.app, 1).await.unwrap().pop().unwrap();
        scene.passes(LEASE.as_secs() - 1);
        assert!(worker::claim(&scene.app.app, 1).await.unwrap().is_empty());
        scene.passes(1);
        let taken = worker::claim(&scene.app.app, 1).await.unwrap().pop().unwrap();
        assert_eq!(taken.id, dead.id);
        scene.receiver.is(Mood::Answers(500));
        logout::back_channel::process(&scene.app.app, &dead, logout::TIMEOUT).await;
        assert_eq!(scene.waiting().await[0].attempts, 0, "the dead node cannot put back what is not its own");
        scene.receiver.is(Mood::Answers(200));
        logout::back_channel::process(&scene.app.app, &taken, logout::TIMEOUT).await;
        assert!(scene.waiting().await.is_empty());
    }

    /// The process ends before anybody was told: the next one tells.
    async fn the_queue_survives_a_restart(app) {
        let scene = Scene::new(app).await;
        scene.leaves("alice").await;
        let next = scene.app.second_process().await;
        assert_eq!(waiting(&next).await.len(), 1);
        assert_eq!(worker::step(&next).await.unwrap(), 1);
        assert_eq!(scene.receiver.told().len(), 1);
    }

    /// What fails is tried again, later each time, with a new token; said once, and once more when it is given up.
    async fn failures_are_tried_again_and_given_up(app) {
        let scene = Scene::new(app).await;
        scene.receiver.is(Mood::Answers(400));
        scene.leaves("alice").await;
        assert_eq!(scene.step().await, 1);
        let first = scene.waiting().await.remove(0);
        assert_eq!(first.last_error, "it answered 400 Bad Request: no[31m such session");
        assert_eq!(scene.step().await, 0, "not at once");
        let provider = scene.made.provider.id;
        let undelivered = logout::undelivered(&scene.app.app, provider).await.unwrap().unwrap();
        assert_eq!((undelivered.count, undelivered.since), (1, first.created_at));
        assert_eq!(undelivered.last_error, first.last_error);
        let mut waits = Vec::new();
        while let Some(notice) = scene.waiting().await.pop() {
            let wait = notice.due_at.duration_since(scene.app.clock.now());
            assert!(wait <= RETRY_MAX + RETRY_MAX / 5, "{wait:?}");
            waits.push(wait);
            scene.app.clock.advance(wait);
            assert_eq!(scene.step().await, 1);
            assert!(waits.len() < 100);
        }
        assert!(waits[0] < SignedDuration::from_millis(1300) && waits[3] > waits[0]);
        let age = scene.app.clock.now().duration_since(first.created_at);
        assert!(age >= GIVEN_UP_AFTER && age < GIVEN_UP_AFTER + RETRY_MAX * 2, "{age:?}");
        assert!((50..80).contains(&scene.receiver.told().len()), "{}", scene.receiver.told().len());
        let said = said(&scene.app.app, "App told could not be told").await;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("tried again for a day") && said[1].contains("Nobody tries any more"), "{said:?}");
        let mut tokens: Vec<_> = scene.receiver.told().into_iter().map(|told| told.body).collect();
        let count = tokens.len();
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), count, "every try has a token of its own");
    }

    /// The application's page says what it does not know of, until it does.
    async fn the_applications_page_shows_failures(app) {
        let scene = Scene::new(app).await;
        let mut browser = scene.app.signed_in("admin").await;
        let page = "/if/admin/applications/told/";
        assert!(!browser.get(page).await.body.contains("id=\"untold\""));
        scene.receiver.is(Mood::Answers(503));
        scene.leaves("alice").await;
        scene.step().await;
        let shown = browser.get(page).await.text();
        assert!(shown.contains("id=\"untold\"") && shown.contains("it answered 503 Service Unavailable"), "{shown}");
        assert!(shown.contains(&scene.receiver.url));
        scene.receiver.is(Mood::Answers(200));
        scene.passes(2);
        assert_eq!(scene.step().await, 1);
        assert!(!browser.get(page).await.body.contains("id=\"untold\""));
    }

    /// Redirects are not followed, whatever they point at.
    async fn redirects_are_not_followed(app) {
        let scene = Scene::new(app).await;
        scene.receiver.is(Mood::Answers(302));
        scene.leaves("alice").await;
        scene.step().await;
        assert_eq!(scene.receiver.told().len(), 1);
        assert!(scene.waiting().await[0].last_error.contains("not followed"));
    }

    /// An application that does not answer lets no other wait behind its own.
    async fn a_silent_applications_notices_step_aside(app) {
        let scene = Scene::new(app).await;
        for number in 0..5 {
            scene.leaves(&format!("user{number}")).await;
        }
        let entry = applications::find(&scene.app.app, "told").unwrap();
        let mut edit = ApplicationEdit::of(&entry);
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        edit.oauth.as_mut().unwrap().logout_uri = format!("http://{closed}/");
        applications::update(&scene.app.app, &scene.app.actor(), "told", edit).await.unwrap();
        assert_eq!(scene.step().await, 1);
        let waiting = scene.waiting().await;
        assert_eq!(waiting.iter().filter(|notice| notice.attempts == 1).count(), 1);
        assert!(waiting.iter().all(|notice| notice.due_at > scene.app.clock.now()));
    }

    /// An application that was removed, or that no longer wants to know, is told no more.
    async fn who_is_gone_is_not_told(app) {
        let scene = Scene::new(app).await;
        scene.leaves("alice").await;
        applications::delete(&scene.app.app, &scene.app.actor(), "told").await.unwrap();
        assert_eq!(scene.step().await, 1);
        assert_eq!((scene.receiver.told().len(), scene.waiting().await.len()), (0, 0));
    }

    /// What nobody came to give up is forgotten after two days.
    async fn old_notices_are_forgotten(app) {
        let scene = Scene::new(app).await;
        scene.leaves("alice").await;
        scene.passes(logout::FORGOTTEN_AFTER.as_secs() - 1);
        doorward_server::jobs::clean(&scene.app.app).await.unwrap();
        assert_eq!(scene.waiting().await.len(), 1);
        scene.passes(1);
        doorward_server::jobs::clean(&scene.app.app).await.unwrap();
        assert!(scene.waiting().await.is_empty());
    }
}

/// The jobs of a server tell by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_tells_by_itself() {
    let scene = Scene::new(TestApp::new(Backend::Sqlite).await).await;
    let jobs = Jobs::default();
    jobs.start(&scene.app.app);
    scene.leaves("alice").await;
    for _ in 0..100 {
        if scene.receiver.told().len() == 1 && scene.waiting().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    jobs.stop().await;
    assert_eq!((scene.receiver.told().len(), scene.waiting().await.len()), (1, 0));
}
