//! "More settings" of a new application: the same fields and the same rules as those of its page.

use axum::http::StatusCode;
use doorward_core::{
    application::ConsentMode,
    grant_type::GrantType,
    provider::{LogoutMethod, SubjectMode},
    redirect_uri::RedirectUri,
};
use doorward_server::applications;

use crate::browser::{Browser, House, Page};

const NEW: &str = "/if/admin/applications/new/";

/// What a browser sends of a form whose "More settings" nobody touched, for one that was chosen.
async fn offered(browser: &mut Browser, recipe: &str) -> Vec<(String, String)> {
    let form = browser.get(NEW).await;
    let key = form.between("<select id=\"signing_key\"", "</select>").split("value=\"").nth(1).unwrap();
    let mut fields: Vec<(String, String)> = [
        ("recipe", recipe),
        ("name", "Wiki"),
        ("slug", "wiki"),
        ("url", "https://wiki.example.org"),
        ("client_type", "confidential"),
        ("signing_key", key.split('"').next().unwrap()),
        ("access", "everyone"),
        ("uid_source", "hashed_user_id"),
        ("more_settings", "true"),
        ("consent", "never"),
        ("sub_mode", "hashed_user_id"),
        ("logout_method", "backchannel"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for name in ["mappings", "grant_types"] {
        let ticks = form.between(&format!("id=\"{name}\""), "</fieldset>");
        let ticked = ticks.split("<input").filter(|tick| tick.contains(" checked"));
        fields.extend(ticked.map(|tick| {
            let value = tick.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
            (name.to_owned(), value.to_owned())
        }));
    }
    fields
}

fn with<'a>(offered: &'a [(String, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = offered.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let kept = kept.filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more.iter().copied().filter(|(_, value)| !value.is_empty())).collect()
}

fn is_open(page: &Page) -> bool {
    page.tag("id=\"more-settings\"").contains(" open")
}

#[tokio::test]
async fn more_settings_are_closed_and_hold_the_defaults() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    assert!(!is_open(&browser.get(NEW).await));
    let fields = offered(&mut browser, "custom").await;
    let grants: Vec<_> = fields.iter().filter(|(name, _)| name == "grant_types").map(|(_, value)| value).collect();
    assert_eq!(grants, ["authorization_code", "refresh_token"]);
    let callback = [("redirect_uris", "https://wiki.example.org/cb")];
    browser.done(NEW, &with(&fields, &callback)).await;
    let with_part = applications::find_client(&house.app, "wiki").unwrap();
    // A form without this part gives the same.
    browser
        .done(NEW, &with(&fields, &[callback[0], ("more_settings", ""), ("grant_types", ""), ("slug", "wiki-2")]))
        .await;
    let without = applications::find_client(&house.app, "wiki-2").unwrap();
    let mut expected = with_part.provider.profile.clone();
    expected.client_id.clone_from(&without.provider.profile.client_id);
    assert_eq!(without.provider.profile, expected);
    assert_eq!(without.application.profile.consent, with_part.application.profile.consent);
}

#[tokio::test]
async fn more_settings_are_kept() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let fields = offered(&mut browser, "custom").await;
    let openid = fields.iter().find(|(name, _)| name == "mappings").unwrap().1.clone();
    let more = [
        ("redirect_uris", "https://wiki.example.org/cb"),
        ("logout_uris", "https://wiki.example.org/\r\nhttps://wiki.example.org/bye"),
        ("logout_uri", "https://wiki.example.org/out"),
        ("logout_method", "frontchannel"),
        ("consent", "first_time"),
        ("sub_mode", "user_username"),
        ("grant_types", "authorization_code"),
        ("grant_types", "hybrid"),
        ("mappings", &openid),
    ];
    browser.done(NEW, &with(&fields, &more)).await;
    let client = applications::find_client(&house.app, "wiki").unwrap();
    let provider = &client.provider.profile;
    assert_eq!(provider.grant_types, [GrantType::AuthorizationCode, GrantType::Hybrid].into());
    assert_eq!((provider.logout_method, provider.sub_mode), (LogoutMethod::Frontchannel, SubjectMode::UserUsername));
    assert_eq!(provider.logout_uri, "https://wiki.example.org/out");
    assert_eq!(client.application.profile.consent, ConsentMode::FirstTime);
    assert_eq!(provider.mappings.iter().map(ToString::to_string).collect::<Vec<_>>(), [openid]);
    let expected = [
        RedirectUri::exact("https://wiki.example.org/cb"),
        RedirectUri::logout("https://wiki.example.org/"),
        RedirectUri::logout("https://wiki.example.org/bye"),
    ];
    assert_eq!(provider.redirect_uris, expected);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_as_on_the_applications_page() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let fields = offered(&mut browser, "custom").await;
    for (field, value, words) in [
        ("logout_uri", "ftp://x", "web address"),
        ("logout_uri", "https://x.example/#a", "no fragment"),
        ("grant_types", "", "Choose at least one"),
        ("grant_types", "magic", "Choose among the entries"),
        ("consent", "perhaps", "Choose one of the entries"),
        ("sub_mode", "shoe_size", "Choose one of the entries"),
        ("logout_method", "pigeon", "Choose one of the entries"),
        ("mappings", "x", "does not exist"),
    ] {
        let page = browser.refused(NEW, &with(&fields, &[(field, value)]), field, words).await;
        assert!(is_open(&page), "{field}");
    }
    // An address that cannot be used stays as typed.
    let page = browser.post(NEW, &with(&fields, &[("logout_uris", "javascript:alert(1)")])).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.area("logout_uris").contains("javascript:alert(1)"));
    assert!(applications::find(&house.app, "wiki").is_err());
}

/// What the choice has no use for is refused and not dropped in silence; what nobody touched is no matter.
#[tokio::test]
async fn more_settings_are_for_openid_connect_without_a_recipe() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    for recipe in ["netbox", "custom/proxy"] {
        let fields = offered(&mut browser, recipe).await;
        for (field, value) in
            [("logout_uri", "https://x.example/out"), ("consent", "always"), ("grant_types", "hybrid")]
        {
            browser.refused(NEW, &with(&fields, &[(field, value)]), field, "has no use for this").await;
        }
    }
    let fields = offered(&mut browser, "netbox").await;
    browser.done(NEW, &with(&fields, &[])).await;
    assert!(applications::find_client(&house.app, "wiki").is_ok());
}
