//! The settings that Doorward prints for NetBox, pasted as they are: what the guide leaves open.

use anyhow::{Context, Result};
use doorward_e2e::application::Application;
use doorward_e2e::browser::Browser;
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::netbox::{NetBox, Person, SIGN_IN_BUTTON};

struct Scene {
    doorward: Doorward,
    netbox: NetBox,
    browser: Browser,
}

/// Alice is to be a superuser of NetBox. The settings come from `app add`, or from `app config`.
async fn scene(printed_again: bool) -> Result<Scene> {
    let mut netbox = NetBox::prepare()?;
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_group("netbox-admins", &["alice"])?;
    doorward.add_group("netbox-operators", &["alice"])?;
    let address = netbox.url("");
    let described = doorward.json(&[
        "app",
        "add",
        "netbox",
        "--slug",
        "netbox-slug",
        "--url",
        &address,
        "--superusers",
        "netbox-admins",
        "--allow",
        "everyone",
    ])?;
    let application = Application::read(&described)?;
    let settings = if printed_again {
        doorward.run(&["app", "config", "netbox-slug", "--style", "file", "--netbox-version", "4.7"])?
    } else {
        application.settings.context("app add netbox printed no settings")?
    };
    doorward.settle().await;
    netbox.start(&settings).await?;
    Ok(Scene { doorward, netbox, browser: Browser::start().await? })
}

impl Scene {
    async fn sign_in(&self) -> Result<()> {
        self.netbox.begin_sign_in(&self.browser).await?;
        self.browser.sign_in("alice", PASSWORD).await?;
        self.netbox.is_open_to(&self.browser).await
    }

    /// Signs in again while Doorward's session lasts: no password is asked for.
    async fn sign_in_again(&self) -> Result<()> {
        self.netbox.forget_session(&self.browser).await?;
        self.netbox.begin_sign_in(&self.browser).await?;
        self.netbox.is_open_to(&self.browser).await
    }

    /// It names the key.
    fn header_of_last_id_token(&self) -> Result<String> {
        let token = self.netbox.last_id_token("alice")?;
        token.split('.').next().map(str::to_owned).context("the ID token is empty")
    }

    fn alice(&self) -> Result<Person> {
        self.netbox.person("alice")?.context("NetBox has no user alice")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_superuser_are_granted_and_revoked_and_groups_set_by_hand_stay() -> Result<()> {
    let scene = scene(false).await?;
    scene.sign_in().await?;
    let alice = scene.alice()?;
    assert!(alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-admins", "netbox-operators"]);
    assert_eq!((alice.name.as_str(), alice.email.as_str()), ("Alice Example", "alice@example.org"));

    scene.netbox.assign_by_hand("alice", "on call this week")?;
    scene.doorward.run(&["group", "remove-member", "netbox-admins", "alice"])?;
    scene.doorward.settle().await;
    scene.sign_in_again().await?;

    let alice = scene.alice()?;
    assert!(!alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-operators", "on call this week"]);

    scene.doorward.run(&["group", "add-member", "netbox-admins", "alice"])?;
    scene.doorward.settle().await;
    scene.sign_in_again().await?;
    let alice = scene.alice()?;
    assert!(alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-admins", "netbox-operators", "on call this week"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_of_netbox_ends_the_session_at_doorward() -> Result<()> {
    let scene = scene(true).await?;
    scene.sign_in().await?;

    scene.browser.open(&scene.netbox.url("/logout/")).await?;
    if scene.browser.one_of(&["#confirm-sign-out", "#sign-in-again", SIGN_IN_BUTTON]).await? == "#confirm-sign-out" {
        scene.browser.press("#confirm-sign-out").await?;
        scene.browser.gone("#confirm-sign-out").await?;
    }

    scene.netbox.begin_sign_in(&scene.browser).await?;
    // Not by the password field: NetBox's own page, from which the browser comes, has one as well.
    scene.browser.element("#sign-in").await?;
    assert!(scene.browser.address().await?.starts_with(&scene.doorward.url("/")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_is_rotated_while_netbox_runs() -> Result<()> {
    let scene = scene(true).await?;
    scene.sign_in().await?;
    let keys = scene.doorward.json(&["key", "list"])?;
    let keys = keys.as_array().context("key list is no list")?;
    let name = keys.iter().find_map(|key| key.get("name")?.as_str()).context("no key has a name")?;
    let old_header = scene.header_of_last_id_token()?;

    // NetBox has read the old key set a moment ago and keeps it for a day.
    scene.doorward.run(&["key", "rotate", name, "--now"])?;
    scene.doorward.settle().await;
    scene.sign_in_again().await?;

    assert_ne!(scene.header_of_last_id_token()?, old_header, "the old key still signs");
    assert_eq!(scene.netbox.usernames()?.iter().filter(|name| name.starts_with("alice")).count(), 1);
    Ok(())
}
