//! What happened, and what was asked for in vain.

use serde_json::json;

use crate::{
    automated_browser::exchange,
    support::{Doorward, until},
};
use std::time::Duration;

const WRONG: &str = "https://wiki.example.org/other/";

/// A running server writes down what commands read.
#[test]
fn sign_ins_and_refused_redirect_uris_are_listed_shown_and_settled() {
    let doorward = Doorward::set_up();
    let wiki = ["app", "add", "custom", "--name", "Wiki", "--redirect-uri", "https://wiki.example.org/cb"];
    let app = doorward.json(&[&wiki[..], &["--allow", "everyone"]].concat());
    let server = doorward.serve();
    let client = app["client_id"].as_str().unwrap();
    let path = format!("/application/o/authorize/?client_id={client}&response_type=code&redirect_uri={WRONG}");
    assert_eq!(server.status(&path), Some(400));
    until("it is written", Duration::from_secs(10), || {
        !doorward.json(&["activity", "list"]).as_array().unwrap().is_empty()
    });
    let listed = doorward.json(&["activity", "list", "--app", "wiki", "--failed", "-n", "1"]);
    let attempt = &listed[0];
    assert_eq!(
        (&attempt["ending"], &attempt["application"], &attempt["user"]),
        (&json!("failed"), &json!("Wiki"), &json!(null))
    );
    assert!(attempt["conclusion"].as_str().unwrap().contains("not registered"), "{attempt}");
    let code = attempt["reference"].as_str().unwrap();
    let shown = doorward.ok(&["activity", "show", &code.to_lowercase()]);
    assert!(shown.contains("Wiki asked for a sign-in") && shown.contains(WRONG), "{shown}");
    assert_eq!(doorward.json(&["activity", "show", code])["steps"][1]["ok"], false);
    assert_eq!(doorward.json(&["activity", "list", "--user", "admin"]), json!([]));

    assert_eq!(doorward.json(&["app", "redirect-uri", "list", "wiki"])[0]["uri"], WRONG);
    let allow = ["app", "redirect-uri", "allow", "wiki", WRONG];
    assert!(doorward.ok(&[&allow[..], &["--dry-run"]].concat()).starts_with("Would "));
    assert_eq!(doorward.json(&["app", "redirect-uri", "list", "wiki"]).as_array().unwrap().len(), 1);
    doorward.ok(&allow);
    assert_eq!(doorward.json(&["app", "redirect-uri", "list", "wiki"]), json!([]));
    until("the server knows it", Duration::from_secs(10), || server.status(&path) == Some(303));

    doorward.fails(&["activity", "show", "NOTHING"], 3, &["activity list", "log of the server", "grep NOTHING"]);
    doorward.fails(&["activity", "list", "--app", "nothing"], 3, &["app list"]);
    doorward.fails(&["activity", "list", "-n", "0"], 2, &["0"]);
    doorward.fails(&["app", "redirect-uri", "dismiss", "wiki", "https://x.example/"], 3, &["https://x.example/"]);
    server.stop();
}

/// A token request of a client that nobody knows is no sign-in; its reference leads somewhere all the same.
#[test]
fn refusals_that_belong_to_no_sign_in_are_found() {
    let doorward = Doorward::set_up();
    let server = doorward.serve();
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let form = "grant_type=client_credentials&client_id=stranger&client_secret=x";
    let (_, answer) = exchange(doorward.port, "POST", "/application/o/token/", kind, form);
    let code = answer.split_once("(reference ").unwrap().1.split_once(')').unwrap().0;
    assert_eq!(doorward.json(&["activity", "list"]), json!([]));
    let shown = doorward.ok(&["activity", "show", &format!(" {} ", code.to_lowercase())]);
    assert!(shown.contains('!') && shown.contains("stranger") && shown.contains("(from 127.0.0.1)"), "{shown}");
    let shown = doorward.json(&["activity", "show", code]);
    assert_eq!((&shown["reference"], &shown["events"][0]["ok"]), (&json!(code), &json!(false)));
    assert!(shown.get("steps").is_none());
    server.stop();
}
