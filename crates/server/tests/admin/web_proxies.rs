//! Applications behind proxies: what their pages show to be pasted.

use doorward_core::{
    access_rule::AccessRule, application::ApplicationProfile, method::Method, proxy_provider::ProxyProfile,
};
use doorward_server::{
    actor::Actor,
    applications::{
        self, ApplicationEdit,
        from_recipe::{self, RecipeRequest},
    },
};

use super::browser::House;

#[tokio::test]
async fn an_application_without_a_recipe_gets_the_configuration_of_each_proxy() {
    let house = House::new().await;
    let profile = ApplicationProfile { access: AccessRule::Everyone, ..ApplicationProfile::new("wiki", "Wiki") };
    let proxy = Some(ProxyProfile::single("https://wiki.example.org"));
    let edit = ApplicationEdit { profile, oauth: None, ldap: None, proxy };
    applications::create(&house.app, &Actor::command_line(), edit, Vec::new()).await.unwrap();
    let page = house.admin().await.get("/if/admin/applications/wiki/").await;
    assert!(page.text("settings-proxy-file").contains("server_name wiki.example.org;"));
    assert!(page.text("settings-proxy-file-2").contains("forwardAuth:"));
    assert!(page.text("settings-proxy-file-3").contains("forward_auth 127.0.0.1:9000"));
    assert_eq!(page.html.matches("id=\"settings-").count(), 3, "each of them once, whatever the style");
    for note in ["Put the address where the application listens", "trusted_proxies = [", "past the proxy"] {
        assert!(page.has(note), "{note}: {}", page.html);
    }
}

#[tokio::test]
async fn a_recipe_adds_the_settings_of_every_style() {
    let house = House::new().await;
    let request = RecipeRequest {
        method: Some(Method::Proxy),
        url: Some("https://netbox.example.org".to_owned()),
        upstream: Some("http://127.0.0.1:8123".to_owned()),
        ..RecipeRequest::new("netbox", "netbox", AccessRule::Everyone)
    };
    let draft = from_recipe::draft(&house.app, request).unwrap();
    from_recipe::create(&house.app, &Actor::command_line(), draft).await.unwrap();
    let page = house.admin().await.get("/if/admin/applications/netbox/").await;
    assert_eq!(page.html.matches("id=\"settings-").count(), 6, "three proxies, one file, two of netbox-docker");
    assert!(page.text("settings-proxy-file").contains("server 127.0.0.1:8123;"));
    assert!(page.text("settings-proxy-file-4").contains("REMOTE_AUTH_ENABLED = True"));
    assert!(page.text("settings-proxy-docker").contains("REMOTE_AUTH_ENABLED=True"));
    // Said with what is left of the style's blocks.
    assert!(page.has("127.0.0.1:8001:8080"), "{}", page.html);
    assert!(page.has("bind in gunicorn.py"), "{}", page.html);
}
