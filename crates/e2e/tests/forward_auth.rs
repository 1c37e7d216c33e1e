//! Real nginx and real Caddy with the configuration that Doorward prints, before an application that tells what reached it.
//! The application takes NetBox's place: the same headers, the same way round for API tokens.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use doorward_e2e::caddy::Caddy;
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::echo::{Echo, GREETING, values};
use doorward_e2e::environment;
use doorward_e2e::nginx::Nginx;
use doorward_e2e::raw;
use doorward_e2e::visitor::{Page, Visitor};

/// The identity headers that NetBox reads.
const IDENTITY: [&str; 5] =
    ["Remote-User", "Remote-User-Group", "Remote-User-Email", "Remote-User-First-Name", "Remote-User-Last-Name"];

/// What Alice is to the application.
const ALICE: [&str; 5] = ["alice", "netbox-admins|netbox-operators", "alice@example.org", "Alice", "Example"];

struct Scene {
    doorward: Doorward,
    nginx: Nginx,
    caddy: Caddy,
    echo: Echo,
}

/// One application behind nginx and one behind Caddy, for the members of a group.
async fn scene() -> Result<Scene> {
    let (mut nginx, mut caddy, echo) = (Nginx::prepare()?, Caddy::prepare()?, Echo::start()?);
    let doorward = Doorward::start_behind_proxies().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_user("mallory", "Mallory Example")?;
    doorward.add_group("netbox-admins", &["alice"])?;
    doorward.add_group("netbox-operators", &["alice"])?;
    for (slug, url) in [("by-nginx", nginx.url("")), ("by-caddy", caddy.url(""))] {
        let usual =
            ["app", "add", "netbox", "--method", "proxy", "--slug", slug, "--url", &url, "--upstream", &echo.url()];
        doorward
            .run(&[usual.as_slice(), &["--superusers", "netbox-admins", "--allow", "netbox-operators"]].concat())?;
    }
    doorward.settle().await;
    nginx.start(&printed(&doorward, "by-nginx", "nginx")?).await?;
    caddy.start(&printed(&doorward, "by-caddy", "caddy")?).await?;
    Ok(Scene { doorward, nginx, caddy, echo })
}

/// The configuration of one web proxy, as it is printed.
fn printed(doorward: &Doorward, slug: &str, proxy: &str) -> Result<String> {
    let described = doorward.json(&["app", "config", slug, "--proxy", proxy])?;
    let blocks = described.get("blocks").and_then(|blocks| blocks.as_array()).context("no blocks")?;
    let first = blocks.first().and_then(|block| block.get("text")?.as_str()).context("no text")?;
    Ok(first.to_owned())
}

impl Scene {
    fn urls(&self, path: &str) -> [String; 2] {
        [self.nginx.url(path), self.caddy.url(path)]
    }

    fn ports(&self) -> [u16; 2] {
        [self.nginx.port(), self.caddy.port()]
    }

    async fn alice(&self, url: &str) -> Result<Visitor> {
        let visitor = Visitor::new()?;
        let page = visitor.enter(url, "alice", PASSWORD).await?;
        ensure!(page.body.starts_with(GREETING), "stopped at {} ({}):\n{}", page.url, page.status, page.body);
        Ok(visitor)
    }

    /// Makes sure that a request did not reach the application.
    fn stays_outside(&self, asked: usize, page: &Page) -> Result<()> {
        ensure!(!page.body.contains(GREETING) && self.echo.asked() == asked, "it got in: {}\n{}", page.url, page.body);
        Ok(())
    }
}

fn is_alice(page: &Page) -> Result<()> {
    ensure!(page.body.starts_with(GREETING), "{} answered {}:\n{}", page.url, page.status, page.body);
    for (name, value) in IDENTITY.iter().zip(ALICE) {
        ensure!(values(&page.body, name) == [value], "{name} at {}:\n{}", page.url, page.body);
    }
    Ok(())
}

fn is_nobody(page: &Page) -> Result<()> {
    ensure!(page.body.starts_with(GREETING), "{} answered {}:\n{}", page.url, page.status, page.body);
    for name in IDENTITY {
        let found = values(&page.body, name);
        ensure!(found.iter().all(|value| value.is_empty()), "{name} at {}:\n{}", page.url, page.body);
    }
    Ok(())
}

/// Every spelling of every identity header, as somebody would send them who wants to be somebody else.
fn forged() -> Vec<(String, &'static str)> {
    let mut forged = Vec::new();
    for name in IDENTITY {
        let hyphens = name.matches('-').count();
        for mask in 0..1_u32 << hyphens {
            let mut seen = 0;
            let spelled = name.chars().map(|letter| {
                if letter != '-' {
                    return letter;
                }
                seen += 1;
                if mask & (1 << (seen - 1)) == 0 { '-' } else { '_' }
            });
            forged.push((spelled.collect(), "mallory"));
        }
    }
    forged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_arrives_where_they_wanted_to_go() -> Result<()> {
    let scene = scene().await?;
    for url in scene.urls("/dcim/sites/?q=a%26b&page=2") {
        let visitor = Visitor::new()?;
        let page = visitor.enter(&url, "alice", PASSWORD).await?;
        is_alice(&page)?;
        assert_eq!(page.url.as_str(), url);
        assert!(page.body.starts_with(&format!("{GREETING}GET /dcim/sites/?q=a%26b&page=2 HTTP/")), "{}", page.body);
        is_alice(&visitor.get(&url).await?)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_identity_headers_change_nothing() -> Result<()> {
    let scene = scene().await?;
    let forged = forged();
    let headers: Vec<(&str, &str)> = forged.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(headers.len(), 26);
    for url in scene.urls("/dcim/sites/") {
        let asked = scene.echo.asked();
        scene.stays_outside(asked, &Visitor::new()?.get_with(&url, &headers).await?)?;
        let alice = scene.alice(&url).await?;
        is_alice(&alice.get_with(&url, &headers).await?)?;
        // Neither can a browser have a header taken away as one of this connection only (CVE-2024-45410).
        let named: Vec<(&str, &str)> = IDENTITY.iter().map(|name| ("connection", *name)).collect();
        is_alice(&alice.get_with(&url, &named).await?)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn api_tokens_pass_as_nobody_and_without_cookies() -> Result<()> {
    let scene = scene().await?;
    let forged = forged();
    for (root, port) in scene.urls("").into_iter().zip(scene.ports()) {
        let alice = scene.alice(&format!("{root}/")).await?;
        for token in
            ["Token 0123456789abcdef0123456789abcdef01234567", "Bearer nbt_key.secret", "bearer nbt_key.secret"]
        {
            for path in ["/api/dcim/sites/?limit=1", "/graphql/"] {
                let mut headers: Vec<(&str, &str)> =
                    forged.iter().map(|(name, value)| (name.as_str(), *value)).collect();
                headers.push(("authorization", token));
                let page = alice.get_with(&format!("{root}{path}"), &headers).await?;
                is_nobody(&page)?;
                assert_eq!(values(&page.body, "Authorization"), [token]);
                assert!(values(&page.body, "Cookie").is_empty(), "{}", page.body);
            }
            // Anywhere else such a token is none.
            let asked = scene.echo.asked();
            for path in ["/dcim/sites/?x=/api/", "/apix/", "/x/api/", "//x/api/"] {
                let page = Visitor::new()?.get_with(&format!("{root}{path}"), &[("authorization", token)]).await?;
                scene.stays_outside(asked, &page)?;
            }
        }
        // A browser's own calls of the API are a person's.
        is_alice(&alice.get(&format!("{root}/api/dcim/sites/")).await?)?;
        // A token of some other kind is not for the application to judge.
        let asked = scene.echo.asked();
        for other in ["Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YWxpY2U6d3Jvbmc=", "Tokens x", ""] {
            let page = Visitor::new()?.get_with(&format!("{root}/api/"), &[("authorization", other)]).await?;
            scene.stays_outside(asked, &page)?;
        }
        let host = format!("Host: 127.0.0.1:{port}");
        let two = [
            "GET /dcim/ HTTP/1.1",
            &host,
            "Authorization: Token x /api/",
            "Authorization: Token x",
            "Connection: close",
        ];
        let answer = raw::send(port, &two)?;
        ensure!(!answer.contains(GREETING), "{answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_or_loses_access_is_out_at_the_next_request() -> Result<()> {
    let scene = scene().await?;
    for url in scene.urls("/dcim/sites/") {
        let alice = scene.alice(&url).await?;
        scene.doorward.run(&["group", "remove-member", "netbox-operators", "alice"])?;
        scene.doorward.settle().await;
        let asked = scene.echo.asked();
        let page = alice.get(&url).await?;
        scene.stays_outside(asked, &page)?;
        assert_eq!(page.status, 403, "{}", page.body);
        assert!(page.body.contains("<html"), "no page says why:\n{}", page.body);
        scene.doorward.run(&["group", "add-member", "netbox-operators", "alice"])?;
        scene.doorward.settle().await;
        is_alice(&scene.alice(&url).await?.get(&url).await?)?;

        let alice = scene.alice(&url).await?;
        scene.doorward.run(&["user", "disable", "alice"])?;
        scene.doorward.settle().await;
        let asked = scene.echo.asked();
        scene.stays_outside(asked, &alice.get(&url).await?)?;
        scene.stays_outside(asked, &alice.follow(alice.get(&url).await?, "nowhere:").await?)?;
        scene.doorward.run(&["user", "enable", "alice"])?;
        scene.doorward.settle().await;

        // Mallory may sign in, and may not come here.
        let mallory = Visitor::new()?;
        let page = mallory.enter(&url, "mallory", PASSWORD).await?;
        scene.stays_outside(asked, &page)?;
        assert!(page.status == 403 && page.body.contains("<html"), "{} {}", page.status, page.body);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_it_here_and_at_doorward() -> Result<()> {
    let scene = scene().await?;
    for root in scene.urls("") {
        let url = format!("{root}/dcim/sites/");
        let alice = scene.alice(&url).await?;
        let mut page =
            alice.follow(alice.get(&format!("{root}/outpost.goauthentik.io/sign_out")).await?, "nowhere:").await?;
        if page.has_button("confirm-sign-out") {
            page = alice.follow(alice.press(&page, "confirm-sign-out", &[]).await?, "nowhere:").await?;
        }
        assert!(page.status < 400, "{} {}", page.status, page.body);
        let asked = scene.echo.asked();
        let page = alice.follow(alice.get(&url).await?, "nowhere:").await?;
        scene.stays_outside(asked, &page)?;
        assert!(page.has_button("sign-in"), "still signed in at {}: {}", page.url, page.body);
    }
    Ok(())
}

/// Doorward's advisories name what others let through: a header that another proxy would send, an address or a cookie
/// that cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_is_not_the_proxys_own_word_lets_nobody_in() -> Result<()> {
    let scene = scene().await?;
    let asked = scene.echo.asked();
    for port in scene.ports() {
        let host = format!("Host: 127.0.0.1:{port}");
        let pretended = format!("http://127.0.0.1:{port}/outpost.goauthentik.io/ping");
        let long = "a".repeat(3_000);
        let cases: Vec<Vec<String>> = vec![
            vec!["GET / HTTP/1.1".into(), format!("X-Original-URI: {pretended}")],
            vec!["GET / HTTP/1.1".into(), "X-Original-URI: /outpost.goauthentik.io/ping".into()],
            vec!["GET / HTTP/1.1".into(), format!("X-Original-URL: {pretended}")],
            vec!["GET / HTTP/1.1".into(), "X-Forwarded-Uri: /outpost.goauthentik.io/ping".into()],
            vec![
                "GET / HTTP/1.1".into(),
                "X-Forwarded-Host: evil.example.org".into(),
                "X-Forwarded-Proto: javascript".into(),
            ],
            vec!["GET /outpost.goauthentik.io/../dcim/ HTTP/1.1".into()],
            vec!["GET /outpost.goauthentik.io%2f..%2fdcim/ HTTP/1.1".into()],
            vec!["GET /outpost.goauthentik.io/%2e%2e/dcim/ HTTP/1.1".into()],
            vec!["GET //outpost.goauthentik.io/..;/dcim/ HTTP/1.1".into()],
            vec!["GET /%zz%00%ff HTTP/1.1".into()],
            vec!["GET /a\\..\\b?%ff%fe HTTP/1.1".into()],
            vec!["GET http://[::1 HTTP/1.1".into()],
            vec!["GET / HTTP/1.1".into(), "Cookie: authentik_proxy_00000000=%%%; ;;=;\u{1}".into()],
            vec!["GET / HTTP/1.1".into(), format!("Cookie: authentik_proxy_00000000={long}; =; a")],
            vec!["GET / HTTP/1.1".into(), "Cookie: authentik_proxy".into(), "Cookie: \u{fffd}".into()],
        ];
        for mut lines in cases {
            lines.insert(1, host.clone());
            lines.push("Connection: close".into());
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let answer = raw::send(port, &lines)?;
            let status = raw::status(&answer).with_context(|| format!("{lines:?}: {answer}"))?;
            ensure!(!answer.contains(GREETING) && scene.echo.asked() == asked, "{lines:?} got in:\n{answer}");
            ensure!((300..600).contains(&status), "{lines:?}: {answer}");
        }
    }
    Ok(())
}

/// Traefik does not run here: its configuration is read, and what refers to something must find it.
#[tokio::test(flavor = "multi_thread")]
async fn traefiks_configuration_names_only_what_it_has() -> Result<()> {
    let doorward = Doorward::start_behind_proxies().await?;
    doorward.run(&[
        "app",
        "add",
        "netbox",
        "--method",
        "proxy",
        "--url",
        "https://netbox.example.org",
        "--allow",
        "everyone",
    ])?;
    let http = yaml(&printed(&doorward, "netbox", "traefik")?)?;
    let section = |name: &str| http["http"][name].as_object().with_context(|| format!("no section {name}: {http}"));
    let (routers, middlewares, services) = (section("routers")?, section("middlewares")?, section("services")?);
    assert_eq!(routers.keys().collect::<Vec<_>>(), ["netbox", "netbox-by-token", "netbox-doorward"]);
    for (name, router) in routers {
        let service = router["service"].as_str().context("no service")?;
        assert!(services.contains_key(service), "{name}: {service}");
        for middleware in router["middlewares"].as_array().into_iter().flatten() {
            assert!(middlewares.contains_key(middleware.as_str().context("no name")?), "{name}: {middleware}");
        }
    }
    assert_eq!(routers["netbox"]["middlewares"], serde_json::json!(["netbox-nobody", "netbox-sign-in"]));
    assert!(routers["netbox-doorward"].get("middlewares").is_none());
    let forward = &middlewares["netbox-sign-in"]["forwardAuth"];
    let address = forward["address"].as_str().context("no address")?;
    assert_eq!(address, doorward.url("/outpost.goauthentik.io/auth/traefik"));
    assert_eq!(forward["trustForwardHeader"], serde_json::json!(false));
    let deleted = middlewares["netbox-nobody"]["headers"]["customRequestHeaders"].as_object().context("no headers")?;
    for (name, _) in forged() {
        assert_eq!(deleted.get(&name).and_then(|value| value.as_str()), Some(""), "{name}");
    }
    for name in IDENTITY {
        let listed = forward["authResponseHeaders"].as_array().context("no list")?;
        assert!(listed.iter().any(|listed| listed == name), "{name}");
    }
    Ok(())
}

/// YAML as JSON, read by the parser that NetBox brings along.
fn yaml(text: &str) -> Result<serde_json::Value> {
    let python = format!("{}/bin/python", environment::required("DOORWARD_TEST_NETBOX_VENV")?);
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let output = Command::new(python).args(["-c", script]).arg(file.path()).output()?;
    ensure!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A line that an administrator of the proxy changed, and what Doorward's page has to say about it.
const BROKEN: [(&str, &str, &[&str]); 3] = [
    // The cookie is there, and the proxy keeps it to itself when it asks.
    ("internal;", "internal; proxy_set_header Cookie \"\";", &["again and again", "proxy_set_header Cookie"]),
    // The browser never gets a cookie.
    (
        "location /outpost.goauthentik.io/ {",
        "location /outpost.goauthentik.io/ { proxy_hide_header Set-Cookie;",
        &["did not come back"],
    ),
    // The port got lost on the way.
    ("X-Original-URL http://", "X-Original-URL http://$host$request_uri; #", &["no application", "127.0.0.1"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_was_changed_for_the_worse_is_explained() -> Result<()> {
    let mut scene = scene().await?;
    let site = printed(&scene.doorward, "by-nginx", "nginx")?;
    let url = scene.nginx.url("/dcim/sites/");
    for (line, changed, words) in BROKEN {
        let broken = site.replace(line, changed);
        ensure!(broken != site, "there is no {line:?} in:\n{site}");
        scene.nginx.start(&broken).await?;
        explained(&Visitor::new()?.enter(&url, "alice", PASSWORD).await?, &scene.nginx.url("/"), words)?;
    }
    // Nothing stays of it.
    scene.nginx.start(&site).await?;
    scene.alice(&url).await?;

    let site = printed(&scene.doorward, "by-caddy", "caddy")?;
    let broken = site.replace("/auth/caddy\n", "/auth/caddy\n\t\t\t\t\theader_up -Cookie\n");
    ensure!(broken != site, "there is no /auth/caddy in:\n{site}");
    scene.caddy.start(&broken).await?;
    let page = Visitor::new()?.enter(&scene.caddy.url("/dcim/sites/"), "alice", PASSWORD).await?;
    explained(&page, &scene.caddy.url("/"), &["again and again", "header_up -Cookie"])
}

fn explained(page: &Page, root: &str, words: &[&str]) -> Result<()> {
    ensure!(!page.body.contains(GREETING), "it got in:\n{}", page.body);
    ensure!(
        page.url.as_str().starts_with(root) && page.status >= 400,
        "{} at {}:\n{}",
        page.status,
        page.url,
        page.body
    );
    for word in words {
        ensure!(page.body.to_lowercase().contains(&word.to_lowercase()), "nothing about {word:?}:\n{}", page.body);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_doorward_nobody_gets_in() -> Result<()> {
    let mut scene = scene().await?;
    let [nginx, caddy] = scene.urls("/dcim/sites/");
    let visitors = [(scene.alice(&nginx).await?, nginx), (scene.alice(&caddy).await?, caddy)];
    scene.doorward.stop();
    let asked = scene.echo.asked();
    for (alice, url) in visitors {
        let page = alice.get(&url).await?;
        scene.stays_outside(asked, &page)?;
        assert!(page.status >= 500, "{} {}", page.status, page.body);
    }
    Ok(())
}
