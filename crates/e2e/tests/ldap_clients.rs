//! Real LDAP clients, each as its users set it up.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail};
use doorward_e2e::doorward::PASSWORD;
use doorward_e2e::ldap::dovecot::Dovecot;
use doorward_e2e::ldap::freeradius::FreeRadius;
use doorward_e2e::ldap::logins::{Daemon, Logins};
use doorward_e2e::ldap::slapd::{Slapd, translated};
use doorward_e2e::ldap::tools::Tools;
use doorward_e2e::ldap::{Directory, people};
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::exop::{WhoAmI, WhoAmIResp};
use ldap3::{LdapConnAsync, Scope, SearchEntry};

const BASE: &str = "dc=ldap,dc=goauthentik,dc=io";

/// A directory with Alice, who is in netbox-admins and netbox-users, Bob, who is in netbox-users, and Carol.
async fn directory() -> Result<(Slapd, Directory)> {
    let slapd = Slapd::start(BASE, &format!("cn=service,ou=users,{BASE}"), &translated(&people::ldif(BASE))).await?;
    let directory = slapd.directory.clone();
    Ok((slapd, directory))
}

async fn people_log_in(daemon: Daemon, settings: impl Fn(&Directory) -> String) -> Result<()> {
    let (_server, directory) = directory().await?;
    let logins = Logins::start(daemon, &settings(&directory), &directory.certificate, "alice").await?;

    let line = logins.user("alice")?.context("no alice")?;
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, number, group, _, home, shell] = fields.as_slice() else { bail!("{line}") };
    assert_eq!((*name, *home, *shell), ("alice", "/home/alice", "/bin/bash"));
    assert_eq!(number, group, "everybody has a group of their own number");
    assert_eq!(logins.user(number)?.as_ref(), Some(&line));
    assert_eq!(logins.user("nobody-at-all")?, None);

    let group = logins.group("netbox-users")?.context("no netbox-users")?;
    let mut members: Vec<_> = group.rsplit(':').next().unwrap_or_default().split(',').collect();
    members.sort_unstable();
    assert_eq!(members, ["alice", "bob"], "{group}");
    let groups = logins.groups_of("alice")?;
    assert!(
        ["netbox-admins", "netbox-users"].iter().all(|name| groups.iter().any(|group| group == name)),
        "{groups:?}"
    );
    assert!(!logins.groups_of("carol")?.contains(&"netbox-users".to_owned()));

    assert!(logins.lets_in("bob", PASSWORD)?);
    assert!(!logins.lets_in("bob", "wrong")?);
    assert!(!logins.lets_in("nobody-at-all", PASSWORD)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_to_unix_by_sssd() -> Result<()> {
    people_log_in(Daemon::Sssd, people::sssd).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_to_unix_by_nslcd() -> Result<()> {
    people_log_in(Daemon::Nslcd, people::nslcd).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_their_mail_by_dovecot() -> Result<()> {
    let (_server, directory) = directory().await?;
    let dovecot = Dovecot::start(&people::dovecot(&directory), &directory.certificate).await?;
    assert!(dovecot.lets_in("alice", PASSWORD)?);
    assert!(!dovecot.lets_in("alice", "wrong")?);
    assert!(!dovecot.lets_in("nobody-at-all", PASSWORD)?);
    let known = dovecot.user("alice")?.ok()?;
    assert!(known.contains("/home/alice"), "{known}");
    assert_ne!(dovecot.user("nobody-at-all")?.code, Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_into_the_network_by_freeradius() -> Result<()> {
    let (_server, directory) = directory().await?;
    let module = people::freeradius(&directory);
    let radius = FreeRadius::start(&module, people::FREERADIUS_SECTIONS, &directory.certificate).await?;
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
    let (_server, directory) = directory().await?;
    let tools = Tools::start(&directory).await?;
    for script in ["python_ldap3.py", "python_bonsai.py", "python_ldap.py"] {
        tools.python(script, "alice", PASSWORD)?;
    }
    tools.ldapts("alice", PASSWORD)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn openldaps_tools_search_compare_and_ask_who_they_are() -> Result<()> {
    let (_server, directory) = directory().await?;
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
    let root = tools.openldap_anonymously("ldapsearch", &["-LLL", "-b", "", "-s", "base", "namingContexts"])?.ok()?;
    assert!(root.contains(&directory.base), "{root}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ldap3_crate_searches_in_pages_compares_and_binds_again() -> Result<()> {
    let (_server, directory) = directory().await?;
    let (connection, mut ldap) = LdapConnAsync::new(&directory.url()).await?;
    let driving = async move { connection.drive().await };
    let asking = async move {
        ldap.simple_bind(&directory.bind_dn, &directory.bind_password).await?.success()?;
        let found = ldap.search(&directory.base, Scope::Subtree, "(cn=alice)", vec!["mail", "memberOf"]).await?;
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
