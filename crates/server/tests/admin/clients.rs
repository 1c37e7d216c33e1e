//! What an application may use to get tokens, and how it is told that somebody signed out.

use doorward_core::{application::ApplicationProfile, grant_type::GrantType, provider::LogoutMethod};
use doorward_server::{
    actor::Actor,
    applications::{self, ApplicationEdit},
};
use std::collections::BTreeSet;

use super::{
    applications::{changed, fields_of},
    browser::House,
};

const WIKI: &str = "/if/admin/applications/wiki/";

async fn house_with_wiki() -> House {
    let house = House::new().await;
    let oauth = applications::default_provider(&house.app.snapshot(), "Wiki").unwrap();
    let profile = ApplicationProfile::new("wiki", "Wiki");
    let edit = ApplicationEdit { profile, oauth: Some(oauth), ldap: None, proxy: None };
    applications::create(&house.app, &Actor::command_line(), edit, Vec::new()).await.unwrap();
    house
}

#[tokio::test]
async fn grant_types_and_logout_are_shown_and_saved() {
    let house = house_with_wiki().await;
    let mut browser = house.admin().await;
    let page = browser.get(WIKI).await;
    for (grant, name, label) in GrantType::ALL {
        assert!(page.has(&format!("value=\"{name}\"")) && page.has(&label.replace('\'', "&#x27;")), "{name}");
        let is_default = GrantType::defaults().contains(grant);
        assert_eq!(page.is_checked(&format!("name=\"grant_types\" value=\"{name}\"")), is_default, "{name}");
    }
    assert!(page.is_checked("id=\"logout_method-backchannel\"") && page.has("histories"));

    let fields = fields_of(&page);
    let changes = [
        ("grant_types", "implicit"),
        ("grant_types", "urn:ietf:params:oauth:grant-type:device_code"),
        ("logout_uri", " https://w.example/out "),
        ("logout_method", "frontchannel"),
    ];
    let page = browser.done(WIKI, &changed(&fields, &changes)).await;
    let provider = applications::find_client(&house.app, "wiki").unwrap().provider.profile.clone();
    assert_eq!(provider.grant_types, BTreeSet::from([GrantType::Implicit, GrantType::DeviceCode]));
    assert_eq!(
        (provider.logout_uri.as_str(), provider.logout_method),
        ("https://w.example/out", LogoutMethod::Frontchannel)
    );
    assert!(
        page.is_checked("name=\"grant_types\" value=\"implicit\"")
            && page.is_checked("id=\"logout_method-frontchannel\"")
    );
    assert_eq!(page.value("logout_uri"), "https://w.example/out");
    // An untouched form changes nothing.
    let fields = fields_of(&page);
    browser.done(WIKI, &changed(&fields, &[])).await;
    assert_eq!(applications::find_client(&house.app, "wiki").unwrap().provider.profile, provider);
}

#[tokio::test]
async fn mistakes_are_named_at_their_field_and_what_was_typed_stays() {
    let house = house_with_wiki().await;
    let mut browser = house.admin().await;
    let fields = fields_of(&browser.get(WIKI).await);
    let none: Vec<_> = changed(&fields, &[]).into_iter().filter(|(name, _)| *name != "grant_types").collect();
    browser.refused(WIKI, &none, "grant_types", "at least one").await;
    let odd = changed(&fields, &[("grant_types", "magic")]);
    browser.refused(WIKI, &odd, "grant_types", "Choose among").await;
    let typed = changed(&fields, &[("logout_uri", "javascript:alert(1)"), ("grant_types", "hybrid")]);
    let page = browser.refused(WIKI, &typed, "logout_uri", "https://").await;
    assert_eq!(page.value("logout_uri"), "javascript:alert(1)");
    assert!(page.is_checked("name=\"grant_types\" value=\"hybrid\""));
    browser.refused(WIKI, &changed(&fields, &[("logout_uri", "https://w.example/#x")]), "logout_uri", "fragment").await;
    browser.refused(WIKI, &changed(&fields, &[("logout_method", "pigeon")]), "logout_method", "Choose one").await;
    assert_eq!(
        applications::find_client(&house.app, "wiki").unwrap().provider.profile.grant_types,
        GrantType::defaults()
    );
}
