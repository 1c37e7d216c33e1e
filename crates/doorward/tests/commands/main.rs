//! The commands as people and scripts use them: the real binary over data directories of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "tests fail by panicking, wait by sleeping and export nothing"
)]

mod activity;
mod application_changes;
mod applications;
mod automated_browser;
mod clients;
mod conformance;
mod connector;
mod credentials;
mod explain;
#[expect(dead_code, reason = "made for the conformance tests, which need all of it")]
#[path = "../../../server/tests/conformance/rp/html.rs"]
mod html;
mod keys;
mod ldap;
#[path = "../../../server/tests/flows/support/netbox.rs"]
mod netbox;
mod proxy;
mod sessions;
mod support;
mod web_proxies;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Doorward, PASSWORD, until};

/// Every command in the form that others script against.
#[test]
fn the_interface_that_others_script_against() {
    let doorward = Doorward::set_up();
    let password = doorward.password_file();
    let alice = doorward.json(&[
        "user",
        "add",
        "alice",
        "--name",
        "Alice Example",
        "--email",
        "alice@example.org",
        "--email-verified",
        "--password-file",
        &password,
    ]);
    assert_eq!(
        (&alice["username"], &alice["email_verified"], &alice["is_active"]),
        (&json!("alice"), &json!(true), &json!(true))
    );
    assert_eq!((&alice["given_name"], &alice["family_name"]), (&json!("Alice"), &json!("Example")));

    assert_eq!(doorward.json(&["user", "disable", "alice"])["is_active"], false);
    assert_eq!(doorward.json(&["user", "enable", "alice"])["is_active"], true);
    doorward.ok(&["user", "set-password", "alice", "--password-file", &password]);
    doorward.ok(&["group", "add", "staff"]);
    doorward.ok(&["group", "add", "netbox-admins", "--member", "alice", "--superuser", "--parent", "staff"]);
    let alice = doorward.json(&["user", "show", "alice"]);
    assert_eq!(
        (&alice["groups"], &alice["effective_groups"]),
        (&json!(["netbox-admins"]), &json!(["netbox-admins", "staff"]))
    );
    assert_eq!(alice["is_superuser"], true);
    doorward.ok(&["group", "remove-member", "netbox-admins", "alice"]);
    assert_eq!(doorward.json(&["user", "show", "alice"])["groups"], json!([]));
    doorward.ok(&["group", "add-member", "netbox-admins", "alice"]);
    assert_eq!(doorward.json(&["group", "show", "netbox-admins"])["members"], json!(["alice"]));

    let app = doorward.json(&[
        "app",
        "add",
        "netbox",
        "--slug",
        "netbox-slug",
        "--url",
        "http://127.0.0.1:18000",
        "--superusers",
        "netbox-admins",
        "--allow",
        "everyone",
    ]);
    let printed = doorward.ok(&["app", "config", "netbox-slug", "--style", "file"]);
    assert_eq!(app["settings"], printed);
    for style in ["file", "docker", "helm"] {
        let text = doorward.ok(&["app", "config", "netbox-slug", "--style", style, "--netbox-version", "4.7"]);
        assert!(text.contains(app["client_id"].as_str().unwrap()), "{style}: {text}");
    }
    for (algorithm, jws) in [("rsa-2048", "RS256"), ("ec-p256", "ES256"), ("ec-p384", "ES384"), ("ed25519", "EdDSA")] {
        let key = doorward.json(&["key", "generate", "--algorithm", algorithm, "--name", algorithm]);
        assert_eq!((&key["algorithm"], &key["signing_alg"]), (&json!(algorithm), &json!(jws)));
    }
    let rotated = doorward.json(&["key", "rotate", "ec-p256"]);
    let states: Vec<_> = rotated["versions"].as_array().unwrap().iter().map(|version| &version["state"]).collect();
    assert_eq!(states, ["active", "next"]);
    assert_eq!(doorward.json(&["key", "list"]).as_array().unwrap().len(), 5);
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let doorward = Doorward::set_up();
    doorward.ok(&["group", "add", "staff"]);
    let wiki = ["app", "add", "custom", "--name", "Wiki", "--redirect-uri", "https://w.example/cb"];
    doorward.fails(&wiki, 2, &["--allow everyone", "--allow GROUP"]);
    doorward.fails(&[&wiki[..], &["--allow", "ghosts"]].concat(), 3, &["doorward group add ghosts"]);
    doorward.fails(&[&wiki[..], &["--allow", "everyone", "--allow", "staff"]].concat(), 2, &["everyone"]);
    doorward.fails(&[&wiki[..], &["--allow", "everyone", "--slug", "token"]].concat(), 1, &["slug", "\"token\""]);
    doorward.fails(
        &[&wiki[..], &["--allow", "everyone", "--redirect-uri", "javascript:x"]].concat(),
        1,
        &["javascript"],
    );
    let netbox = ["app", "add", "netbox", "--url", "https://netbox.example.org", "--allow", "everyone"];
    doorward.fails(&[&netbox[..], &["--superusers", "ghosts"]].concat(), 3, &["doorward group add ghosts"]);
    doorward.fails(&["app", "add", "netboks", "--allow", "everyone"], 3, &["netbox", "custom"]);
    doorward.fails(&["app", "add", "netbox", "--allow", "everyone"], 2, &["--url"]);
    doorward.fails(&["user", "show", "nobody"], 3, &["\"nobody\"", "user list"]);
    doorward.fails(&["key", "rotate", "nothing"], 3, &["key list"]);
    doorward.fails(&["user", "add", "x", "--email", "nowhere"], 1, &["email"]);
    doorward.fails(&["user", "add", "ADMIN"], 1, &["taken"]);
    doorward.fails(&["user", "set-password", "admin"], 2, &["--password-file"]);
    doorward.fails(&["group", "rm", "staff"], 2, &["--yes"]);
    doorward.fails(&["group", "rm", "Doorward Admins", "--yes"], 4, &["administer"]);
    doorward.fails(&["group", "edit", "staff", "--add-parent", "staff"], 1, &["parent"]);
    doorward.fails(&["group", "ad"], 2, &["add"]);
    doorward.fails(
        &["init", "--admin-username", "x", "--admin-password-file", &doorward.password_file()],
        1,
        &["set up already"],
    );
    doorward.fails(&["setup-url"], 1, &["administrator already"]);
    let nowhere = Doorward::empty();
    nowhere.fails(&["user", "list"], 1, &["doorward init", "--data-dir"]);
    assert!(!nowhere.data().exists());
}

#[test]
fn a_dry_run_checks_and_changes_nothing() {
    let doorward = Doorward::set_up();
    doorward.ok(&["user", "add", "alice"]);
    doorward.ok(&["group", "add", "staff", "--member", "alice"]);
    doorward.ok(&[
        "app",
        "add",
        "custom",
        "--name",
        "Wiki",
        "--redirect-uri",
        "https://w.example/cb",
        "--allow",
        "staff",
    ]);
    doorward.ok(&["key", "generate", "--name", "EC", "--algorithm", "ec-p256"]);
    doorward.ok(&["mapping", "add", "Roles", "--scope", "roles", "--expression", "{}"]);
    doorward.ok(&["app", "ldap", "add", "wiki"]);
    let before = doorward.everything();
    let password = doorward.password_file();
    let commands: [&[&str]; 24] = [
        &["user", "add", "bob", "--password-file", &password],
        &["user", "edit", "alice", "--name", "A"],
        &["user", "set-password", "alice", "--password-file", &password],
        &["user", "disable", "alice"],
        &["user", "enable", "alice"],
        &["user", "rm", "alice"],
        &["group", "add", "more", "--member", "alice"],
        &["group", "edit", "staff", "--name", "crew"],
        &["group", "remove-member", "staff", "alice"],
        &["group", "rm", "staff"],
        &["app", "add", "netbox", "--url", "https://n.example", "--allow", "everyone"],
        &["app", "add", "custom", "--name", "X", "--redirect-uri", "https://x.example/", "--allow", "staff"],
        &["app", "edit", "wiki", "--name", "Book"],
        &["app", "rotate-secret", "wiki"],
        &["app", "rotate-secret", "wiki", "--keep-old-for", "hours=1"],
        &["app", "rm", "wiki"],
        &["app", "add", "sssd", "--allow", "everyone"],
        &["app", "add", "custom", "--method", "ldap", "--name", "Linux", "--allow", "staff"],
        &["app", "edit", "wiki", "--base-dn", "dc=example,dc=org"],
        &["app", "ldap", "password", "wiki"],
        &["key", "generate", "--name", "New"],
        &["key", "rotate", "EC", "--now"],
        &["mapping", "edit", "Roles", "--scope", "x"],
        &["mapping", "rm", "Roles"],
    ];
    for command in commands {
        assert!(doorward.ok(&[command, &["--dry-run"]].concat()).starts_with("Would "), "{command:?}");
    }
    assert_eq!(doorward.json(&["group", "add", "more", "--dry-run"])["dry_run"], true);
    doorward.fails(&["user", "add", "alice", "--dry-run"], 1, &["taken"]);
    doorward.fails(&["app", "add", "netbox", "--url", "nowhere", "--allow", "everyone", "--dry-run"], 2, &["--url"]);
    assert_eq!(doorward.everything(), before);

    let empty = Doorward::empty();
    empty.ok(&["init", "--admin-username", "admin", "--admin-password-file", &password, "--dry-run"]);
    assert!(!empty.data().exists());
}

#[test]
fn a_running_server_sees_a_command_within_a_second() {
    let doorward = Doorward::set_up();
    let server = doorward.serve();
    let discovery = "/application/o/wiki/.well-known/openid-configuration";
    assert_eq!(server.status(discovery), Some(404));
    doorward.ok(&[
        "app",
        "add",
        "custom",
        "--name",
        "Wiki",
        "--redirect-uri",
        "https://w.example/cb",
        "--allow",
        "everyone",
    ]);
    until("the new application is served", Duration::from_secs(1), || server.status(discovery) == Some(200));
    doorward.ok(&["app", "rm", "wiki", "--yes"]);
    until("the removed one is not", Duration::from_secs(1), || server.status(discovery) == Some(404));
    let (code, printed) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!printed.contains("Setup:"), "{printed}");
}

#[test]
fn the_first_start_prints_the_setup_address_that_the_command_prints() {
    let doorward = Doorward::empty();
    let server = doorward.serve();
    let url = doorward.ok(&["--config", "/dev/null", "setup-url"]);
    let token = url.trim().rsplit_once("token=").unwrap().1.to_owned();
    assert_eq!(server.status(&format!("/setup?token={token}")), Some(200));
    let (_, printed) = server.stop();
    assert!(
        printed.contains(&format!("Setup: {}", doorward.url("/setup?token=").replace("127.0.0.1", "localhost"))),
        "{printed}"
    );
    assert!(printed.contains(&token), "{printed}");
}

#[test]
fn commands_at_once_all_succeed() {
    let doorward = Doorward::set_up();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let doorward = &doorward;
            scope.spawn(move || doorward.ok(&["group", "add", &format!("group-{number}")]));
        }
    });
    // The administrators' group is there already.
    assert_eq!(doorward.json(&["group", "list"]).as_array().unwrap().len(), 9);
    let fresh = Doorward::empty();
    let url = |_| fresh.ok(&["setup-url"]);
    let urls: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || url(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(urls.iter().all(|url| *url == urls[0]), "{urls:?}");
}

#[test]
fn settings_are_checked_shown_and_kept() {
    let doorward = Doorward::set_up();
    let file = doorward.data().join("doorward.toml");
    assert!(std::fs::read_to_string(&file).unwrap().contains(&doorward.url("")));
    doorward.ok(&["config", "check"]);
    std::fs::write(&file, "listen = \"here\"\nhelp = \"x\"\ndatabase_url = \"postgres://u:hunter2@db/d\"\n").unwrap();
    doorward.fails(&["config", "check"], 5, &["doorward.toml:1", "doorward.toml:2", "help_text"]);
    doorward.fails(&["user", "list"], 1, &["doorward.toml:1", "doorward.toml:2"]);
    let checked = doorward.run(&["config", "check", "-o", "json"]);
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((checked["ok"].clone(), checked["errors"].as_array().unwrap().len()), (json!(false), 2));
    std::fs::write(&file, "database_url = \"postgres://u:hunter2@db/d\"\n").unwrap();
    let shown = doorward.ok(&["config", "show"]);
    assert!(shown.contains("********") && shown.contains("doorward.toml:1") && !shown.contains("hunter2"), "{shown}");
    assert!(doorward.ok(&["config", "default"]).contains("# public_url = \"\""));
}

#[test]
fn init_keeps_what_the_settings_file_holds() {
    let doorward = Doorward::empty();
    std::fs::create_dir(doorward.data()).unwrap();
    let file = doorward.data().join("doorward.toml");
    std::fs::write(&file, "# mine\nhelp_text = \"Ask Bob\"\n").unwrap();
    let init = |url: &str| {
        ["init", "--public-url", url, "--admin-username", "admin", "--admin-password-file", &doorward.password_file()]
            .map(str::to_owned)
    };
    let run = |url: &str| doorward.command().args(init(url)).output().unwrap();
    assert_eq!(run("https://id.example.org/path").status.code(), Some(1));
    assert!(run("https://id.example.org").status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, "public_url = \"https://id.example.org\"\n# mine\nhelp_text = \"Ask Bob\"\n");
}

#[test]
fn servers_refuse_an_address_in_use_whether_http_or_https() {
    let doorward = Doorward::set_up();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    doorward.fails(&["serve", "--listen", &taken], 1, &[&taken, "in use", "--listen"]);
    doorward.fails(
        &["serve", "--listen", "127.0.0.1:0", "--listen-https", &taken],
        1,
        &[&taken, "in use", "--listen-https"],
    );
}

#[test]
fn a_password_comes_from_standard_input_too() {
    let doorward = Doorward::set_up();
    doorward.ok(&["user", "add", "alice"]);
    let input = doorward.directory.path().join("password");
    assert_eq!(std::fs::read_to_string(&input).unwrap().trim_end(), PASSWORD);
    let mut command = doorward.command();
    command.args(["user", "set-password", "alice", "--password-stdin"]).stdin(std::fs::File::open(&input).unwrap());
    assert!(command.output().unwrap().status.success());
    std::fs::write(&input, "short").unwrap();
    doorward.fails(&["user", "set-password", "alice", "--password-file", input.to_str().unwrap()], 1, &["at least 8"]);
}

#[test]
fn whoever_takes_the_last_administrator_away_is_told_how_to_make_another() {
    let doorward = Doorward::set_up();
    let commands: [&[&str]; 2] =
        [&["user", "disable", "admin"], &["group", "remove-member", "Doorward Admins", "admin"]];
    for command in commands {
        let output = doorward.run(command);
        assert!(output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("doorward group add-member 'Doorward Admins' USERNAME"), "{text}");
        doorward.run(&["user", "enable", "admin"]);
    }
}
