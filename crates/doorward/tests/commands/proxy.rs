//! Applications behind proxies.

use serde_json::json;

use crate::support::Doorward;

#[test]
fn an_application_behind_a_proxy() {
    let doorward = Doorward::set_up();
    let wiki = ["app", "add", "custom", "--method", "proxy", "--name", "Wiki", "--allow", "everyone"];
    doorward.fails(&wiki, 2, &["--external-host https://wiki.example.org"]);
    let wiki = [&wiki[..], &["--external-host", "https://wiki.example.org/"]].concat();
    doorward.fails(&[&wiki[..], &["--mode", "proxy"]].concat(), 2, &["single, domain"]);
    doorward.fails(&[&wiki[..], &["--header", "shoes=X"]].concat(), 2, &["username, groups"]);
    doorward.fails(&[&wiki[..], &["--header", "username=Host"]].concat(), 1, &["Host means something else"]);
    doorward.fails(&[&wiki[..], &["--skip-path", "("]].concat(), 1, &["skip_path_regex"]);
    let would = doorward.ok(&[&wiki[..], &["--dry-run"]].concat());
    assert!(would.contains("add the application Wiki"), "{would}");
    let more = ["--header", "username=Remote-User", "--header", "groups=Remote-Groups", "--skip-path", "^/static/"];
    let added = doorward.json(&[&wiki[..], &more[..]].concat());
    assert_eq!(added["methods"], json!(["proxy"]));
    assert_eq!(added["external_host"], "https://wiki.example.org");
    assert_eq!(
        added["callback_url"],
        "https://wiki.example.org/outpost.goauthentik.io/callback?X-authentik-auth-callback=true"
    );
    assert_eq!(added["headers"], json!({ "username": "Remote-User", "groups": "Remote-Groups" }));

    let shown = doorward.json(&["app", "show", "wiki"]);
    assert_eq!((&shown["proxy_mode"], &shown["session_validity"]), (&json!("forward_single"), &json!("days=1")));
    assert_eq!((&shown["skip_path_regex"], &shown["intercept_header_auth"]), (&json!(["^/static/"]), &json!(true)));
    let text = doorward.ok(&["app", "show", "wiki"]);
    assert!(text.contains("External host") && text.contains("username=Remote-User") && !text.contains("Client ID"));

    let edit = [
        "app",
        "edit",
        "wiki",
        "--external-host",
        "https://auth.example.org",
        "--cookie-domain",
        "example.org",
        "--header",
        "groups=",
        "--skip-path",
        "",
        "--group-separator",
        ",",
        "--intercept-header-auth",
        "false",
        "--session-lifetime",
        "hours=8",
        "--basic-auth",
        "app_user,app_password",
    ];
    let edited = doorward.json(&edit);
    assert_eq!((&edited["proxy_mode"], &edited["cookie_domain"]), (&json!("forward_domain"), &json!("example.org")));
    assert_eq!((&edited["headers"], &edited["skip_path_regex"]), (&json!({ "username": "Remote-User" }), &json!([])));
    assert_eq!(edited["basic_auth"]["password_attribute"], "app_password");
    let again = doorward.ok(&edit);
    assert!(again.contains("is so already"), "{again}");
    let single = doorward.json(&["app", "edit", "wiki", "--mode", "single", "--basic-auth", ""]);
    assert_eq!((&single["cookie_domain"], &single["basic_auth"]), (&json!(null), &json!(null)));
}

#[test]
fn forward_auth_beside_other_methods() {
    let doorward = Doorward::set_up();
    let uri = "https://wiki.example.org/callback";
    doorward.ok(&["app", "add", "custom", "--name", "Wiki", "--redirect-uri", uri, "--allow", "everyone"]);
    let proxy = [
        "app",
        "add",
        "custom",
        "--method",
        "proxy",
        "--name",
        "Wiki",
        "--allow",
        "everyone",
        "--external-host",
        "https://a.org",
    ];
    doorward.fails(&proxy, 1, &["belongs to Wiki", "doorward app proxy add wiki"]);
    doorward.fails(&["app", "edit", "wiki", "--header", "uid=X-Uid"], 2, &["doorward app proxy add wiki"]);
    doorward.fails(&["app", "proxy", "add", "wiki"], 2, &["--external-host"]);
    let add = ["app", "proxy", "add", "wiki", "--external-host", "https://wiki.example.org"];
    assert!(doorward.ok(&[&add[..], &["--dry-run"]].concat()).contains("add a proxy provider to Wiki"));
    let added = doorward.json(&add);
    assert_eq!((&added["methods"], &added["redirect_uris"]), (&json!(["oidc", "proxy"]), &json!([uri])));
    doorward.fails(&add, 1, &["has a proxy provider", "doorward app edit wiki"]);
    doorward.ok(&["app", "add", "custom", "--name", "Lab", "--redirect-uri", uri, "--allow", "everyone"]);
    doorward.fails(
        &["app", "proxy", "add", "lab", "--external-host", "https://WIKI.example.org"],
        1,
        &["Wiki is at this host"],
    );
    assert!(doorward.ok(&["app", "list"]).contains("oidc, proxy"));
    assert!(doorward.ok(&["app", "proxy", "rm", "wiki", "--dry-run"]).contains("remove the proxy provider of Wiki"));
    doorward.ok(&["app", "proxy", "rm", "wiki", "--yes"]);
    assert_eq!(doorward.json(&["app", "show", "wiki"])["methods"], json!(["oidc"]));
    doorward.fails(&["app", "proxy", "rm", "wiki", "--yes"], 3, &["proxy provider"]);
}
