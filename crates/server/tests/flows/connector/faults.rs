//! NetBox is away, slow, unwell, refuses, or lies.

use super::Scene;
use crate::{
    on_both,
    support::netbox::{Mood, TOKEN},
};
use doorward_core::{
    connector::{ConnectorProfile, ConnectorState, JobState, ManagedGroups},
    secret::Secret,
};
use doorward_server::{
    connector::{queue, settings as connectors},
    directory::{groups, users},
};
use std::time::Duration;

impl Scene {
    fn answers(&self, status: u16, body: &str) {
        self.netbox.mood(Mood::Answers(status, body.to_owned()));
    }
}

on_both! {
    /// Whatever NetBox answers when it is not well: the connector waits, longer each time, says so once, and nothing is lost.
    async fn an_unwell_netbox_is_waited_for(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        groups::add_member(&scene.app.app, &scene.app.actor(), ops.id, &alice).await.unwrap();
        for (status, body) in [(500, "no"), (502, "<html>"), (429, ""), (200, ""), (200, "{}"), (200, "[1"), (302, "")] {
            scene.answers(status, body);
            scene.passes(200);
            assert_eq!(scene.step().await, 1, "{status} {body}");
            assert_eq!(scene.step().await, 0, "it does not hammer");
            assert_eq!(scene.progress().await.health.state, ConnectorState::Failing);
        }
        let (progress, jobs) = (scene.progress().await, scene.jobs().await);
        assert_eq!((progress.waiting, progress.failed, progress.health.failures), (1, 0, 7));
        assert!(jobs[0].job.error.contains("is not NetBox's REST API"), "{jobs:?}");
        assert_eq!(scene.said("the connector has stopped").await.len(), 1);
        scene.netbox.mood(Mood::Well);
        scene.passes(200);
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
        assert_eq!(scene.progress().await.health.state, ConnectorState::Well);
        assert_eq!(scene.said("the connector works again").await.len(), 1);
        assert!(scene.jobs().await.is_empty());
    }

    /// Nobody listens there: after at most half a minute it is tried again, however long that lasted.
    async fn an_absent_netbox_is_found_again_soon(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, _) = scene.settled("alice", &[]).await;
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut profile = ConnectorProfile::new(format!("http://{closed}/"));
        profile.groups = ManagedGroups::Prefix("netbox-".into());
        let (app, actor) = (&scene.app.app, scene.app.actor());
        connectors::update(app, &actor, "netbox", profile, Some(Secret::from(TOKEN))).await.unwrap();
        groups::add_member(app, &actor, ops.id, &alice).await.unwrap();
        for _ in 0..20 {
            scene.passes(40);
            assert_eq!(scene.step().await, 1);
        }
        let health = scene.progress().await.health;
        assert!(health.text.contains("cannot be reached"), "{health:?}");
        let pause = health.resume_at.duration_since(scene.app.clock.now());
        assert!(pause.as_secs() <= 36, "{pause:?}");
    }

    /// A token that is refused stops everything; a new one starts it again at once.
    async fn a_refused_token_stops_and_a_new_one_resumes(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, first) = scene.settled("alice", &[]).await;
        let (bob, second) = scene.settled("bob", &[]).await;
        scene.netbox.inside().token = "nbt_Key2.second".into();
        let (app, actor) = (&scene.app.app, scene.app.actor());
        groups::add_member(app, &actor, ops.id, &alice).await.unwrap();
        groups::add_member(app, &actor, ops.id, &bob).await.unwrap();
        assert_eq!(scene.step().await, 1, "one try tells it all");
        let health = scene.progress().await.health;
        assert_eq!(health.state, ConnectorState::Refused);
        assert!(health.text.contains("refuses the API token (Invalid v2 token)"), "{}", health.text);
        scene.passes(300);
        assert_eq!(scene.step().await, 0);
        scene.passes(301);
        assert_eq!(scene.step().await, 1, "seldom, it is tried again");
        assert_eq!(scene.said("the connector has stopped").await.len(), 1);
        let profile = connectors::show(app, "netbox").await.unwrap().profile;
        connectors::update(app, &actor, "netbox", profile, Some(Secret::from("nbt_Key2.second"))).await.unwrap();
        scene.step().await;
        assert_eq!((scene.netbox.groups_of(first), scene.netbox.groups_of(second)), (vec!["netbox-ops".to_owned()], vec!["netbox-ops".to_owned()]));
        assert_eq!(scene.progress().await.health.state, ConnectorState::Well);
    }

    /// A missing permission concerns what needs it, and nobody else.
    async fn a_missing_permission_fails_one_job(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, _) = scene.settled("alice", &[]).await;
        let (bob, second) = scene.settled("bob", &[]).await;
        scene.netbox.mood(Mood::Fails("POST /api/users/groups/", 403));
        let (app, actor) = (&scene.app.app, scene.app.actor());
        groups::add_member(app, &actor, ops.id, &alice).await.unwrap();
        users::set_active(app, &actor, bob.id, false).await.unwrap();
        scene.step().await;
        assert!(!scene.netbox.inside().users[&second].is_active);
        let jobs = scene.jobs().await;
        assert_eq!((jobs.len(), jobs[0].job.state, jobs[0].username.as_str()), (1, JobState::Failed, "alice"));
        assert!(jobs[0].job.error.contains("may not add groups"), "{jobs:?}");
        assert_eq!(scene.progress().await.health.state, ConnectorState::Well);
        scene.passes(601);
        scene.step().await;
        assert_eq!(scene.said("could not be brought in line").await.len(), 1, "said once");
        scene.netbox.mood(Mood::Well);
        assert_eq!(scene.step().await, 0);
        queue::retry(app, &actor, "netbox").await.unwrap();
        assert_eq!(scene.step().await, 1);
        assert!(scene.jobs().await.is_empty());
    }

    /// NetBox takes a change and forgets it: that shows by reading back, and ends as a failure in words.
    async fn a_netbox_that_lies_is_found_out(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        groups::add_member(&scene.app.app, &scene.app.actor(), ops.id, &alice).await.unwrap();
        scene.netbox.mood(Mood::Lies);
        for _ in 0..10 {
            scene.passes(2);
            scene.step().await;
        }
        let jobs = scene.jobs().await;
        assert_eq!(jobs[0].job.state, JobState::Failed);
        assert!(jobs[0].job.error.contains("at the same moment"), "{jobs:?}");
        scene.netbox.mood(Mood::Well);
        scene.passes(601);
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
    }

    /// Somebody gives a managed group by hand at the same moment: it is taken away again, and theirs stay.
    async fn writing_at_the_same_moment_ends_well(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        let other = scene.netbox.has_group("netbox-other");
        scene.netbox.mood(Mood::Contended(other));
        groups::add_member(&scene.app.app, &scene.app.actor(), ops.id, &alice).await.unwrap();
        scene.step().await;
        assert_eq!(scene.jobs().await.len(), 1);
        scene.netbox.mood(Mood::Well);
        scene.passes(2);
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
    }

    /// An answer without end is not read to its end.
    async fn a_huge_answer_is_not_swallowed(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, _) = scene.settled("alice", &[]).await;
        groups::add_member(&scene.app.app, &scene.app.actor(), ops.id, &alice).await.unwrap();
        scene.answers(200, &" ".repeat(9 * 1024 * 1024));
        scene.step().await;
        let health = scene.progress().await.health;
        assert!(health.state == ConnectorState::Failing && health.text.contains("larger than 8 MiB"), "{health:?}");
    }

    /// A slow NetBox slows the connector down, not Doorward.
    async fn a_slow_netbox_slows_nobody_down(app) {
        let scene = Scene::new(app).await;
        let (_, account) = scene.settled("alice", &[]).await;
        scene.netbox.mood(Mood::Slow(Duration::from_millis(1500)));
        let begun = std::time::Instant::now();
        scene.signs_in("alice").await;
        assert!(begun.elapsed() < Duration::from_millis(1400), "{:?}", begun.elapsed());
        scene.passes(1);
        assert_eq!(scene.step().await, 1);
        assert!(scene.jobs().await.is_empty() && scene.netbox.inside().users[&account].is_active);
    }
}
