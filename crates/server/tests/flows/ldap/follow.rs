//! The directory follows every change; who loses their rights loses them on open connections, too.

use crate::{
    on_both,
    support::{
        PASSWORD,
        ldap::{LdapTest, code, search, values},
    },
};
use doorward_core::{access_rule::AccessRule, group::GroupProfile, user::UserProfile};
use doorward_server::{
    actor::Actor,
    directory::{
        app_passwords::{self, NewAppPassword},
        groups, users,
    },
};
use jiff::SignedDuration;
use std::collections::BTreeSet;

on_both! {
    /// A change of this process shows with the next search.
    async fn own_changes_show_at_once(app) {
        let staff = app.group("staff", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let in_staff = format!("(&(objectClass=user)(memberOf={}))", test.group("staff"));
        assert!(test.names(&mut ldap, &in_staff).await.is_empty());
        let alice = app.user("alice", &[&staff]).await;
        assert_eq!(test.names(&mut ldap, &in_staff).await, ["cn=alice"]);
        let member = async |ldap: &mut ldap3::Ldap, dn: &str| values(&test.entry(ldap, dn, &["member"]).await, "member");
        assert_eq!(member(&mut ldap, &test.group("staff")).await, [test.user("alice")]);
        let renamed = UserProfile { username: "alicia".into(), email: "a@b.example".into(), ..alice.profile.clone() };
        users::update(&app.app, &app.actor(), alice.id, renamed, None).await.unwrap();
        assert!(test.names(&mut ldap, "(cn=alice)").await.is_empty() && test.names(&mut ldap, "(mail=alice*)").await.is_empty());
        assert_eq!(member(&mut ldap, &test.group("staff")).await, [test.user("alicia")]);
        groups::update(&app.app, &app.actor(), staff.id, GroupProfile::named("crew"), None).await.unwrap();
        assert_eq!(member(&mut ldap, &test.group("crew")).await, [test.user("alicia")]);
        let crew = groups::find_by_name(&app.app, "crew").unwrap();
        groups::remove_member(&app.app, &app.actor(), crew.id, &alice).await.unwrap();
        assert!(member(&mut ldap, &test.group("crew")).await.is_empty());
        groups::add_member(&app.app, &app.actor(), crew.id, &alice).await.unwrap();
        assert_eq!(member(&mut ldap, &test.group("crew")).await, [test.user("alicia")]);
        users::delete(&app.app, &app.actor(), alice.id).await.unwrap();
        assert!(member(&mut ldap, &test.group("crew")).await.is_empty());
        assert!(test.names(&mut ldap, "(cn=alicia)").await.is_empty());
        groups::delete(&app.app, &app.actor(), crew.id).await.unwrap();
        assert!(test.names(&mut ldap, "(cn=crew)").await.is_empty());
    }

    /// A change of another process shows after the look that comes twice a second, also when it was far behind.
    async fn changes_of_others_show_after_a_look(app) {
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        assert_eq!(test.names(&mut ldap, "(objectClass=person)").await.len(), 2);
        let other = app.second_process().await;
        for name in ["alice", "bob"] {
            let new = users::NewUser { profile: UserProfile::named(name), password: None, groups: BTreeSet::new() };
            users::create(&other, &Actor::command_line(), new).await.unwrap();
        }
        app.app.directory.follow(&app.app).await.unwrap();
        assert_eq!(test.names(&mut ldap, "(objectClass=person)").await.len(), 4);
        // The trail is cut: everybody is read anew.
        other.db.write(|tx| Box::pin(async move {
            tx.execute("UPDATE users SET name = 'Robert', name_key = 'robert' WHERE username = 'bob'", &[]).await?;
            tx.execute("UPDATE revisions SET value = value + 20000 WHERE name = 'directory'", &[]).await
        })).await.unwrap();
        app.app.directory.follow(&app.app).await.unwrap();
        assert_eq!(test.names(&mut ldap, "(displayName=robert)").await, ["cn=bob"]);
    }

    /// Disabled, another password, no access any more, provider or app password gone: open connections are nobody's.
    async fn open_connections_lose_what_was_taken(app) {
        let staff = app.group("staff", &[]).await;
        let alice = app.user("alice", &[&staff]).await;
        let test = LdapTest::with(&app, |application, _| {
            application.access = AccessRule::Only { groups: [staff.id].into(), users: BTreeSet::new() };
        }).await;
        let own = test.user("alice");
        let sees = async |ldap: &mut ldap3::Ldap| ldap.search(&own, ldap3::Scope::Base, "(cn=*)", ["cn"]).await.unwrap().1.rc;
        let mut ldap = test.bound("alice").await;
        assert_eq!(sees(&mut ldap).await, 0);
        // What does not concern them leaves them.
        app.user("bob", &[]).await;
        let named = UserProfile { name: "Alice B".into(), ..alice.profile.clone() };
        users::update(&app.app, &app.actor(), alice.id, named, None).await.unwrap();
        assert_eq!(sees(&mut ldap).await, 0);
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert_eq!(sees(&mut ldap).await, 50);
        users::set_active(&app.app, &app.actor(), alice.id, true).await.unwrap();
        assert_eq!(sees(&mut ldap).await, 50, "it was nobody's connection since");
        assert_eq!(code(&mut ldap, &own, PASSWORD).await, 0);
        users::set_password(&app.app, &app.actor(), alice.id, "Another-Horse-8").await.unwrap();
        assert_eq!(sees(&mut ldap).await, 50);
        assert_eq!(code(&mut ldap, &own, PASSWORD).await, 49);
        assert_eq!(code(&mut ldap, &own, "Another-Horse-8").await, 0);
        groups::remove_member(&app.app, &app.actor(), staff.id, &alice).await.unwrap();
        assert_eq!(sees(&mut ldap).await, 50);
        assert_eq!(code(&mut ldap, &own, "Another-Horse-8").await, 50);
        let mut reader = test.reader().await;
        assert_eq!(search(&mut reader, &own, "(cn=*)", &["cn"]).await.len(), 1);
        let password = app_passwords::of_user(&app.app, test.reader.id).await.unwrap().remove(0);
        app_passwords::delete(&app.app, &app.actor(), test.reader.id, password.id).await.unwrap();
        assert_eq!(sees(&mut reader).await, 50);
        assert_eq!(code(&mut reader, &test.user("netbox-ldap"), test.reader_password.expose()).await, 49);
    }

    /// An app password that has ended, and an authenticator app set up meanwhile, end open connections as well.
    async fn proofs_that_end_end_connections(app) {
        let alice = app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let new = NewAppPassword {
            user: alice.id, name: "mail".into(), application: None,
            expires_at: Some(app.clock.now() + SignedDuration::from_mins(5)),
        };
        let (_, secret) = app_passwords::create(&app.app, &app.actor(), new).await.unwrap();
        let own = test.user("alice");
        let sees = async |ldap: &mut ldap3::Ldap| ldap.search(&own, ldap3::Scope::Base, "(cn=*)", ["cn"]).await.unwrap().1.rc;
        let mut ldap = test.connect().await;
        assert_eq!(code(&mut ldap, &own, secret.expose()).await, 0);
        assert_eq!(sees(&mut ldap).await, 0);
        app.clock.advance(SignedDuration::from_mins(5));
        assert_eq!(sees(&mut ldap).await, 50);
        let mut by_password = test.bound("alice").await;
        assert_eq!(sees(&mut by_password).await, 0);
        app.authenticator(&alice).await;
        assert_eq!(sees(&mut by_password).await, 50, "the password alone is not enough any more");
    }
}
