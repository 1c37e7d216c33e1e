//! What entries hold, and that they are authentik's with what people miss there.

use crate::{
    on_both,
    support::{
        TestApp,
        ldap::{LdapTest, search, values},
    },
};
use doorward_core::{
    group::Group,
    ldap_provider::UidSource,
    user::{User, UserProfile},
};
use doorward_server::directory::users;
use serde_json::json;

/// leaf is below middle is below top; alice is in leaf.
async fn alice(app: &TestApp) -> (User, [Group; 3]) {
    let top = app.group("top, the", &[]).await;
    let middle = app.group("middle", &[&top]).await;
    let leaf = app.group("leaf", &[&middle]).await;
    let alice = app.user("alice", &[&leaf]).await;
    (alice, [leaf, middle, top])
}

on_both! {
    /// Every attribute of a user.
    async fn a_user(app) {
        let (alice, _) = alice(&app).await;
        let attributes = json!({
            "sshPublicKey": ["ssh-ed25519 A", "ssh-ed25519 B"], "loginShell": "/bin/zsh", "homeDirectory": "/srv/%s",
            "x.y/z": 7, "memberOf": "cn=root", "settings": {"a": 1}
        });
        let profile = UserProfile { attributes: attributes.as_object().unwrap().clone(), ..alice.profile.clone() };
        users::update(&app.app, &app.actor(), alice.id, profile, None).await.unwrap();
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let entry = test.entry(&mut ldap, &test.user("alice"), &["*", "+"]).await;
        let number = (2000 + alice.pk).to_string();
        let id = alice.id.to_string();
        for (name, expected) in [
            ("cn", vec!["alice"]), ("sAMAccountName", vec!["alice"]), ("uid", vec![alice.uid.as_str()]),
            ("name", vec!["Alice Example"]), ("displayName", vec!["Alice Example"]), ("givenName", vec!["Alice"]),
            ("sn", vec!["Example"]), ("mail", vec!["alice@example.org"]), ("uidNumber", vec![number.as_str()]),
            ("gidNumber", vec![number.as_str()]), ("homeDirectory", vec!["/srv/alice"]), ("loginShell", vec!["/bin/zsh"]),
            ("sshPublicKey", vec!["ssh-ed25519 A", "ssh-ed25519 B"]), ("xy-z", vec!["7"]), ("ak-active", vec!["TRUE"]),
            ("ak-superuser", vec!["FALSE"]), ("settings", vec![]), ("entryUUID", vec![id.as_str()]),
            ("structuralObjectClass", vec!["inetOrgPerson"]), ("createTimestamp", vec!["20260102030405Z"]),
            ("entryDN", vec!["cn=alice,ou=users,dc=ldap,dc=goauthentik,dc=io"]),
        ] {
            assert_eq!(values(&entry, name), expected, "{name}");
        }
        assert_eq!(values(&entry, "memberOf"), [test.group("leaf"), test.group("middle"), test.group("top, the")]);
        assert_eq!(values(&entry, "objectClass"), [
            "goauthentik.io/ldap/user", "inetOrgPerson", "organizationalPerson", "person", "posixAccount", "top", "user",
        ]);
        let admin = test.entry(&mut ldap, &test.user("admin"), &["ak-superuser", "sn", "givenName"]).await;
        assert_eq!((values(&admin, "ak-superuser"), values(&admin, "sn")), (vec!["TRUE".into()], vec!["admin".into()]));
        assert!(!admin.attrs.contains_key("givenName"));
    }

    /// Every attribute of a group, and of a user's own group.
    async fn a_group(app) {
        let (alice, [leaf, middle, _]) = alice(&app).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let entry = test.entry(&mut ldap, &test.group("middle"), &["*"]).await;
        let (id, number) = (middle.id.to_string(), (4000 + middle.pk).to_string());
        let (alice_dn, leaf_dn) = (test.user("alice"), test.group("leaf"));
        for (name, expected) in [
            ("cn", vec!["middle"]), ("sAMAccountName", vec!["middle"]), ("uid", vec![id.as_str()]),
            ("gidNumber", vec![number.as_str()]), ("member", vec![alice_dn.as_str(), leaf_dn.as_str()]),
            ("uniqueMember", vec![alice_dn.as_str(), leaf_dn.as_str()]), ("memberUid", vec!["alice"]),
            ("ak-superuser", vec!["false"]),
        ] {
            assert_eq!(values(&entry, name), expected, "{name}");
        }
        assert_eq!(values(&entry, "memberOf"), [test.group("top, the")]);
        assert_eq!(values(&entry, "objectClass"), [
            "goauthentik.io/ldap/group", "group", "groupOfNames", "groupOfUniqueNames", "posixGroup",
        ]);
        let own = format!("cn=alice,ou=virtual-groups,{}", test.base);
        let own = test.entry(&mut ldap, &own, &[]).await;
        assert_eq!(values(&own, "gidNumber"), [(2000 + alice.pk).to_string()]);
        assert_eq!((values(&own, "member"), values(&own, "memberUid")), (vec![alice_dn], vec!["alice".into()]));
        assert!(values(&own, "objectClass").contains(&"goauthentik.io/ldap/virtual-group".into()));
        assert!(leaf.pk < 100);
    }

    /// Without nesting only direct memberships show; uid may be the username; numbers start elsewhere.
    async fn choices_of_the_provider(app) {
        let (alice, [_, middle, _]) = alice(&app).await;
        let test = LdapTest::with(&app, |_, provider| {
            provider.nested_groups = false;
            provider.uid_source = UidSource::Username;
            provider.base_dn = "DC=Example, dc=org".into();
            provider.uid_start_number = 10_000;
            provider.gid_start_number = 20_000;
        }).await;
        let mut ldap = test.reader().await;
        let entry = test.entry(&mut ldap, "cn=alice,ou=users,dc=example,dc=org", &[]).await;
        assert_eq!(values(&entry, "memberOf"), [test.group("leaf")]);
        assert_eq!((values(&entry, "uid"), values(&entry, "uidNumber")), (vec!["alice".into()], vec![(10_000 + alice.pk).to_string()]));
        assert_eq!(entry.dn, "cn=alice,ou=users,DC=Example, dc=org");
        let group = test.entry(&mut ldap, &test.group("middle"), &["member", "gidNumber"]).await;
        assert_eq!(values(&group, "member"), [test.group("leaf")]);
        assert_eq!(values(&group, "gidNumber"), [(20_000 + middle.pk).to_string()]);
        assert_eq!(test.names(&mut ldap, "(uid=alice)").await, ["cn=alice"]);
        let top = ldap3::ldap_escape(test.group("top, the")).into_owned();
        let in_top = format!("(memberOf={top})");
        assert_eq!(test.names(&mut ldap, &in_top).await, ["cn=middle"]);
        let chained = format!("(&(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:={top}))");
        assert_eq!(test.names(&mut ldap, &chained).await, ["cn=alice"]);
    }

    /// Names with every special character are escaped, found, and can be signed in with.
    async fn odd_names(app) {
        let names = ["o'neil", "a+b", "c,d", "e\"f", "g\\h", "i;j", "k<l>", "#m", "n=o", "ü né", "(p*)", "q r"];
        for name in names {
            let mut profile = UserProfile::named(name);
            profile.name = "X".into();
            let new = users::NewUser { profile, password: Some(crate::support::PASSWORD.into()), groups: [].into() };
            users::create(&app.app, &app.actor(), new).await.unwrap();
        }
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        for name in names {
            let filter = format!("(&(objectClass=user)(cn={}))", ldap3::ldap_escape(name));
            let found = search(&mut ldap, &test.base, &filter, &["cn"]).await;
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!((found[0].dn.as_str(), values(&found[0], "cn")), (test.user(name).as_str(), vec![name.to_owned()]));
            assert_eq!(test.entry(&mut ldap, &found[0].dn, &["cn"]).await.dn, found[0].dn, "{name}");
            let mut own = test.connect().await;
            assert_eq!(crate::support::ldap::code(&mut own, &found[0].dn, crate::support::PASSWORD).await, 0, "{name}");
        }
    }
}
