//! Who gets in: every administration route, for everybody.

use axum::http::StatusCode;
use doorward_server::{actor::Actor, applications, connector, directory::users};

use super::browser::House;

/// Every page, with its heading; `{…}` is filled with something that exists.
const PAGES: [(&str, &str); 20] = [
    ("/if/admin/", "Overview"),
    ("/if/admin/applications/", "Applications"),
    ("/if/admin/applications/new/", "Add application"),
    ("/if/admin/applications/{slug}/", "Wiki"),
    ("/if/admin/applications/{slug}/doctor/", "Wiki"),
    ("/if/admin/applications/{slug}/explain/", "What would happen at"),
    ("/if/admin/applications/{slug}/provisioning/", "Provisioning of"),
    ("/if/admin/applications/{slug}/provisioning/tokens/", "API tokens of"),
    ("/if/admin/users/", "People"),
    ("/if/admin/users/new/", "Add person"),
    ("/if/admin/users/{user}/", "Ada Admin"),
    ("/if/admin/groups/", "Groups"),
    ("/if/admin/groups/new/", "Add group"),
    ("/if/admin/groups/{group}/", "Doorward Admins"),
    ("/if/admin/activity/", "Activity"),
    ("/if/admin/activity/{reference}/", "Activity"),
    ("/if/admin/keys/", "Signing keys"),
    ("/if/admin/mappings/", "Claim mappings"),
    ("/if/admin/mappings/new/", "Add claim mapping"),
    ("/if/admin/mappings/{mapping}/", "OpenID"),
];

/// Everything that takes a form.
const FORMS: [&str; 45] = [
    "/if/admin/applications/new/",
    "/if/admin/applications/{slug}/",
    "/if/admin/applications/{slug}/reveal-secret/",
    "/if/admin/applications/{slug}/rotate-secret/",
    "/if/admin/applications/{slug}/stop-old-secret/",
    "/if/admin/applications/{slug}/add-redirect-uri/",
    "/if/admin/applications/{slug}/redirect-uris/allow/",
    "/if/admin/applications/{slug}/redirect-uris/dismiss/",
    "/if/admin/applications/{slug}/add-ldap/",
    "/if/admin/applications/{slug}/rotate-ldap-password/",
    "/if/admin/applications/{slug}/remove-ldap/",
    "/if/admin/applications/{slug}/add-proxy/",
    "/if/admin/applications/{slug}/remove-proxy/",
    "/if/admin/applications/{slug}/provisioning/",
    "/if/admin/applications/{slug}/provisioning/preview/",
    "/if/admin/applications/{slug}/provisioning/check/",
    "/if/admin/applications/{slug}/provisioning/run/",
    "/if/admin/applications/{slug}/provisioning/retry/",
    "/if/admin/applications/{slug}/provisioning/link/",
    "/if/admin/applications/{slug}/provisioning/unlink/",
    "/if/admin/applications/{slug}/provisioning/remove/",
    "/if/admin/applications/{slug}/provisioning/tokens/{session}/disable/",
    "/if/admin/applications/{slug}/provisioning/tokens/{session}/revoke/",
    "/if/admin/applications/{slug}/delete/",
    "/if/admin/applications/{slug}/doctor/",
    "/if/admin/users/new/",
    "/if/admin/users/{user}/",
    "/if/admin/users/{user}/delete/",
    "/if/admin/users/{user}/sessions/{session}/end/",
    "/if/admin/users/{user}/authenticator/remove/",
    "/if/admin/users/{user}/app-passwords/add/",
    "/if/admin/users/{user}/app-passwords/{session}/delete/",
    "/if/admin/groups/new/",
    "/if/admin/groups/{group}/",
    "/if/admin/groups/{group}/delete/",
    "/if/admin/keys/generate/",
    "/if/admin/keys/import/",
    "/if/admin/keys/{key}/rotate/",
    "/if/admin/keys/{key}/replace/",
    "/if/admin/keys/{key}/schedule/",
    "/if/admin/keys/{key}/delete/",
    "/if/admin/mappings/new/",
    "/if/admin/mappings/new/preview/",
    "/if/admin/mappings/{mapping}/",
    "/if/admin/mappings/{mapping}/preview/",
];
const LAST_FORM: &str = "/if/admin/mappings/{mapping}/delete/";

/// A house in which every address leads somewhere.
async fn furnished() -> (House, impl Fn(&str) -> String) {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    let mut provider = applications::default_provider(&house.app.snapshot(), "Wiki").unwrap();
    provider.client_id = "wiki".to_owned();
    let profile = doorward_core::application::ApplicationProfile::new("wiki", "Wiki");
    let edit = applications::ApplicationEdit { profile, oauth: Some(provider), ldap: None, proxy: None };
    applications::create(&house.app, &Actor::command_line(), edit, Vec::new()).await.unwrap();
    let netbox = super::netbox::FakeNetBox::start().await;
    let connector = doorward_core::connector::ConnectorProfile::new(netbox.url());
    let token = super::netbox::TOKEN.into();
    connector::settings::create(&house.app, &Actor::command_line(), "wiki", connector, token).await.unwrap();
    let admin = users::find_by_username(&house.app, "admin").await.unwrap().id.to_string();
    let snapshot = house.app.snapshot();
    let group = snapshot.groups.iter().next().unwrap().id.to_string();
    let (key, mapping) = (snapshot.keys[0].id.to_string(), snapshot.mappings[0].id.to_string());
    let reference = doorward_server::events::newest(&house.app, 1).await.unwrap()[0].reference.clone();
    let fill = move |path: &str| {
        let path = path.replace("{reference}", &reference);
        let filled = path.replace("{slug}", "wiki").replace("{user}", &admin).replace("{group}", &group);
        filled.replace("{key}", &key).replace("{mapping}", &mapping).replace("{session}", &admin)
    };
    (house, fill)
}

fn forms() -> impl Iterator<Item = &'static str> {
    FORMS.into_iter().chain([LAST_FORM])
}

/// The lists above are complete: they hold every path that the router is given.
#[test]
fn no_route_is_missing_here() {
    let source = include_str!("../../src/admin/mod.rs");
    let shape = |path: &str| {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let routes: Vec<&str> = source.lines().filter(|line| line.trim_start().starts_with(".route(")).collect();
    assert_eq!(routes.len(), source.matches(".route(").count());
    for route in routes {
        let path = shape(route.split('"').nth(1).unwrap());
        let is_listed = |mut paths: Box<dyn Iterator<Item = &'static str>>| paths.any(|listed| shape(listed) == path);
        assert_eq!(route.contains("get("), is_listed(Box::new(PAGES.into_iter().map(|(path, _)| path))), "{path}");
        assert_eq!(route.contains("post("), is_listed(Box::new(forms())), "{path}");
    }
}

#[tokio::test]
async fn administrators_see_every_page() {
    let (house, fill) = furnished().await;
    let mut browser = house.admin().await;
    for (path, heading) in PAGES {
        let page = browser.get(&fill(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.heading().contains(heading), "{path}: {}", page.heading());
        assert!(page.has("aria-current=\"page\""), "{path} stands in the menu");
        assert!(!page.has("error-summary") && !page.has("id=\"notice\""), "{path}: {}", page.errors());
    }
}

#[tokio::test]
async fn visitors_are_sent_to_sign_in_and_members_are_refused() {
    let (house, fill) = furnished().await;
    let (mut nobody, mut alice) = (house.browser(), house.signed_in("alice").await);
    let csrf_of_nobody = nobody.get("/sign-in").await.value("csrf");
    let csrf_of_alice = alice.get("/sign-in").await.value("csrf");
    for (path, _) in PAGES {
        let page = nobody.get(&fill(path)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.location.starts_with("/sign-in?request="), "{path}: {}", page.location);
        assert_eq!(alice.get(&fill(path)).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in forms() {
        let page = nobody.post_raw(&fill(path), &[("csrf", csrf_of_nobody.clone())]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.location.starts_with("/sign-in?request="), "{path}: {}", page.location);
        let page = alice.post_raw(&fill(path), &[("csrf", csrf_of_alice.clone())]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.has("For administrators"), "{path}");
    }
    assert!(applications::find(&house.app, "wiki").is_ok());
}

#[tokio::test]
async fn forms_of_other_browsers_are_refused() {
    let (house, fill) = furnished().await;
    let (mut browser, mut other) = (house.admin().await, house.browser());
    let foreign = other.get("/sign-in").await.value("csrf");
    let before = house.app.snapshot().revision;
    for path in forms() {
        for csrf in [vec![], vec![("csrf", String::new())], vec![("csrf", foreign.clone())]] {
            let page = browser.post_raw(&fill(path), &csrf).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            assert!(page.has("The form has expired"), "{path}");
        }
    }
    house.app.refresh().await.unwrap();
    assert_eq!(house.app.snapshot().revision, before, "nothing was changed");
}

#[tokio::test]
async fn addresses_that_lead_nowhere_say_so() {
    let (house, _) = furnished().await;
    let mut browser = house.admin().await;
    for path in [
        "/if/admin/applications/nothing/",
        "/if/admin/users/nothing/",
        "/if/admin/users/0190a0a0-0000-7000-8000-000000000000/",
        "/if/admin/groups/nothing/",
        "/if/admin/groups/0190a0a0-0000-7000-8000-000000000000/",
        "/if/admin/activity/nothing/",
        "/if/admin/mappings/nothing/",
        "/if/admin/mappings/0190a0a0-0000-7000-8000-000000000000/",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.has("There is no such page"), "{path}");
    }
}
