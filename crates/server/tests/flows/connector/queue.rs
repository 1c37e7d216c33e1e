//! The queue: one at a time, once each, nothing lost, whoever dies.

use super::Scene;
use crate::{
    on_both,
    support::{Backend, TestApp, netbox::Mood},
};
use doorward_core::{
    connector::{ConnectorJob, JobRank, JobState},
    id::{ConnectorId, ConnectorJobId, UserId},
};
use doorward_server::{
    app::App,
    connector::{
        self, queue as jobs, run,
        worker::{self, LEASE, Node, PARALLEL},
    },
    directory::{groups, users},
    jobs::Jobs,
};
use doorward_store::{self as store, connector_job::NewJob};
use jiff::SignedDuration;
use std::time::Duration;

impl Scene {
    async fn id(&self) -> ConnectorId {
        connector::find(&self.app.app, "netbox").await.unwrap().connector.id
    }

    /// Puts a job into the queue for somebody who does not exist.
    async fn enqueue(&self, user: UserId, rank: JobRank, wait: i64) {
        let now = self.app.clock.now();
        let next_at = now.checked_add(SignedDuration::from_secs(wait)).unwrap();
        let id = ConnectorJobId::new(&self.app.clock);
        let job = NewJob { id, connector: self.id().await, user, rank, now, next_at, run_at: None };
        let write =
            self.app.app.db.write(move |tx| Box::pin(async move { store::connector_job::enqueue(tx, &job).await }));
        write.await.unwrap();
    }

    fn somebody(&self) -> UserId {
        UserId::new(&self.app.clock)
    }

    async fn finish(&self, job: &ConnectorJob) {
        let (job, now) = (job.clone(), self.app.clock.now());
        let write =
            self.app.app.db.write(move |tx| Box::pin(async move { store::connector_job::finish(tx, &job, now).await }));
        write.await.unwrap();
    }
}

async fn claim_one(app: &App, node: &Node) -> Option<ConnectorJob> {
    worker::claim(app, node, 1).await.unwrap().pop()
}

on_both! {
    /// Fifty nodes want one job: one has it.
    async fn one_of_fifty_gets_a_job(app) {
        let scene = Scene::new(app).await;
        scene.enqueue(scene.somebody(), JobRank::Change, 0).await;
        let other = scene.app.second_process().await;
        let claims = futures::future::join_all((0..50).map(|number| {
            let app = if number % 2 == 0 { scene.app.app.clone() } else { other.clone() };
            tokio::spawn(async move { claim_one(&app, &Node::new()).await })
        }));
        let won = claims.await.into_iter().filter_map(Result::unwrap).count();
        assert_eq!(won, 1);
    }

    /// Fifty claims over thirty jobs: nobody gets one that another has.
    async fn no_job_is_given_twice(app) {
        let scene = Scene::new(app).await;
        for _ in 0..30 {
            scene.enqueue(scene.somebody(), JobRank::Change, 0).await;
        }
        let mut claimed = Vec::new();
        while claimed.len() < 30 {
            let claims = futures::future::join_all((0..50).map(|_| {
                let app = scene.app.app.clone();
                tokio::spawn(async move { claim_one(&app, &Node::new()).await })
            }));
            claimed.extend(claims.await.into_iter().filter_map(Result::unwrap).map(|job| job.id.to_string()));
        }
        claimed.sort();
        claimed.dedup();
        assert_eq!(claimed.len(), 30);
        assert!(claim_one(&scene.app.app, &scene.node).await.is_none());
    }

    /// A node that dies keeps its job until the lease ends, and when it comes back its word no longer counts.
    async fn a_dead_nodes_job_is_taken_over(app) {
        let scene = Scene::new(app).await;
        scene.enqueue(scene.somebody(), JobRank::Change, 0).await;
        let dead = claim_one(&scene.app.app, &Node::new()).await.unwrap();
        scene.passes(LEASE.as_secs() - 1);
        assert!(claim_one(&scene.app.app, &scene.node).await.is_none());
        scene.passes(1);
        let taken = claim_one(&scene.app.app, &scene.node).await.unwrap();
        assert_eq!(taken.id, dead.id);
        scene.finish(&dead).await;
        assert_eq!(scene.jobs().await[0].job.state, JobState::Running, "the dead node cannot end what is not its own");
        scene.finish(&taken).await;
        assert!(scene.jobs().await.is_empty());
    }

    /// A process that ends gives back what it has.
    async fn a_process_that_ends_gives_back(app) {
        let scene = Scene::new(app).await;
        scene.enqueue(scene.somebody(), JobRank::Change, 0).await;
        let ending = Node::new();
        claim_one(&scene.app.app, &ending).await.unwrap();
        worker::release(&scene.app.app, &ending).await;
        assert!(claim_one(&scene.app.app, &scene.node).await.is_some());
    }

    /// Many changes of a person are one job; one that comes while it runs makes it run again.
    async fn changes_of_a_person_are_one_job(app) {
        let scene = Scene::new(app).await;
        let somebody = scene.somebody();
        scene.enqueue(somebody, JobRank::Run, 60).await;
        scene.enqueue(somebody, JobRank::Change, 0).await;
        scene.enqueue(somebody, JobRank::Run, 30).await;
        let jobs = scene.jobs().await;
        assert_eq!((jobs.len(), jobs[0].job.rank), (1, JobRank::Change));
        assert_eq!(jobs[0].job.next_at, scene.app.clock.now(), "the sooner counts");
        let running = claim_one(&scene.app.app, &scene.node).await.unwrap();
        scene.enqueue(somebody, JobRank::CutOff, 0).await;
        assert!(claim_one(&scene.app.app, &Node::new()).await.is_none(), "one at a time");
        scene.finish(&running).await;
        let again = claim_one(&scene.app.app, &scene.node).await.unwrap();
        assert_eq!((again.id, again.rank), (running.id, JobRank::CutOff));
        scene.finish(&again).await;
        assert!(scene.jobs().await.is_empty());
    }

    /// Whoever leaves comes before whoever changed, and both before a run for everybody.
    async fn whoever_leaves_comes_first(app) {
        let scene = Scene::new(app).await;
        for rank in [JobRank::Run, JobRank::Change, JobRank::CutOff] {
            scene.enqueue(scene.somebody(), rank, 0).await;
            scene.passes(1);
        }
        let ranks: Vec<_> = worker::claim(&scene.app.app, &scene.node, 3).await.unwrap();
        let ranks: Vec<_> = ranks.iter().map(|job| job.rank).collect();
        assert_eq!(ranks, [JobRank::CutOff, JobRank::Change, JobRank::Run]);
    }

    /// No change is lost between two processes, one of which ends in the middle.
    async fn a_restart_loses_nothing(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        groups::add_member(&scene.app.app, &scene.app.actor(), ops.id, &alice).await.unwrap();
        // It was claimed by a process that was killed.
        doorward_server::connector::follow::follow(&scene.app.app).await.unwrap();
        claim_one(&scene.app.app, &Node::new()).await.unwrap();
        users::set_active(&scene.app.app, &scene.app.actor(), alice.id, false).await.unwrap();
        let restarted = scene.app.second_process().await;
        assert_eq!(worker::step(&restarted, &Node::new()).await.unwrap(), 0);
        scene.passes(LEASE.as_secs());
        assert_eq!(worker::step(&restarted, &Node::new()).await.unwrap(), 1);
        assert!(!scene.netbox.inside().users[&account].is_active);
    }

    /// A trail that no longer goes back far enough means that everybody is looked at.
    async fn a_trail_cut_short_loses_nobody(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        groups::add_member(&scene.app.app, &scene.app.actor(), ops.id, &alice).await.unwrap();
        scene.app.user("bob", &[]).await;
        let forget = scene.app.app.db.write(|tx| {
            Box::pin(async move { tx.execute("DELETE FROM directory_changes", &[]).await })
        });
        forget.await.unwrap();
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
    }

    /// Two nodes work one queue: every account is changed once, and never are more requests open than allowed.
    async fn two_nodes_share_the_work(app) {
        const PEOPLE: usize = 24;
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let now = scene.app.clock.now();
        for number in 0..PEOPLE {
            let name = format!("user{number}");
            scene.app.user(&name, &[&ops]).await;
            scene.netbox.has_account(&name, &format!("{name}@example.org"), now);
        }
        let total = run::start(&scene.app.app, &scene.app.actor(), "netbox").await.unwrap();
        assert_eq!(total, i64::try_from(PEOPLE).unwrap());
        scene.netbox.mood(Mood::Slow(Duration::from_millis(20)));
        let other = scene.app.second_process().await;
        let nodes = (Jobs::default(), Jobs::default());
        nodes.0.spawn_to_end(worker::work(scene.app.app.clone(), nodes.0.stopping()));
        nodes.1.spawn_to_end(worker::work(other, nodes.1.stopping()));
        let begun = std::time::Instant::now();
        while scene.progress().await.done < total {
            assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", scene.progress().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        nodes.0.stop().await;
        nodes.1.stop().await;
        assert_eq!(scene.netbox.count("PATCH /api/users/users/"), PEOPLE);
        assert!(scene.netbox.inside().most_open <= 2 * PARALLEL, "{}", scene.netbox.inside().most_open);
        let inside = scene.netbox.inside();
        assert!(inside.users.values().all(|user| user.groups.len() == 1));
    }

    /// A connector that is switched off does nothing, and catches up when it is switched on.
    async fn switched_off_it_rests(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        let (app, actor) = (&scene.app.app, scene.app.actor());
        let mut profile = connector::settings::show(app, "netbox").await.unwrap().profile;
        profile.is_enabled = false;
        connector::settings::update(app, &actor, "netbox", profile.clone(), None).await.unwrap();
        groups::add_member(app, &actor, ops.id, &alice).await.unwrap();
        scene.netbox.forget_requests();
        assert_eq!((scene.step().await, scene.netbox.count("")), (0, 0));
        assert!(run::start(app, &actor, "netbox").await.is_err());
        profile.is_enabled = true;
        connector::settings::update(app, &actor, "netbox", profile, None).await.unwrap();
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
        assert!(jobs::jobs(app, "netbox").await.unwrap().is_empty());
    }
}

/// On `PostgreSQL`, where two processes really write at once: fifty changes, each followed once.
#[tokio::test(flavor = "multi_thread")]
async fn two_followers_queue_a_change_once() {
    let app = TestApp::new(Backend::Postgres).await;
    let scene = Scene::new(app).await;
    let (alice, _) = scene.settled("alice", &[]).await;
    let other = scene.app.second_process().await;
    users::set_active(&scene.app.app, &scene.app.actor(), alice.id, false).await.unwrap();
    let followed = futures::future::join_all((0..50).map(|number| {
        let app = if number % 2 == 0 { scene.app.app.clone() } else { other.clone() };
        tokio::spawn(async move { connector::follow::follow(&app).await.unwrap() })
    }));
    assert_eq!(followed.await.into_iter().map(Result::unwrap).sum::<usize>(), 1);
}
