//! The NetBox recipe's settings behind a proxy, run by a real Python, against the headers that the printed configuration of the
//! proxies passes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "recipes/run_python.rs"]
mod run_python;

use doorward_core::method::Method;
use doorward_server::recipes::{
    Connection, ProxyConnection, Recipe, RecipeInput, SettingsInput, Style, WebProxy, parse_version,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use url::Url;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recipes/netbox_proxy_settings.py");
const VERSIONS: [&str; 10] =
    ["3.2.0", "3.3.9", "3.3.10", "3.4.8", "3.4.9", "3.5.1", "3.5.2", "4.4.0", "4.5.0", "4.7.3"];
const ODD: &str = "it's \"odd\" \\ {{ x }} \u{e4}\u{1F600}";

/// The texts of all blocks: those of the web proxies first.
fn blocks(style: Style, version: &str, web_proxy: WebProxy, superusers: &[&str]) -> Vec<String> {
    let recipe = Recipe::find("netbox").unwrap();
    let url = Url::parse("https://netbox.example.org").unwrap();
    let input = RecipeInput {
        slug: "netbox".to_owned(),
        method: Method::Proxy,
        url: Some(url.clone()),
        superuser_groups: superusers.iter().map(|&name| name.to_owned()).collect(),
        managed_groups: Vec::new(),
        group_prefix: None,
        ldap_uri: None,
        upstream: None,
    };
    let plan = recipe.plan(&input).unwrap();
    let profile = plan.proxy.unwrap();
    let connection = ProxyConnection {
        slug: "netbox".to_owned(),
        external_host: profile.external_host,
        cookie_domain: None,
        doorward: "127.0.0.1:9000".parse().unwrap(),
        upstream: None,
        headers: profile.headers,
        group_separator: profile.group_separator,
        more_headers: Vec::new(),
        takes_authorization: true,
        sends_basic: false,
        web_proxy: Some(web_proxy),
        doubts: Vec::new(),
    };
    let settings = SettingsInput {
        connection: Connection::Proxy(connection),
        public_url: "https://id.example.org".to_owned(),
        url: Some(url),
        options: plan.options,
        style,
        app_version: Some(parse_version(version).unwrap()),
    };
    match recipe.settings(&settings) {
        Ok(blocks) => blocks.into_iter().map(|block| block.text).collect(),
        Err(error) => panic!("{error}"),
    }
}

/// The headers that the printed configuration passes on, and that a browser cannot send itself.
fn passed_on(web_proxy: WebProxy) -> BTreeSet<String> {
    let text = blocks(Style::File, "4.7.3", web_proxy, &[]).remove(0);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match web_proxy {
        WebProxy::Nginx => {
            let set = text.lines().filter(|line| line.contains("proxy_set_header") && line.contains("_header_"));
            set.filter(|line| line.contains("$netbox_header_")).map(|line| words(line)[1].clone()).collect()
        }
        WebProxy::Caddy => {
            let copied = text.lines().find(|line| line.contains("copy_headers")).unwrap();
            words(copied)[1..].iter().cloned().collect()
        }
        WebProxy::Traefik => {
            let (_, listed) = text.split_once("authResponseHeaders:\n").unwrap();
            let items = listed.lines().map_while(|line| line.trim().strip_prefix("- "));
            items.filter(|item| item.starts_with('"')).map(|item| item.trim_matches('"').to_owned()).collect()
        }
    }
}

#[test]
fn every_web_proxy_passes_on_exactly_what_netbox_reads() {
    let result = run(&blocks(Style::File, "4.7.3", WebProxy::Nginx, &[]), &json!([]));
    let read = ["HEADER", "GROUP_HEADER", "USER_EMAIL", "USER_FIRST_NAME", "USER_LAST_NAME"];
    let read: BTreeSet<String> = read
        .iter()
        .map(|name| result["settings"][format!("REMOTE_AUTH_{name}")].as_str().unwrap().to_owned())
        .collect();
    for web_proxy in WebProxy::ALL {
        let wsgi = |name: &String| format!("HTTP_{}", name.to_uppercase().replace('-', "_"));
        assert_eq!(passed_on(web_proxy).iter().map(wsgi).collect::<BTreeSet<_>>(), read, "{web_proxy}");
    }
}

fn run(texts: &[String], cases: &Value) -> Value {
    run_python::run(SCRIPT, &json!({"text": texts.last().unwrap(), "cases": cases}))
}

#[test]
fn settings_of_every_version_make_the_right_person_of_the_headers() {
    let cases = json!([
        {"Remote-User": "alice", "Remote-User-Group": "ops|it's \"odd\" \\ {{ x }} \u{e4}\u{1F600}",
         "Remote-User-Email": "alice@example.org", "Remote-User-First-Name": "Alice", "Remote-User-Last-Name": "Example"},
        {"Remote-User": "bob", "Remote-User-Group": "ops"},
        {"Remote-User": "bob", "Remote-User-Group": ""},
        {"Remote-User": ""},
        {"X-authentik-username": "mallory"},
    ]);
    for style in [Style::File, Style::Docker] {
        for text in VERSIONS {
            let version = parse_version(text).unwrap();
            let result = run(&blocks(style, text, WebProxy::Caddy, &["netbox-admins", ODD]), &cases);
            let found = &result["found"];
            assert_eq!(found[0]["username"], "alice", "{text}");
            assert_eq!(found[0]["groups"], json!(["ops", ODD]));
            assert_eq!(found[0]["superuser"], true);
            assert_eq!((&found[0]["EMAIL"], &found[0]["LAST_NAME"]), (&json!("alice@example.org"), &json!("Example")));
            assert_eq!((&found[1]["superuser"], &found[2]["groups"]), (&json!(false), &json!([])));
            assert_eq!((&found[3], &found[4]), (&Value::Null, &Value::Null));
            let has = |name: &str| result["settings"].get(name).is_some();
            assert_eq!(has("REMOTE_AUTH_USER_EMAIL"), version >= (3, 4, 9), "{text}");
            assert_eq!(has("REMOTE_AUTH_AUTO_CREATE_GROUPS"), version >= (3, 5, 2), "{text}");
            assert_eq!(has("LOGOUT_REDIRECT_URL"), version >= (3, 3, 10), "{text}");
            assert_eq!(has("REMOTE_AUTH_STAFF_GROUPS"), version < (4, 5, 0), "{text}");
            let settings = &result["settings"];
            assert_eq!(settings["REMOTE_AUTH_BACKEND"], "netbox.authentication.RemoteUserBackend");
            assert_eq!(settings["REMOTE_AUTH_GROUP_SYNC_ENABLED"], true);
            assert!(settings["LOGIN_TIMEOUT"].as_u64().unwrap() <= 3600, "{settings}");
        }
    }
    let without = run(&blocks(Style::File, "4.7.3", WebProxy::Caddy, &[]), &cases);
    assert_eq!(without["found"][0]["superuser"], false);
}
