//! The doctor against a real NetBox whose own settings are wrong.

use anyhow::{Context, Result};
use doorward_e2e::doorward::{Doorward, Keeping};
use doorward_e2e::front::{self, Authority, Changes};
use doorward_e2e::netbox::NetBox;
use doorward_e2e::ports;
use doorward_e2e::told::{Told, add_netbox, doorward_with_alice};
use tempfile::TempDir;

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
