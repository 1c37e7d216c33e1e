//! Groups and profiles reach NetBox.

use super::Scene;
use crate::on_both;
use doorward_core::{
    access_rule::AccessRule,
    connector::{ConnectorProfile, ManagedGroups},
    group::GroupProfile,
    user::UserProfile,
};
use doorward_server::{
    connector::{
        settings as connectors,
        worker::{self, Node},
    },
    directory::{groups, users},
};

on_both! {
    /// Right after the first sign-in: groups through parents as well, made where NetBox lacks them; what was set by hand stays.
    async fn the_first_sign_in_brings_the_groups(app) {
        let all = app.group("netbox-all", &[]).await;
        let staff = app.group("staff", &[]).await;
        let ops = app.group("netbox-ops", &[&all, &staff]).await;
        app.user("alice", &[&ops]).await;
        let scene = Scene::new(app).await;
        scene.signs_in("alice").await;
        assert_eq!(scene.step().await, 0, "NetBox has not made the account yet");
        let hand_made = scene.netbox.has_group("on call");
        let alice = scene.netbox.makes_account("alice", scene.app.clock.now());
        scene.netbox.inside().users.get_mut(&alice).unwrap().groups.push(hand_made);
        scene.passes(1);
        assert_eq!(scene.step().await, 1);
        assert_eq!(scene.netbox.groups_of(alice), ["netbox-all", "netbox-ops", "on call"]);
        assert!(!scene.netbox.inside().groups.values().any(|name| name == "staff"));
        assert!(scene.jobs().await.is_empty());
        let said = scene.said("the account of alice").await;
        assert!(said[0].contains("make the group netbox-ops") && said[0].contains("join netbox-ops"), "{said:?}");
    }

    /// An account that takes its time is waited for, and not for ever.
    async fn an_account_is_waited_for(app) {
        let ops = app.group("netbox-ops", &[]).await;
        app.user("alice", &[&ops]).await;
        app.user("bob", &[&ops]).await;
        let scene = Scene::new(app).await;
        scene.signs_in("alice").await;
        scene.signs_in("bob").await;
        scene.passes(1);
        assert_eq!(scene.step().await, 2);
        assert!(scene.jobs().await[0].job.error.contains("no account of this name"));
        assert_eq!(scene.step().await, 0, "not before its time");
        let alice = scene.netbox.makes_account("alice", scene.app.clock.now());
        scene.passes(1);
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(alice), ["netbox-ops"]);
        for _ in 0..20 {
            scene.passes(60);
            scene.step().await;
        }
        assert!(scene.jobs().await.is_empty(), "nobody waits for Bob's account for ever");
    }

    /// Memberships, groups, parents, renamed groups: every change arrives, also one made by another process while this one
    /// was not running.
    async fn every_change_of_groups_arrives(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let night = app.group("netbox-night", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[&ops]).await;
        let (app, actor) = (&scene.app.app, scene.app.actor());
        groups::add_member(app, &actor, night.id, &alice).await.unwrap();
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-night", "netbox-ops"]);
        let other = scene.app.second_process().await;
        groups::remove_member(&other, &actor, ops.id, &alice).await.unwrap();
        let all = groups::create(&other, &actor, GroupProfile::named("netbox-all"), [].into()).await.unwrap();
        let mut profile = GroupProfile::named("netbox-nights");
        profile.parents.insert(all.id);
        groups::update(&other, &actor, night.id, profile, None).await.unwrap();
        let later = scene.app.second_process().await;
        worker::step(&later, &Node::new()).await.unwrap();
        assert_eq!(scene.netbox.groups_of(account), ["netbox-all", "netbox-nights"]);
        assert!(scene.netbox.inside().groups.values().any(|name| name == "netbox-night"), "groups are kept");
        app.refresh().await.unwrap();
        groups::delete(app, &actor, night.id).await.unwrap();
        scene.step().await;
        assert!(scene.netbox.groups_of(account).is_empty());
    }

    /// Only listed groups are managed, if groups are listed.
    async fn a_list_manages_only_what_is_listed(app) {
        let (ops, other) = (app.group("netbox-ops", &[]).await, app.group("netbox-other", &[]).await);
        let scene = Scene::with(app, |profile| profile.groups = ManagedGroups::Listed(["netbox-ops".into()].into())).await;
        let (_, account) = scene.settled("alice", &[&ops, &other]).await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
    }

    /// Names and address follow; the username only where that is wanted.
    async fn the_profile_follows(app) {
        let scene = Scene::new(app).await;
        let (alice, account) = scene.settled("alice", &[]).await;
        assert_eq!(scene.netbox.inside().users[&account].email, "alice@example.org");
        let renamed = UserProfile {
            username: "alicia".into(), family_name: "Newname".into(), email: "a@example.org".into(), ..alice.profile.clone()
        };
        let (app, actor) = (&scene.app.app, scene.app.actor());
        users::update(app, &actor, alice.id, renamed, None).await.unwrap();
        scene.step().await;
        {
            let inside = scene.netbox.inside();
            let user = &inside.users[&account];
            assert_eq!((user.username.as_str(), user.last_name.as_str()), ("alice", "Newname"));
            assert_eq!(user.email, "a@example.org");
        }
        let mut profile = ConnectorProfile::new(scene.netbox.url());
        profile.push_username = true;
        connectors::update(app, &actor, "netbox", profile, None).await.unwrap();
        scene.step().await;
        assert_eq!(scene.netbox.inside().users[&account].username, "alicia");
    }

    /// What changes nothing for NetBox is not sent there.
    async fn nothing_is_asked_twice(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (alice, _) = scene.settled("alice", &[&ops]).await;
        let bob = scene.app.user("bob", &[&ops]).await;
        scene.step().await;
        scene.netbox.forget_requests();
        let mut profile = alice.profile.clone();
        profile.attributes.insert("phone".into(), "1".into());
        users::update(&scene.app.app, &scene.app.actor(), alice.id, profile, None).await.unwrap();
        users::set_active(&scene.app.app, &scene.app.actor(), bob.id, false).await.unwrap();
        scene.app.group("unrelated", &[]).await;
        assert_eq!(scene.step().await, 0);
        assert_eq!(scene.netbox.count(""), 0);
    }

    /// A sign-in puts right what was changed in NetBox meanwhile.
    async fn a_sign_in_puts_things_right(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::new(app).await;
        let (_, account) = scene.settled("alice", &[&ops]).await;
        scene.netbox.inside().users.get_mut(&account).unwrap().groups.clear();
        scene.signs_in("alice").await;
        scene.passes(1);
        scene.step().await;
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
    }

    /// With the option switched off, people whom the rule denies keep their account and their groups.
    async fn the_denied_may_be_left_alone(app) {
        let ops = app.group("netbox-ops", &[]).await;
        let scene = Scene::with(app, |profile| profile.cut_off_denied = false).await;
        let (_, account) = scene.settled("alice", &[&ops]).await;
        scene.allow(AccessRule::nobody()).await;
        scene.step().await;
        assert!(scene.netbox.inside().users[&account].is_active);
        assert_eq!(scene.netbox.groups_of(account), ["netbox-ops"]);
    }
}
