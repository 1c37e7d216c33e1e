//! Whoever leaves is out; whoever comes back is in again; nobody else is touched.

use super::Scene;
use crate::{on_both, support::netbox::Mood};
use doorward_core::access_rule::AccessRule;
use doorward_server::{connector::people, directory::users, error::OperationError};

on_both! {
    /// Inactive, another password, tokens disabled; then active again, with tokens still disabled.
    async fn the_disabled_are_cut_off_and_let_in_again(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[&ops]).await;
        let (token, others) = (scene.netbox.has_token(account), {
            let bob = scene.netbox.has_account("bob", "", scene.app.clock.now());
            scene.netbox.has_token(bob)
        });
        let (app, actor) = (&scene.app.app, scene.app.actor());
        users::set_active(app, &actor, alice.id, false).await.unwrap();
        assert_eq!(scene.step().await, 1);
        {
            let inside = scene.netbox.inside();
            let user = &inside.users[&account];
            assert!(!user.is_active && user.passwords == 1);
            assert!(!inside.tokens[&token].enabled && inside.tokens[&others].enabled);
        }
        assert!(scene.person("alice").await.cut_off_at.is_some());
        assert!(scene.said("cut off, who is disabled").await.len() == 1);
        users::set_active(app, &actor, alice.id, true).await.unwrap();
        assert_eq!(scene.step().await, 1);
        let inside = scene.netbox.inside();
        assert!(inside.users[&account].is_active && !inside.tokens[&token].enabled);
        assert_eq!(inside.users[&account].passwords, 1, "old sessions stay dead, and no new password is set");
    }

    /// Also who was deleted, and whom the access rule denies.
    async fn the_deleted_and_the_denied_are_cut_off(app) {
        let scene = Scene::new(app).await;
        let (alice, first) = scene.settled("alice", &[]).await;
        let (_, second) = scene.settled("bob", &[]).await;
        users::delete(&scene.app.app, &scene.app.actor(), alice.id).await.unwrap();
        scene.step().await;
        assert!(!scene.netbox.inside().users[&first].is_active && scene.netbox.inside().users[&second].is_active);
        scene.allow(AccessRule::nobody()).await;
        scene.step().await;
        assert!(!scene.netbox.inside().users[&second].is_active);
        scene.allow(AccessRule::Everyone).await;
        scene.step().await;
        assert!(scene.netbox.inside().users[&second].is_active);
        assert!(!scene.netbox.inside().users[&first].is_active);
    }

    /// Somebody new with the name of somebody who was deleted never gets their account.
    async fn a_namesake_does_not_inherit(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, first) = scene.settled("alice", &[]).await;
        users::delete(&scene.app.app, &scene.app.actor(), alice.id).await.unwrap();
        scene.step().await;
        scene.app.user("alice", &[&ops]).await;
        scene.signs_in("alice").await;
        scene.netbox.inside().users.get_mut(&first).unwrap().login = Some(scene.app.clock.now());
        let second = scene.netbox.makes_account("alicef683ea2d6f024ceb", scene.app.clock.now());
        scene.passes(1);
        scene.step().await;
        assert_eq!((scene.netbox.groups_of(first).len(), scene.netbox.groups_of(second).len()), (0, 1));
        assert!(!scene.netbox.inside().users[&first].is_active);
    }

    /// An account of the same name that was there before is never touched: not its groups, its password or its tokens.
    async fn a_local_account_of_the_name_is_never_touched(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let alice = app.user("alice", &[&ops]).await;
        let scene = Scene::new(app).await;
        let local = scene.netbox.has_account("alice", "local@example.org", scene.app.clock.now());
        let token = scene.netbox.has_token(local);
        scene.signs_in("alice").await;
        // Its owner signs in by password at the same moment.
        scene.netbox.inside().users.get_mut(&local).unwrap().login = Some(scene.app.clock.now());
        for _ in 0..12 {
            scene.passes(60);
            scene.step().await;
        }
        let warning = scene.person("alice").await.warning;
        assert!(warning.contains("Link the right one by hand"), "{warning}");
        assert_eq!(scene.said("no account was touched for alice").await.len(), 1);
        users::set_active(&scene.app.app, &scene.app.actor(), alice.id, false).await.unwrap();
        scene.step().await;
        let inside = scene.netbox.inside();
        assert!(inside.users[&local].is_active && inside.users[&local].passwords == 0 && inside.tokens[&token].enabled);
        assert!(inside.users[&local].groups.is_empty());
        assert!(!inside.requests.iter().any(|request| request.starts_with("PATCH")));
    }

    /// The account with digits behind its name is found, and the other one is warned of.
    async fn a_duplicate_is_found_and_warned_of(app) {
        let ops = app.group("netbox-ops", &[]).await;
        app.user("alice", &[&ops]).await;
        let scene = Scene::new(app).await;
        let local = scene.netbox.has_account("alice", "", scene.app.clock.now());
        scene.signs_in("alice").await;
        let made = scene.netbox.makes_account("alicef683ea2d6f024ceb", scene.app.clock.now());
        scene.passes(1);
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(made), ["netbox-ops"]);
        assert!(scene.netbox.groups_of(local).is_empty());
        let person = scene.person("alice").await;
        assert!(person.warning.contains("NetBox has alice beside alicef683ea2d6f024ceb"), "{}", person.warning);
    }

    /// A superuser who was not seen signing in is out of reach, by hand as well.
    async fn local_superusers_are_out_of_reach(app) {
        app.user("alice", &[]).await;
        let scene = Scene::new(app).await;
        let root = scene.netbox.has_account("alice", "alice@example.org", scene.app.clock.now());
        scene.netbox.inside().users.get_mut(&root).unwrap().is_superuser = true;
        let (app, actor) = (&scene.app.app, scene.app.actor());
        let refused = people::link(app, &actor, "netbox", "alice", "alice").await;
        assert!(matches!(&refused, Err(OperationError::Denied(why)) if why.contains("superuser")), "{refused:?}");
        assert_eq!(doorward_server::connector::run::start(app, &actor, "netbox").await.unwrap(), 1);
        scene.step().await;
        assert!(scene.person("alice").await.warning.contains("superuser"));
        assert!(!scene.netbox.inside().requests.iter().any(|request| request.starts_with("PATCH")));
    }

    /// What NetBox's administrators made inactive stays inactive.
    async fn what_others_made_inactive_stays_so(app) {
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        scene.netbox.inside().users.get_mut(&account).unwrap().is_active = false;
        let (app, actor) = (&scene.app.app, scene.app.actor());
        for active in [false, true] {
            users::set_active(app, &actor, alice.id, active).await.unwrap();
            scene.step().await;
        }
        {
            let inside = scene.netbox.inside();
            assert!(!inside.users[&account].is_active);
            assert_eq!(inside.users[&account].passwords, 1, "whoever leaves is cut off all the same");
        }
        assert!(scene.person("alice").await.warning.contains("it was not Doorward"));
    }

    /// NetBox fails in the middle: what was begun is finished, and is still known to be Doorward's doing.
    async fn half_a_cut_is_finished(app) {
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        let token = scene.netbox.has_token(account);
        let (app, actor) = (&scene.app.app, scene.app.actor());
        scene.netbox.mood(Mood::Fails("PATCH /api/users/tokens/", 500));
        users::set_active(app, &actor, alice.id, false).await.unwrap();
        scene.step().await;
        assert!(!scene.netbox.inside().users[&account].is_active, "access ends first");
        assert!(scene.netbox.inside().tokens[&token].enabled);
        scene.netbox.mood(Mood::Well);
        scene.passes(60);
        scene.step().await;
        assert!(!scene.netbox.inside().tokens[&token].enabled);
        users::set_active(app, &actor, alice.id, true).await.unwrap();
        scene.step().await;
        assert!(scene.netbox.inside().users[&account].is_active);
    }

    /// An account that was deleted in NetBox is said to be gone, and the next sign-in finds the new one.
    async fn an_account_that_is_gone_is_noticed(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        scene.netbox.inside().users.remove(&account);
        doorward_server::directory::groups::add_member(&scene.app.app, &scene.app.actor(), ops.id, &alice).await.unwrap();
        scene.passes(600);
        scene.step().await;
        let person = scene.person("alice").await;
        assert!(person.account.is_none() && person.warning.contains("was deleted in NetBox"), "{person:?}");
        let again = scene.arrives("alice").await;
        scene.passes(1);
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(again), ["netbox-ops"]);
        assert!(scene.person("alice").await.warning.is_empty());
    }
}
