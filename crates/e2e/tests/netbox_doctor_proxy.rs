//! The doctor before a real nginx and NetBox, and before Doorward's own LDAP server.

use anyhow::{Context, Result};
use doorward_e2e::doorward::Doorward;
use doorward_e2e::netbox::NetBox;
use doorward_e2e::nginx::Nginx;
use doorward_e2e::ports;
use doorward_e2e::told::Told;
use serde_json::Value;

/// What `app config` prints for a file, by the beginning of its name.
fn block(described: &Value, file: &str) -> Result<String> {
    let blocks = described.get("blocks").and_then(Value::as_array).context("no blocks")?;
    let of = |block: &Value, member: &str| Some(block.get(member)?.as_str()?.to_owned());
    let found = blocks.iter().find(|block| of(block, "filename").is_some_and(|name| name.starts_with(file)));
    found.and_then(|block| of(block, "text")).with_context(|| format!("no settings for {file}"))
}

/// NetBox behind a real nginx, whose configuration loses one line after the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_ask_or_lets_headers_through_is_found() -> Result<()> {
    let (mut nginx, mut netbox) = (Nginx::prepare()?, NetBox::prepare()?);
    let doorward = Doorward::start_behind_proxies().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_group("netbox-admins", &["alice"])?;
    let (url, upstream) = (nginx.url(""), netbox.url(""));
    let usual = ["app", "add", "netbox", "--method", "proxy", "--url", &url, "--upstream", &upstream];
    doorward.run(&[&usual[..], &["--superusers", "netbox-admins", "--allow", "everyone"]].concat())?;
    let printed = doorward.json(&["app", "config", "netbox", "--netbox-version", "4.7"])?;
    doorward.settle().await;
    netbox.start(&block(&printed, "configuration.py")?).await?;
    let site = block(&printed, "/etc/nginx/")?;
    nginx.start(&site).await?;
    let told = Told::ask(&doorward, "netbox", &["--check-headers"])?;
    assert_eq!(told.problems(), Vec::<&str>::new(), "{:#}", told.json);
    for id in ["proxy", "proxy-pages", "headers", "application", "access"] {
        told.says("ok", id);
    }
    assert!(netbox.usernames()?.is_empty(), "{:?}", netbox.usernames()?);

    nginx.start_broken(&site.replace("location /outpost.goauthentik.io/ {", "location /elsewhere/ {")).await?;
    Told::ask(&doorward, "netbox", &[])?.only("proxy-pages-missing");

    // Nobody is asked, and nobody's headers are taken away.
    let is_gate = |line: &&str| line.contains("auth_request /") || line.contains("proxy_set_header Remote-User");
    let open: Vec<&str> = site.lines().filter(|line| !is_gate(line)).collect();
    nginx.start(&open.join("\n")).await?;
    Told::ask(&doorward, "netbox", &[])?.only("proxy-open");
    let told = Told::ask(&doorward, "netbox", &["--check-headers"])?;
    assert_eq!(told.problems(), ["headers-open", "proxy-open"], "{:#}", told.json);

    let mut unlisted = doorward.with(&[("DOORWARD_TRUSTED_PROXIES", "")]);
    Told::read(&unlisted.args(["doctor", "netbox", "-o", "json"]).output()?)?.says("problem", "proxy-not-listed");
    Ok(())
}

/// LDAP needs no NetBox to be looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_does_not_answer_is_found() -> Result<()> {
    let doorward = Doorward::start_with_ldap().await?;
    let (ldap, _) = doorward.ldap_ports()?;
    let uri = format!("ldap://127.0.0.1:{ldap}");
    let url = format!("http://127.0.0.1:{}", ports::free()?);
    let usual = ["app", "add", "netbox", "--method", "ldap", "--url", &url, "--allow", "everyone", "--ldap-uri", &uri];
    doorward.run(&usual)?;
    doorward.settle().await;
    let told = Told::ask(&doorward, "netbox", &[])?;
    told.only("application-unreachable");
    told.says("ok", "ldap");
    told.says("ok", "ldap-account");

    let closed = format!("ldap://127.0.0.1:{}", ports::free()?);
    doorward.run(&["app", "edit", "netbox", "--ldap-uri", &closed])?;
    Told::ask(&doorward, "netbox", &[])?.says("problem", "ldap-unreachable");
    let account = doorward.json(&["app", "show", "netbox"])?;
    let dn = account.get("bind_dn").and_then(Value::as_str).context("no bind DN")?;
    let name = dn.strip_prefix("cn=").and_then(|rest| rest.split(',').next()).context("no name in the bind DN")?;
    doorward.run(&["user", "disable", name])?;
    Told::ask(&doorward, "netbox", &[])?.says("problem", "ldap-account-unusable");
    Ok(())
}
