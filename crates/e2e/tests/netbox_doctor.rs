//! The doctor against a real NetBox that is set up rightly, while everything around it goes wrong.

use anyhow::{Context, Result};
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::front::{self, Authority, Changes, with_header};
use doorward_e2e::netbox::NetBox;
use doorward_e2e::ports;
use doorward_e2e::told::{Told, add_netbox, doorward_with_alice};
use doorward_e2e::visitor::Visitor;
use jiff::{SignedDuration, civil::DateTime};
use serde_json::Value;

/// How servers write the time, without its zone.
const FORMAT: &str = "%a, %d %b %Y %H:%M:%S";

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

/// Signs in at NetBox as a browser without JavaScript would; where it ends.
async fn sign_in(netbox: &NetBox, username: &str) -> Result<String> {
    let visitor = Visitor::new()?;
    let login = visitor.get(&netbox.url("/login/")).await?;
    let begun = visitor.send_form_with("csrfmiddlewaretoken", &login, &[]).await?;
    let there = begun.location.context("NetBox does not send the browser on")?;
    let back = visitor.signed_in_to(there.as_str(), &netbox.url("/oauth/complete/"), username, PASSWORD).await?;
    Ok(visitor.get(back.as_str()).await?.location.map(String::from).unwrap_or_default())
}

/// One NetBox that is set up rightly; everything else goes wrong at Doorward, in front of it, or with people.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_at_doorward_is_found_and_a_healthy_set_up_passes() -> Result<()> {
    let mut netbox = NetBox::prepare()?;
    let doorward = doorward_with_alice().await?;
    let application = add_netbox(&doorward, "netbox", &netbox.url(""))?;
    let settings = application.settings.context("no settings")?;
    doorward.settle().await;
    netbox.start(&format!("{settings}\nLOGIN_FORM_HIDDEN = True")).await?;

    let healthy = Told::ask(&doorward, "netbox", &[])?;
    assert_eq!(healthy.problems(), Vec::<&str>::new(), "{:#}", healthy.json);
    for id in [
        "discovery",
        "application",
        "version",
        "clock",
        "button",
        "begin",
        "client-id",
        "pkce",
        "scopes",
        "redirect-uri",
        "algorithm",
        "access",
        "claims",
    ] {
        healthy.says("ok", id);
    }
    let arrived = sign_in(&netbox, "alice").await?;
    assert!(arrived.ends_with('/'), "{arrived}");
    assert!(netbox.person("alice")?.is_some());

    at_doorward(&doorward)?;
    with_people(&doorward)?;
    with_token(&doorward, &netbox)?;
    in_front(&doorward, &netbox).await?;
    a_wrong_secret(&doorward, &netbox).await
}

/// Settings of the application: key, issuer, redirect URIs, mappings, access.
fn at_doorward(doorward: &Doorward) -> Result<()> {
    let edit = |arguments: &[&str]| doorward.run(&[&["app", "edit", "netbox"][..], arguments].concat()).map(drop);
    let uri = |told: &Value| told.pointer("/redirect_uris/0").and_then(Value::as_str).map(str::to_owned);
    let registered = uri(&doorward.json(&["app", "show", "netbox"])?).context("no redirect URI")?;

    doorward.run(&["key", "generate", "--name", "EC", "--algorithm", "ec-p256"])?;
    let key = doorward.json(&["app", "show", "netbox"])?;
    let key = key.get("signing_key").and_then(Value::as_str).context("no signing key")?.to_owned();
    edit(&["--signing-key", "EC", "--issuer-mode", "global"])?;
    doorward.run(&["app", "edit", "netbox", "--remove-redirect-uri", &registered])?;
    let told = Told::ask(doorward, "netbox", &[])?;
    told.says("problem", "algorithm-not-rs256");
    told.changes("SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ['ES256']");
    told.says("problem", "redirect-uri-none");
    told.changes(&format!("doorward app edit netbox --add-redirect-uri {registered}"));

    edit(&["--signing-key", &key, "--issuer-mode", "per_provider"])?;
    edit(&["--add-redirect-uri", "http://netbox.example.org/oauth/complete/oidc/"])?;
    let told = Told::ask(doorward, "netbox", &[])?;
    told.only("redirect-uri-unregistered");
    edit(&[
        "--remove-redirect-uri",
        "http://netbox.example.org/oauth/complete/oidc/",
        "--add-redirect-uri",
        &registered,
    ])?;

    let mappings = doorward.json(&["app", "show", "netbox"])?;
    let mappings = mappings.get("mappings").and_then(Value::as_array).context("no mappings")?;
    let superuser = mappings.iter().filter_map(Value::as_str).find(|name| name.starts_with("NetBox: superuser"));
    let superuser = superuser.context("no mapping for superusers")?;
    edit(&["--remove-mapping", superuser])?;
    Told::ask(doorward, "netbox", &[])?.only("superuser-missing");
    edit(&["--add-mapping", superuser])?;
    doorward.run(&["mapping", "edit", superuser, "--expression", "{\"netbox_superuser\": \"yes\"}"])?;
    Told::ask(doorward, "netbox", &[])?.only("superuser-not-boolean");
    doorward.run(&["mapping", "edit", superuser, "--expression", "{\"netbox_superuser\": user.nothing.at.all}"])?;
    Told::ask(doorward, "netbox", &[])?.only("mapping-broken");
    doorward.run(&["mapping", "edit", superuser, "--expression", "{\"netbox_superuser\": true}"])?;

    doorward.add_group("nobody-is-here", &[])?;
    edit(&["--allow", "nobody-is-here"])?;
    Told::ask(doorward, "netbox", &[])?.only("access-empty");
    edit(&["--allow", "netbox-admins"])?;
    let profile = mapping_of(doorward, "profile")?;
    edit(&["--remove-mapping", &profile])?;
    let told = Told::ask(doorward, "netbox", &[])?;
    assert_eq!(told.problems(), ["groups-missing", "scope-not-allowed", "username-missing"], "{:#}", told.json);
    edit(&["--add-mapping", &profile])?;
    assert_eq!(Told::ask(doorward, "netbox", &[])?.problems(), Vec::<&str>::new());
    Ok(())
}

/// The name of the mapping of a scope that came with Doorward.
fn mapping_of(doorward: &Doorward, scope: &str) -> Result<String> {
    let listed = doorward.json(&["mapping", "list"])?;
    let mappings = listed.as_array().context("no list")?;
    let found = mappings.iter().find(|mapping| mapping.get("scope").and_then(Value::as_str) == Some(scope));
    found.and_then(|mapping| mapping.get("name")?.as_str()).map(str::to_owned).context("no such mapping")
}

/// Names and addresses of people, and a group that is gone.
fn with_people(doorward: &Doorward) -> Result<()> {
    doorward.run(&["user", "add", "al ice", "--email", "ALICE@example.org", "--group", "netbox-admins"])?;
    let told = Told::ask(doorward, "netbox", &[])?;
    assert_eq!(told.problems(), ["username-clash", "username-mangled"], "{:#}", told.json);
    for id in ["email-unverified", "email-shared", "name-missing"] {
        told.says("note", id);
    }
    told.changes("al ice becomes alice");
    doorward.run(&["user", "rm", "al ice", "--yes"])?;
    doorward.run(&["group", "edit", "netbox-admins", "--name", "netbox-chiefs"])?;
    Told::ask(doorward, "netbox", &[])?.only("superuser-group-missing");
    doorward.run(&["group", "edit", "netbox-chiefs", "--name", "netbox-admins"])?;
    Ok(())
}

/// What only a token tells: Bob has a local account, and Alice a second one.
fn with_token(doorward: &Doorward, netbox: &NetBox) -> Result<()> {
    let file = doorward.directory().join("netbox-token");
    std::fs::write(&file, "not-a-token")?;
    let file = file.display().to_string();
    Told::ask(doorward, "netbox", &["--token-file", &file])?.only("token-refused");
    std::fs::write(&file, "ffffffffffffffffffffffffffffffffffffffff")?;
    Told::ask(doorward, "netbox", &["--token-file", &file])?.only("token-refused");

    netbox.add_superuser("local-admin", TOKEN)?;
    std::fs::write(&file, TOKEN)?;
    let told = Told::ask(doorward, "netbox", &["--token-file", &file])?;
    assert_eq!(told.problems(), Vec::<&str>::new(), "{:#}", told.json);
    told.says("ok", "accounts");
    told.says("note", "token-powerful");

    netbox.add_user("bob")?;
    netbox.add_user("alice5951bce3e62d42b1")?;
    doorward.add_user("bob", "Bob Example")?;
    doorward.run(&["group", "add-member", "netbox-admins", "bob"])?;
    let told = Told::ask(doorward, "netbox", &["--token-file", &file])?;
    assert_eq!(told.problems(), ["account-duplicate", "account-local"], "{:#}", told.json);
    assert!(!told.json.to_string().contains(TOKEN));
    doorward.run(&["user", "rm", "bob", "--yes"])?;
    Ok(())
}

/// Another application at the same NetBox, and NetBox behind fronts that get things wrong.
async fn in_front(doorward: &Doorward, netbox: &NetBox) -> Result<()> {
    add_netbox(doorward, "second", &netbox.url(""))?;
    let told = Told::ask(doorward, "second", &[])?;
    told.says("problem", "client-id-differs");
    told.changes("it belongs to the application netbox");

    let closed = format!("http://127.0.0.1:{}", ports::free()?);
    add_netbox(doorward, "down", &closed)?;
    Told::ask(doorward, "down", &[])?.only("application-unreachable");
    add_netbox(doorward, "foreign", &doorward.url(""))?;
    Told::ask(doorward, "foreign", &[])?.only("application-foreign");

    for (slug, shift, id) in
        [("slow-clock", behind as front::Rewrite, "clock-behind"), ("fast-clock", ahead, "clock-ahead")]
    {
        let port = front::start(netbox.port(), None, Changes { answer: shift, ..Changes::default() }).await?;
        add_netbox(doorward, slug, &format!("http://127.0.0.1:{port}"))?;
        Told::ask(doorward, slug, &[])?.says("problem", id);
    }
    let host: front::Rewrite = |head| with_header(head, "Host", "netbox.internal:8001");
    let port = front::start(netbox.port(), None, Changes { request: host, ..Changes::default() }).await?;
    add_netbox(doorward, "hidden-host", &format!("http://127.0.0.1:{port}"))?;
    let told = Told::ask(doorward, "hidden-host", &[])?;
    told.says("problem", "redirect-uri-host");
    told.changes("proxy_set_header X-Forwarded-Host $http_host;");
    behind_tls(doorward, netbox).await
}

/// A proxy that speaks https for NetBox and does not tell it, with a certificate of a private authority.
async fn behind_tls(doorward: &Doorward, netbox: &NetBox) -> Result<()> {
    let authority = Authority::new(&doorward.directory())?;
    let port = front::start(netbox.port(), Some(&authority), Changes::default()).await?;
    let url = format!("https://localhost:{port}");
    add_netbox(doorward, "tls", &url)?;
    let told = Told::ask(doorward, "tls", &[])?;
    told.says("note", "tls-unknown-authority");
    told.says("problem", "application-unreachable");

    let mut trusting = doorward.with(&[("SSL_CERT_FILE", &authority.file())]);
    let told = Told::read(&trusting.args(["doctor", "tls", "-o", "json"]).output()?)?;
    told.says("ok", "tls");
    told.says("problem", "redirect-uri-scheme");
    told.changes("proxy_set_header X-Forwarded-Proto $scheme;");
    told.changes("SOCIAL_AUTH_REDIRECT_IS_HTTPS = True");
    Ok(())
}

fn behind(head: &str) -> String {
    shifted(head, SignedDuration::from_secs(-20))
}

fn ahead(head: &str) -> String {
    shifted(head, SignedDuration::from_mins(11))
}

/// An answer whose clock is off.
fn shifted(head: &str, by: SignedDuration) -> String {
    let date = head.lines().find_map(|line| line.strip_prefix("Date: ")).unwrap_or_default();
    let time = date.strip_suffix(" GMT").and_then(|date| DateTime::strptime(FORMAT, date).ok());
    let Some(time) = time.and_then(|time| time.checked_add(by).ok()) else { return head.to_owned() };
    with_header(head, "Date", &format!("{} GMT", time.strftime(FORMAT)))
}

/// The secret cannot be seen from outside, but the request that was refused says it.
async fn a_wrong_secret(doorward: &Doorward, netbox: &NetBox) -> Result<()> {
    doorward.run(&["app", "rotate-secret", "netbox"])?;
    doorward.settle().await;
    let arrived = sign_in(netbox, "alice").await?;
    assert!(arrived.contains("/login/"), "{arrived}");
    let told = Told::ask(doorward, "netbox", &[])?;
    told.only("client-secret-refused");
    told.changes("doorward app show netbox --show-secret");
    Ok(())
}
