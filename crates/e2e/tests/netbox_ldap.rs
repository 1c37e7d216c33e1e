//! NetBox's LDAP backend with the settings that Doorward prints: people sign in with NetBox's own form, and groups and
//! superusers come from the directory.

use anyhow::{Context, Result, ensure};
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::ldap::{Directory, people};
use doorward_e2e::netbox::{NetBox, Person};

struct Scene {
    doorward: Doorward,
    netbox: NetBox,
}

/// A NetBox with the printed settings, as `edited` by its administrator, who chose the `address` of the directory.
async fn scene(
    address: impl Fn(&Doorward) -> Result<String>,
    edited: impl Fn(&Directory, &str) -> Result<String>,
) -> Result<Scene> {
    let doorward = Doorward::start_with_ldap().await?;
    people::add(&doorward)?;
    let mut netbox = NetBox::prepare()?;
    let (url, uri) = (netbox.url(""), address(&doorward)?);
    let options = ["--method", "ldap", "--url", &url, "--superusers", "netbox-admins", "--ldap-uri", &uri];
    let (directory, settings) = Directory::added_by_address(&doorward, "netbox", "netbox-slug", &options)?;
    doorward.settle().await;
    let configuration = edited(&directory, settings.file("ldap_config.py")?)?;
    netbox.start_with(settings.file("configuration.py")?, &[("ldap_config.py", configuration.as_str())]).await?;
    Ok(Scene { doorward, netbox })
}

/// The settings trust what the machine trusts: another certificate is named where they say so.
fn trusting(doorward_certificate: &str, settings: &str) -> Result<String> {
    let named = settings
        .replace(
            "# ldap.OPT_X_TLS_CACERTFILE: '/etc/ssl/doorward.pem',",
            &format!("ldap.OPT_X_TLS_CACERTFILE: '{doorward_certificate}',"),
        )
        .replace("# ldap.OPT_X_TLS_NEWCTX: 0,", "ldap.OPT_X_TLS_NEWCTX: 0,");
    ensure!(
        named.contains(doorward_certificate) && !named.contains("# ldap."),
        "no place for a certificate:\n{settings}"
    );
    Ok(named)
}

impl Scene {
    fn person(&self, username: &str) -> Result<Person> {
        self.netbox.person(username)?.with_context(|| format!("NetBox has no user {username}"))
    }

    async fn lets_in(&self, username: &str, password: &str) -> Result<bool> {
        let lets_in = self.netbox.lets_in(username, password).await;
        lets_in.with_context(|| self.netbox.output())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_settings_search_bind_and_bring_groups_and_superusers() -> Result<()> {
    let certificate = tempfile::NamedTempFile::new()?;
    let path = certificate.path().display().to_string();
    let scene = scene(
        |doorward| Ok(format!("ldaps://127.0.0.1:{}", doorward.ldap_ports()?.1)),
        |directory, settings| {
            std::fs::write(certificate.path(), &directory.certificate)?;
            trusting(&path, settings)
        },
    )
    .await?;
    assert!(scene.lets_in("alice", PASSWORD).await?, "{}", scene.netbox.output());
    let alice = scene.person("alice")?;
    assert!(alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-admins", "netbox-staff", "netbox-users"]);
    assert_eq!((alice.name.as_str(), alice.email.as_str()), ("Alice Example", "alice@example.org"));

    assert!(scene.lets_in("BOB", PASSWORD).await?, "{}", scene.netbox.output());
    let bob = scene.person("bob")?;
    assert_eq!((bob.is_superuser, bob.groups), (false, vec!["netbox-staff".to_owned(), "netbox-users".to_owned()]));
    assert!(!scene.lets_in("alice", "wrong").await?);
    assert!(!scene.lets_in("*)(cn=alice", PASSWORD).await?);
    assert!(!scene.lets_in("nobody-at-all", PASSWORD).await?);

    // Granted to Bob and taken from Alice, both seen at their next sign-ins.
    scene.doorward.run(&["group", "add-member", "netbox-admins", "bob"])?;
    scene.doorward.run(&["group", "remove-member", "netbox-admins", "alice"])?;
    scene.doorward.settle().await;
    let expected = [("alice", false), ("bob", true)];
    for (username, is_superuser) in expected {
        assert!(scene.lets_in(username, PASSWORD).await?, "{}", scene.netbox.output());
        assert_eq!(scene.person(username)?.is_superuser, is_superuser, "{username}");
    }
    // Groups are mirrored from what django-auth-ldap remembers for AUTH_LDAP_CACHE_TIMEOUT.
    scene.netbox.forget_cached()?;
    for (username, is_superuser) in expected {
        assert!(scene.lets_in(username, PASSWORD).await?, "{}", scene.netbox.output());
        let person = scene.person(username)?;
        assert_eq!(person.groups.contains(&"netbox-admins".to_owned()), is_superuser, "{person:?}");
    }

    scene.doorward.run(&["user", "disable", "bob"])?;
    assert!(!scene.lets_in("bob", PASSWORD).await?, "Bob is disabled");
    Ok(())
}

/// What an administrator adds who wants a group to be required, and people to be bound by their DN without a search.
fn with_template(directory: &Directory, settings: &str) -> String {
    format!(
        "{settings}
from django_auth_ldap.config import NestedGroupOfNamesType
AUTH_LDAP_USER_SEARCH = None
AUTH_LDAP_USER_DN_TEMPLATE = 'cn=%(user)s,ou=users,{base}'
AUTH_LDAP_BIND_AS_AUTHENTICATING_USER = True
AUTH_LDAP_GROUP_TYPE = NestedGroupOfNamesType()
AUTH_LDAP_REQUIRE_GROUP = '{staff}'
",
        base = directory.base,
        staff = directory.group_dn("netbox-staff"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_bound_by_a_template_and_groups_are_nested() -> Result<()> {
    let scene = scene(
        |doorward| Ok(format!("ldap://127.0.0.1:{}", doorward.ldap_ports()?.0)),
        |directory, settings| Ok(with_template(directory, settings)),
    )
    .await?;
    assert!(scene.lets_in("alice", PASSWORD).await?, "{}", scene.netbox.output());
    let alice = scene.person("alice")?;
    assert!(alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-admins", "netbox-staff", "netbox-users"]);
    assert!(!scene.lets_in("carol", PASSWORD).await?, "Carol is not in the required group");
    assert!(scene.netbox.person("carol")?.is_none());
    assert!(!scene.lets_in("alice", "wrong").await?);
    assert!(!scene.lets_in("nobody-at-all", PASSWORD).await?);
    Ok(())
}
