//! The connector and a real NetBox: from the first sign-in to the last day.

#![expect(clippy::indexing_slicing, reason = "JSON of our own making")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use doorward_e2e::application::Application;
use doorward_e2e::browser::Browser;
use doorward_e2e::doorward::{Doorward, Keeping, PASSWORD};
use doorward_e2e::netbox::NetBox;
use doorward_e2e::netbox_api::Api;
use doorward_e2e::relay::{Mood, Relay};
use doorward_e2e::wait;
use reqwest::Method;
use serde_json::{Value, json};

/// How long a change may take until NetBox has it. The machine may be busy with other tests.
const SOON: Duration = Duration::from_secs(20);
const APP: &str = "netbox-slug";

struct Scene {
    doorward: Doorward,
    netbox: NetBox,
    settings: String,
    /// A local superuser of NetBox.
    root: Api,
    /// The connector's API token, with the least that is enough.
    token: String,
    token_number: i64,
    service_account: i64,
}

/// A NetBox whose OpenID settings are the guide's, which bring no groups: those can come from the connector only.
async fn scene(keeping: Keeping) -> Result<Scene> {
    let mut netbox = NetBox::prepare()?;
    let doorward = Doorward::start_keeping(keeping).await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_user("bob", "Bob Example")?;
    doorward.add_group("netbox-ops", &["alice"])?;
    let address = netbox.url("");
    let described =
        doorward.json(&["app", "add", "netbox", "--slug", APP, "--url", &address, "--allow", "everyone"])?;
    let application = Application::read(&described)?;
    let settings = format!(
        "REMOTE_AUTH_ENABLED = True
REMOTE_AUTH_BACKEND = 'social_core.backends.open_id_connect.OpenIdConnectAuth'
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = '{}'
SOCIAL_AUTH_OIDC_KEY = '{}'
SOCIAL_AUTH_OIDC_SECRET = '{}'",
        doorward.url("/application/o/netbox-slug/"),
        application.client_id,
        application.client_secret,
    );
    doorward.settle().await;
    netbox.start(&settings).await?;
    let root = netbox.add_superuser("root", &"0123456789".repeat(4))?;
    let service_account = root.add_user("doorward").await?;
    permit(&doorward, &root, service_account, "oidc").await?;
    let (token_number, token) = root.add_token(service_account).await?;
    Ok(Scene { doorward, netbox, settings, root, token, token_number, service_account })
}

/// Gives the connector's account what Doorward prints.
async fn permit(doorward: &Doorward, root: &Api, account: i64, reach: &str) -> Result<()> {
    let needed = doorward.json(&["connector", "permissions", "--reach", reach])?;
    for mut permission in needed.as_array().context("permissions are no list")?.iter().cloned() {
        permission["users"] = json!([account]);
        permission["enabled"] = json!(true);
        root.add("users/permissions/", &permission).await?;
    }
    Ok(())
}

impl Scene {
    fn connect(&self, url: &str) -> Result<()> {
        let file = self.doorward.file("token", &self.token)?;
        self.doorward
            .run(&["connector", "set", APP, "--url", url, "--token-file", &file, "--group-prefix", "netbox-"])
            .map(drop)
    }

    async fn sign_in(&self, browser: &Browser, username: &str) -> Result<()> {
        self.netbox.begin_sign_in(browser).await?;
        browser.sign_in(username, PASSWORD).await?;
        self.netbox.is_open_to(browser).await
    }

    async fn groups_become(&self, username: &str, groups: &[&str]) -> Result<()> {
        let what = format!("{username} in {groups:?} of NetBox");
        let waited = wait::until(&what, SOON, async || {
            let person = self.netbox.person(username)?.context("NetBox has no such user")?;
            Ok((person.groups == groups).then_some(()))
        });
        waited.await.with_context(|| format!("{:?}\n{}", self.netbox.person(username), self.state()))
    }

    async fn becomes_active(&self, username: &str, active: bool) -> Result<Duration> {
        let begun = Instant::now();
        let what = format!("{username} to be active: {active}");
        let waited = wait::until(&what, SOON, async || Ok((self.netbox.account(username)?.1 == active).then_some(())));
        waited.await.with_context(|| self.state())?;
        Ok(begun.elapsed())
    }

    /// What Doorward says of the connector.
    fn state(&self) -> String {
        let show = |what| self.doorward.run(&["connector", what, APP]).unwrap_or_else(|error| error.to_string());
        [show("show"), show("jobs"), show("people")].join("\n")
    }

    fn show(&self) -> Result<Value> {
        self.doorward.json(&["connector", "show", APP])
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_followed_from_the_first_day_to_the_last() -> Result<()> {
    let scene = scene(Keeping::Sqlite).await?;
    let (doorward, netbox) = (&scene.doorward, &scene.netbox);
    // Somebody local has Bob's name.
    let local_bob = scene.root.add_user("bob").await?;
    scene.connect(&netbox.url("/"))?;
    doorward.settle().await;

    // The first day: the account is made by the sign-in, the groups come right after.
    let browser = Browser::start().await?;
    scene.sign_in(&browser, "alice").await?;
    scene.groups_become("alice", &["netbox-ops"]).await?;
    assert_eq!(netbox.usernames()?.iter().filter(|name| name.starts_with("alice")).count(), 1);

    // What is given by hand stays, whatever else changes.
    netbox.assign_by_hand("alice", "on call this week")?;
    doorward.add_group("netbox-night", &["alice"])?;
    scene.groups_become("alice", &["netbox-night", "netbox-ops", "on call this week"]).await?;
    doorward.run(&["group", "remove-member", "netbox-ops", "alice"])?;
    scene.groups_become("alice", &["netbox-night", "on call this week"]).await?;
    doorward.run(&["user", "edit", "alice", "--email", "alice.new@example.org"])?;
    wait::until("the new address", SOON, async || {
        Ok(netbox.person("alice")?.filter(|person| person.email == "alice.new@example.org"))
    })
    .await?;

    // A name that was there before: NetBox makes another account, and that one gets the groups.
    doorward.run(&["group", "add-member", "netbox-night", "bob"])?;
    let second = Browser::start().await?;
    scene.sign_in(&second, "bob").await?;
    let made = netbox.usernames()?.into_iter().find(|name| name.starts_with("bob") && name != "bob");
    let made = made.context("NetBox took the local bob for ours")?;
    scene.groups_become(&made, &["netbox-night"]).await?;
    assert_eq!(netbox.person("bob")?.map(|person| person.groups), Some(Vec::new()));
    assert!(scene.state().contains(&format!("NetBox has bob beside {made}")), "{}", scene.state());

    // The last day, with a session open and a script running.
    let (alice, _) = netbox.account("alice")?;
    let (token, secret) = scene.root.add_token(alice).await?;
    let script = Api::new(&netbox.url(""), &secret)?;
    script.get("status/").await?;
    netbox.is_open_to(&browser).await?;
    doorward.run(&["user", "disable", "alice"])?;
    let begun = Instant::now();
    wait::until("the script to be refused", SOON, async || {
        let (status, _) = script.request(Method::GET, "status/", &Value::Null).await?;
        Ok((status == 403).then_some(()))
    })
    .await
    .with_context(|| scene.state())?;
    eprintln!("an API token was refused {:?} after the command", begun.elapsed());
    browser.open(&netbox.url("/user/profile/")).await?;
    browser.element("#id_username").await.context("the web session is still open")?;
    wait::until("the token to be disabled", SOON, async || Ok((!netbox.token_is_enabled(token)?).then_some(())))
        .await?;

    // She comes back: the account works, what was open stays shut.
    doorward.run(&["user", "enable", "alice"])?;
    scene.becomes_active("alice", true).await?;
    browser.open(&netbox.url("/user/profile/")).await?;
    browser.element("#id_username").await.context("the old web session came back to life")?;
    assert_eq!(script.request(Method::GET, "status/", &Value::Null).await?.0, 403);
    scene.groups_become("alice", &["netbox-night", "on call this week"]).await?;
    scene.netbox.begin_sign_in(&browser).await?;
    browser.sign_in("alice", PASSWORD).await?;
    netbox.is_open_to(&browser).await?;
    assert_eq!(netbox.usernames()?.iter().filter(|name| name.starts_with("alice")).count(), 1);

    // Whoever was local was never touched.
    assert_eq!(netbox.account("bob")?, (local_bob, true));
    assert!(netbox.person("root")?.is_some_and(|root| root.is_superuser));
    Ok(())
}

/// What the least that is enough really allows, in NetBox 4.7.3.
#[tokio::test(flavor = "multi_thread")]
async fn the_printed_permissions_are_enough_and_no_more() -> Result<()> {
    let scene = scene(Keeping::Sqlite).await?;
    let (doorward, netbox) = (&scene.doorward, &scene.netbox);
    scene.connect(&netbox.url("/"))?;
    doorward.settle().await;
    let checked = doorward.attempt(&["connector", "check", APP])?;
    ensure!(checked.status.success(), "{}", doorward_e2e::doorward::all_text(&checked));

    let browser = Browser::start().await?;
    scene.sign_in(&browser, "alice").await?;
    scene.groups_become("alice", &["netbox-ops"]).await?;

    let connector = Api::new(&netbox.url(""), &scene.token)?;
    let (root, _) = netbox.account("root")?;
    let (alice, _) = netbox.account("alice")?;
    let local = scene.root.add_user("local").await?;
    let own = scene.service_account;
    let tried = async |method: Method, path: String, body: Value| -> Result<u16> {
        Ok(connector.request(method, &path, &body).await?.0)
    };
    for account in [root, local, own] {
        let status = tried(Method::PATCH, format!("users/users/{account}/"), json!({ "is_active": false })).await?;
        assert!(matches!(status, 403 | 404), "changed the account {account}: {status}");
    }
    let password = json!({ "password": "Taken-Over-By-Somebody-1" });
    assert!(matches!(tried(Method::PATCH, format!("users/users/{root}/"), password).await?, 403 | 404));
    assert_eq!(tried(Method::GET, "users/permissions/".into(), Value::Null).await?, 403);
    let permission = json!({ "name": "x", "object_types": ["users.user"], "actions": ["view"], "users": [own] });
    assert_eq!(tried(Method::POST, "users/permissions/".into(), permission).await?, 403);
    let user = json!({ "username": "x", "password": "Never-Typed-By-Anybody-1" });
    assert_eq!(tried(Method::POST, "users/users/".into(), user).await?, 403);
    assert_eq!(tried(Method::DELETE, format!("users/users/{alice}/"), Value::Null).await?, 403);
    let (roots_token, _) = scene.root.add_token(root).await?;
    let disable = json!({ "enabled": false });
    let status = tried(Method::PATCH, format!("users/tokens/{roots_token}/"), disable).await?;
    assert!(matches!(status, 403 | 404), "{status}");
    // What remains, and is documented: it decides about people who sign in through Doorward, groups and permissions included.
    let group = scene.root.add("users/groups/", &json!({ "name": "admins by hand" })).await?;
    let status = tried(Method::PATCH, format!("users/users/{alice}/"), json!({ "groups": [group] })).await?;
    assert_eq!(status, 200);

    // A superuser's token is called what it is.
    let (_, too_much) = scene.root.add_token(root).await?;
    let file = doorward.file("token", &too_much)?;
    doorward.run(&["connector", "set", APP, "--token-file", &file])?;
    let checked = doorward.attempt(&["connector", "check", APP])?;
    assert_eq!(checked.status.code(), Some(5));
    assert!(doorward_e2e::doorward::all_text(&checked).contains("root is a superuser"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_netbox_delay_and_lose_nothing() -> Result<()> {
    let mut scene = scene(Keeping::Sqlite).await?;
    let relay = Relay::to(scene.netbox.port()).await?;
    scene.connect(&relay.url())?;
    scene.doorward.settle().await;
    let browser = Browser::start().await?;
    scene.sign_in(&browser, "alice").await?;
    scene.groups_become("alice", &["netbox-ops"]).await?;

    // Away, then back.
    scene.netbox.stop();
    scene.doorward.add_group("netbox-night", &["alice"])?;
    wait::until("the connector to notice", SOON, async || {
        Ok((text(&scene.show()?, "/health/state") == "failing").then_some(()))
    })
    .await?;
    // Doorward is killed meanwhile, too.
    scene.doorward.kill()?;
    scene.doorward.serve().await?;
    let settings = scene.settings.clone();
    scene.netbox.start(&settings).await?;
    wait::until("the connector to recover", Duration::from_mins(2), async || {
        Ok((scene.netbox.person("alice")?.context("no alice")?.groups.len() == 2).then_some(()))
    })
    .await
    .with_context(|| scene.state())?;

    // Unwell, slow, gone.
    for (mood, group) in
        [(Mood::Answers(500), "netbox-a"), (Mood::Gone, "netbox-b"), (Mood::Slow(Duration::from_secs(2)), "netbox-c")]
    {
        // NetBox ends connections that are kept after two seconds: none of them leads past the relay.
        tokio::time::sleep(Duration::from_secs(3)).await;
        relay.be(mood);
        scene.doorward.add_group(group, &["alice"])?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        if !matches!(mood, Mood::Slow(_)) {
            assert_eq!(text(&scene.show()?, "/health/state"), "failing", "{mood:?}\n{}", scene.state());
            relay.be(Mood::Through);
        }
        wait::until(&format!("{group} after {mood:?}"), Duration::from_mins(1), async || {
            let person = scene.netbox.person("alice")?.context("no alice")?;
            Ok(person.groups.iter().any(|name| name == group).then_some(()))
        })
        .await
        .with_context(|| scene.state())?;
    }
    relay.be(Mood::Through);

    // The token is revoked in NetBox, and replaced in Doorward.
    scene.root.request(Method::DELETE, &format!("users/tokens/{}/", scene.token_number), &Value::Null).await?;
    scene.doorward.run(&["user", "disable", "alice"])?;
    wait::until("the refusal to be noticed", SOON, async || {
        Ok((text(&scene.show()?, "/health/state") == "refused").then_some(()))
    })
    .await
    .with_context(|| scene.state())?;
    assert!(scene.netbox.account("alice")?.1);
    scene.token = scene.root.add_token(scene.service_account).await?.1;
    let file = scene.doorward.file("token", &scene.token)?;
    scene.doorward.run(&["connector", "set", APP, "--token-file", &file])?;
    let took = scene.becomes_active("alice", false).await?;
    eprintln!("cut off {took:?} after the new token was given");
    let log = scene.doorward.output();
    assert!(!log.contains(&scene.token) && !scene.state().contains(&scene.token), "the token was shown");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_one_queue() -> Result<()> {
    const PEOPLE: usize = 12;
    let mut scene = scene(Keeping::Postgres).await?;
    let browser = Browser::start().await?;
    scene.connect(&scene.netbox.url("/"))?;
    scene.doorward.settle().await;
    let node = scene.doorward.second_node().await?;
    scene.sign_in(&browser, "alice").await?;
    scene.groups_become("alice", &["netbox-ops"]).await?;

    // People who have an account of the time before, linked by hand; then all of them change at once.
    for number in 0..PEOPLE {
        let name = format!("person{number}");
        scene.doorward.add_user(&name, &name)?;
        scene.root.add_user(&name).await?;
    }
    permit(&scene.doorward, &scene.root, scene.service_account, "everybody").await?;
    for number in 0..PEOPLE {
        let name = format!("person{number}");
        scene.doorward.run(&["connector", "link", APP, &name, &name])?;
    }
    let names: Vec<String> = (0..PEOPLE).map(|number| format!("person{number}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    scene.doorward.add_group("netbox-everybody", &members)?;
    // One of the two is killed in the middle of it.
    scene.doorward.kill()?;
    for name in &names {
        wait::until(&format!("the group of {name}"), Duration::from_mins(3), async || {
            Ok((scene.netbox.person(name)?.context("gone")?.groups == ["netbox-everybody"]).then_some(()))
        })
        .await
        .with_context(|| scene.state())?;
    }
    scene.doorward.run(&["user", "disable", "alice"])?;
    scene.becomes_active("alice", false).await?;
    assert!(
        scene.doorward.json(&["connector", "jobs", APP])?.as_array().is_some_and(Vec::is_empty),
        "{}",
        scene.state()
    );
    drop(node);
    Ok(())
}
