//! Applications behind proxies: adding, editing, removing.

use axum::http::StatusCode;
use doorward_core::proxy_provider::{Identity, ProxyMode, ProxyProfile};
use doorward_server::applications::{self, ApplicationEdit};

use super::{
    applications::{changed, fields_of},
    browser::House,
};

const NEW: &str = "/if/admin/applications/new/";
const WIKI: &str = "/if/admin/applications/wiki/";

fn profile(house: &House) -> ProxyProfile {
    applications::proxy::find(&house.app, "wiki").unwrap().provider.profile.clone()
}

async fn added(house: &House) -> super::browser::Page {
    let key = house.app.snapshot().keys[0].id.to_string();
    let fields = [
        ("recipe", "custom/proxy"),
        ("name", "Wiki"),
        ("url", "https://wiki.example.org/start/"),
        ("client_type", "confidential"),
        ("signing_key", &key),
        ("access", "everyone"),
    ];
    house.admin().await.done(NEW, &fields).await
}

#[tokio::test]
async fn any_application_behind_a_proxy() {
    let house = House::new().await;
    let page = added(&house).await;
    assert_eq!(page.location, WIKI);
    assert_eq!(page.text("proxy-external-host"), "https://wiki.example.org");
    assert!(page.text("proxy-callback").starts_with("https://wiki.example.org/outpost.goauthentik.io/callback?"));
    assert!(page.has("id=\"proxy\"") && page.has("id=\"claims\"") && !page.has("id=\"add-proxy\""));
    assert!(!page.has("id=\"client-id\""), "what it stands on needs no copying");
    assert_eq!(profile(&house), ProxyProfile::single("https://wiki.example.org"));
    let list = house.admin().await.get("/if/admin/applications/").await;
    assert!(list.has("<td data-label=\"Method\">Forward auth</td>"));
}

#[tokio::test]
async fn a_new_application_behind_a_proxy_says_what_it_lacks() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let key = house.app.snapshot().keys[0].id.to_string();
    let fields = |url| {
        [("recipe", "custom/proxy"), ("name", "Wiki"), ("url", url), ("signing_key", &key), ("access", "everyone")]
    };
    browser.refused(NEW, &fields(""), "url", "Give the address").await;
    browser.refused(NEW, &fields("wiki"), "url", "is refused").await;
    let with_uris: Vec<_> =
        fields("https://wiki.example.org").into_iter().chain([("redirect_uris", "https://a.example/")]).collect();
    browser.refused(NEW, &with_uris, "redirect_uris", "has no use for this").await;
    assert!(house.app.snapshot().applications.is_empty());
}

#[tokio::test]
async fn everything_about_it_can_be_edited() {
    let house = House::new().await;
    let page = added(&house).await;
    let mut browser = house.admin().await;
    let fields = fields_of(&page);
    let before = ApplicationEdit::of(&applications::find(&house.app, "wiki").unwrap());
    browser.done(WIKI, &changed(&fields, &[])).await;
    assert_eq!(ApplicationEdit::of(&applications::find(&house.app, "wiki").unwrap()), before, "untouched");

    for (field, typed, named, message) in [
        ("external_host", "", "external_host", "Give the address"),
        ("external_host", "https://wiki.example.org/x", "external_host", "more than a host"),
        ("proxy_mode", "proxy", "proxy_mode", "Choose one"),
        ("proxy_mode", "forward_domain", "cookie_domain", "Write the domain"),
        ("skip_path_regex", "(", "skip_path_regex", "is refused"),
        ("session_validity", "long", "session_validity", "hours=1"),
        ("group_separator", "", "group_separator", "One to four signs"),
        ("header_username", "Cookie", "headers", "means something else"),
        ("header_uid", "Remote_Uid", "headers", "hyphens"),
        ("basic_auth_user_attribute", "name", "basic_auth_password_attribute", "user attribute"),
    ] {
        let page = browser.refused(WIKI, &changed(&fields, &[(field, typed)]), named, message).await;
        assert!(page.has("id=\"proxy\""));
    }

    let right = [
        ("proxy_mode", "forward_domain"),
        ("external_host", "https://auth.example.org/"),
        ("cookie_domain", "Example.org"),
        ("skip_path_regex", "^https://wiki\\.example\\.org/public/\r\n\r\nfavicon"),
        ("session_validity", "hours=8"),
        ("group_separator", ","),
        ("header_username", "Remote-User"),
        ("header_first_name", "Remote-First"),
        ("intercept_header_auth", "false"),
        ("basic_auth_user_attribute", "app_user"),
        ("basic_auth_password_attribute", "app_password"),
    ];
    let page = browser.done(WIKI, &changed(&fields, &right)).await;
    let kept = profile(&house);
    assert_eq!((kept.mode, kept.cookie_domain.as_str()), (ProxyMode::ForwardDomain, "example.org"));
    assert_eq!(kept.external_host, "https://auth.example.org");
    assert_eq!(kept.skip_path_regex, ["^https://wiki\\.example\\.org/public/", "favicon"]);
    assert_eq!((kept.access_token_validity.to_string(), kept.group_separator.as_str()), ("hours=8".into(), ","));
    assert_eq!(kept.headers.len(), 2);
    assert_eq!(kept.headers[&Identity::FirstName], "Remote-First");
    assert!(!kept.intercept_header_auth);
    assert_eq!(kept.basic_auth.unwrap().password_attribute, "app_password");
    assert_eq!(
        (page.value("header_username").as_str(), page.value("cookie_domain").as_str()),
        ("Remote-User", "example.org")
    );
}

#[tokio::test]
async fn forward_auth_is_added_to_an_application_and_taken_away() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let fields = [("recipe", "custom/ldap"), ("name", "Wiki"), ("access", "everyone"), ("uid_source", "username")];
    browser.post(NEW, &fields).await;
    let add = format!("{WIKI}add-proxy/");
    let page = browser.refused(&add, &[("external_host", "wiki")], "external_host", "is refused").await;
    assert_eq!(page.value("external_host"), "wiki");
    let page = browser.done(&add, &[("external_host", "https://wiki.example.org")]).await;
    assert!(page.has("The proxy provider is added.") && page.has("id=\"ldap-base-dn\""));
    assert!(browser.get("/if/admin/applications/").await.has("LDAP, Forward auth"));
    assert_eq!(browser.post(&add, &[("external_host", "https://b.example.org")]).await.status, StatusCode::FORBIDDEN);
    let page = browser.done(&format!("{WIKI}remove-proxy/"), &[]).await;
    assert!(page.has("The proxy provider is removed.") && page.has("id=\"add-proxy\""));
    assert!(browser.get("/if/admin/applications/").await.has("<td data-label=\"Method\">LDAP</td>"));
    assert_eq!(browser.post(&format!("{WIKI}remove-proxy/"), &[]).await.status, StatusCode::NOT_FOUND);
}
