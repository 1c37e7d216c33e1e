//! What happened, and what was asked for in vain.

use serde_json::json;

use crate::support::{Doorward, until};
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

    doorward.fails(&["activity", "show", "NOTHING"], 3, &["activity list"]);
    doorward.fails(&["activity", "list", "--app", "nothing"], 3, &["app list"]);
    doorward.fails(&["activity", "list", "-n", "0"], 2, &["0"]);
    doorward.fails(&["app", "redirect-uri", "dismiss", "wiki", "https://x.example/"], 3, &["https://x.example/"]);
    server.stop();
}
