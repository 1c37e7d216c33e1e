//! The inventory of API tokens, and the check of rights.

use super::Scene;
use crate::{on_both, support::netbox::Mood};
use doorward_server::{
    connector::{
        inventory::{self, Flag},
        rights::{self, Severity},
        run,
    },
    directory::users,
    error::OperationError,
    netbox::NetBoxError,
};

on_both! {
    /// Whose tokens there are, what is odd about them, and how to end them.
    async fn tokens_are_listed_disabled_and_revoked(app) {
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        let local = scene.netbox.has_account("script", "", scene.app.clock.now());
        let (hers, its) = (scene.netbox.has_token(account), scene.netbox.has_token(local));
        let (app, actor) = (&scene.app.app, scene.app.actor());
        let tokens = inventory::tokens(app, "netbox").await.unwrap();
        let of = |id: i64| tokens.iter().find(|view| view.token.id == id).unwrap();
        assert_eq!((of(hers).person.as_deref(), of(its).person.as_deref()), (Some("alice"), None));
        assert_eq!(of(its).flags, [Flag::NeverUsed, Flag::NoExpiry, Flag::OwnerUnmanaged]);
        inventory::disable(app, &actor, "netbox", its).await.unwrap();
        assert!(!scene.netbox.inside().tokens[&its].enabled);
        inventory::revoke(app, &actor, "netbox", its).await.unwrap();
        assert!(!scene.netbox.inside().tokens.contains_key(&its));
        let again = inventory::revoke(app, &actor, "netbox", its).await;
        assert!(matches!(again, Err(OperationError::NotFound { .. })), "{again:?}");
        assert_eq!(scene.said("the API token").await.len(), 2);
        users::delete(app, &actor, alice.id).await.unwrap();
        scene.step().await;
        let tokens = inventory::tokens(app, "netbox").await.unwrap();
        assert!(tokens[0].flags.contains(&Flag::OwnerGone) && !tokens[0].token.enabled, "{tokens:?}");
    }

    /// An account that may do nothing lacks everything it needs.
    async fn missing_rights_are_named(app) {
        let scene = Scene::new(app).await;
        {
            let mut inside = scene.netbox.inside();
            let own = inside.users.keys().next().copied();
            assert!(own.is_none());
            inside.mood = Mood::Fails("GET /api/users/permissions/", 403);
        }
        let report = rights::check(&scene.app.app, "netbox").await.unwrap();
        let missing: Vec<_> = report.findings.iter().filter(|f| f.severity == Severity::Missing).collect();
        assert_eq!((missing.len(), report.netbox_version.as_str()), (3, "4.7.3"), "{report:?}");
        assert!(missing[0].text.contains("users.user, change") && report.found_something());
    }

    /// What NetBox says when asked by somebody here and now is said back, and nothing is half done.
    async fn what_netbox_says_comes_back(app) {
        let scene = Scene::new(app).await;
        scene.netbox.mood(Mood::Answers(500, String::new()));
        let failed = run::preview(&scene.app.app, "netbox").await;
        assert!(matches!(failed, Err(OperationError::NetBox(NetBoxError::Unavailable { status: 500 }))), "{failed:?}");
        assert!(run::run(&scene.app.app, &scene.app.actor(), "netbox", |_| {}).await.is_err());
        assert!(rights::check(&scene.app.app, "netbox").await.is_err());
        assert!(inventory::tokens(&scene.app.app, "netbox").await.is_err());
    }
}
