//! The doctor against the real NetBox: set-ups that were put wrong, each found and named.

use std::collections::BTreeMap;
use std::process::Output;

use anyhow::{Context, Result};
use doorward_e2e::application::Application;
use doorward_e2e::doorward::{Doorward, Keeping, PASSWORD, all_text};
use doorward_e2e::front::{self, Authority, Changes, with_header};
use doorward_e2e::netbox::NetBox;
use doorward_e2e::ports;
use doorward_e2e::visitor::Visitor;
use jiff::{SignedDuration, civil::DateTime};
use serde_json::Value;
use tempfile::TempDir;

/// How servers write the time, without its zone.
const FORMAT: &str = "%a, %d %b %Y %H:%M:%S";

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the doctor said: severity by id, and the JSON it came from.
struct Told {
    by_id: BTreeMap<String, String>,
    json: Value,
}

impl Told {
    /// Asks. The exit code fits what is said, and nothing steers a terminal.
    fn ask(doorward: &Doorward, slug: &str, more: &[&str]) -> Result<Self> {
        Self::read(&doorward.attempt(&[&["doctor", slug, "-o", "json"][..], more].concat())?)
    }

    fn read(output: &Output) -> Result<Self> {
        let text = all_text(output);
        assert!(!text.contains('\u{1b}'), "{text}");
        let json: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("no JSON: {text}"))?;
        let findings = json.get("findings").and_then(Value::as_array).context("no findings")?;
        let member = |finding: &Value, name: &str| finding.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut by_id = BTreeMap::new();
        // The worst comes first, and the worst of one id counts.
        for finding in findings {
            let (id, severity) = (member(finding, "id"), member(finding, "severity"));
            by_id.entry(id.context("no id")?).or_insert(severity.context("no severity")?);
        }
        let problems = json.get("problems").and_then(Value::as_u64).context("no problems")?;
        assert_eq!(output.status.code(), Some(if problems == 0 { 0 } else { 5 }), "{text}");
        Ok(Self { by_id, json })
    }

    #[track_caller]
    fn says(&self, severity: &str, id: &str) {
        assert_eq!(self.by_id.get(id).map(String::as_str), Some(severity), "{id} in {:#}", self.json);
    }

    /// The only problem.
    #[track_caller]
    fn only(&self, id: &str) {
        assert_eq!(self.problems(), [id], "{:#}", self.json);
    }

    fn problems(&self) -> Vec<&str> {
        self.by_id.iter().filter(|(_, severity)| *severity == "problem").map(|(id, _)| id.as_str()).collect()
    }

    /// Whether a line to change holds this text.
    #[track_caller]
    fn changes(&self, text: &str) {
        let is_there = self.json.to_string().replace("\\\"", "\"").contains(text);
        assert!(is_there, "no {text:?} in {:#}", self.json);
    }
}

/// Alice may use NetBox and is its superuser, by group.
fn add_netbox(doorward: &Doorward, slug: &str, url: &str) -> Result<Application> {
    let arguments = [
        "app",
        "add",
        "netbox",
        "--slug",
        slug,
        "--url",
        url,
        "--superusers",
        "netbox-admins",
        "--allow",
        "netbox-admins",
    ];
    Application::read(&doorward.json(&arguments)?)
}

async fn doorward_with_alice() -> Result<Doorward> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_group("netbox-admins", &["alice"])?;
    Ok(doorward)
}

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
    told.says("note", "issuer-global");
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

/// Everything that is wrong in NetBox's own settings. Each start of NetBox takes its time, so that what can be wrong at once is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_netboxs_settings_is_found() -> Result<()> {
    let mut netbox = NetBox::prepare()?;
    let doorward = doorward_with_alice().await?;
    let application = add_netbox(&doorward, "netbox", &netbox.url(""))?;
    doorward.settle().await;
    let settings = |endpoint: &str| {
        format!(
            "REMOTE_AUTH_ENABLED = True
REMOTE_AUTH_BACKEND = ['social_core.backends.open_id_connect.OpenIdConnectAuth', 'netbox.authentication.RemoteUserBackend']
REMOTE_AUTH_AUTO_CREATE_USER = True
REMOTE_AUTH_HEADER = 'HTTP_REMOTE_USER'
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = {endpoint}
SOCIAL_AUTH_OIDC_KEY = 'pasted-from-elsewhere'
SOCIAL_AUTH_OIDC_SECRET = '{}'
SOCIAL_AUTH_OIDC_SCOPE = ['netbox']",
            application.client_secret
        )
    };
    let right = format!("'{}'", doorward.url("/application/o/netbox/"));
    netbox.start(&settings(&right)).await?;
    let told = Told::ask(&doorward, "netbox", &["--check-headers"])?;
    assert_eq!(told.problems(), ["client-id-differs", "headers-open"], "{:#}", told.json);
    for id in ["pkce-missing", "scope-unknown", "form-visible", "forwarded-host-open"] {
        told.says("note", id);
    }
    told.changes(&format!("SOCIAL_AUTH_OIDC_KEY = '{}'", application.client_id));
    told.changes("SOCIAL_AUTH_OIDC_USE_PKCE = True");
    told.changes("proxy_set_header Remote-User \"\";");
    let made: Vec<String> = netbox.usernames()?;
    assert!(
        made.iter().any(|name| name.starts_with("doorward-doctor-") && told.json.to_string().contains(name.as_str()))
    );
    // A public client must use PKCE; and nothing is tried without being asked.
    doorward.run(&["app", "edit", "netbox", "--public"])?;
    Told::ask(&doorward, "netbox", &[])?.says("problem", "pkce-missing");
    doorward.run(&["app", "edit", "netbox", "--confidential"])?;
    Told::ask(&doorward, "netbox", &[])?.only("client-id-differs");
    assert_eq!(netbox.usernames()?, made);

    let closed = ports::free()?;
    for (endpoint, id) in [
        (format!("'{}'", doorward.url("/application/o/nebtox/")), "endpoint-wrong-slug"),
        (format!("'{}'", netbox.url("/api/application/o/netbox/")), "endpoint-wrong-host"),
        ("None".to_owned(), "endpoint-unset"),
        (format!("'http://127.0.0.1:{closed}/application/o/netbox/'"), "netbox-cannot-reach"),
    ] {
        netbox.start(&settings(&endpoint)).await?;
        let told = Told::ask(&doorward, "netbox", &[])?;
        told.only(id);
        told.changes(&format!("SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = {right}"));
    }
    netbox.start("").await?;
    let told = Told::ask(&doorward, "netbox", &[])?;
    assert_eq!(told.problems(), ["backend-missing", "button-missing"], "{:#}", told.json);
    told.changes("REMOTE_AUTH_BACKEND = 'social_core.backends.open_id_connect.OpenIdConnectAuth'");
    Ok(())
}

/// Doorward by https, with a certificate of a private authority that NetBox's Python does not know until it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_and_another_public_url_are_found() -> Result<()> {
    let mut netbox = NetBox::prepare()?;
    let (directory, mut doorward) = (TempDir::new()?, Doorward::empty(Keeping::Sqlite)?);
    let authority = Authority::new(directory.path())?;
    let front = front::start(doorward.port(), Some(&authority), Changes::default()).await?;
    let public = format!("https://localhost:{front}");
    doorward.set("SSL_CERT_FILE", &authority.file());
    doorward.initialise_at(&public)?;
    doorward.serve().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_group("netbox-admins", &["alice"])?;
    let settings = add_netbox(&doorward, "netbox", &netbox.url(""))?.settings.context("no settings")?;
    doorward.settle().await;
    netbox.start(&settings).await?;
    let told = Told::ask(&doorward, "netbox", &[])?;
    assert_eq!(told.problems(), ["netbox-cannot-reach", "tls-private-authority"], "{:#}", told.json);
    told.changes("REQUESTS_CA_BUNDLE=");

    // The line that the doctor gave.
    netbox.start(&format!("{settings}\nSOCIAL_AUTH_OIDC_VERIFY_SSL = '{}'", authority.file())).await?;
    let told = Told::ask(&doorward, "netbox", &[])?;
    assert_eq!(told.problems(), Vec::<&str>::new(), "{:#}", told.json);
    told.says("note", "tls-private-authority");

    // The public URL in the settings is not the one at which Doorward is.
    let elsewhere = format!("https://localhost:{}", ports::free()?);
    let mut mistaken = doorward.with(&[("DOORWARD_PUBLIC_URL", &elsewhere)]);
    let told = Told::read(&mistaken.args(["doctor", "netbox", "-o", "json"]).output()?)?;
    told.says("problem", "endpoint-other-server");
    assert!(told.by_id.contains_key("discovery-unreachable"), "{:#}", told.json);
    // With another name for the same server the issuer is another.
    let other_name = format!("https://127.0.0.1:{front}");
    let mut renamed = doorward.with(&[("DOORWARD_PUBLIC_URL", &other_name)]);
    Told::read(&renamed.args(["doctor", "netbox", "-o", "json"]).output()?)?.says("problem", "issuer-differs");
    Ok(())
}
