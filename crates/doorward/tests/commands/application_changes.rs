//! `app edit` says what it changed, and what options that replace lists took away.

use serde_json::{Value, json};

use crate::support::Doorward;

fn with_wiki() -> Doorward {
    let doorward = Doorward::set_up();
    let mut add = vec!["app", "add", "custom", "--name", "Wiki", "--redirect-uri", "https://w.example/cb"];
    add.extend(["--redirect-uri", "https://w.example/cb2", "--allow", "everyone"]);
    doorward.ok(&add);
    doorward
}

#[test]
fn what_a_list_lost_is_named() {
    let doorward = with_wiki();
    let mut edit = vec!["app", "edit", "wiki", "--grant-types", "authorization_code,device_code"];
    edit.extend(["--scope", "email", "--remove-redirect-uri", "https://w.example/cb2"]);
    let dry = doorward.ok(&[&edit[..], &["--dry-run"]].concat());
    let done = doorward.ok(&edit);
    for text in [&dry, &done] {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for line in [
            "May use: authorization_code, refresh_token → authorization_code, \
             urn:ietf:params:oauth:grant-type:device_code",
            "taken away: refresh_token",
            "Redirect URIs: https://w.example/cb, https://w.example/cb2 → https://w.example/cb",
            "taken away: https://w.example/cb2",
            "Scopes: email, offline_access, openid, profile → email, openid",
            "taken away: offline_access, profile",
        ] {
            assert!(lines.contains(&line), "{line:?} not in {text}");
        }
        assert!(!text.contains("Consent") && !text.contains("Client ID"), "{text}");
    }
    assert!(dry.starts_with("Would change the application Wiki. Nothing was changed."), "{dry}");
    assert!(done.starts_with("Changed the application Wiki.\n"), "{done}");
}

#[test]
fn programs_read_the_same_and_single_values_have_nothing_taken_away() {
    let doorward = with_wiki();
    let edit = ["app", "edit", "wiki", "--access-token-lifetime", "minutes=5", "--network", "10.0.0.0/8"];
    let expected = json!([
        {"field": "networks", "before": ["any"], "after": ["10.0.0.0/8"]},
        {"field": "access_token_validity", "before": ["hours=1"], "after": ["minutes=5"]},
    ]);
    assert_eq!(doorward.json(&[&edit[..], &["--dry-run"]].concat())["changes"], expected);
    let text = doorward.ok(&edit);
    assert!(text.contains("Access token lasts: hours=1 → minutes=5") && !text.contains("taken away"), "{text}");
    let again = doorward.json(&edit);
    assert_eq!((again.get("changes"), &again["networks"]), (None::<&Value>, &json!(["10.0.0.0/8"])));
}

#[test]
fn who_may_use_it_is_told_by_name() {
    let doorward = with_wiki();
    doorward.ok(&["group", "add", "staff"]);
    doorward.ok(&["user", "add", "alice"]);
    let text = doorward.ok(&["app", "edit", "wiki", "--allow", "staff", "--allow-user", "alice"]);
    assert!(text.contains("Allowed: everyone → staff") && text.contains("Allowed users: - → alice"), "{text}");
}
