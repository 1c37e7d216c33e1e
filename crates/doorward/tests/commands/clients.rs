//! What an application may use, how it is told of sign-outs, and identifiers and secrets that somebody brings.

use serde_json::json;
use std::{io::Write, process::Stdio};

use crate::support::Doorward;

const ADD: [&str; 8] = [
    "app",
    "add",
    "custom",
    "--name=Tests",
    "--redirect-uri=https://a.example/cb",
    "--allow=everyone",
    "--slug",
    "tests",
];

#[test]
fn a_client_is_added_with_everything_that_tests_need() {
    let doorward = Doorward::set_up();
    doorward.ok(&["key", "generate", "--name", "EC", "--algorithm", "ec-p256"]);
    let secret = "s3cret/with+signs=and-32-characters-or-more";
    let file = doorward.directory.path().join("secret");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    let file = file.display().to_string();
    let mut add = ADD.to_vec();
    add.extend(["--client-id", "conformance.1", "--client-secret-file", &file, "--sub-mode", "user_username"]);
    add.extend([
        "--grant-types",
        "authorization_code,implicit,hybrid,refresh_token,device_code",
        "--consent",
        "always",
    ]);
    add.extend(["--backchannel-logout-uri", "https://a.example/out?x=1", "--include-claims-in-id-token", "false"]);
    add.extend(["--redirect-uri", "https://a.example/cb2", "--redirect-uri-regex", "https://a[.]example/x.*"]);
    add.extend(["--logout-uri", "https://a.example/after", "--signing-key", "EC", "--issuer-mode", "global"]);
    let added = doorward.json(&add);
    assert_eq!((&added["client_id"], &added["client_secret"]), (&json!("conformance.1"), &json!(secret)));
    let shown = doorward.json(&["app", "show", "tests"]);
    let expected = json!({
        "client_id": "conformance.1", "sub_mode": "user_username", "issuer_mode": "global", "consent": "always",
        "grant_types": ["authorization_code", "implicit", "hybrid", "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code"],
        "logout_uri": "https://a.example/out?x=1", "logout_method": "backchannel", "include_claims_in_id_token": false,
        "redirect_uris": ["https://a.example/cb", "https://a.example/cb2", "https://a[.]example/x.*"],
        "logout_uris": ["https://a.example/after"], "signing_key": "EC", "signing_alg": "ES256",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let text = doorward.ok(&["app", "show", "tests"]);
    assert!(text.contains("https://a.example/out?x=1 (backchannel)") && text.contains("hybrid"), "{text}");
    assert!(!text.contains(secret));
}

#[test]
fn grant_types_and_logout_are_changed_while_the_server_runs() {
    let doorward = Doorward::set_up();
    let plain = doorward.json(&ADD);
    assert_eq!(plain["client_secret"].as_str().unwrap().len(), 128);
    let shown = |name: &str| doorward.json(&["app", "show", "tests"])[name].clone();
    assert_eq!(shown("grant_types"), json!(["authorization_code", "refresh_token"]));
    assert_eq!((shown("logout_uri"), shown("logout_method")), (json!(""), json!("backchannel")));
    let _server = doorward.serve();
    let edit = |options: &[&str]| doorward.ok(&[&["app", "edit", "tests"], options].concat());
    edit(&["--grant-types", "client_credentials", "--grant-types=urn:ietf:params:oauth:grant-type:device_code"]);
    assert_eq!(
        shown("grant_types"),
        json!(["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]),
        "they replace what was there"
    );
    edit(&["--frontchannel-logout-uri", "https://a.example/front", "--client-id", "other"]);
    assert_eq!(
        (shown("logout_uri"), shown("logout_method")),
        (json!("https://a.example/front"), json!("frontchannel"))
    );
    assert_eq!(shown("client_id"), "other");
    edit(&["--backchannel-logout-uri", ""]);
    assert_eq!((shown("logout_uri"), shown("logout_method")), (json!(""), json!("backchannel")));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let doorward = Doorward::set_up();
    doorward.ok(&ADD);
    let edit = |options: &[&'static str]| [&["app", "edit", "tests"], options].concat();
    doorward.fails(&edit(&["--grant-types", "device"]), 2, &["device_code", "client_credentials"]);
    doorward.fails(&edit(&["--grant-types", "authorization_code,,implicit"]), 2, &["hybrid"]);
    doorward.fails(&edit(&["--backchannel-logout-uri", "ftp://x"]), 1, &["https://"]);
    doorward.fails(&edit(&["--frontchannel-logout-uri", "https://a.example/#x"]), 1, &["fragment"]);
    doorward.fails(
        &edit(&["--frontchannel-logout-uri=https://a.example/", "--backchannel-logout-uri="]),
        2,
        &["cannot"],
    );
    doorward.fails(&edit(&["--client-id", "a:b"]), 1, &["colon"]);
    let ldap = ["app", "add", "custom", "--method=ldap", "--name=L", "--allow=everyone"];
    doorward.fails(&[&ldap[..], &["--grant-types", "implicit"]].concat(), 2, &["--grant-types", "OpenID Connect"]);
    let stdin = [&ldap[..], &["--client-secret-stdin"]].concat();
    doorward.fails(&stdin, 2, &["--client-secret-stdin", "OpenID Connect"]);
    let mut again = ADD.to_vec();
    again[7] = "again";
    doorward.fails(&[&again[..], &["--client-secret-file", "/nowhere"]].concat(), 1, &["client secret file /nowhere"]);
    doorward.fails(&[&again[..], &["--client-secret-stdin", "--public"]].concat(), 2, &["--public"]);
    // Standard input is empty here.
    doorward.fails(&[&again[..], &["--client-secret-stdin"]].concat(), 1, &["32 to 512"]);
    assert_eq!(doorward.json(&["app", "list"]).as_array().unwrap().len(), 1, "nothing was added");
}

#[test]
fn a_client_secret_comes_through_standard_input() {
    let doorward = Doorward::set_up();
    let mut command = doorward.command();
    command.args(ADD).args(["--client-secret-stdin", "-o", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all("k".repeat(40).as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(doorward.json(&["app", "show", "tests", "--show-secret"])["client_secret"], "k".repeat(40));
}
