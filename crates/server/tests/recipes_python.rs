//! The NetBox recipe's settings, run by a real Python: what is printed must be Python, hold the values that went in, and its pipeline
//! function must give and take exactly what the claims say. Covers every version range and every way to install NetBox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "recipes/run_python.rs"]
mod run_python;

use doorward_core::method::Method;
use doorward_server::recipes::{Connection, OidcConnection, Recipe, RecipeInput, SettingsInput, Style, parse_version};
use serde_json::{Value, json};
use url::Url;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recipes/netbox_settings.py");
const SECRET: &str = "it's\\ a \"secret\"\n{{ x }} \u{e4}\u{1F600}";

/// The first and last version of each range in which the settings differ.
const VERSIONS: [&str; 16] = [
    "3.2.0", "3.2.5", "3.2.6", "3.3.6", "3.3.10", "3.4.7", "3.7.8", "4.0.8", "4.3.3", "4.3.4", "4.4.0", "4.5.0",
    "4.5.9", "4.6.8", "4.7.0", "4.7.3",
];

fn python(given: &Value) -> Value {
    run_python::run(SCRIPT, given)
}

struct Choice {
    superusers: &'static [&'static str],
    groups: &'static [&'static str],
    prefix: Option<&'static str>,
}

const DEFAULT: Choice = Choice { superusers: &["netbox-admins"], groups: &[], prefix: None };

fn blocks(choice: &Choice, style: Style, version: &str, secret: &str) -> Vec<String> {
    let recipe = Recipe::find("netbox").unwrap();
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
    let url = Url::parse("https://netbox.example.org/sub/").unwrap();
    let input = RecipeInput {
        slug: "netbox-slug".to_owned(),
        method: Method::Oidc,
        url: Some(url.clone()),
        superuser_groups: owned(choice.superusers),
        managed_groups: owned(choice.groups),
        group_prefix: choice.prefix.map(str::to_owned),
        ldap_uri: None,
        upstream: None,
    };
    let settings = SettingsInput {
        connection: Connection::Oidc(OidcConnection {
            issuer: "https://id.example.org/application/o/netbox-slug/".to_owned(),
            end_session_url: "https://id.example.org/application/o/netbox-slug/end-session/".to_owned(),
            client_id: "clientid".to_owned(),
            client_secret: secret.to_owned(),
        }),
        public_url: "https://id.example.org".to_owned(),
        url: Some(url),
        options: recipe.plan(&input).unwrap().options,
        style,
        app_version: Some(parse_version(version).unwrap()),
    };
    match recipe.settings(&settings) {
        Ok(blocks) => blocks.into_iter().map(|block| block.text).collect(),
        Err(error) => panic!("{error}"),
    }
}

/// Sign-ins and what must come of each: groups, groups created.
fn group_cases() -> Vec<(Value, Value, Value)> {
    vec![
        (json!({"response": {"groups": ["netbox-ops", "staff"]}}), json!(["netbox-ops"]), json!(["netbox-ops"])),
        (json!({"response": {"groups": ["netbox-ops"]}, "existing": ["netbox-ops"]}), json!(["netbox-ops"]), json!([])),
        (
            json!({"response": {"groups": ["netbox-ops"]}, "held": ["by-hand", "netbox-old"]}),
            json!(["by-hand", "netbox-ops"]),
            json!(["netbox-ops"]),
        ),
        (json!({"response": {"groups": []}, "held": ["by-hand", "netbox-old"]}), json!(["by-hand"]), json!([])),
        (json!({"response": {"groups": ["by-hand"]}, "held": []}), json!([]), json!([])),
        // A missing or malformed claim changes nothing.
        (json!({"response": {}, "held": ["by-hand", "netbox-old"]}), json!(["by-hand", "netbox-old"]), json!([])),
        (json!({"response": {"groups": null}, "held": ["netbox-old"]}), json!(["netbox-old"]), json!([])),
        (json!({"response": {"groups": "netbox-ops"}, "held": ["netbox-old"]}), json!(["netbox-old"]), json!([])),
        (json!({"response": {"groups": {"netbox-ops": 1}}, "held": ["netbox-old"]}), json!(["netbox-old"]), json!([])),
        (json!({"response": null, "held": ["netbox-old"]}), json!(["netbox-old"]), json!([])),
        (
            json!({"response": {"groups": ["netbox-ops"]}, "backend": "saml", "held": ["netbox-old"]}),
            json!(["netbox-old"]),
            json!([]),
        ),
        (json!({"response": {"groups": ["netbox-ops"]}, "no_user": true}), json!([]), json!([])),
        // Odd members of the list are passed over; so are names longer than NetBox's column.
        (
            json!({"response": {"groups": [1, null, ["netbox-x"], {}, "netbox-ops", "netbox-ops"]}}),
            json!(["netbox-ops"]),
            json!(["netbox-ops"]),
        ),
        (json!({"response": {"groups": [format!("netbox-{}", "x".repeat(150))]}}), json!([]), json!([])),
    ]
}

/// Superuser before, claim, superuser after, times saved.
fn superuser_cases() -> Vec<(bool, Value, bool, u32)> {
    vec![
        (false, json!({"netbox_superuser": true}), true, 1),
        (true, json!({"netbox_superuser": false}), false, 1),
        (true, json!({"netbox_superuser": true}), true, 0),
        (false, json!({"netbox_superuser": false}), false, 0),
        (true, json!({}), true, 0),
        (true, json!({"netbox_superuser": null}), true, 0),
        (false, json!({"netbox_superuser": "true"}), false, 0),
        (false, json!({"netbox_superuser": 1}), false, 0),
    ]
}

/// Runs all cases on one loaded text, and returns its settings.
fn check(mut given: Value, version: &str) -> Value {
    let version = parse_version(version).unwrap();
    let in_function = version < (4, 7, 0);
    given["has_is_staff"] = json!(version < (4, 5, 0));
    let groups = group_cases();
    let superusers = superuser_cases();
    let mut cases: Vec<Value> = groups.iter().map(|case| case.0.clone()).collect();
    cases.extend(superusers.iter().map(|case| json!({"was_superuser": case.0, "response": case.1})));
    given["cases"] = json!(cases);
    let result = python(&given);
    let found = result["found"].as_array().unwrap();
    assert_eq!(found.len(), cases.len());
    for ((case, expected, created), found) in groups.iter().zip(found) {
        assert_eq!((&found["groups"], &found["created"]), (expected, created), "{version:?} {case}");
        assert_eq!(found["saved"], json!(0), "{version:?} {case}");
    }
    for ((before, response, after, saved), found) in superusers.iter().zip(&found[groups.len()..]) {
        let (after, saved) = if in_function { (after, saved) } else { (before, &0) };
        assert_eq!((&found["superuser"], &found["saved"]), (&json!(after), &json!(saved)), "{version:?} {response}");
    }
    result
}

fn check_common_settings(settings: &Value, version: &str) {
    let version = parse_version(version).unwrap();
    assert_eq!(settings["SOCIAL_AUTH_OIDC_OIDC_ENDPOINT"], "https://id.example.org/application/o/netbox-slug/");
    assert_eq!(settings["SOCIAL_AUTH_OIDC_KEY"], "clientid");
    assert_eq!(settings["SOCIAL_AUTH_OIDC_MAX_SESSION_LENGTH"], 28800);
    assert_eq!(settings.get("SOCIAL_AUTH_OIDC_USE_PKCE").is_some(), version >= (4, 5, 9));
    assert_eq!(settings.get("SOCIAL_AUTH_OIDC_JWT_LEEWAY").is_some(), version >= (4, 3, 4));
    assert_eq!(settings.get("SOCIAL_AUTH_BACKEND_ATTRS").is_some(), version >= (4, 0, 8));
    assert_eq!(settings.get("SOCIAL_AUTH_OIDC_FULLNAME_KEY").is_some(), version >= (4, 7, 0));
    if version >= (3, 3, 10) {
        let logout = "https://id.example.org/application/o/netbox-slug/end-session/?client_id=clientid\
                      &post_logout_redirect_uri=https%3A%2F%2Fnetbox.example.org%2Fsub%2Flogin%2F";
        assert_eq!(settings["LOGOUT_REDIRECT_URL"], logout);
    }
    let protected = if version >= (4, 7, 0) {
        "SOCIAL_AUTH_OIDC_PROTECTED_USER_FIELDS"
    } else {
        "SOCIAL_AUTH_PROTECTED_USER_FIELDS"
    };
    assert!(settings[protected].as_array().unwrap().contains(&json!("groups")));
    let steps = settings["SOCIAL_AUTH_PIPELINE"].as_array().unwrap();
    let default_groups = json!("netbox.authentication.user_default_groups_handler");
    assert_eq!(steps.contains(&default_groups), version >= (3, 2, 6));
    assert!(!steps.contains(&json!("social_core.pipeline.social_auth.associate_by_email")));
    assert_eq!(steps[steps.len() - 2], "social_core.pipeline.user.user_details");
}

#[test]
fn configuration_py_of_every_version_in_wheel_and_checkout() {
    for version in VERSIONS {
        let text = blocks(&DEFAULT, Style::File, version, SECRET).concat();
        for (way, path) in
            [("wheel", "netbox_local_configuration.doorward_sync"), ("checkout", "netbox.configuration.doorward_sync")]
        {
            let result = check(json!({"text": text, "way": way}), version);
            assert_eq!(result["path"], path);
            assert_eq!(result["settings"]["SOCIAL_AUTH_OIDC_SECRET"], SECRET);
            assert_eq!(
                result["settings"]["REMOTE_AUTH_BACKEND"],
                "social_core.backends.open_id_connect.OpenIdConnectAuth"
            );
            check_common_settings(&result["settings"], version);
        }
    }
}

#[test]
fn extra_py_of_every_version_in_netbox_docker() {
    for version in VERSIONS {
        let parts = blocks(&DEFAULT, Style::Docker, version, "secret");
        let environment: Value = parts[0]
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), json!(value)))
            .collect();
        let result = check(json!({"text": parts[1], "way": "docker", "environment": environment}), version);
        assert_eq!(result["path"], "netbox.configuration.doorward_sync");
        assert_eq!(result["settings"]["SOCIAL_AUTH_OIDC_SECRET"], "secret");
        check_common_settings(&result["settings"], version);
    }
}

#[test]
fn function_in_the_helm_manifest() {
    for version in VERSIONS.into_iter().filter(|version| parse_version(version).unwrap() >= (4, 1, 0)) {
        let parts = blocks(&DEFAULT, Style::Helm, version, SECRET);
        let (_, indented) = parts[0].split_once("doorward_sync.py: |\n").unwrap();
        let mut text = String::new();
        for line in indented.lines() {
            assert!(line.is_empty() || line.starts_with("    "), "outside the block: {line}");
            text += line.strip_prefix("    ").unwrap_or_default();
            text += "\n";
        }
        check(json!({"text": text, "way": "helm", "path": "netbox.doorward_sync.doorward_sync"}), version);
        assert!(parts[1].contains("- netbox.doorward_sync.doorward_sync\n"));
    }
}

#[test]
fn a_list_of_groups_with_odd_names_manages_just_those() {
    let odd = "it's \"odd\" \\ {{ x }} \u{e4}\u{1F600}";
    let list = Choice { superusers: &[], groups: &["it's \"odd\" \\ {{ x }} \u{e4}\u{1F600}", "ops"], prefix: None };
    let both = Choice { superusers: &["a"], groups: &["ops"], prefix: Some("'; import os #") };
    let cases = json!([
        {"response": {"groups": [odd, "ops", "netbox-x", "'; import os #1"]}, "held": ["netbox-old", "ops"]},
        {"response": {"groups": []}, "held": [odd, "ops", "netbox-old", "'; import os #1"]},
    ]);
    for (choice, first, second) in [
        (&list, json!([odd, "netbox-old", "ops"]), json!(["'; import os #1", "netbox-old"])),
        (&both, json!(["'; import os #1", "netbox-old", "ops"]), json!([odd, "netbox-old"])),
    ] {
        for version in ["3.2.5", "4.7.3"] {
            let text = blocks(choice, Style::File, version, SECRET).concat();
            let result = python(&json!({"text": text, "way": "wheel", "cases": cases, "has_is_staff": false}));
            assert_eq!(result["found"][0]["groups"], first);
            assert_eq!(result["found"][1]["groups"], second);
        }
    }
}

#[test]
fn without_superuser_groups_superuser_status_is_left_alone() {
    let choice = Choice { superusers: &[], groups: &[], prefix: None };
    for version in ["3.2.5", "4.6.8", "4.7.3"] {
        let text = blocks(&choice, Style::File, version, "secret").concat();
        let cases = json!([{"was_superuser": true, "response": {"netbox_superuser": false, "groups": []}}]);
        let result = python(&json!({"text": text, "way": "wheel", "cases": cases, "has_is_staff": false}));
        assert_eq!(result["found"][0]["superuser"], json!(true));
        assert!(!text.contains("is_superuser"), "{text}");
    }
}
