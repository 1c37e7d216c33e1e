//! `doorward explain`: words, JSON, exit codes.

use serde_json::json;

use crate::support::Doorward;

fn with_netbox() -> Doorward {
    let doorward = Doorward::set_up();
    doorward.ok(&["group", "add", "netbox-admins"]);
    doorward.ok(&["group", "add", "noc"]);
    doorward.ok(&["group", "edit", "noc", "--add-parent", "netbox-admins"]);
    doorward.ok(&["user", "add", "alice", "--name", "Alice Example", "--password-file", &doorward.password_file()]);
    doorward.ok(&["user", "add", "bob", "--password-file", &doorward.password_file()]);
    doorward.ok(&["group", "add-member", "noc", "alice"]);
    let mut add = vec!["app", "add", "netbox", "--url", "https://netbox.example.org", "--allow", "netbox-admins"];
    add.extend(["--superusers", "netbox-admins", "--network", "10.0.0.0/8"]);
    doorward.ok(&add);
    doorward
}

#[test]
fn access_is_explained_and_the_exit_code_is_the_verdict() {
    let doorward = with_netbox();
    let inside = doorward.ok(&["explain", "access", "alice", "netbox", "--ip", "10.1.2.3"]);
    for part in ["alice may use NetBox by OpenID Connect.", "noc is in netbox-admins", "10.1.2.3 is in 10.0.0.0/8"] {
        assert!(inside.contains(part), "{part}: {inside}");
    }
    assert!(doorward.ok(&["explain", "access", "alice", "netbox"]).contains("depends"));
    for arguments in [["alice", "netbox", "192.0.2.7"], ["bob", "netbox", "10.1.2.3"]] {
        let [user, app, ip] = arguments;
        let output = doorward.run(&["explain", "access", user, app, "--ip", ip, "-o", "json"]);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["verdict"], &report["address"]), (&json!("denied"), &json!(ip)));
        assert!(String::from_utf8_lossy(&output.stderr).contains("may not use NetBox"));
    }
    doorward.fails(&["explain", "access", "nobody", "netbox"], 3, &["nobody"]);
    doorward.fails(&["explain", "access", "alice", "nothing"], 3, &["nothing"]);
    doorward.fails(&["explain", "access", "alice", "netbox", "--ip", "here"], 2, &["here"]);
}

#[test]
fn claims_are_explained_with_what_netbox_does() {
    let doorward = with_netbox();
    let words = doorward.ok(&["explain", "claims", "alice", "netbox"]);
    for part in [
        "Userinfo",
        "\"netbox_superuser\": true",
        "What NetBox does (OpenID Connect)",
        "superuser  yes",
        "joins netbox-admins",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let report = doorward.json(&["explain", "claims", "bob", "netbox", "--scopes", "openid,wine"]);
    assert_eq!(report["oidc"]["ignored_scopes"], json!(["wine"]));
    assert_eq!(report["oidc"]["userinfo"]["netbox_superuser"], json!(false));
    assert_eq!(report["netbox"][0]["superuser"]["change"], json!("revoked"));
    let warned = doorward.run(&["explain", "claims", "bob", "netbox"]);
    assert!(String::from_utf8_lossy(&warned.stderr).contains("warning: first and last name are empty"));
    doorward.fails(&["explain", "claims", "nobody", "netbox"], 3, &["nobody"]);
}
