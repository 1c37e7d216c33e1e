//! Compare, password modify, StartTLS, and what is refused.

use crate::{
    on_both,
    support::{
        PASSWORD,
        ldap::{LdapTest, code},
    },
};
use ldap3::{
    Mod,
    exop::{PasswordModify, PasswordModifyResp},
};
use std::collections::HashSet;

on_both! {
    /// What NetBox asks to know whether somebody is in a group, and the rest of compare.
    async fn compare(app) {
        let top = app.group("top", &[]).await;
        let staff = app.group("staff", &[&top]).await;
        app.user("alice", &[&staff]).await;
        app.user("bob", &[]).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let (alice, bob, staff, top) = (test.user("alice"), test.user("bob"), test.group("staff"), test.group("top"));
        for (entry, attribute, value, expected) in [
            (&staff, "member", &alice, 6), (&top, "member", &alice, 6), (&staff, "uniqueMember", &alice, 6), (&staff, "member", &bob, 5),
            (&staff, "member", &alice.to_uppercase(), 6), (&staff, "memberUid", &"alice".to_owned(), 6), (&top, "member", &staff, 6),
            (&test.group("nothing"), "member", &alice, 32), (&staff, "member", &"nonsense".to_owned(), 21),
            (&staff, "nonsense", &alice, 17), (&staff, "mail", &alice, 16), (&alice, "memberOf", &top, 6), (&bob, "memberOf", &top, 16),
            (&alice, "mail", &"ALICE@example.org".to_owned(), 6), (&alice, "cn", &"bob".to_owned(), 5),
            (&"nonsense".to_owned(), "cn", &alice, 34), (&alice, "userPassword", &PASSWORD.to_owned(), 16),
        ] {
            let result = ldap.compare(entry, attribute, value).await.unwrap().0;
            assert_eq!(result.rc, expected, "{entry} {attribute} {value}: {}", result.text);
        }
        let mut own = test.bound("alice").await;
        assert_eq!(own.compare(&staff, "member", &alice).await.unwrap().0.rc, 6);
        assert_eq!(own.compare(&staff, "member", &bob).await.unwrap().0.rc, 5);
    }

    /// People change their own password, administrators those of others, app passwords none.
    async fn password_modify(app) {
        app.user("alice", &[]).await;
        app.user("bob", &[]).await;
        let test = LdapTest::new(&app).await;
        let modify = |user: Option<&'static str>, old: Option<&'static str>, new: Option<&'static str>| {
            PasswordModify { user_id: user, old_pass: old, new_pass: new }
        };
        let mut alice = test.bound("alice").await;
        assert_eq!(alice.extended(modify(None, Some("wrong"), Some("New-Horse-99"))).await.unwrap().1.rc, 53);
        assert_eq!(alice.extended(modify(None, Some(PASSWORD), Some("short"))).await.unwrap().1.rc, 19);
        let others = "cn=bob,ou=users,dc=ldap,dc=goauthentik,dc=io";
        assert_eq!(alice.extended(modify(Some(others), None, Some("New-Horse-99"))).await.unwrap().1.rc, 32);
        assert_eq!(alice.extended(modify(None, Some(PASSWORD), Some("New-Horse-99"))).await.unwrap().1.rc, 0);
        assert_eq!(code(&mut alice, &test.user("alice"), PASSWORD).await, 49);
        assert_eq!(code(&mut alice, &test.user("alice"), "New-Horse-99").await, 0);
        let mut admin = test.bound("admin").await;
        let (answer, _) = admin.extended(modify(Some(others), None, None)).await.unwrap().success().unwrap();
        let made_up = answer.parse::<PasswordModifyResp>().gen_pass;
        assert_eq!(code(&mut alice, others, &made_up).await, 0);
        assert_eq!(code(&mut alice, others, PASSWORD).await, 49);
        let mut reader = test.reader().await;
        assert_eq!(reader.extended(modify(None, None, Some("New-Horse-99"))).await.unwrap().1.rc, 53);
        assert_eq!(reader.extended(modify(Some(others), None, Some("New-Horse-99"))).await.unwrap().1.rc, 53);
        let mut nobody = test.connect().await;
        assert_eq!(nobody.extended(modify(Some(others), None, Some("New-Horse-99"))).await.unwrap().1.rc, 50);
    }

    /// The tree is not changed by LDAP, and the answer says where it is.
    async fn writing_is_refused_with_directions(app) {
        let test = LdapTest::new(&app).await;
        let mut ldap = test.bound("admin").await;
        let dn = test.user("admin");
        let one = || HashSet::from(["x"]);
        let results = [
            ldap.add(&dn, vec![("cn", one())]).await.unwrap(), ldap.modify(&dn, vec![Mod::Replace("sn", one())]).await.unwrap(),
            ldap.delete(&dn).await.unwrap(), ldap.modifydn(&dn, "cn=x", true, None).await.unwrap(),
        ];
        for result in results {
            assert_eq!(result.rc, 53);
            assert!(result.text.contains("https://id.example.org/if/admin/"), "{}", result.text);
        }
    }
}
