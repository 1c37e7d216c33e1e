//! A real NetBox behind real nginx and real Caddy, everything configured with what Doorward prints: no Python in NetBox, and
//! names, mail, groups and superuser status arrive.

use anyhow::{Context, Result, ensure};
use doorward_e2e::browser::Browser;
use doorward_e2e::caddy::Caddy;
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::netbox::{NetBox, Person};
use doorward_e2e::nginx::Nginx;
use doorward_e2e::visitor::Visitor;
use serde_json::Value;

struct Scene {
    doorward: Doorward,
    netbox: NetBox,
    nginx: Nginx,
    caddy: Caddy,
}

/// The blocks that `app config` prints, by the beginning of their files' names.
fn block(described: &Value, file: &str) -> Result<String> {
    let blocks = described.get("blocks").and_then(Value::as_array).context("no blocks")?;
    let of = |block: &Value, member: &str| Some(block.get(member)?.as_str()?.to_owned());
    let found = blocks.iter().find(|block| of(block, "filename").is_some_and(|name| name.starts_with(file)));
    found.and_then(|block| of(block, "text")).with_context(|| format!("no settings for {file}"))
}

/// One NetBox behind two proxies.
async fn scene() -> Result<Scene> {
    let (mut nginx, mut caddy, mut netbox) = (Nginx::prepare()?, Caddy::prepare()?, NetBox::prepare()?);
    let doorward = Doorward::start_behind_proxies().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_user("bob", "Bob Example")?;
    doorward.add_group("netbox-admins", &["alice"])?;
    doorward.add_group("netbox-operators", &["alice", "bob"])?;
    let upstream = netbox.url("");
    for (slug, url) in [("netbox", nginx.url("")), ("netbox-by-caddy", caddy.url(""))] {
        let usual =
            ["app", "add", "netbox", "--method", "proxy", "--slug", slug, "--url", &url, "--upstream", &upstream];
        doorward.run(&[usual.as_slice(), &["--superusers", "netbox-admins", "--allow", "everyone"]].concat())?;
    }
    doorward.settle().await;
    let printed = doorward.json(&["app", "config", "netbox", "--netbox-version", "4.7"])?;
    netbox.start(&block(&printed, "configuration.py")?).await?;
    nginx.start(&block(&printed, "/etc/nginx/")?).await?;
    let printed = doorward.json(&["app", "config", "netbox-by-caddy", "--proxy", "caddy"])?;
    caddy.start(&block(&printed, "/etc/caddy/")?).await?;
    Ok(Scene { doorward, netbox, nginx, caddy })
}

impl Scene {
    fn person(&self, username: &str) -> Result<Person> {
        self.netbox.person(username)?.with_context(|| format!("NetBox has no user {username}"))
    }

    /// Whom NetBox takes a visitor for; nothing if it takes them for nobody.
    async fn whoami(&self, visitor: &Visitor, root: &str, headers: &[(&str, &str)]) -> Result<Option<String>> {
        let page = visitor.get_with(&format!("{root}/api/authentication-check/"), headers).await?;
        let answer: Value = serde_json::from_str(&page.body).unwrap_or_default();
        Ok(answer.get("username").and_then(Value::as_str).map(str::to_owned))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn name_mail_groups_and_superuser_arrive_and_go_again() -> Result<()> {
    let scene = scene().await?;
    let browser = Browser::start().await?;
    browser.open(&scene.nginx.url("/")).await?;
    browser.sign_in("alice", PASSWORD).await?;
    browser.arrives_at(&scene.nginx.url("/")).await?;
    browser.one_of(&["a[href*='/logout/']"]).await?;
    let alice = scene.person("alice")?;
    assert!(alice.is_superuser, "{alice:?}");
    assert_eq!(alice.groups, ["netbox-admins", "netbox-operators"]);
    assert_eq!((alice.name.as_str(), alice.email.as_str()), ("Alice Example", "alice@example.org"));

    // The next session of NetBox knows of the change; until then LOGIN_TIMEOUT.
    scene.doorward.run(&["group", "remove-member", "netbox-admins", "alice"])?;
    scene.doorward.settle().await;
    browser.forget_cookie("sessionid").await?;
    browser.open(&scene.nginx.url("/")).await?;
    browser.one_of(&["a[href*='/logout/']"]).await?;
    let alice = scene.person("alice")?;
    assert_eq!((alice.is_superuser, alice.groups), (false, vec!["netbox-operators".to_owned()]));

    tokens_and_forged_headers(&scene).await?;

    // Signing out of NetBox signs out of everything.
    browser.open(&scene.nginx.url("/logout/")).await?;
    if browser.one_of(&["#confirm-sign-out", "#sign-in-again", "#sign-in"]).await? == "#confirm-sign-out" {
        browser.press("#confirm-sign-out").await?;
        browser.gone("#confirm-sign-out").await?;
    }
    browser.open(&scene.nginx.url("/")).await?;
    browser.element("#sign-in").await?;
    assert!(browser.address().await?.starts_with(&scene.doorward.url("/")));
    Ok(())
}

/// Programs with a token, and people who would like to be others, at both proxies.
async fn tokens_and_forged_headers(scene: &Scene) -> Result<()> {
    let token = scene.netbox.token_of("alice")?;
    for root in [scene.nginx.url(""), scene.caddy.url("")] {
        let bob = Visitor::new()?;
        let page = bob.enter(&format!("{root}/"), "bob", PASSWORD).await?;
        ensure!(page.status == 200 && page.body.contains("/logout/"), "{} {}\n{}", page.url, page.status, page.body);
        assert_eq!(scene.whoami(&bob, &root, &[]).await?.as_deref(), Some("bob"));
        let forged = [("remote-user", "alice"), ("remote_user", "alice"), ("remote_user_group", "netbox-admins")];
        assert_eq!(scene.whoami(&bob, &root, &forged).await?.as_deref(), Some("bob"));

        // NetBox itself would prefer a session's cookie, or the header, to the token.
        let by_token = [("authorization", token.as_str()), ("remote-user", "bob"), ("remote_user", "bob")];
        assert_eq!(scene.whoami(&Visitor::new()?, &root, &by_token).await?.as_deref(), Some("alice"));
        assert_eq!(scene.whoami(&bob, &root, &by_token).await?.as_deref(), Some("alice"));
        let made_up = [("authorization", "Token 0000000000000000000000000000000000000000"), ("remote-user", "alice")];
        assert_eq!(scene.whoami(&bob, &root, &made_up).await?, None);

        scene.doorward.run(&["user", "disable", "bob"])?;
        scene.doorward.settle().await;
        assert_eq!(scene.whoami(&bob, &root, &[]).await?, None, "Bob is disabled");
        assert_eq!(scene.whoami(&bob, &root, &made_up).await?, None, "his session of NetBox is no way round");
        scene.doorward.run(&["user", "enable", "bob"])?;
        scene.doorward.settle().await;
    }
    let bob = scene.person("bob")?;
    assert_eq!((bob.is_superuser, bob.groups), (false, vec!["netbox-operators".to_owned()]));
    Ok(())
}
