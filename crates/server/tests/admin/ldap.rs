//! Applications with an LDAP provider: adding, editing, the password that is shown once, removing.

use axum::http::StatusCode;
use doorward_core::{
    access_rule::AccessRule,
    ldap_provider::{LdapProfile, UidSource},
};
use doorward_server::applications::{self, ApplicationEdit};

use super::{
    applications::{changed, fields_of},
    browser::{House, Page},
};

const NEW: &str = "/if/admin/applications/new/";
const LINUX: &str = "/if/admin/applications/linux/";
const NETBOX: &str = "/if/admin/applications/netbox/";

fn profile(house: &House, slug: &str) -> LdapProfile {
    applications::ldap::find(&house.app, slug).unwrap().provider.profile.clone()
}

/// The bind password that a page shows, which stands in the settings too.
fn shown_password(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.errors());
    let password = page.text("bind-password");
    assert_eq!(password.len(), 40);
    assert!(page.has("no other page shows it"));
    password
}

#[tokio::test]
async fn any_application_over_ldap() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let fields = [("recipe", "custom/ldap"), ("name", "Linux"), ("access", "everyone"), ("uid_source", "username")];
    let page = browser.post(NEW, &fields).await;
    let password = shown_password(&page);
    assert_eq!(page.text("ldap-bind-dn"), "cn=linux-ldap,ou=users,dc=ldap,dc=goauthentik,dc=io");
    assert_eq!(page.text("ldap-users-dn"), "ou=users,dc=ldap,dc=goauthentik,dc=io");
    assert_eq!(page.text("ldap-uri"), "ldap://127.0.0.1:3389");
    assert!(!page.has("id=\"client-id\"") && !page.has("id=\"redirect_uris\"") && !page.has("id=\"claims\""));
    assert_eq!(profile(&house, "linux").uid_source, UidSource::Username);

    let page = browser.get(LINUX).await;
    assert!(!page.has(&password) && page.is_checked("id=\"uid_source-username\""));
    assert_eq!(page.area("searchers"), "linux-ldap");
    let list = browser.get("/if/admin/applications/").await;
    assert!(list.has("id=\"application-linux\"") && list.has("<td data-label=\"Method\">LDAP</td>"));
    assert!(browser.get("/if/admin/").await.has("admin added the application Linux"));
}

#[tokio::test]
async fn recipes_over_ldap_show_settings_with_the_password_once() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let form = browser.get(NEW).await;
    assert!(form.has("single sign-on button") && form.has("own form"));
    for id in ["recipe-netbox", "recipe-netbox-ldap", "recipe-sssd", "recipe-custom-ldap"] {
        assert!(form.has(&format!("id=\"{id}\"")), "{id}");
    }
    let fields = [
        ("recipe", "netbox/ldap"),
        ("name", "NetBox"),
        ("url", "https://netbox.example.org"),
        ("access", "everyone"),
        ("superuser_groups", "Doorward Admins"),
        ("base_dn", "dc=netbox,dc=example,dc=org"),
    ];
    let page = browser.post(NEW, &fields).await;
    let password = shown_password(&page);
    let block = page.text("settings-ldap-file");
    assert!(block.contains(&format!("AUTH_LDAP_BIND_PASSWORD = '{password}'")), "{block}");
    assert!(block.contains("cn=Doorward Admins,ou=groups,dc=netbox,dc=example,dc=org"));
    assert!(!page.text("settings-ldap-docker").is_empty() && !page.has("id=\"settings-file\""));
    assert_eq!(profile(&house, "netbox").uid_source, UidSource::HashedUserId);

    let later = browser.get(NETBOX).await;
    assert!(!later.has(&password) && later.text("settings-ldap-file").contains("<the LDAP password; only a new one"));
    let renewed = shown_password(&browser.post(&format!("{NETBOX}rotate-ldap-password/"), &[]).await);
    assert_ne!(renewed, password);
    assert!(browser.get("/if/admin/").await.has("replaced the LDAP password of NetBox"));

    // What a recipe does not know is refused, not dropped.
    let fields = [
        ("recipe", "sssd"),
        ("name", "Linux"),
        ("url", "https://x.example"),
        ("access", "everyone"),
        ("superuser_groups", "Doorward Admins"),
        ("redirect_uris", "nonsense"),
    ];
    for field in ["url", "superuser_groups", "redirect_uris"] {
        browser.refused(NEW, &fields, field, "has no use for this").await;
    }
    let fields =
        [("recipe", "sssd"), ("name", "Linux"), ("access", "everyone"), ("ldap_uri", "ldaps://ldap.example.org")];
    let page = browser.post(NEW, &fields).await;
    shown_password(&page);
    assert!(page.text("settings-ldap-file").contains("ldap_uri = ldaps://ldap.example.org:636"));
    assert_eq!(profile(&house, "linux").uid_source, UidSource::Username);
    assert_eq!(profile(&house, "linux").base_dn, "dc=ldap,dc=goauthentik,dc=io");
}

#[tokio::test]
async fn a_new_application_over_ldap_says_what_it_lacks() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let fields = |recipe| [("recipe", recipe), ("name", "Linux"), ("access", "everyone"), ("base_dn", "nonsense")];
    browser.refused(NEW, &fields("custom/ldap"), "uid_source", "Choose one").await;
    browser.refused(NEW, &fields("netbox/ldap"), "url", "Give the address").await;
    for recipe in ["sssd/oidc", "grafana/ldap", "custom/saml", "nothing"] {
        browser.refused(NEW, &fields(recipe), "recipe", "Choose which application").await;
    }
    let page = browser.refused(NEW, &fields("sssd"), "base_dn", "not a DN").await;
    assert!(page.is_checked("id=\"recipe-sssd\""));
    assert_eq!(page.value("base_dn"), "nonsense");
    assert!(house.app.snapshot().applications.is_empty());
}

#[tokio::test]
async fn everything_about_it_can_be_edited() {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    browser.post(NEW, &[("recipe", "sssd"), ("name", "Linux"), ("access", "everyone")]).await;
    let fields = fields_of(&browser.get(LINUX).await);
    let before = ApplicationEdit::of(&applications::find(&house.app, "linux").unwrap());
    browser.done(LINUX, &changed(&fields, &[])).await;
    assert_eq!(ApplicationEdit::of(&applications::find(&house.app, "linux").unwrap()), before, "untouched");

    for (field, typed, message) in [
        ("base_dn", "", "Give the base DN"),
        ("base_dn", "x", "not a DN"),
        ("uid_source", "else", "Choose one"),
        ("uid_start_number", "many", "A number"),
        ("gid_start_number", "2000", "different numbers"),
        ("searchers", "nobody-there", "Nobody has the username"),
        ("ldap_uri", "https://id.example.org", "is not the address of an LDAP server"),
    ] {
        let page = browser.refused(LINUX, &changed(&fields, &[(field, typed)]), field, message).await;
        assert!(page.has("id=\"ldap\""));
    }

    let right = [
        ("name", "Machines"),
        ("access", "groups"),
        ("allow_users", "alice"),
        ("base_dn", "dc=example,dc=org"),
        ("uid_source", "hashed_user_id"),
        ("nested_groups", "false"),
        ("code_in_password", "false"),
        ("uid_start_number", "10000"),
        ("gid_start_number", "20000"),
        ("searchers", "linux-ldap\r\nalice"),
        ("ldap_uri", "ldaps://ldap.example.org"),
    ];
    let page = browser.done(LINUX, &changed(&fields, &right)).await;
    let entry = applications::find(&house.app, "linux").unwrap();
    let kept = profile(&house, "linux");
    assert!(matches!(&entry.application.profile.access, AccessRule::Only { users, .. } if users.len() == 1));
    assert_eq!((kept.base_dn.as_str(), kept.uid_source), ("dc=example,dc=org", UidSource::HashedUserId));
    assert_eq!((kept.nested_groups, kept.code_in_password), (false, false));
    assert_eq!((kept.uid_start_number, kept.gid_start_number, kept.searchers.len()), (10_000, 20_000, 2));
    assert_eq!(page.area("searchers"), "alice\nlinux-ldap");
    assert!(page.text("settings-ldap-file").contains("ldap_uri = ldaps://ldap.example.org:636"));
    let fields = fields_of(&page);
    let page = browser.done(LINUX, &changed(&fields, &[("ldap_uri", "")])).await;
    assert_eq!(page.text("ldap-uri"), "ldap://127.0.0.1:3389");
    assert!(page.heading().contains("Machines"));
}

#[tokio::test]
async fn ldap_is_added_to_an_application_and_taken_away() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let key = house.app.snapshot().keys[0].id.to_string();
    let fields = [
        ("recipe", "netbox"),
        ("name", "NetBox"),
        ("url", "https://netbox.example.org"),
        ("client_type", "confidential"),
        ("signing_key", &key),
        ("access", "everyone"),
    ];
    let page = browser.done(NEW, &fields).await;
    assert!(page.has("id=\"add-ldap\"") && !page.has("id=\"ldap-base-dn\""));
    assert_eq!(browser.post(&format!("{NETBOX}rotate-ldap-password/"), &[]).await.status, StatusCode::NOT_FOUND);

    let page = browser.post(&format!("{NETBOX}add-ldap/"), &[]).await;
    let password = shown_password(&page);
    assert!(page.text("settings-ldap-file").contains(&password) && !page.text("settings-file").contains(&password));
    let page = browser.get(NETBOX).await;
    for id in
        ["client-id", "ldap-base-dn", "claims", "ldap", "settings-file", "settings-ldap-file", "remove-ldap-dialog"]
    {
        assert!(page.has(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(browser.get("/if/admin/applications/").await.has("OpenID Connect, LDAP"));
    let fields = fields_of(&page);
    let before = ApplicationEdit::of(&applications::find(&house.app, "netbox").unwrap());
    browser.done(NETBOX, &changed(&fields, &[])).await;
    assert_eq!(ApplicationEdit::of(&applications::find(&house.app, "netbox").unwrap()), before, "untouched");

    let page = browser.done(&format!("{NETBOX}remove-ldap/"), &[]).await;
    assert!(page.has("The LDAP provider is removed.") && page.has("id=\"add-ldap\""));
    assert!(applications::find_client(&house.app, "netbox").is_ok());
}
