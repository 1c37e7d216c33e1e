//! Setting a connector up, and its secret.

use super::Scene;
use crate::{on_both, support::netbox::TOKEN};
use doorward_core::{
    connector::{ConnectorProfile, ManagedGroups},
    secret::Secret,
};
use doorward_server::{
    applications,
    connector::{self, people, run, settings},
    error::OperationError,
};
use doorward_store::{
    Result,
    db::{FromRow, Row},
};

struct Sealed(String, Vec<u8>);
impl FromRow for Sealed {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self(row.get(0)?, row.get(1)?))
    }
}

on_both! {
    /// The token goes in and never comes out: not shown, not logged, not readable in the database or in another row.
    async fn the_token_is_write_only(app) {
        let scene = Scene::new(app).await;
        let app = &scene.app.app;
        let shown = serde_json::to_string(&settings::show(app, "netbox").await.unwrap()).unwrap();
        let debug = format!("{:?}", connector::find(app, "netbox").await.unwrap());
        let events = format!("{:?}", doorward_server::events::newest(app, 500).await.unwrap());
        for text in [shown, debug, events] {
            assert!(!text.contains("first-token"), "{text}");
        }
        let read = app.db.read(|tx| Box::pin(tx.fetch("SELECT id, token FROM connectors", &[])));
        let sealed: Vec<Sealed> = read.await.unwrap();
        assert!(!String::from_utf8_lossy(&sealed[0].1).contains("first-token"));
        let place = format!("connectors.token.{}", sealed[0].0);
        assert_eq!(app.cipher.open(&place, &sealed[0].1).unwrap(), TOKEN.as_bytes());
        assert!(app.cipher.open("connectors.token.another", &sealed[0].1).is_err());
    }

    /// A kept token is never sent to another server than the one it was given for.
    async fn another_server_needs_another_token(app) {
        let scene = Scene::new(app).await;
        let (app, actor) = (&scene.app.app, scene.app.actor());
        let mut profile = settings::show(app, "netbox").await.unwrap().profile;
        profile.url = "http://127.0.0.1:9/".into();
        let moved = settings::update(app, &actor, "netbox", profile.clone(), None).await;
        assert!(matches!(&moved, Err(OperationError::Invalid(problems)) if problems.0[0].field == "token"), "{moved:?}");
        settings::update(app, &actor, "netbox", profile.clone(), Some(Secret::from(TOKEN))).await.unwrap();
        profile.url = "http://127.0.0.1:9/netbox/".into();
        settings::update(app, &actor, "netbox", profile, None).await.unwrap();
    }

    /// Input that cannot be right is refused with words; a second connector, too.
    async fn what_cannot_be_right_is_refused(app) {
        let scene = Scene::new(app).await;
        let (app, actor) = (&scene.app.app, scene.app.actor());
        let mut profile = ConnectorProfile::new("netbox");
        profile.groups = ManagedGroups::Prefix(" ".into());
        scene.app.application("second").await;
        let refused = settings::create(app, &actor, "second", profile, Secret::from("short")).await;
        let Err(OperationError::Invalid(problems)) = refused else { panic!("{refused:?}") };
        let fields: Vec<_> = problems.0.iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["url", "group_prefix", "token"]);
        let profile = settings::show(app, "netbox").await.unwrap().profile;
        let again = settings::create(app, &actor, "netbox", profile.clone(), Secret::from(TOKEN)).await;
        assert!(matches!(again, Err(OperationError::Denied(_))), "{again:?}");
        let none = settings::show(app, "second").await;
        assert!(matches!(none, Err(OperationError::NotFound { .. })), "{none:?}");
    }

    /// It goes with its queue and all it knows; so it does with its application. Sign-ins go on.
    async fn it_goes_with_everything(app) {
        let scene = Scene::new(app).await;
        scene.settled("alice", &[]).await;
        scene.signs_in("alice").await;
        let (app, actor) = (&scene.app.app, scene.app.actor());
        settings::remove(app, &actor, "netbox").await.unwrap();
        assert_eq!(scene.step().await, 0);
        scene.signs_in("alice").await;
        let count = app.db.read(|tx| Box::pin(async move {
            let jobs: i64 = tx.fetch_one("SELECT COUNT(*) FROM connector_jobs", &[]).await?;
            let people: i64 = tx.fetch_one("SELECT COUNT(*) FROM connector_people", &[]).await?;
            Ok(jobs + people)
        }));
        assert_eq!(count.await.unwrap(), 0);
        let profile = ConnectorProfile::new(scene.netbox.url());
        settings::create(app, &actor, "netbox", profile, Secret::from(TOKEN)).await.unwrap();
        applications::delete(app, &actor, "netbox").await.unwrap();
        assert!(app.snapshot().connectors.is_empty());
        assert_eq!(scene.step().await, 0);
    }

    /// Links by hand: to an account that is nobody's, once.
    async fn links_are_made_and_undone_by_hand(app) {
        let ops = app.group("netbox-ops", &[]).await;
        app.user("alice", &[&ops]).await;
        app.user("bob", &[]).await;
        let scene = Scene::new(app).await;
        let account = scene.netbox.has_account("a.example", "", scene.app.clock.now());
        let (app, actor) = (&scene.app.app, scene.app.actor());
        let unknown = people::link(app, &actor, "netbox", "alice", "nobody").await;
        assert!(matches!(unknown, Err(OperationError::NotFound { .. })), "{unknown:?}");
        people::link(app, &actor, "netbox", "alice", "a.example").await.unwrap();
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
        let taken = people::link(app, &actor, "netbox", "bob", "a.example").await;
        assert!(matches!(&taken, Err(OperationError::Invalid(_))), "{taken:?}");
        people::unlink(app, &actor, "netbox", "Alice").await.unwrap();
        assert!(scene.person("alice").await.account.is_none());
        let again = people::unlink(app, &actor, "netbox", "alice").await;
        assert!(matches!(again, Err(OperationError::NotFound { .. })), "{again:?}");
        people::link(app, &actor, "netbox", "bob", "a.example").await.unwrap();
    }

    /// After a pause of the address or the groups, a run for everybody finds accounts that were there before.
    async fn a_run_finds_accounts_that_were_there_before(app) {
        let ops = app.group("netbox-ops", &[]).await;
        app.group("netbox-empty", &[]).await;
        for name in ["alice", "bob", "carol"] {
            app.user(name, &[&ops]).await;
        }
        let scene = Scene::new(app).await;
        let now = scene.app.clock.now();
        let alice = scene.netbox.has_account("alice", "alice@example.org", now);
        let bob = scene.netbox.has_account("bob", "somebody@else.org", now);
        let (app, actor) = (&scene.app.app, scene.app.actor());
        scene.netbox.forget_requests();
        let preview = run::preview(app, "netbox").await.unwrap();
        assert!(scene.netbox.inside().requests.iter().all(|request| request.starts_with("GET")));
        assert_eq!(preview.groups, ["netbox-empty", "netbox-ops"]);
        assert_eq!(preview.without_account, 2, "carol and admin");
        let about = |name: &str| preview.people.iter().find(|person| person.username == name).unwrap();
        assert!(about("alice").is_new_link && about("bob").warning.contains("Link the right one by hand"));
        let words: Vec<_> = about("alice").changes.iter().map(ToString::to_string).collect();
        assert!(words.contains(&"join netbox-ops".to_owned()), "{words:?}");
        assert!(people::list(app, "netbox").await.unwrap().is_empty(), "a preview keeps nothing");
        let mut seen = Vec::new();
        let report = run::run(app, &actor, "netbox", |progress| seen.push((progress.done, progress.total))).await.unwrap();
        assert_eq!((report.total, report.failed.len(), report.stopped.as_str()), (2, 0, ""));
        assert_eq!((seen.first(), seen.last()), (Some(&(0, 2)), Some(&(2, 2))));
        assert_eq!(scene.netbox.groups_of(alice), ["netbox-ops"]);
        assert!(scene.netbox.groups_of(bob).is_empty());
        assert!(scene.netbox.inside().groups.values().any(|name| name == "netbox-empty"));
        let after = run::preview(app, "netbox").await.unwrap();
        assert!(after.groups.is_empty() && after.people.len() == 1 && after.unchanged == 1, "{after:?}");
    }
}
