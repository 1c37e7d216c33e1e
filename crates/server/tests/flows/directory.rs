//! Users and groups.

use crate::on_both;
use doorward_core::{access_rule::AccessRule, group::GroupProfile, user::UserProfile};
use doorward_server::{
    actor::Actor,
    applications::from_recipe::{self, RecipeRequest},
    directory::{groups, users},
    error::OperationError,
};
use futures::future::join_all;
use std::collections::BTreeSet;

fn field(error: &OperationError) -> &str {
    match error {
        OperationError::Invalid(problems) => problems.0[0].field,
        other => panic!("{other}"),
    }
}

on_both! {
    /// Usernames are unique whatever their case, also for fifty at once.
    async fn usernames_are_unique(app) {
        let tries = (0..50).map(|number| {
            let name = if number % 2 == 0 { "alice" } else { "ALICE" };
            let new = users::NewUser { profile: UserProfile::named(name), password: None, groups: BTreeSet::new() };
            let app = app.app.clone();
            async move { users::create(&app, &Actor::command_line(), new).await }
        });
        let results = join_all(tries).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(results.iter().filter_map(|result| result.as_ref().err()).all(|error| field(error) == "username"));
    }

    /// Numbers are never given twice, not even after a deletion, and subjects differ.
    async fn numbers_are_never_given_twice(app) {
        let first = app.user("first", &[]).await;
        users::delete(&app.app, &app.actor(), first.id).await.unwrap();
        let second = app.user("first", &[]).await;
        assert!(second.pk > first.pk);
        assert_ne!(second.uid, first.uid);
    }

    /// Circles are refused, also when two changes would close one together.
    async fn circles_are_refused(app) {
        let a = app.group("a", &[]).await;
        let b = app.group("b", &[&a]).await;
        let circle = GroupProfile { parents: [b.id].into(), ..a.profile.clone() };
        let refused = groups::update(&app.app, &app.actor(), a.id, circle.clone(), None).await.unwrap_err();
        assert_eq!(field(&refused), "parents");
        let c = app.group("c", &[]).await;
        let d = app.group("d", &[]).await;
        let under = |group: &doorward_core::group::Group, parent| GroupProfile { parents: [parent].into(), ..group.profile.clone() };
        let actor = app.actor();
        let (one, two) = tokio::join!(
            groups::update(&app.app, &actor, c.id, under(&c, d.id), None),
            groups::update(&app.app, &actor, d.id, under(&d, c.id), None),
        );
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    }

    /// Members of a group below are effective members; power comes with them and goes with them.
    async fn power_flows_through_parents(app) {
        let admins = groups::find_by_name(&app.app, doorward_server::setup::ADMIN_GROUP).unwrap();
        let lab = app.group("lab", &[&admins]).await;
        let alice = app.user("alice", &[&lab]).await;
        assert!(users::find_person(&app.app, "alice").await.unwrap().is_superuser);
        assert_eq!(groups::count_effective_members(&app.app, admins.id).await.unwrap(), 2);
        groups::remove_member(&app.app, &app.actor(), lab.id, &alice).await.unwrap();
        assert!(!users::find_person(&app.app, "alice").await.unwrap().is_superuser);
    }

    /// GHSA-h6c5-mpvq-j4jc: nobody gives power they lack, by no way.
    async fn ghsa_h6c5_nobody_gives_power_they_lack(app) {
        let admins = groups::find_by_name(&app.app, doorward_server::setup::ADMIN_GROUP).unwrap();
        let lab = app.group("lab", &[]).await;
        let mallory = app.user("mallory", &[]).await;
        let admin = users::find_by_username(&app.app, "admin").await.unwrap();
        let actor = Actor { user: Some(mallory.id), is_superuser: false, ..Actor::command_line() };
        let denied = |error: OperationError| assert!(matches!(error, OperationError::Denied(_)), "{error}");
        denied(groups::add_member(&app.app, &actor, admins.id, &mallory).await.unwrap_err());
        let super_lab = GroupProfile { is_superuser: true, ..lab.profile.clone() };
        denied(groups::update(&app.app, &actor, lab.id, super_lab, None).await.unwrap_err());
        let child_lab = GroupProfile { parents: [admins.id].into(), ..lab.profile.clone() };
        denied(groups::update(&app.app, &actor, lab.id, child_lab, None).await.unwrap_err());
        denied(users::update(&app.app, &actor, mallory.id, mallory.profile.clone(), Some([admins.id].into())).await.unwrap_err());
        let new = users::NewUser { profile: UserProfile::named("evil"), password: None, groups: [admins.id].into() };
        denied(users::create(&app.app, &actor, new).await.unwrap_err());
        denied(users::set_password(&app.app, &actor, admin.id, "another password").await.unwrap_err());
        denied(users::delete(&app.app, &actor, admin.id).await.unwrap_err());
        denied(users::set_active(&app.app, &actor, admin.id, false).await.unwrap_err());
    }

    /// Administrators cannot lock themselves out by a slip.
    async fn administrators_cannot_lock_themselves_out(app) {
        let admin = users::find_by_username(&app.app, "admin").await.unwrap();
        let admins = groups::find_by_name(&app.app, doorward_server::setup::ADMIN_GROUP).unwrap();
        let actor = Actor { user: Some(admin.id), ..Actor::command_line() };
        assert!(users::set_active(&app.app, &actor, admin.id, false).await.is_err());
        assert!(users::update(&app.app, &actor, admin.id, admin.profile.clone(), Some(BTreeSet::new())).await.is_err());
        assert!(users::delete(&app.app, &actor, admin.id).await.is_err());
        assert!(groups::remove_member(&app.app, &actor, admins.id, &admin).await.is_err());
        assert!(groups::delete(&app.app, &actor, admins.id).await.is_err());
        let plain = GroupProfile { is_superuser: false, ..admins.profile.clone() };
        assert!(groups::update(&app.app, &app.actor(), admins.id, plain, None).await.is_err());
        let emptied = groups::update(&app.app, &actor, admins.id, admins.profile.clone(), Some(BTreeSet::new())).await;
        assert!(emptied.is_err());
    }

    /// Searching takes what was typed literally.
    async fn searching_takes_wildcards_literally(app) {
        app.user("under_score", &[]).await;
        app.user("underXscore", &[]).await;
        assert_eq!(users::list(&app.app, "R_S", 10, 0).await.unwrap().total, 1);
        assert_eq!(users::list(&app.app, "%", 10, 0).await.unwrap().total, 0);
        assert_eq!(users::list(&app.app, "UNDER", 1, 1).await.unwrap().users.len(), 1);
    }

    /// Names that NetBox would change are allowed with a warning that names it.
    async fn names_that_netbox_would_change_are_warned_about(app) {
        let mut request = RecipeRequest::new("netbox", "netbox-slug", AccessRule::Everyone);
        request.url = Some("https://netbox.example.org".into());
        let draft = from_recipe::draft(&app.app, request).unwrap();
        from_recipe::create(&app.app, &app.actor(), draft).await.unwrap();
        let warnings = users::username_warnings(&app.app.snapshot(), "Ålice Müller");
        assert!(warnings[0].contains("NetBox") && warnings[0].contains("liceMller"), "{warnings:?}");
        assert!(users::username_warnings(&app.app.snapshot(), "alice@example.org").is_empty());
    }
}
