//! The settings of the guide "Integrating NetBox with authentik", with only the host changed, in an
//! unmodified NetBox, driven by a real browser.

use anyhow::Result;
use doorward_e2e::application::Application;
use doorward_e2e::browser::Browser;
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::html;
use doorward_e2e::netbox::{NetBox, Person, SIGN_IN_FAILED};

/// The guide's lines. The endpoint ends in a slash, so NetBox asks for `…/netbox-slug//.well-known/…`.
fn guide(doorward: &Doorward, application: &Application) -> String {
    format!(
        "REMOTE_AUTH_ENABLED = True
REMOTE_AUTH_BACKEND = 'social_core.backends.open_id_connect.OpenIdConnectAuth'
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = '{}'
SOCIAL_AUTH_OIDC_KEY = '{}'
SOCIAL_AUTH_OIDC_SECRET = '{}'
SOCIAL_AUTH_PROTECTED_USER_FIELDS = ['groups']",
        doorward.url("/application/o/netbox-slug/"),
        application.client_id,
        application.client_secret,
    )
}

struct Scene {
    doorward: Doorward,
    netbox: NetBox,
    browser: Browser,
}

/// Alice and Bob may use NetBox, Carol may not.
async fn scene(settings: impl Fn(&Doorward, &Application) -> String) -> Result<Scene> {
    scene_registered_at(None, settings).await
}

async fn scene_registered_at(
    registered: Option<&str>,
    settings: impl Fn(&Doorward, &Application) -> String,
) -> Result<Scene> {
    let mut netbox = NetBox::prepare()?;
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_user("bob", "Bob Example")?;
    doorward.add_user("carol", "Carol Example")?;
    doorward.add_group("netbox-users", &["alice", "bob"])?;
    let address = netbox.url("");
    let described = doorward.json(&[
        "app",
        "add",
        "netbox",
        "--slug",
        "netbox-slug",
        "--url",
        registered.unwrap_or(&address),
        "--allow",
        "netbox-users",
    ])?;
    let application = Application::read(&described)?;
    doorward.settle().await;
    netbox.start(&settings(&doorward, &application)).await?;
    Ok(Scene { doorward, netbox, browser: Browser::start().await? })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_person_signs_in() -> Result<()> {
    let Scene { doorward, netbox, browser } = scene(guide).await?;
    assert_eq!(netbox.person("alice")?, None);

    netbox.begin_sign_in(&browser).await?;
    browser.arrives_at(&doorward.url("/")).await?;
    browser.sign_in("alice", PASSWORD).await?;
    netbox.is_open_to(&browser).await?;

    let expected = Person {
        name: "Alice Example".into(),
        email: "alice@example.org".into(),
        is_superuser: false,
        groups: Vec::new(),
    };
    assert_eq!(netbox.person("alice")?, Some(expected));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_the_right_one_then_works() -> Result<()> {
    let Scene { doorward, netbox, browser } = scene(guide).await?;

    netbox.begin_sign_in(&browser).await?;
    browser.sign_in("alice", "not her password").await?;
    browser.element("[role=alert]").await?;
    assert!(browser.address().await?.starts_with(&doorward.url("/")));
    assert_eq!(netbox.person("alice")?, None);

    browser.sign_in("alice", PASSWORD).await?;
    netbox.is_open_to(&browser).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_access_stays_at_doorward_and_is_told_so() -> Result<()> {
    let Scene { doorward, netbox, browser } = scene(guide).await?;
    let before = netbox.usernames()?;

    netbox.begin_sign_in(&browser).await?;
    browser.sign_in("carol", PASSWORD).await?;
    browser.element("#reference").await?;

    assert!(browser.address().await?.starts_with(&doorward.url("/")));
    let text = browser.text().await?;
    assert!(text.contains("NetBox"), "the page does not name the application:\n{text}");
    assert!(!browser.has("input[name=password]").await?, "the page asks for a password again");
    assert_eq!(netbox.usernames()?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_cannot_sign_in_nor_use_an_open_session() -> Result<()> {
    let Scene { doorward, netbox, browser } = scene(guide).await?;
    netbox.begin_sign_in(&browser).await?;
    browser.sign_in("bob", PASSWORD).await?;
    netbox.is_open_to(&browser).await?;

    doorward.run(&["user", "disable", "bob"])?;
    doorward.settle().await;

    // Doorward's session cookie is still in the browser.
    netbox.forget_session(&browser).await?;
    netbox.begin_sign_in(&browser).await?;
    browser.arrives_at(&doorward.url("/")).await?;
    if browser.one_of(&["#sign-in", "#reference"]).await? == "#reference" {
        browser.open(&doorward.url("/sign-in")).await?;
    }
    browser.sign_in("bob", PASSWORD).await?;
    browser.one_of(&["[role=alert]", "#reference"]).await?;
    assert!(browser.address().await?.starts_with(&doorward.url("/")));

    doorward.run(&["user", "enable", "bob"])?;
    doorward.settle().await;
    browser.forget_everything().await?;
    netbox.begin_sign_in(&browser).await?;
    browser.sign_in("bob", PASSWORD).await?;
    netbox.is_open_to(&browser).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_ends_on_netboxs_login_page_with_its_message() -> Result<()> {
    let Scene { doorward, netbox, browser } = scene(|doorward, application| {
        let mut mistaken = application.clone();
        mistaken.client_secret = "pasted-from-elsewhere".into();
        guide(doorward, &mistaken)
    })
    .await?;

    netbox.begin_sign_in(&browser).await?;
    browser.arrives_at(&doorward.url("/")).await?;
    browser.sign_in("alice", PASSWORD).await?;
    browser.arrives_at(&netbox.url("/login/")).await?;

    // NetBox shows it as a toast, which its script makes visible.
    let source = browser.source().await?;
    assert!(source.contains(SIGN_IN_FAILED), "NetBox shows no error:\n{source}");
    assert_eq!(netbox.person("alice")?, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_redirect_uri_ends_on_doorwards_error_page() -> Result<()> {
    let elsewhere = "http://netbox.example.org";
    let Scene { doorward, netbox, browser } = scene_registered_at(Some(elsewhere), guide).await?;

    netbox.begin_sign_in(&browser).await?;
    let reference = browser.element("#reference").await?.text().await?;

    assert!(reference.trim().len() >= 4, "not a reference code: {reference:?}");
    assert!(browser.address().await?.starts_with(&doorward.url("/application/o/authorize/")));
    let source = browser.source().await?;
    assert!(html::form_with_button(&source, "sign-in").is_none(), "it asks for a password");
    // A link home is welcome; what is registered is for administrators.
    let registered = format!("{elsewhere}/oauth/complete/oidc/");
    assert!(!source.contains(&registered), "it tells a stranger what is registered:\n{source}");
    assert_eq!(netbox.person("alice")?, None);
    Ok(())
}
