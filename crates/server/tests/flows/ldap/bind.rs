//! Bind: the same rules as at the sign-in page.

use crate::{
    on_both,
    support::{
        PASSWORD,
        ldap::{LdapTest, add, code},
    },
};
use doorward_core::{
    access_rule::AccessRule, application::ApplicationProfile, ldap_provider::LdapProfile, user::UserProfile,
};
use doorward_server::{directory::users, events};
use std::collections::BTreeSet;

on_both! {
    /// By DN in any spelling, by name, by name@domain; again and again on one connection.
    async fn names_and_rebinds(app) {
        app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.connect().await;
        for name in [
            test.user("alice").as_str(), "CN=Alice , OU=users,dc=LDAP,dc=goauthentik,dc=io", "alice", "ALICE",
            "alice@ldap.goauthentik.io", "alice@example.org", "uid=alice,ou=users,dc=ldap,dc=goauthentik,dc=io",
            "cn=alice,dc=ldap,dc=goauthentik,dc=io",
        ] {
            assert_eq!(code(&mut ldap, name, PASSWORD).await, 0, "{name}");
            let (who, _) = ldap.extended(ldap3::exop::WhoAmI).await.unwrap().success().unwrap();
            assert_eq!(who.parse::<ldap3::exop::WhoAmIResp>().authzid, format!("dn:{}", test.user("alice")));
        }
        let reader = test.user("netbox-ldap");
        assert_eq!(code(&mut ldap, &reader, test.reader_password.expose()).await, 0);
        assert_eq!(code(&mut ldap, "", "").await, 0, "anonymous");
    }

    /// What is refused, with which code, and that the connection is nobody's afterwards.
    async fn refusals(app) {
        let alice = app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.bound("alice").await;
        let (alice_dn, reader) = (test.user("alice"), test.user("netbox-ldap"));
        for (name, password, expected) in [
            (alice_dn.as_str(), "wrong", 49), (alice_dn.as_str(), "", 53), ("", PASSWORD, 49),
            ("cn=nobody,ou=users,dc=ldap,dc=goauthentik,dc=io", PASSWORD, 49), ("cn=alice,dc=example,dc=org", PASSWORD, 49),
            ("cn=alice,ou=groups,dc=ldap,dc=goauthentik,dc=io", PASSWORD, 49),
            ("cn=alice@example.org,ou=users,dc=ldap,dc=goauthentik,dc=io", PASSWORD, 49), (reader.as_str(), PASSWORD, 49),
        ] {
            let result = ldap.simple_bind(name, password).await.unwrap();
            assert_eq!(result.rc, expected, "{name}: {}", result.text);
            let search = ldap.search(&test.base, ldap3::Scope::Subtree, "(cn=alice)", ["cn"]).await.unwrap();
            assert_eq!(search.1.rc, 50);
        }
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert_eq!(code(&mut ldap, &alice_dn, PASSWORD).await, 49);
    }

    /// The access rule counts; the reference code in the message leads to the activity.
    async fn access_and_activity(app) {
        let staff = app.group("staff", &[]).await;
        app.user("alice", &[&staff]).await;
        app.user("bob", &[]).await;
        let test = LdapTest::with(&app, |application, _| {
            application.access = AccessRule::Only { groups: [staff.id].into(), users: BTreeSet::new() };
        }).await;
        let mut ldap = test.connect().await;
        assert_eq!(code(&mut ldap, &test.user("alice"), PASSWORD).await, 0);
        let refused = ldap.simple_bind(&test.user("bob"), PASSWORD).await.unwrap();
        assert_eq!(refused.rc, 50);
        let reference = refused.text.split("reference ").nth(1).unwrap().trim_end_matches(')');
        let found = events::by_reference(&app.app, reference).await.unwrap();
        assert!(found[0].text.contains("bob") && found[0].text.contains("LDAP"), "{}", found[0].text);
        assert_eq!(found[0].application, Some(test.application));
        let newest = events::newest(&app.app, 20).await.unwrap();
        assert_eq!(newest.iter().filter(|event| event.text.contains("alice signed in to NetBox by LDAP")).count(), 1);
    }

    /// Guessing is slowed down as at the sign-in page, and the counters are the same ones.
    async fn guesses_are_throttled_together_with_the_form(app) {
        app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.connect().await;
        for _ in 0..10 {
            assert_eq!(code(&mut ldap, &test.user("alice"), "guess").await, 49);
        }
        let refused = ldap.simple_bind(&test.user("alice"), PASSWORD).await.unwrap();
        assert_eq!(refused.rc, 49);
        assert!(refused.text.contains("Too many attempts"), "{}", refused.text);
        let page = app.browser().sign_in("/if/user/", "alice", PASSWORD).await;
        assert_eq!(page.status, 429);
    }

    /// Passwords are not taken in the clear from other machines; several applications are told apart.
    async fn several_applications(app) {
        app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut second = ApplicationProfile::new("wiki", "Wiki");
        second.access = AccessRule::nobody();
        add(&app, second, LdapProfile::new("dc=wiki,dc=ldap,dc=goauthentik,dc=io")).await;
        let mut ldap = test.connect().await;
        assert_eq!(code(&mut ldap, &test.user("alice"), PASSWORD).await, 0);
        assert_eq!(code(&mut ldap, "alice@ldap.goauthentik.io", PASSWORD).await, 0);
        assert_eq!(code(&mut ldap, "cn=alice,ou=users,dc=wiki,dc=ldap,dc=goauthentik,dc=io", PASSWORD).await, 50);
        assert_eq!(code(&mut ldap, "alice", PASSWORD).await, 49, "which application?");
        let mut ldap = test.bound("alice").await;
        let other = "dc=wiki,dc=ldap,dc=goauthentik,dc=io";
        let result = ldap.search(other, ldap3::Scope::Subtree, "(cn=alice)", ["cn"]).await.unwrap().1;
        assert_eq!(result.rc, 50, "{}", result.text);
    }

    /// What is refused before anybody is looked for stands in the activity, too.
    async fn refused_names_are_written_down(app) {
        app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.connect().await;
        for (name, expected) in [
            ("cn=alice,dc=example,dc=org", "below no base DN"), ("cn=alice,ou=groups,dc=ldap,dc=goauthentik,dc=io", "not that of a user"),
            ("cn=foo+", "cannot be read"),
        ] {
            let refused = ldap.simple_bind(name, PASSWORD).await.unwrap();
            assert_eq!(refused.rc, 49);
            assert!(refused.text.contains(expected), "{}", refused.text);
            let reference = refused.text.split("reference ").nth(1).unwrap().trim_end_matches(')');
            let found = events::by_reference(&app.app, reference).await.unwrap();
            assert!(found[0].text.contains(name) && found[0].text.contains(expected), "{}", found[0].text);
        }
    }

    /// `name@domain` that is also another person's username or address is nobody's.
    async fn ambiguous_names_are_refused(app) {
        let bob = app.user("bob", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.connect().await;
        assert_eq!(code(&mut ldap, "bob@ldap.goauthentik.io", PASSWORD).await, 0);
        let other = app.user("other", &[]).await;
        let named = UserProfile { email: "bob@ldap.goauthentik.io".into(), ..other.profile.clone() };
        users::update(&app.app, &app.actor(), other.id, named, None).await.unwrap();
        let refused = ldap.simple_bind("bob@ldap.goauthentik.io", PASSWORD).await.unwrap();
        assert_eq!(refused.rc, 49);
        assert!(refused.text.contains("another person"), "{}", refused.text);
        let own = UserProfile { email: "bob@ldap.goauthentik.io".into(), ..bob.profile.clone() };
        users::delete(&app.app, &app.actor(), other.id).await.unwrap();
        users::update(&app.app, &app.actor(), bob.id, own, None).await.unwrap();
        assert_eq!(code(&mut ldap, "bob@ldap.goauthentik.io", PASSWORD).await, 0);
    }
}
