//! The activity pages, and what is asked about refused redirect URIs.

use axum::http::StatusCode;
use doorward_core::{access_rule::AccessRule, application::ApplicationProfile, redirect_uri::RedirectUri};
use doorward_server::{actor::Actor, applications, timeline::read};

use super::browser::House;

const REGISTERED: &str = "https://wiki.example.org/callback/";

/// A house with a wiki that everyone may use.
async fn house() -> House {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    let mut provider = applications::default_provider(&house.app.snapshot(), "Wiki").unwrap();
    provider.client_id = "wiki".to_owned();
    provider.redirect_uris = vec![RedirectUri::exact(REGISTERED)];
    let mut profile = ApplicationProfile::new("wiki", "Wiki");
    profile.access = AccessRule::Everyone;
    let edit = applications::ApplicationEdit { profile, oauth: Some(provider), ldap: None, proxy: None };
    applications::create(&house.app, &Actor::command_line(), edit, Vec::new()).await.unwrap();
    house
}

fn request(uri: &str) -> String {
    let fields = [("client_id", "wiki"), ("response_type", "code"), ("scope", "openid"), ("redirect_uri", uri)];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/application/o/authorize/?{query}")
}

/// The reference code of the newest attempt to the wiki.
async fn newest(house: &House) -> String {
    let (records, _) = read::list(&house.app, read::Wanted::default(), 100, 0).await.unwrap();
    records.into_iter().find(|record| record.attempt.application.is_some()).unwrap().attempt.id.reference()
}

#[tokio::test]
async fn a_sign_in_is_listed_and_shown_step_by_step() {
    let house = house().await;
    let mut admin = house.admin().await;
    let back = admin.get(&request(REGISTERED)).await;
    assert!(back.location.starts_with(REGISTERED), "{}", back.html);
    let code = newest(&house).await;
    let id = doorward_server::directory::users::find_by_username(&house.app, "admin").await.unwrap().id;
    for path in ["/if/admin/activity/", "/if/admin/applications/wiki/", &format!("/if/admin/users/{id}/")] {
        let list = admin.get(path).await;
        assert!(list.has(&format!("/if/admin/activity/{code}/")) && list.has("Under way"), "{path}: {}", list.html);
    }
    let page = admin.get(&format!("/if/admin/activity/{code}/")).await;
    assert!(page.text("conclusion").contains("admin was sent back to Wiki") || page.has("not exchanged yet"));
    for text in
        ["Wiki asked for a sign-in", "The access rule lets everyone in", REGISTERED, "Firefox on Linux", "/doctor/"]
    {
        assert!(page.has(text), "no {text} in {}", page.html);
    }
    assert!(!page.has("admin was signed in already, since 1970"));
}

#[tokio::test]
async fn the_list_is_filtered() {
    let house = house().await;
    let mut admin = house.admin().await;
    admin.get(&request(REGISTERED)).await;
    let good = newest(&house).await;
    house.browser().get(&request("https://wiki.example.org/other/")).await;
    let (records, _) = read::list(&house.app, read::Wanted { failed: true, ..Default::default() }, 9, 0).await.unwrap();
    let bad = records[0].attempt.id.reference();
    for (query, has_good, has_bad) in [
        ("", true, true),
        ("?application=wiki", true, true),
        ("?outcome=failed", false, true),
        ("?user=admin", true, false),
        ("?user=alice", false, false),
        ("?application=nothing", false, false),
        ("?user=nobody", false, false),
        (&format!("?reference={}", good.to_lowercase()), true, false),
    ] {
        let page = admin.get(&format!("/if/admin/activity/{query}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!((page.has(&good), page.has(&format!("activity/{bad}/"))), (has_good, has_bad), "{query}");
    }
    assert!(admin.get("/if/admin/activity/?user=nobody").await.has("Nobody has the username"));
    let changes = admin.get("/if/admin/activity/?show=changes").await;
    assert!(changes.has("made the first administrator admin") && changes.has("command line"), "{}", changes.html);
}

/// An error page leads its administrator to the record; nobody else sees where that would be.
#[tokio::test]
async fn error_pages_lead_administrators_to_the_record() {
    let house = house().await;
    let (mut admin, mut alice) = (house.admin().await, house.signed_in("alice").await);
    let page = admin.get(&request("https://wiki.example.org/other/")).await;
    let code = page.text("reference");
    assert!(page.has(&format!("href=\"/if/admin/activity/{code}/\"")), "{}", page.html);
    let record = admin.get(&format!("/if/admin/activity/{code}/")).await;
    assert!(record.has("not registered for it") && record.has("<mark>"), "{}", record.html);
    let page = alice.get(&request("https://wiki.example.org/other/")).await;
    assert!(page.status == StatusCode::BAD_REQUEST && !page.has("/if/admin/"), "{}", page.html);
}

#[tokio::test]
async fn refused_redirect_uris_are_asked_about_and_allowed() {
    let house = house().await;
    let (near, far) = ("https://wiki.example.org/callback", "https://evil.example/callback/");
    for uri in [near, far] {
        house.browser().get(&request(uri)).await;
    }
    let mut admin = house.admin().await;
    for path in ["/if/admin/", "/if/admin/applications/wiki/"] {
        let page = admin.get(path).await;
        assert!(page.has("tried to use an address on") && page.has("evil.example"), "{path}");
        // What anybody can have sent is no link, and a foreign host is warned of.
        assert!(!page.has(&format!("href=\"{far}")) && !page.has(&format!("href=\"{near}\"")));
        assert_eq!(page.html.matches("Nothing else of this application is on this host").count(), 1);
    }
    let address = "/if/admin/applications/wiki/redirect-uris/";
    let page = admin.done(&format!("{address}allow/"), &[("uri", near)]).await;
    assert!(page.has("The redirect URI is added"));
    let page = admin.done(&format!("{address}dismiss/"), &[("uri", far)]).await;
    assert!(!page.has("refused-redirect-uris"), "{}", page.html);
    let wiki = applications::find_client(&house.app, "wiki").unwrap();
    let registered: Vec<_> = wiki.provider.profile.redirect_uris.iter().map(|uri| uri.url.as_str()).collect();
    assert_eq!(registered, [REGISTERED, near]);
    // What nobody tried cannot be smuggled in by this way.
    let page = admin.post(&format!("{address}allow/"), &[("uri", "https://third.example/")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
