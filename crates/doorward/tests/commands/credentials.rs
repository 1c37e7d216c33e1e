//! App passwords and authenticator apps.

use serde_json::json;

use crate::support::Doorward;

#[test]
fn app_passwords_are_made_listed_and_removed() {
    let doorward = Doorward::set_up();
    doorward.ok(&["user", "add", "robot", "--type", "service_account"]);
    let wiki = ["--name", "Wiki", "--redirect-uri", "https://w.example/cb", "--allow", "everyone"];
    doorward.ok(&[&["app", "add", "custom"][..], &wiki[..]].concat());
    let made = doorward.json(&[
        "user",
        "app-password",
        "add",
        "robot",
        "--for",
        "mail",
        "--app",
        "wiki",
        "--expires",
        "2999-12-31",
    ]);
    assert_eq!(made["secret"].as_str().unwrap().len(), 40);
    assert_eq!(
        (&made["user"], &made["for"], &made["app"], &made["expires_at"]),
        (&json!("robot"), &json!("mail"), &json!("wiki"), &json!("3000-01-01T00:00:00Z"))
    );
    let secret = doorward.ok(&["user", "app-password", "add", "robot", "--for", "everything"]);
    assert_eq!(secret.trim().len(), 40, "nothing but the secret is on standard output");
    let listed = doorward.json(&["user", "app-password", "list", "robot"]);
    assert_eq!((&listed[0]["id"], &listed[1]["for"]), (&made["id"], &json!("everything")));
    assert_eq!((&listed[1]["app"], &listed[1]["last_used_at"]), (&json!(null), &json!(null)));
    assert!(!listed.to_string().contains(secret.trim()));
    assert_eq!(doorward.json(&["user", "show", "robot"])["app_passwords"], 2);
    let id = made["id"].as_str().unwrap();
    doorward.ok(&["user", "app-password", "rm", "robot", id, "--dry-run"]);
    doorward.ok(&["user", "app-password", "rm", "robot", id, "--yes"]);
    assert_eq!(doorward.json(&["user", "app-password", "ls", "robot"]).as_array().unwrap().len(), 1);
    doorward.fails(&["user", "app-password", "rm", "robot", id, "--yes"], 3, &["has no app password", "list robot"]);
    doorward.fails(&["user", "app-password", "rm", "robot", "x", "--yes"], 3, &["has no app password"]);
}

#[test]
fn app_passwords_that_cannot_be_are_refused_before_anything_is_written() {
    let doorward = Doorward::set_up();
    doorward.ok(&["user", "add", "alice"]);
    let add = |more: &[&'static str]| [&["user", "app-password", "add", "alice"][..], more].concat();
    doorward.fails(&add(&[]), 2, &["--for"]);
    doorward.fails(&add(&["--for", " "]), 1, &["what the app password is for"]);
    doorward.fails(&add(&["--for", "x", "--expires", "soon"]), 2, &["90d"]);
    doorward.fails(&add(&["--for", "x", "--expires", "2020-01-01"]), 1, &["past"]);
    doorward.fails(&add(&["--for", "x", "--app", "nothing"]), 3, &["nothing", "app list"]);
    doorward.fails(&["user", "app-password", "add", "nobody", "--for", "x"], 3, &["nobody"]);
    doorward.ok(&add(&["--for", "x", "--dry-run"]));
    assert_eq!(doorward.json(&["user", "app-password", "list", "alice"]), json!([]));
}

#[test]
fn an_authenticator_app_that_is_not_there_cannot_be_removed() {
    let doorward = Doorward::set_up();
    doorward.ok(&["user", "add", "alice"]);
    assert_eq!(doorward.json(&["user", "show", "alice"])["authenticator_since"], json!(null));
    doorward.fails(&["user", "authenticator", "rm", "alice", "--yes"], 3, &["no authenticator app"]);
    doorward.fails(&["user", "authenticator", "rm", "nobody", "--yes"], 3, &["nobody"]);
}
