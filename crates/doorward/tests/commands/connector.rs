//! `doorward connector`, against a NetBox that is not one.

use serde_json::json;
use std::{fs, process::Output};
use tokio::runtime::Runtime;

use crate::{
    netbox::{FakeNetBox, TOKEN},
    support::Doorward,
};

/// Doorward with an application from the recipe, a NetBox, and alice, who is in netbox-ops.
struct Scene {
    doorward: Doorward,
    netbox: FakeNetBox,
    _runtime: Runtime,
}

impl Scene {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (netbox, doorward) = (runtime.block_on(FakeNetBox::start()), Doorward::set_up());
        doorward.ok(&["user", "add", "alice", "--name", "Alice Example", "--email", "alice@example.org"]);
        doorward.ok(&["group", "add", "netbox-ops", "--member", "alice"]);
        doorward.ok(&["app", "add", "netbox", "--url", &netbox.url(), "--allow", "everyone"]);
        Self { doorward, netbox, _runtime: runtime }
    }

    fn connected() -> Self {
        let scene = Self::new();
        scene.doorward.ok(&["connector", "set", "netbox", "--token-file", &scene.token_file(TOKEN)]);
        scene
    }

    fn token_file(&self, token: &str) -> String {
        let path = self.doorward.directory.path().join("token");
        fs::write(&path, format!("{token}\n")).unwrap();
        path.display().to_string()
    }

    fn has_alice(&self) -> i64 {
        self.netbox.has_account("alice", "alice@example.org", "2026-01-01T00:00:00Z".parse().unwrap())
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_connector_is_set_from_the_recipe_and_never_shows_its_token() {
    let scene = Scene::new();
    let doorward = &scene.doorward;
    doorward.fails(&["connector", "show", "netbox"], 3, &["doorward connector set netbox"]);
    doorward.fails(&["connector", "set", "netbox"], 2, &["--token-file"]);
    doorward.fails(&["connector", "set", "netbox", "--token-file", &scene.token_file("nbt_half")], 1, &["first half"]);
    doorward.fails(&["connector", "set", "netbox", "--token-file", "/nowhere"], 1, &["/nowhere"]);
    let file = scene.token_file(TOKEN);
    let would = doorward.ok(&["connector", "set", "netbox", "--token-file", &file, "--dry-run"]);
    assert!(would.contains("Would add the connector of NetBox"));
    doorward.fails(&["connector", "show", "netbox"], 3, &["no connector"]);
    let set = doorward.json(&["connector", "set", "netbox", "--token-file", &file]);
    assert_eq!(set["url"], json!(scene.netbox.url()));
    assert_eq!(set["groups"], json!({ "prefix": "netbox-" }));
    let shown = doorward.ok(&["connector", "show", "netbox"]);
    assert!(shown.contains("those that begin with netbox-") && shown.contains("well"), "{shown}");
    for output in [shown, set.to_string(), doorward.ok(&["connector", "show", "netbox", "-o", "json"])] {
        assert!(!output.contains("first-token"), "{output}");
    }
    doorward.fails(&["connector", "set", "netbox"], 2, &["nothing to change"]);
    let changed =
        doorward.json(&["connector", "set", "netbox", "--group", "ops", "--group", "noc", "--push-username", "--off"]);
    assert_eq!((&changed["groups"], &changed["is_enabled"]), (&json!({ "listed": ["noc", "ops"] }), &json!(false)));
    doorward.fails(&["connector", "run", "netbox"], 4, &["switched off"]);
    doorward.fails(&["connector", "set", "netbox", "--url", "https://evil.example.org/"], 1, &["token"]);
    doorward.fails(&["connector", "rm", "netbox"], 2, &["--yes"]);
    doorward.ok(&["connector", "rm", "netbox", "--yes"]);
    doorward.fails(&["connector", "show", "netbox"], 3, &["no connector"]);
}

#[test]
fn a_token_comes_from_standard_input_too() {
    let scene = Scene::new();
    let file = fs::File::open(scene.token_file(TOKEN)).unwrap();
    let output =
        scene.doorward.command().args(["connector", "set", "netbox", "--token-file", "-"]).stdin(file).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    scene.doorward.fails(&["connector", "set", "netbox", "--token-file", "-"], 2, &["holds no token"]);
}

#[test]
fn a_run_shows_a_diff_and_then_does_it() {
    let scene = Scene::connected();
    let (doorward, alice) = (&scene.doorward, scene.has_alice());
    let diff = doorward.ok(&["connector", "run", "netbox", "--dry-run"]);
    for line in [
        "+ group netbox-ops",
        "alice (alice, linked by this)",
        "  + join netbox-ops",
        "  ~ first name",
        "Nothing was changed",
    ] {
        assert!(diff.contains(line), "{line}: {diff}");
    }
    assert_eq!((scene.netbox.count("PATCH"), scene.netbox.count("POST")), (0, 0));
    let run = doorward.run(&["connector", "run", "netbox"]);
    assert!(run.status.success() && stderr(&run).contains("1 of 1"), "{}", stderr(&run));
    assert_eq!(scene.netbox.groups_of(alice), ["netbox-ops"]);
    assert!(doorward.ok(&["connector", "run", "netbox", "--dry-run"]).contains("Nothing would change"));
    let people = doorward.json(&["connector", "people", "netbox"]);
    assert_eq!(people[0]["account"]["name"], json!("alice"));
    doorward.ok(&["connector", "unlink", "netbox", "alice"]);
    doorward.fails(&["connector", "unlink", "netbox", "alice"], 3, &["linked account"]);
    doorward.ok(&["connector", "link", "netbox", "alice", "alice", "--dry-run"]);
    assert_eq!(doorward.json(&["connector", "people", "netbox"])[0]["account"], json!(null));
    doorward.ok(&["connector", "link", "netbox", "alice", "alice"]);
    doorward.fails(&["connector", "link", "netbox", "alice", "nobody"], 3, &["nobody"]);
    let jobs = doorward.json(&["connector", "jobs", "netbox"]);
    assert_eq!((&jobs[0]["username"], &jobs[0]["state"]), (&json!("alice"), &json!("waiting")));
    assert_eq!(doorward.json(&["connector", "retry", "netbox"])["application"], json!("netbox"));
}

#[test]
fn a_refused_token_is_said_and_found_by_the_check() {
    let scene = Scene::connected();
    let doorward = &scene.doorward;
    doorward.ok(&["user", "list"]);
    let checked = doorward.run(&["connector", "check", "netbox"]);
    assert_eq!(checked.status.code(), Some(5), "{}", stderr(&checked));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("missing"));
    scene.netbox.inside().token = "another".to_owned();
    doorward.fails(&["connector", "check", "netbox"], 1, &["NetBox refuses the API token"]);
    doorward.fails(&["connector", "run", "netbox", "--dry-run"], 1, &["NetBox refuses the API token"]);
}

#[test]
fn the_least_permissions_are_printed_as_steps_and_calls() {
    let doorward = Doorward::set_up();
    let words = doorward.ok(&["connector", "permissions"]);
    for part in ["users.user", "social_auth__provider", "curl -fsS", "/api/users/permissions/"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(!words.contains("users.objectpermission"));
    let json = doorward.json(&["connector", "permissions", "--reach", "everybody"]);
    assert_eq!(json[1]["constraints"], json!({ "is_superuser": false }));
    // What is printed as a body is JSON, once the shell has put the number in.
    let bodies = words.lines().filter_map(|line| line.trim().strip_prefix("-d '")?.strip_suffix('\''));
    let bodies: Vec<serde_json::Value> =
        bodies.map(|body| serde_json::from_str(&body.replace("'\"$ID\"'", "7")).unwrap()).collect();
    assert_eq!((bodies.len(), &bodies[0]["users"]), (5, &json!([7])));
}

#[test]
fn api_tokens_are_listed_and_ended() {
    let scene = Scene::connected();
    let (doorward, netbox) = (&scene.doorward, &scene.netbox);
    let token = netbox.has_token(scene.has_alice());
    let number = token.to_string();
    let list = doorward.ok(&["connector", "token", "list", "netbox"]);
    assert!(list.contains("alice") && list.contains("never used"), "{list}");
    assert_eq!(doorward.json(&["connector", "token", "list", "netbox", "--odd"])[0]["id"], json!(token));
    assert!(doorward.ok(&["connector", "token", "disable", "netbox", &number, "--dry-run"]).contains("alice"));
    assert!(netbox.inside().tokens[&token].enabled);
    doorward.ok(&["connector", "token", "disable", "netbox", &number]);
    assert!(!netbox.inside().tokens[&token].enabled);
    doorward.fails(&["connector", "token", "revoke", "netbox", &number], 2, &["--yes"]);
    doorward.ok(&["connector", "token", "revoke", "netbox", &number, "--yes"]);
    doorward.fails(&["connector", "token", "revoke", "netbox", &number, "--yes"], 3, &["no API token"]);
}
