//! Filters, scopes, selections, pages, limits; and that the indexes find what looking at everybody finds.

use crate::{
    on_both,
    support::{
        TestApp,
        ldap::{LdapTest, values},
    },
};
use doorward_core::user::UserProfile;
use doorward_server::directory::users;
use ldap3::{
    Scope, SearchEntry, SearchOptions,
    adapters::{Adapter, EntriesOnly, PagedResults},
};
use serde_json::json;

/// alice and bob in staff, which is in everyone; carol in none, with attributes of her own.
async fn people(app: &TestApp) {
    let everyone = app.group("everyone-here", &[]).await;
    let staff = app.group("staff", &[&everyone]).await;
    app.group("empty", &[]).await;
    app.user("alice", &[&staff]).await;
    app.user("bob", &[&staff]).await;
    let carol = app.user("carol", &[]).await;
    let attributes = json!({ "mail": "Carol.C@example.com", "room": ["B 7", "C 9"], "uidNumber": 77, "level": "12" });
    let profile = UserProfile { attributes: attributes.as_object().unwrap().clone(), ..carol.profile };
    users::update(&app.app, &app.actor(), carol.id, profile, None).await.unwrap();
}

const ALL: [&str; 5] = ["cn=admin", "cn=alice", "cn=bob", "cn=carol", "cn=netbox-ldap"];

on_both! {
    /// Every kind of filter, with what it has to find among users.
    async fn filters(app) {
        people(&app).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let staff = test.group("staff");
        let everyone = test.group("everyone-here");
        let both = ["cn=alice", "cn=bob"].as_slice();
        for (filter, expected) in [
            ("(cn=ALICE)", ["cn=alice"].as_slice()), ("(sAMAccountName=alice)", &["cn=alice"]), ("(cn= alice )", &["cn=alice"]),
            ("(mail=alice@EXAMPLE.org)", &["cn=alice"]), ("(mail=carol.c@example.com)", &["cn=carol"]),
            ("(mail=carol@example.org)", &[]), ("(uidNumber=77)", &["cn=carol"]), ("(uidNumber=2001)", &["cn=admin"]),
            ("(displayName=bob  example)", &["cn=bob"]), ("(cn=a*)", &["cn=admin", "cn=alice"]), ("(cn=*o*)", &["cn=bob", "cn=carol", "cn=netbox-ldap"]),
            ("(cn=*b)", &["cn=bob"]), ("(cn=a*i*e)", &["cn=alice"]), ("(mail=al*@*.org)", &["cn=alice"]),
            ("(room=b 7)", &["cn=carol"]), ("(room=*)", &["cn=carol"]), ("(level>=11)", &["cn=carol"]), ("(uidNumber<=1000)", &["cn=carol"]),
            ("(uidNumber>=2005)", &["cn=netbox-ldap"]), ("(cn~=alice)", &["cn=alice"]), ("(objectClass=INETORGPERSON)", &ALL),
            ("(&(objectClass=user)(|(cn=alice)(cn=bob)))", both), ("(&(objectClass=person)(!(cn=a*)))", &["cn=bob", "cn=carol", "cn=netbox-ldap"]),
            ("(!(nonsense=1))", &[]), ("(|(nonsense=1)(cn=bob))", &["cn=bob"]), ("(&(nonsense=1)(cn=bob))", &[]), ("(nonsense=*)", &[]),
            ("(uidNumber=not a number)", &[]), ("(memberOf=cn=nothing)", &[]), ("(memberOf=not a dn)", &[]),
            (&format!("(memberOf={staff})"), both), (&format!("(&(objectClass=user)(memberOf={everyone}))"), both),
            (&format!("(memberOf={})", staff.to_uppercase()), both), (&format!("(memberOf={})", test.group("unknown")), &[]),
            (&format!("(&(objectClass=user)(!(memberOf={everyone})))"), &["cn=admin", "cn=carol", "cn=netbox-ldap"]),
            ("(cn:caseExactMatch:=Alice)", &[]), ("(cn:caseExactMatch:=alice)", &["cn=alice"]), ("(cn:1.2.3.4:=alice)", &[]),
            ("(&(objectClass=user)(ou:dn:=users)(cn=bob))", &["cn=bob"]), ("(&(objectClass=user)(dc:dn:=nowhere))", &[]),
            (&format!("(entryDN={})", test.user("bob")), &["cn=bob"]), ("(ak-superuser=TRUE)", &["cn=admin"]),
            ("(ak-active=false)", &[]), ("(sn=example)", &["cn=alice", "cn=bob", "cn=carol"]), ("(givenName=Bob)", &["cn=bob"]),
            ("(&(objectClass=user)(memberUid=alice))", &[]), ("(userPassword=*)", &[]), ("(&(cn=alice)(&))", &["cn=alice"]),
            ("(&(cn=alice)(|))", &[]),
        ] {
            let base = format!("ou=users,{}", test.base);
            let (entries, result) = ldap.search(&base, Scope::OneLevel, filter, ["1.1"]).await.unwrap().success().unwrap();
            assert_eq!(result.rc, 0, "{filter}");
            let mut names: Vec<String> = entries.into_iter().map(|entry| SearchEntry::construct(entry).dn).collect();
            names.sort();
            let expected: Vec<String> = expected.iter().map(|name| format!("{name},{base}")).collect();
            assert_eq!(names, expected, "{filter}");
        }
    }

    /// What is asked about groups.
    async fn groups(app) {
        people(&app).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let base = format!("ou=groups,{}", test.base);
        let (alice, carol) = (test.user("alice"), test.user("carol"));
        let staff = test.group("staff");
        for (filter, expected) in [
            (format!("(&(objectClass=groupOfNames)(member={alice}))"), vec!["cn=everyone-here", "cn=staff"]),
            (format!("(uniqueMember={alice})"), vec!["cn=everyone-here", "cn=staff"]),
            ("(memberUid=ALICE)".into(), vec!["cn=everyone-here", "cn=staff"]),
            (format!("(member={carol})"), vec![]), ("(member=cn=nobody,dc=x)".into(), vec![]),
            (format!("(|(member={alice})(cn=empty))"), vec!["cn=empty", "cn=everyone-here", "cn=staff"]),
            (format!("(member={staff})"), vec!["cn=everyone-here"]), ("(memberOf=".to_owned() + &test.group("everyone-here") + ")", vec!["cn=staff"]),
            ("(gidNumber=4002)".into(), vec!["cn=everyone-here"]), ("(member=*)".into(), vec!["cn=Doorward Admins", "cn=everyone-here", "cn=staff"]),
            ("(memberUid=*)".into(), vec!["cn=Doorward Admins", "cn=everyone-here", "cn=staff"]),
            ("(&(objectClass=posixGroup)(!(member=*)))".into(), vec!["cn=empty"]), ("(cn=E*)".into(), vec!["cn=empty", "cn=everyone-here"]),
            ("(ak-superuser=true)".into(), vec!["cn=Doorward Admins"]), ("(objectClass=person)".into(), vec![]),
        ] {
            let (entries, _) = ldap.search(&base, Scope::Subtree, &filter, ["1.1"]).await.unwrap().success().unwrap();
            let mut names: Vec<String> = entries.into_iter().map(|entry| SearchEntry::construct(entry).dn).collect();
            names.sort();
            let expected: Vec<String> = expected.iter().map(|name| format!("{name},{base}")).collect();
            assert_eq!(names, expected, "{filter}");
        }
    }

    /// Bases and scopes; what is not there is said with how far the tree goes.
    async fn scopes(app) {
        people(&app).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let users = format!("ou=users,{}", test.base);
        for (base, scope, expected) in [
            (test.base.as_str(), Scope::Base, 1), (&test.base, Scope::OneLevel, 3), (&test.base, Scope::Subtree, 1 + 3 + 5 + 4 + 5),
            (&users, Scope::Base, 1), (&users, Scope::OneLevel, 5), (&users, Scope::Subtree, 6),
            (&test.user("alice"), Scope::Base, 1), (&test.user("alice"), Scope::Subtree, 1), (&test.user("alice"), Scope::OneLevel, 0),
        ] {
            let (entries, _) = ldap.search(base, scope, "(objectClass=*)", ["1.1"]).await.unwrap().success().unwrap();
            assert_eq!(entries.len(), expected, "{base} {scope:?}");
        }
        for (base, code, matched) in [
            (test.user("nobody").as_str(), 32, users.as_str()), (&format!("ou=x,{}", test.base), 32, &test.base), ("dc=example", 32, ""),
            ("", 32, ""), ("not a dn", 34, ""),
        ] {
            let result = ldap.search(base, Scope::Subtree, "(cn=*)", ["1.1"]).await.unwrap().1;
            assert_eq!((result.rc, result.matched.as_str()), (code, matched), "{base}");
        }
    }

    /// Lists of attributes, and names without values.
    async fn selections(app) {
        people(&app).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        let alice = test.user("alice");
        let attributes = async |ldap: &mut ldap3::Ldap, list: &[&str]| {
            let mut names: Vec<String> = test.entry(ldap, &alice, list).await.attrs.into_keys().collect();
            names.sort();
            names
        };
        assert_eq!(attributes(&mut ldap, &["MAIL", "uid;binary", "cn;lang-de", "nonsense"]).await, ["mail", "uid"]);
        assert!(attributes(&mut ldap, &["1.1"]).await.is_empty());
        let user = attributes(&mut ldap, &[]).await;
        assert_eq!(attributes(&mut ldap, &["*"]).await, user);
        assert!(user.contains(&"uid".to_owned()) && !user.contains(&"entryUUID".to_owned()));
        let operational = attributes(&mut ldap, &["+"]).await;
        assert!(operational.contains(&"entryUUID".to_owned()) && !operational.contains(&"uid".to_owned()));
        assert_eq!(attributes(&mut ldap, &["*", "+"]).await.len(), user.len() + operational.len());
        ldap.with_search_options(SearchOptions::new().typesonly(true));
        let entry = test.entry(&mut ldap, &alice, &["mail", "memberOf"]).await;
        assert_eq!(entry.attrs.len(), 2);
        assert!(entry.attrs.values().all(Vec::is_empty));
    }

    /// Pages of every size come to the same as one answer; size limits are kept.
    async fn pages_and_limits(app) {
        people(&app).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.reader().await;
        for filter in ["(objectClass=*)", "(|(cn=alice)(cn=bob)(cn=staff))", "(mail=*)", "(cn=nobody)"] {
            let mut whole = test.found(&mut ldap, filter).await;
            whole.sort();
            for size in [1, 2, 3, 7, 1000] {
                let adapters: Vec<Box<dyn Adapter<_, _>>> = vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(size))];
                let mut stream = ldap.streaming_search_with(adapters, &test.base, Scope::Subtree, filter, vec!["1.1"]).await.unwrap();
                let mut paged = Vec::new();
                while let Some(entry) = stream.next().await.unwrap() {
                    paged.push(SearchEntry::construct(entry).dn);
                }
                assert_eq!(stream.finish().await.rc, 0);
                paged.sort();
                assert_eq!(paged, whole, "{filter} by {size}");
            }
        }
        for (limit, code) in [(1, 4), (4, 4), (5, 0), (6, 0)] {
            ldap.with_search_options(SearchOptions::new().sizelimit(limit));
            let (entries, result) = {
                let result = ldap.search(&test.base, Scope::Subtree, "(objectClass=person)", ["1.1"]).await.unwrap();
                (result.0, result.1)
            };
            assert_eq!((entries.len(), result.rc), (usize::try_from(limit.min(5)).unwrap(), code), "{limit}");
        }
    }

    /// A person sees themselves, their groups and in them only themselves; nobody sees the root DSE and the schema.
    async fn who_sees_what(app) {
        people(&app).await;
        let test = LdapTest::new(&app).await;
        let mut ldap = test.bound("alice").await;
        assert_eq!(test.names(&mut ldap, "(objectClass=*)").await, [
            "cn=alice", "cn=alice", "cn=everyone-here", "cn=staff", "dc=ldap", "ou=groups", "ou=users", "ou=virtual-groups",
        ]);
        let staff = test.entry(&mut ldap, &test.group("staff"), &["member", "uniqueMember", "memberUid", "memberOf"]).await;
        assert_eq!((values(&staff, "member"), values(&staff, "memberUid")), (vec![test.user("alice")], vec!["alice".into()]));
        assert_eq!(values(&staff, "uniqueMember"), [test.user("alice")]);
        assert_eq!(test.names(&mut ldap, &format!("(member={})", test.user("bob"))).await, Vec::<String>::new());
        assert_eq!(test.names(&mut ldap, "(memberUid=bob)").await, Vec::<String>::new());
        assert_eq!(test.names(&mut ldap, &format!("(&(objectClass=groupOfNames)(member={}))", test.user("alice"))).await, [
            "cn=alice", "cn=everyone-here", "cn=staff",
        ]);
        for hidden in [test.user("bob"), test.group("empty"), test.group("Doorward Admins"), format!("cn=bob,ou=virtual-groups,{}", test.base)] {
            assert_eq!(ldap.search(&hidden, Scope::Base, "(objectClass=*)", ["1.1"]).await.unwrap().1.rc, 32, "{hidden}");
            assert_eq!(ldap.compare(&hidden, "cn", "bob").await.unwrap().0.rc, 32, "{hidden}");
        }
        let mut admin = test.bound("admin").await;
        assert_eq!(test.names(&mut admin, "(objectClass=person)").await, ["cn=admin"], "administrators are people here, too");
        let mut nobody = test.connect().await;
        let root = test.entry(&mut nobody, "", &[]).await;
        assert_eq!(values(&root, "namingContexts")[0], test.base);
        assert_eq!(values(&root, "supportedLDAPVersion"), ["3"]);
        assert!(values(&root, "supportedExtension").contains(&"1.3.6.1.4.1.1466.20037".into()));
        let schema = test.entry(&mut nobody, &values(&root, "subschemaSubentry")[0], &["attributeTypes", "objectClasses"]).await;
        assert!(values(&schema, "attributeTypes").len() > 30 && values(&schema, "objectClasses").len() > 5);
        assert_eq!(nobody.search(&test.base, Scope::Base, "(objectClass=*)", ["1.1"]).await.unwrap().1.rc, 50);
        assert_eq!(nobody.compare(&test.user("bob"), "cn", "bob").await.unwrap().0.rc, 50);
    }
}
