//! Applications: the guide click by click, recipes, editing, secrets, deleting.

use axum::http::StatusCode;
use doorward_server::{actor::Actor, applications};

use super::browser::{Browser, House, Page};

const NEW: &str = "/if/admin/applications/new/";
const NETBOX: &str = "/if/admin/applications/netbox-slug/";

/// The guide: an application with a name, a slug, a redirect URI and a signing key.
async fn add_by_the_guide(browser: &mut Browser) -> Page {
    let form = browser.get(NEW).await;
    let key = form.between("<select id=\"signing_key\"", "</select>");
    let key = key.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [
        ("recipe", "custom"),
        ("name", "NetBox"),
        ("slug", "netbox-slug"),
        ("url", "https://netbox.example.org"),
        ("redirect_uris", "https://netbox.example.org/oauth/complete/oidc/\r\n\r\n"),
        ("client_type", "confidential"),
        ("signing_key", &key),
        ("access", "everyone"),
    ];
    browser.done(NEW, &fields).await
}

/// The fields of the form as a browser would send them back.
pub(crate) fn fields_of(page: &Page) -> Vec<(String, String)> {
    let form = page.between("id=\"edit-application\"", "</form>");
    let mut fields = Vec::new();
    for tag in form.split('<').filter(|tag| tag.starts_with("input") && !tag.contains("form=\"preview-form\"")) {
        let attribute = |name: &str| {
            let value = tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap());
            value.map(|value| value.replace("&amp;", "&"))
        };
        let is_box = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
        if let Some(name) = attribute("name")
            && (!is_box || tag.contains(" checked"))
        {
            fields.push((name, attribute("value").unwrap_or_default()));
        }
    }
    for select in form.split("<select ").skip(1) {
        let name = select.split_once("name=\"").unwrap().1.split('"').next().unwrap();
        let chosen =
            select.split("</select>").next().unwrap().split("<option ").find(|option| option.contains(" selected"));
        if let Some(chosen) = chosen {
            fields.push((name.to_owned(), chosen.split('"').nth(1).unwrap().to_owned()));
        }
    }
    for name in ["allow_users", "networks", "searchers", "skip_path_regex"]
        .into_iter()
        .filter(|name| page.has(&format!("<textarea id=\"{name}\"")))
    {
        fields.push((name.to_owned(), page.area(name)));
    }
    fields
}

/// The form sent back with some fields changed.
pub(crate) fn changed<'a>(fields: &'a [(String, String)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let kept = kept.filter(|(name, _)| *name != "csrf" && !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes.iter().copied()).collect()
}

#[tokio::test]
async fn the_guide_click_by_click() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = add_by_the_guide(&mut browser).await;
    assert_eq!(page.location, NETBOX);
    assert!(page.heading().contains("NetBox"));
    let client = applications::find_client(&house.app, "netbox-slug").unwrap();
    assert_eq!(page.text("client-id"), client.provider.profile.client_id);
    assert_eq!(page.text("issuer"), "http://localhost:9000/application/o/netbox-slug/");
    assert_eq!(
        page.text("discovery-url"),
        "http://localhost:9000/application/o/netbox-slug/.well-known/openid-configuration"
    );
    assert_eq!(page.text("token-url"), "http://localhost:9000/application/o/token/");
    assert_eq!(page.text("end-session-url"), "http://localhost:9000/application/o/netbox-slug/end-session/");
    assert_eq!(page.text("signing-algorithm"), "RS256");
    assert_eq!(page.value("redirect_uri_1"), "https://netbox.example.org/oauth/complete/oidc/");
    assert!(page.is_checked("id=\"access-everyone\""));
    let list = browser.get("/if/admin/applications/?search=NETBOX").await;
    assert!(list.has("id=\"application-netbox-slug\"") && list.has(">Everyone<"));
    assert!(!browser.get("/if/admin/applications/?search=grafana").await.has("id=\"application-netbox-slug\""));
}

#[tokio::test]
async fn the_secret_is_shown_only_when_asked_for_and_that_is_written_down() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let group = "Doorward Admins";
    let fields = [
        ("recipe", "netbox"),
        ("name", "NetBox"),
        ("slug", "netbox-slug"),
        ("url", "https://netbox.example.org"),
        ("client_type", "confidential"),
        ("access", "groups"),
        ("allow_groups", group),
        ("superuser_groups", group),
    ];
    let key = browser.get(NEW).await.between("<select id=\"signing_key\"", "</select>").to_owned();
    let key = key.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut with_key = fields.to_vec();
    with_key.push(("signing_key", &key));
    let page = browser.done(NEW, &with_key).await;
    let secret = applications::find_client(&house.app, "netbox-slug").unwrap().provider.client_secret.expose().clone();
    assert!(!page.has(&secret) && !browser.get(NETBOX).await.has(&secret));
    for style in ["file", "docker", "docker-2", "helm"] {
        let block = page.text(&format!("settings-{style}"));
        assert!(!block.is_empty(), "{style}");
    }
    assert!(page.text("settings-file").contains("<client secret: press Reveal to see it here>"));
    assert!(page.text("settings-file").contains("http://localhost:9000/application/o/netbox-slug/"));
    assert!(page.is_checked(&format!("name=\"allow_groups\" value=\"{group}\"")));

    let revealed = browser.post(&format!("{NETBOX}reveal-secret/"), &[]).await;
    assert_eq!((revealed.status, revealed.text("client-secret")), (StatusCode::OK, secret.clone()));
    assert!(revealed.text("settings-file").contains(&secret));
    assert!(browser.get("/if/admin/").await.has("admin looked at the client secret of NetBox"));
    assert!(!browser.get(NETBOX).await.has(&secret));

    let page = browser.done(&format!("{NETBOX}rotate-secret/"), &[]).await;
    let renewed = applications::find_client(&house.app, "netbox-slug").unwrap().provider.client_secret.expose().clone();
    assert!(renewed != secret && !page.has(&renewed));
    assert!(!page.has("id=\"old-secret\""));

    // With a day for the old one, which can be stopped before.
    let page = browser.done(&format!("{NETBOX}rotate-secret/"), &[("keep_old_for", "hours=24")]).await;
    assert!(page.has("The old client secret still works until") && page.has("Nobody has used it since"));
    assert!(!page.has(&renewed));
    let page = browser.done(&format!("{NETBOX}stop-old-secret/"), &[]).await;
    assert!(page.has("The old client secret is refused from now on.") && !page.has("id=\"old-secret\""));
    for wrong in ["days=31", "a while"] {
        let page = browser.post(&format!("{NETBOX}rotate-secret/"), &[("keep_old_for", wrong)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

/// The page of a public client offers no new secret; who asks for one all the same learns what to change.
#[tokio::test]
async fn a_public_client_has_no_secret_to_replace() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = add_by_the_guide(&mut browser).await;
    let before = applications::find_client(&house.app, "netbox-slug").unwrap().provider.client_secret.expose().clone();
    browser.done(NETBOX, &changed(&fields_of(&page), &[("client_type", "public")])).await;
    assert!(!browser.get(NETBOX).await.has("id=\"rotate-secret-open\""));
    let page = browser.post(&format!("{NETBOX}rotate-secret/"), &[]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.has("public client") && page.has("choose the client type Confidential first"));
    let after = applications::find_client(&house.app, "netbox-slug").unwrap().provider.client_secret.expose().clone();
    assert_eq!(before, after);
}

#[tokio::test]
async fn saving_an_untouched_form_changes_nothing() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = add_by_the_guide(&mut browser).await;
    let before = applications::find_client(&house.app, "netbox-slug").unwrap();
    let fields = fields_of(&page);
    browser.done(NETBOX, &changed(&fields, &[])).await;
    let after = applications::find_client(&house.app, "netbox-slug").unwrap();
    assert_eq!(before.application.profile, after.application.profile);
    assert_eq!(before.provider.profile, after.provider.profile);
}

#[tokio::test]
async fn editing_keeps_what_was_typed_until_it_is_right() {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    let fields = fields_of(&add_by_the_guide(&mut browser).await);
    let wrong = [
        ("name", "NetBox <Lab>"),
        ("access_token_validity", "soon"),
        ("redirect_uri_2", "javascript:alert(1)"),
        ("redirect_mode_2", "exact"),
        ("redirect_kind_2", "logout"),
        ("access", "groups"),
        ("allow_users", "alice\nnobody-there"),
    ];
    let page = browser.refused(NETBOX, &changed(&fields, &wrong), "access_token_validity", "names no unit").await;
    assert!(page.has("Nobody has the username &quot;nobody-there&quot;."));
    assert_eq!((page.value("name").as_str(), page.value("access_token_validity").as_str()), ("NetBox <Lab>", "soon"));
    assert_eq!(
        (page.value("redirect_uri_2").as_str(), page.area("allow_users").as_str()),
        ("javascript:alert(1)", "alice\nnobody-there")
    );
    assert!(page.is_checked("id=\"access-groups\""));
    assert!(!page.has("<Lab>"), "names are escaped");

    let rows = [("redirect_uri_2", "javascript:alert(1)")];
    browser
        .refused(NETBOX, &changed(&fields, &rows), "redirect_uris", "&quot;javascript:alert(1)&quot; is refused")
        .await;

    let right = [
        ("name", "NetBox <Lab>"),
        ("slug", "netbox-lab"),
        ("access_token_validity", "hours=2"),
        ("redirect_uri_1", ""),
        ("redirect_uri_3", "https://netbox\\.example\\.org/.*"),
        ("redirect_mode_3", "regex"),
        ("redirect_uri_4", "https://netbox.example.org/login/"),
        ("redirect_kind_4", "logout"),
        ("access", "groups"),
        ("allow_users", "alice"),
        ("consent", "first_time"),
    ];
    let page = browser.done(NETBOX, &changed(&fields, &right)).await;
    assert_eq!(page.location, "/if/admin/applications/netbox-lab/");
    let client = applications::find_client(&house.app, "netbox-lab").unwrap();
    let uris: Vec<_> = client.provider.profile.redirect_uris.iter().map(|uri| uri.url.as_str()).collect();
    assert_eq!(uris, ["https://netbox\\.example\\.org/.*", "https://netbox.example.org/login/"]);
    assert_eq!(page.value("redirect_uri_1"), "https://netbox\\.example\\.org/.*");
    assert!(page.is_selected("regex") && page.is_selected("logout") && page.is_selected("first_time"));
    assert_eq!(page.area("allow_users"), "alice");
    assert!(browser.get("/if/admin/applications/").await.has("1 person"));
    assert_eq!(browser.get(NETBOX).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn networks_are_typed_one_per_line() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let fields = fields_of(&add_by_the_guide(&mut browser).await);
    let wrong = [("networks", "10.0.0.5/8")];
    let page = browser.refused(NETBOX, &changed(&fields, &wrong), "networks", "write 10.0.0.0/8").await;
    assert_eq!(page.area("networks"), "10.0.0.5/8");
    let page = browser.done(NETBOX, &changed(&fields, &[("networks", "2001:db8::/32\r\n\r\n10.0.0.0/8")])).await;
    assert_eq!(page.area("networks").trim(), "10.0.0.0/8\n2001:db8::/32");
    let again = fields_of(&page);
    browser.done(NETBOX, &changed(&again, &[])).await;
    let entry = applications::find(&house.app, "netbox-slug").unwrap();
    assert_eq!(entry.application.profile.networks.to_string(), "10.0.0.0/8, 2001:db8::/32");
}

#[tokio::test]
async fn a_new_application_says_what_it_lacks() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let fields = [("recipe", "custom"), ("name", "Wiki"), ("url", "https://wiki.example.org")];
    let page = browser.refused(NEW, &fields, "access", "Choose who may use it.").await;
    assert_eq!((page.value("name").as_str(), page.value("url").as_str()), ("Wiki", "https://wiki.example.org"));
    assert!(page.is_checked("id=\"recipe-custom\""));
    assert!(house.app.snapshot().applications.is_empty());
    browser.refused(NEW, &[("access", "everyone")], "recipe", "Choose which application").await;
    browser
        .refused(
            NEW,
            &[("recipe", "netbox"), ("url", "nonsense"), ("access", "groups")],
            "allow_groups",
            "at least one group",
        )
        .await;
    let key = house.app.snapshot().keys[0].id.to_string();
    let fields = [("recipe", "netbox"), ("url", "nonsense"), ("access", "everyone"), ("signing_key", &key)];
    browser.refused(NEW, &fields, "url", "is not an address").await;
    let fields = [
        ("recipe", "custom"),
        ("name", "Wiki"),
        ("url", "javascript:x"),
        ("access", "everyone"),
        ("signing_key", &key),
    ];
    browser.refused(NEW, &fields, "url", "web address").await;
}

#[tokio::test]
async fn slugs_are_made_from_names_and_kept_apart() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let key = house.app.snapshot().keys[0].id.to_string();
    let fields = [
        ("recipe", "custom"),
        ("name", "Our Wiki!"),
        ("url", "https://wiki.example.org"),
        ("access", "everyone"),
        ("signing_key", &key),
    ];
    assert_eq!(browser.done(NEW, &fields).await.location, "/if/admin/applications/our-wiki/");
    assert_eq!(browser.done(NEW, &fields).await.location, "/if/admin/applications/our-wiki-2/");
    let mut taken = fields.to_vec();
    taken.push(("slug", "our-wiki"));
    browser.refused(NEW, &taken, "slug", "There is an application with this slug.").await;
    taken.pop();
    taken.push(("slug", "new"));
    browser.refused(NEW, &taken, "slug", "choose another slug").await;
}

#[tokio::test]
async fn previews_show_what_tokens_would_hold() {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    add_by_the_guide(&mut browser).await;
    let page = browser.get(&format!("{NETBOX}?preview_user=alice")).await;
    assert_eq!(page.status, StatusCode::OK);
    let result = page.between("id=\"preview-result\"", "</details>");
    for part in ["preferred_username", "Alice Example", "alice@example.org", "application/o/netbox-slug"] {
        assert!(result.contains(part), "{part}: {result}");
    }
    let page = browser.get(&format!("{NETBOX}?preview_user=nobody")).await;
    assert!(page.has("Nobody has the username &quot;nobody&quot;.") && !page.has("id=\"preview-result\""));
}

#[tokio::test]
async fn the_error_page_adds_a_redirect_uri() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    add_by_the_guide(&mut browser).await;
    let path = format!("{NETBOX}add-redirect-uri/");
    let page = browser.done(&path, &[("uri", "https://other.example.org/cb")]).await;
    assert_eq!(page.value("redirect_uri_2"), "https://other.example.org/cb");
    let refused = browser.post(&path, &[("uri", "javascript:alert(1)")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(applications::find_client(&house.app, "netbox-slug").unwrap().provider.profile.redirect_uris.len(), 2);
}

#[tokio::test]
async fn deleting_takes_it_away() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    add_by_the_guide(&mut browser).await;
    let page = browser.done(&format!("{NETBOX}delete/"), &[]).await;
    assert!(page.has("No application yet"));
    assert_eq!(browser.get(NETBOX).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.post(&format!("{NETBOX}delete/"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let house = House::new().await;
    let provider = applications::default_provider(&house.app.snapshot(), "x").unwrap();
    for number in 0..51 {
        let profile =
            doorward_core::application::ApplicationProfile::new(format!("app-{number:02}"), format!("App {number:02}"));
        let mut provider = provider.clone();
        provider.client_id = format!("client-{number}");
        let edit = applications::ApplicationEdit { profile, oauth: Some(provider), ldap: None, proxy: None };
        applications::create(&house.app, &Actor::command_line(), edit, Vec::new()).await.unwrap();
    }
    let mut browser = house.admin().await;
    let first = browser.get("/if/admin/applications/").await;
    assert!(first.has("id=\"application-app-49\"") && !first.has("id=\"application-app-50\""));
    assert!(first.has("Page 1 of 2") && first.tag("id=\"next-page\"").contains("?page=2"));
    let last = browser.get("/if/admin/applications/?page=99").await;
    assert!(last.has("id=\"application-app-50\"") && last.has("Page 2 of 2") && last.has("Nobody"));
}
