//! NetBox's LDAP backend: people sign in with NetBox's own form, and groups and superusers come from the directory.

use anyhow::{Context, Result};
use doorward_e2e::doorward::PASSWORD;
use doorward_e2e::ldap::slapd::{Slapd, translated};
use doorward_e2e::ldap::{Directory, people};
use doorward_e2e::netbox::{NetBox, Person};

const BASE: &str = "dc=ldap,dc=goauthentik,dc=io";

const SETTINGS: &str = "REMOTE_AUTH_ENABLED = True
REMOTE_AUTH_BACKEND = 'netbox.authentication.LDAPBackend'";

struct Scene {
    _server: Slapd,
    directory: Directory,
    netbox: NetBox,
}

/// A NetBox whose `ldap_config.py` has these lines at its end.
async fn scene(more: impl Fn(&Directory) -> String) -> Result<Scene> {
    let server = Slapd::start(BASE, &format!("cn=service,ou=users,{BASE}"), &translated(&people::ldif(BASE))).await?;
    let directory = server.directory.clone();
    let mut netbox = NetBox::prepare()?;
    let configuration = format!("{}\n{}\n", ldap_config(&directory), more(&directory));
    netbox.start_with(SETTINGS, &[("ldap_config.py", configuration.as_str())]).await?;
    Ok(Scene { _server: server, directory, netbox })
}

/// What every variant has, as NetBox's guide writes it.
fn ldap_config(directory: &Directory) -> String {
    format!(
        "import ldap
from django_auth_ldap.config import GroupOfNamesType, LDAPSearch, NestedGroupOfNamesType
AUTH_LDAP_SERVER_URI = '{url}'
AUTH_LDAP_CONNECTION_OPTIONS = {{ldap.OPT_REFERRALS: 0}}
AUTH_LDAP_USER_ATTR_MAP = {{'first_name': 'givenName', 'last_name': 'sn', 'email': 'mail'}}
AUTH_LDAP_GROUP_SEARCH = LDAPSearch('ou=groups,{base}', ldap.SCOPE_SUBTREE, '(objectClass=groupOfNames)')
AUTH_LDAP_GROUP_TYPE = GroupOfNamesType()
AUTH_LDAP_MIRROR_GROUPS = True
AUTH_LDAP_FIND_GROUP_PERMS = True
AUTH_LDAP_USER_FLAGS_BY_GROUP = {{'is_superuser': '{admins}'}}
AUTH_LDAP_CACHE_TIMEOUT = 300",
        url = directory.url(),
        base = directory.base,
        admins = directory.group_dn("netbox-admins"),
    )
}

fn search_and_bind(directory: &Directory) -> String {
    format!(
        "AUTH_LDAP_BIND_DN = '{dn}'
AUTH_LDAP_BIND_PASSWORD = '{password}'
AUTH_LDAP_USER_SEARCH = LDAPSearch('ou=users,{base}', ldap.SCOPE_SUBTREE, '(cn=%(user)s)')
AUTH_LDAP_REQUIRE_GROUP = '{users}'",
        dn = directory.bind_dn,
        password = directory.bind_password,
        base = directory.base,
        users = directory.group_dn("netbox-users"),
    )
}

fn dn_template(directory: &Directory) -> String {
    format!(
        "AUTH_LDAP_USER_DN_TEMPLATE = 'cn=%(user)s,ou=users,{base}'
AUTH_LDAP_BIND_AS_AUTHENTICATING_USER = True
AUTH_LDAP_GROUP_TYPE = NestedGroupOfNamesType()",
        base = directory.base,
    )
}

impl Scene {
    fn person(&self, username: &str) -> Result<Person> {
        self.netbox.person(username)?.with_context(|| format!("NetBox has no user {username}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_searched_then_bound_and_bring_their_groups() -> Result<()> {
    let scene = scene(search_and_bind).await?;
    assert!(scene.netbox.lets_in("alice", PASSWORD).await?, "{}", scene.netbox.output());
    let alice = scene.person("alice")?;
    assert!(alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-admins", "netbox-users"]);
    assert_eq!((alice.name.as_str(), alice.email.as_str()), ("alice Example", "alice@example.org"));

    assert!(scene.netbox.lets_in("BOB", PASSWORD).await?, "{}", scene.netbox.output());
    let bob = scene.person("bob")?;
    assert_eq!((bob.is_superuser, bob.groups), (false, vec!["netbox-users".to_owned()]));

    assert!(!scene.netbox.lets_in("carol", PASSWORD).await?, "Carol is not in the required group");
    assert!(!scene.netbox.lets_in("alice", "wrong").await?);
    assert!(!scene.netbox.lets_in("*)(cn=alice", PASSWORD).await?);
    assert!(!scene.directory.base.is_empty() && scene.netbox.person("carol")?.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_bound_by_a_template_and_groups_are_nested() -> Result<()> {
    let scene = scene(dn_template).await?;
    assert!(scene.netbox.lets_in("alice", PASSWORD).await?, "{}", scene.netbox.output());
    let alice = scene.person("alice")?;
    assert!(alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-admins", "netbox-users"]);
    assert!(!scene.netbox.lets_in("alice", "wrong").await?);
    assert!(!scene.netbox.lets_in("nobody-at-all", PASSWORD).await?);
    Ok(())
}
