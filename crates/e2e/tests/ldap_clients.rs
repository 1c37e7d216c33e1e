//! Real LDAP clients, each as its users set it up.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail};
use doorward_e2e::doorward::PASSWORD;
use doorward_e2e::ldap::dovecot::Dovecot;
use doorward_e2e::ldap::freeradius::FreeRadius;
use doorward_e2e::ldap::logins::{Daemon, Logins};
use doorward_e2e::ldap::people::Scene;
use doorward_e2e::ldap::tools::Tools;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::exop::{WhoAmI, WhoAmIResp};
use ldap3::{LdapConnAsync, Scope, SearchEntry};

/// What people change their password to.
const NEW_PASSWORD: &str = "Eight-Blue-Bottles-0n-a-Wall";

/// A machine with the printed settings: people, their groups and those above them, sign-in, and a new password.
async fn people_log_in(daemon: Daemon, recipe: &str) -> Result<()> {
    let scene = Scene::start(recipe, &[]).await?;
    let logins = Logins::start(daemon, scene.settings.only()?, &scene.directory.certificate, "alice").await?;

    let line = logins.user("alice")?.context("no alice")?;
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, number, group, _, home, shell] = fields.as_slice() else { bail!("{line}") };
    assert_eq!((*name, *home, *shell), ("alice", "/home/alice", "/bin/sh"));
    assert_eq!(number, group, "everybody has a group of their own number");
    assert_eq!(logins.user(number)?.as_ref(), Some(&line));
    assert_eq!(logins.user("nobody-at-all")?, None);

    for group in ["netbox-users", "netbox-staff"] {
        let line = logins.group(group)?.with_context(|| format!("no {group}"))?;
        let mut members: Vec<_> = line.rsplit(':').next().unwrap_or_default().split(',').collect();
        members.sort_unstable();
        assert_eq!(members, ["alice", "bob"], "{line}");
    }
    assert_eq!(logins.groups_of("alice")?, ["alice", "netbox-admins", "netbox-staff", "netbox-users"]);
    assert_eq!(logins.groups_of("carol")?, ["carol"]);

    assert!(logins.lets_in("bob", PASSWORD)?);
    assert!(!logins.lets_in("bob", "wrong")?);
    assert!(!logins.lets_in("nobody-at-all", PASSWORD)?);

    let changed = logins.change_password("bob", PASSWORD, NEW_PASSWORD)?;
    assert_eq!(changed.code, Some(0), "{changed:?}");
    assert!(logins.lets_in("bob", NEW_PASSWORD)? && !logins.lets_in("bob", PASSWORD)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_to_unix_by_sssd() -> Result<()> {
    people_log_in(Daemon::Sssd, "sssd").await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_to_unix_by_nslcd() -> Result<()> {
    people_log_in(Daemon::Nslcd, "nslcd").await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_their_mail_by_dovecot() -> Result<()> {
    let scene = Scene::start("dovecot", &[]).await?;
    let dovecot = Dovecot::start(&scene.settings, &scene.directory.certificate).await?;
    assert!(dovecot.lets_in("alice", PASSWORD)?);
    assert!(!dovecot.lets_in("alice", "wrong")?);
    assert!(!dovecot.lets_in("nobody-at-all", PASSWORD)?);
    let known = dovecot.user("alice")?.ok()?;
    assert!(known.contains("/home/alice"), "{known}");
    assert_ne!(dovecot.user("nobody-at-all")?.code, Some(0));
    Ok(())
}

/// A rule of an administrator of FreeRADIUS.
const BY_GROUP: &str = "
post-auth {
    if (&LDAP-Group == \"netbox-admins\") {
        update reply {
            &Filter-Id := \"netbox-admins\"
        }
    }
}
";

#[tokio::test(flavor = "multi_thread")]
async fn people_get_into_the_network_by_freeradius() -> Result<()> {
    let scene = Scene::start("freeradius", &[]).await?;
    let radius = FreeRadius::start(&scene.settings, BY_GROUP, &scene.directory.certificate).await?;
    let answer = radius.answer("alice", PASSWORD)?;
    assert!(answer.contains("Access-Accept") && answer.contains("Filter-Id = \"netbox-admins\""), "{answer}");
    let answer = radius.answer("bob", PASSWORD)?;
    assert!(answer.contains("Access-Accept") && !answer.contains("Filter-Id"), "{answer}");
    assert!(!radius.lets_in("alice", "wrong")?);
    assert!(!radius.lets_in("nobody-at-all", PASSWORD)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn libraries_of_other_languages_find_and_sign_in_people() -> Result<()> {
    let Scene { directory, doorward: _doorward, .. } = Scene::start("sssd", &[]).await?;
    let tools = Tools::start(&directory).await?;
    for script in ["python_ldap3.py", "python_bonsai.py", "python_ldap.py"] {
        tools.python(script, "alice", PASSWORD)?;
    }
    tools.ldapts("alice", PASSWORD)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn openldaps_tools_search_compare_and_ask_who_they_are() -> Result<()> {
    let Scene { directory, doorward: _doorward, .. } = Scene::start("sssd", &[]).await?;
    let tools = Tools::start(&directory).await?;
    let alice = tools.search("(cn=alice)", &["mail", "memberOf"])?;
    assert!(
        alice.contains("mail: alice@example.org") && alice.contains(&directory.group_dn("netbox-admins")),
        "{alice}"
    );
    let none = tools.search("(cn=nobody-at-all)", &[])?;
    assert_eq!(none.trim(), "");

    let compare = |group: &str, username: &str| -> Result<Option<i32>> {
        let assertion = format!("member:{}", directory.user_dn(username));
        Ok(tools.openldap("ldapcompare", &[&directory.group_dn(group), &assertion])?.code)
    };
    // The result codes compareTrue, compareFalse and noSuchObject (RFC 4511, section 4.1.9).
    assert_eq!(compare("netbox-admins", "alice")?, Some(6));
    assert_eq!(compare("netbox-admins", "bob")?, Some(5));
    assert_eq!(compare("no-such-group", "bob")?, Some(32));

    let dn = directory.user_dn("alice");
    let who = tools.openldap_as("ldapwhoami", (&dn, PASSWORD), &[])?.ok()?;
    assert_eq!(who.trim().to_lowercase(), format!("dn:{dn}").to_lowercase());
    assert_eq!(tools.openldap_as("ldapwhoami", (&dn, "wrong"), &[])?.code, Some(49));
    let changed = tools.openldap_as("ldappasswd", (&dn, PASSWORD), &["-a", PASSWORD, "-s", NEW_PASSWORD])?;
    assert_eq!(changed.code, Some(0), "{changed:?}");
    assert_eq!(tools.openldap_as("ldapwhoami", (&dn, PASSWORD), &[])?.code, Some(49));
    assert_eq!(tools.openldap_as("ldapwhoami", (&dn, NEW_PASSWORD), &[])?.code, Some(0));
    let bob = directory.user_dn("bob");
    let other = tools.openldap_as("ldappasswd", (&dn, NEW_PASSWORD), &["-s", NEW_PASSWORD, &bob])?;
    assert!(other.code != Some(0), "nobody but an administrator sets the password of others: {other:?}");
    assert_eq!(tools.openldap_as("ldapwhoami", (&bob, PASSWORD), &[])?.code, Some(0));
    let root = tools.openldap_anonymously("ldapsearch", &["-LLL", "-b", "", "-s", "base", "namingContexts"])?.ok()?;
    assert!(root.contains(&directory.base), "{root}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ldap3_crate_searches_in_pages_compares_and_binds_again() -> Result<()> {
    let Scene { directory, doorward: _doorward, .. } = Scene::start("sssd", &[]).await?;
    let (connection, mut ldap) = LdapConnAsync::new(&directory.url()).await?;
    let driving = async move { connection.drive().await };
    let asking = async move {
        ldap.simple_bind(&directory.bind_dn, &directory.bind_password).await?.success()?;
        let found = ldap.search(&directory.base, Scope::Subtree, "(uid=alice)", vec!["mail", "memberOf"]).await?;
        let (found, _) = found.success()?;
        let [entry] = <[_; 1]>::try_from(found).map_err(|found| anyhow!("{} entries", found.len()))?;
        let entry = SearchEntry::construct(entry);
        assert_eq!(entry.attrs.get("mail"), Some(&vec!["alice@example.org".to_owned()]));

        let adapters: Vec<Box<dyn Adapter<_, _>>> = vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(1))];
        let (users, filter) = (format!("ou=users,{}", directory.base), "(objectClass=person)");
        let mut pages = ldap.streaming_search_with(adapters, &users, Scope::OneLevel, filter, vec!["cn"]).await?;
        let mut names = BTreeSet::new();
        while let Some(entry) = pages.next().await? {
            assert!(names.insert(SearchEntry::construct(entry).dn), "an entry came twice");
        }
        pages.finish().await.success()?;
        assert!(names.len() > 2 && names.contains(&directory.user_dn("alice")), "{names:?}");

        let (group, alice) = (directory.group_dn("netbox-admins"), directory.user_dn("alice"));
        assert!(ldap.compare(&group, "member", &alice).await?.equal()?);
        assert!(!ldap.compare(&group, "member", directory.user_dn("bob")).await?.equal()?);
        ldap.simple_bind(&alice, PASSWORD).await?.success()?;
        let (who, _) = ldap.extended(WhoAmI).await?.success()?;
        assert_eq!(who.parse::<WhoAmIResp>().authzid.to_lowercase(), format!("dn:{alice}").to_lowercase());
        assert_eq!(ldap.simple_bind(&alice, "wrong").await?.rc, 49);
        ldap.unbind().await?;
        anyhow::Ok(())
    };
    let (driven, asked) = tokio::join!(driving, asking);
    asked?;
    Ok(driven?)
}
