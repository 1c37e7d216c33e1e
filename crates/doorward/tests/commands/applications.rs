//! Applications: what is told about them, and how they are changed.

use serde_json::{Value, json};

use crate::support::Doorward;

#[test]
fn an_application_is_described_the_same_everywhere_and_its_secret_only_when_asked_for() {
    let doorward = Doorward::set_up();
    doorward.ok(&["group", "add", "staff"]);
    let added = doorward.json(&[
        "app",
        "add",
        "custom",
        "--name",
        "Team wiki",
        "--redirect-uri",
        "https://w.example/cb",
        "--logout-uri",
        "https://w.example/",
        "--allow",
        "staff",
        "--launch-url",
        "https://w.example/",
    ]);
    let base = doorward.url("");
    let secret = added["client_secret"].as_str().unwrap();
    assert_eq!((secret.len(), added["client_id"].as_str().unwrap().len()), (128, 40));
    let public = json!({
        "slug": "team-wiki", "name": "Team wiki", "methods": ["oidc"], "client_id": added["client_id"],
        "issuer": format!("{base}/application/o/team-wiki/"), "redirect_uris": ["https://w.example/cb"],
        "signing_alg": "RS256", "launch_url": "https://w.example/",
        "discovery_url": format!("{base}/application/o/team-wiki/.well-known/openid-configuration"),
    });
    assert_eq!(without(&added, &["client_secret"]), public);
    assert_eq!(doorward.json(&["app", "list"]), json!([public]));

    let shown = doorward.json(&["app", "show", "team-wiki"]);
    for (name, value) in public.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    assert_eq!((&shown["allow_groups"], &shown["logout_uris"]), (&json!(["staff"]), &json!(["https://w.example/"])));
    assert!(!shown.to_string().contains(secret));
    assert!(!doorward.ok(&["app", "show", "team-wiki"]).contains(secret));
    assert_eq!(doorward.json(&["app", "show", "team-wiki", "--show-secret"])["client_secret"], secret);
    let new = doorward.json(&["app", "rotate-secret", "team-wiki"])["client_secret"].clone();
    assert_ne!(new, secret);
    assert_eq!(doorward.json(&["app", "show", "team-wiki", "--show-secret"])["client_secret"], new);
}

#[test]
fn old_client_secrets_work_for_a_while() {
    let doorward = Doorward::set_up();
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
    doorward.fails(&["app", "rotate-secret", "wiki", "--keep-old-for", "days=31"], 2, &["days=30 at most"]);
    doorward.fails(&["app", "rotate-secret", "wiki", "--keep-old-for", "soon"], 2, &["--keep-old-for"]);
    assert_eq!(doorward.json(&["app", "stop-old-secret", "wiki"])["stopped"], false);
    doorward.ok(&["app", "rotate-secret", "wiki", "--keep-old-for", "hours=24"]);
    let shown = doorward.json(&["app", "show", "wiki"]);
    assert!(shown["old_secret_until"].is_string() && shown["old_secret_used"].is_null());
    assert!(doorward.ok(&["app", "show", "wiki"]).contains("nobody has used it since"));
    assert!(doorward.ok(&["app", "stop-old-secret", "wiki", "--dry-run"]).starts_with("Would "));
    assert_eq!(doorward.json(&["app", "stop-old-secret", "wiki"])["stopped"], true);
    assert_eq!(doorward.json(&["app", "show", "wiki"]).get("old_secret_until"), None);
}

/// Lifetimes are typed as people write them, and kept in authentik's notation.
#[test]
fn lifetimes_are_understood_in_short() {
    let doorward = Doorward::set_up();
    let add = ["app", "add", "custom", "--name", "Wiki", "--redirect-uri", "https://w.example/cb"];
    doorward.ok(&[&add[..], &["--allow", "everyone", "--access-token-lifetime", "1h30m"]].concat());
    doorward.ok(&["app", "edit", "wiki", "--refresh-token-lifetime", "7d", "--code-lifetime", "90s"]);
    let shown = doorward.json(&["app", "show", "wiki"]);
    let kept = ["access_token_validity", "refresh_token_validity", "access_code_validity"].map(|name| &shown[name]);
    assert_eq!(kept, ["hours=1;minutes=30", "days=7", "minutes=1;seconds=30"]);
    for (wrong, words) in
        [("24", "names no unit"), ("24x", "names no unit"), ("99999d", "outside"), ("30m1h", "longest")]
    {
        doorward.fails(&["app", "edit", "wiki", "--access-token-lifetime", wrong], 2, &[wrong, words]);
    }
    doorward.fails(&["app", "edit", "wiki", "--access-token-lifetime=-1h"], 2, &["outside"]);
}

#[test]
fn a_public_client_has_no_secret_to_replace() {
    let doorward = Doorward::set_up();
    let add = ["app", "add", "custom", "--name", "Wiki", "--redirect-uri", "https://w.example/cb"];
    doorward.ok(&[&add[..], &["--allow", "everyone", "--public"]].concat());
    for more in [&[][..], &["--dry-run"], &["--keep-old-for", "24h"]] {
        let rotate = [&["app", "rotate-secret", "wiki"], more].concat();
        doorward.fails(&rotate, 1, &["public client", "doorward app edit wiki --confidential"]);
    }
    doorward.ok(&["app", "edit", "wiki", "--confidential"]);
    assert_eq!(doorward.json(&["app", "rotate-secret", "wiki"])["client_secret"].as_str().unwrap().len(), 128);
}

fn without(value: &Value, members: &[&str]) -> Value {
    let mut object = value.as_object().unwrap().clone();
    object.retain(|name, _| !members.contains(&name.as_str()));
    Value::Object(object)
}

#[test]
fn networks_are_given_replaced_and_taken_away() {
    let doorward = Doorward::set_up();
    let mut add = vec!["app", "add", "custom", "--name", "Wiki", "--redirect-uri", "https://w.example/cb"];
    add.extend(["--allow", "everyone", "--network", "10.0.0.0/8", "--network", "192.0.2.7"]);
    doorward.ok(&add);
    let networks = || doorward.json(&["app", "show", "wiki"])["networks"].clone();
    assert_eq!(networks(), json!(["10.0.0.0/8", "192.0.2.7/32"]));
    assert!(doorward.ok(&["app", "show", "wiki"]).contains("10.0.0.0/8, 192.0.2.7/32"));
    doorward.fails(&["app", "edit", "wiki", "--network", "10.0.0.5/8"], 2, &["10.0.0.0/8", "10.0.0.5"]);
    doorward.fails(&["app", "edit", "wiki", "--network", "any", "--network", "::/0"], 2, &["--network any"]);
    doorward.ok(&["app", "edit", "wiki", "--network", "2001:db8::/32"]);
    assert_eq!(networks(), json!(["2001:db8::/32"]));
    doorward.ok(&["app", "edit", "wiki", "--network", "any"]);
    assert_eq!(networks(), json!([]));
}

#[test]
fn an_application_is_changed_in_every_respect() {
    let doorward = Doorward::set_up();
    doorward.ok(&["user", "add", "alice"]);
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
    doorward.ok(&["key", "generate", "--name", "EC", "--algorithm", "ec-p256"]);
    doorward.ok(&["mapping", "add", "Roles", "--scope", "roles", "--expression", "{\"roles\": [user.username]}"]);
    let shown = doorward.json(&[
        "app",
        "edit",
        "wiki",
        "--name",
        "Book",
        "--slug",
        "book",
        "--allow-user",
        "alice",
        "--add-redirect-uri",
        "https://b.example/cb",
        "--remove-redirect-uri",
        "https://w.example/cb",
        "--add-logout-uri",
        "https://b.example/",
        "--consent",
        "first_time",
        "--access-token-lifetime",
        "minutes=15",
        "--signing-key",
        "EC",
        "--launch-url",
        "https://b.example/",
        "--add-mapping",
        "Roles",
        "--public",
    ]);
    let expected = json!({"name": "Book", "slug": "book", "allow_users": ["alice"], "allow_everyone": false,
        "redirect_uris": ["https://b.example/cb"], "logout_uris": ["https://b.example/"], "consent": "first_time",
        "access_token_validity": "minutes=15", "signing_alg": "ES256", "launch_url": "https://b.example/",
        "client_type": "public", "scopes": ["email", "offline_access", "openid", "profile", "roles"]});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let scopes = doorward.json(&["app", "edit", "book", "--scope", "email", "--scope", "roles"])["scopes"].clone();
    assert_eq!(scopes, json!(["email", "openid", "roles"]));
    assert_eq!(doorward.json(&["mapping", "preview", "Roles", "--user", "alice"]), json!({"roles": ["alice"]}));
    doorward.fails(&["mapping", "add", "Bad", "--scope", "x", "--expression", "{"], 1, &["expression"]);
    doorward.fails(&["app", "edit", "book"], 2, &["nothing to change"]);
}

/// The second NetBox must not change who is a superuser in the first.
#[test]
fn two_netboxes_have_superusers_of_their_own() {
    let doorward = Doorward::set_up();
    doorward.ok(&["group", "add", "lab-admins", "--member", "admin"]);
    doorward.ok(&["group", "add", "prod-admins"]);
    let add = |slug: &str, group: &str| {
        let url = format!("https://{slug}.example.org");
        doorward.ok(&[
            "app",
            "add",
            "netbox",
            "--slug",
            slug,
            "--url",
            &url,
            "--superusers",
            group,
            "--allow",
            "everyone",
        ]);
    };
    add("prod", "prod-admins");
    add("lab", "lab-admins");
    add("lab-2", "lab-admins");
    for (slug, is_superuser) in [("prod", false), ("lab", true), ("lab-2", true)] {
        let mappings = doorward.json(&["app", "show", slug])["mappings"].clone();
        let mut names = mappings.as_array().unwrap().iter().filter_map(Value::as_str);
        let name = names.find(|name| name.starts_with("NetBox: superuser")).unwrap();
        let claims = doorward.json(&["mapping", "preview", name, "--user", "admin"]);
        assert_eq!(claims, json!({ "netbox_superuser": is_superuser }), "{slug}");
    }
}
