//! The configuration of web proxies.

use serde_json::{Value, json};

use crate::support::Doorward;

const ADD: [&str; 9] =
    ["app", "add", "netbox", "--method", "proxy", "--url", "https://netbox.example.org", "--allow", "everyone"];

fn filenames(described: &Value) -> Vec<&str> {
    described["blocks"].as_array().unwrap().iter().map(|block| block["filename"].as_str().unwrap()).collect()
}

/// What others script against: NetBox behind a proxy.
#[test]
fn netbox_behind_a_proxy() {
    let doorward = Doorward::set_up();
    let added = doorward.json(&[ADD.as_slice(), &["--upstream", "http://127.0.0.1:8123"]].concat());
    assert_eq!(added["methods"], json!(["proxy"]));
    let settings = added["settings"].as_str().unwrap();
    for part in ["server_name netbox.example.org;", "forwardAuth:", "forward_auth ", "REMOTE_AUTH_ENABLED = True"] {
        assert!(settings.contains(part), "{part}: {settings}");
    }
    let all = doorward.json(&["app", "config", "netbox", "--style", "docker"]);
    assert_eq!(
        filenames(&all),
        [
            "/etc/nginx/conf.d/netbox.conf",
            "/etc/traefik/dynamic/netbox.yaml",
            "/etc/caddy/Caddyfile",
            "env/netbox.env",
            "configuration/extra.py"
        ]
    );
    let caddy = doorward.json(&["app", "config", "netbox", "--proxy", "caddy"]);
    assert_eq!(filenames(&caddy), ["/etc/caddy/Caddyfile", "configuration.py"]);
    assert!(caddy["blocks"][0]["text"].as_str().unwrap().contains("reverse_proxy 127.0.0.1:8123\n"));
    let moved = ["app", "config", "netbox", "--upstream", "http://10.0.0.5:8001", "--only", "/etc/caddy/Caddyfile"];
    assert!(doorward.ok(&moved).contains("reverse_proxy 10.0.0.5:8001\n"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let doorward = Doorward::set_up();
    let fails = |more: &[&str], words: &[&str]| doorward.fails(&[ADD.as_slice(), more].concat(), 2, words);
    fails(&["--group-prefix", "nb-"], &["takes no `group_prefix` with the method proxy"]);
    fails(&["--upstream", "8001"], &["http://127.0.0.1:8001"]);
    fails(&["--dry-run", "--upstream", "http://127.0.0.1:8001/netbox"], &["http://127.0.0.1:8001"]);
    let path =
        ["app", "add", "netbox", "--method", "proxy", "--url", "https://example.org/netbox", "--allow", "everyone"];
    doorward.fails(&path, 2, &["a host of its own", "https://example.org"]);
    doorward.ok(&["app", "add", "netbox", "--url", "https://netbox.example.org", "--allow", "everyone"]);
    doorward.fails(&["app", "config", "netbox", "--proxy", "nginx"], 2, &["--proxy", "OpenID Connect"]);
    doorward.fails(&["app", "config", "netbox", "--proxy", "haproxy"], 2, &["nginx, traefik, caddy"]);
    doorward.fails(&["app", "config", "netbox", "--method", "proxy"], 1, &["does not use"]);
}
