//! Sessions of users, and sign-outs that an application did not take.

use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    automated_browser::AutomatedBrowser,
    support::{Doorward, PASSWORD, until},
};

/// Signs the administrator in by a browser of its own, at an address of Doorward.
fn sign_in(doorward: &Doorward, path: &str) {
    let commands =
        json!([["text", "id", "username", "admin"], ["text", "id", "password", PASSWORD], ["click", "id", "sign-in"]]);
    let script = json!([{ "match": "*", "tasks": [{ "task": "Sign in", "match": "*", "commands": commands }] }]);
    AutomatedBrowser::new(doorward.port).run(&script, &doorward.url(path));
}

fn sessions(doorward: &Doorward) -> Vec<Value> {
    doorward.json(&["session", "list", "admin"]).as_array().unwrap().clone()
}

#[test]
fn sessions_are_listed_and_ended_and_applications_that_do_not_listen_are_named() {
    let doorward = Doorward::set_up();
    let mut add = vec!["app", "add", "custom", "--name", "Wiki", "--redirect-uri", "https://wiki.example.org/cb"];
    // Nobody listens there.
    add.extend(["--allow", "everyone", "--backchannel-logout-uri", "http://127.0.0.1:9/out"]);
    let client = doorward.json(&add)["client_id"].as_str().unwrap().to_owned();
    assert_eq!(doorward.json(&["app", "show", "wiki"])["undelivered_sign_outs"], json!(null));
    assert_eq!(sessions(&doorward), Vec::<Value>::new());
    let server = doorward.serve();
    let path = format!(
        "/application/o/authorize/?client_id={client}&response_type=code&scope=openid&redirect_uri=https://wiki.example.org/cb"
    );
    sign_in(&doorward, &path);
    let found = sessions(&doorward);
    assert_eq!((found.len(), &found[0]["methods"], &found[0]["address"]), (1, &json!(["pwd"]), &json!("127.0.0.1")));
    let id = found[0]["id"].as_str().unwrap();
    assert!(doorward.ok(&["session", "list", "admin"]).contains(id));
    assert!(doorward.ok(&["session", "end", id, "--dry-run"]).starts_with("Would end the session"));
    assert_eq!(sessions(&doorward).len(), 1);
    assert_eq!(doorward.json(&["session", "end", id]), json!({ "user": "admin", "ended": 1 }));
    assert_eq!(sessions(&doorward), Vec::<Value>::new());
    doorward.fails(&["session", "end", id], 3, &[id, "session list"]);

    // The running server tells the application, in vain.
    until("it was told", Duration::from_secs(20), || {
        doorward.json(&["app", "show", "wiki"])["undelivered_sign_outs"]["count"] == 1
    });
    let undelivered = doorward.json(&["app", "show", "wiki"])["undelivered_sign_outs"].clone();
    assert!(undelivered["since"].is_string() && undelivered["last_error"] != "", "{undelivered}");
    assert!(doorward.ok(&["app", "show", "wiki"]).contains("Sign-outs not taken"));
    let output = doorward.run(&["doctor", "wiki", "--timeout", "2", "-o", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["id"] == "sign-outs-undelivered").unwrap();
    assert_eq!(finding["severity"], "note", "{finding}");
    assert!(finding["seen"].as_str().unwrap().contains("http://127.0.0.1:9/out"), "{finding}");
    server.stop();
}

#[test]
fn all_sessions_are_ended_at_once() {
    let doorward = Doorward::set_up();
    let server = doorward.serve();
    sign_in(&doorward, "/if/user/");
    sign_in(&doorward, "/if/user/");
    assert_eq!(sessions(&doorward).len(), 2);
    assert!(doorward.ok(&["session", "end", "--all", "admin", "--dry-run"]).starts_with("Would end all sessions"));
    assert_eq!(doorward.ok(&["session", "end", "--all", "admin"]), "Ended 2 sessions of admin.\n");
    assert_eq!(doorward.json(&["session", "end", "--all", "admin"]), json!({ "user": "admin", "ended": 0 }));
    assert_eq!(sessions(&doorward), Vec::<Value>::new());
    doorward.fails(&["session", "end"], 2, &["ID"]);
    doorward.fails(&["session", "end", "x", "--all", "admin"], 2, &["--all"]);
    doorward.fails(&["session", "end", "x"], 3, &["there is no session \"x\""]);
    doorward.fails(&["session", "end", "--all", "nobody"], 3, &["user list"]);
    doorward.fails(&["session", "list", "nobody"], 3, &["user list"]);
    server.stop();
}
