//! Applications with an LDAP provider.

use serde_json::{Value, json};

use crate::support::Doorward;

const BASE: &str = "dc=ldap,dc=goauthentik,dc=io";

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

/// What others script against: NetBox over LDAP.
#[test]
fn netbox_over_ldap() {
    let doorward = Doorward::set_up();
    doorward.ok(&["group", "add", "NetBox Admins"]);
    let added = doorward.json(&[
        "app",
        "add",
        "netbox",
        "--method",
        "ldap",
        "--slug",
        "netbox",
        "--url",
        "https://netbox.example.org",
        "--superusers",
        "NetBox Admins",
        "--allow",
        "everyone",
    ]);
    let password = text(&added, "bind_password");
    assert_eq!(password.len(), 40);
    assert_eq!(
        (text(&added, "base_dn"), text(&added, "bind_dn"), text(&added, "server_uri"), &added["methods"]),
        (BASE, "cn=netbox-ldap,ou=users,dc=ldap,dc=goauthentik,dc=io", "ldap://127.0.0.1:3389", &json!(["ldap"]))
    );
    assert!(added.get("client_id").is_none() && added.get("issuer").is_none());
    let settings = text(&added, "settings");
    for part in [
        &format!("AUTH_LDAP_BIND_PASSWORD = '{password}'"),
        "AUTH_LDAP_SERVER_URI = 'ldap://127.0.0.1:3389'",
        "'cn=NetBox Admins,ou=groups,dc=ldap,dc=goauthentik,dc=io'",
        "REMOTE_AUTH_BACKEND = 'netbox.authentication.LDAPBackend'",
        "# ==== ldap_config.py ====",
    ] {
        assert!(settings.contains(part), "{part}: {settings}");
    }

    // The password is kept nowhere in clear.
    let shown = doorward.json(&["app", "show", "netbox"]);
    assert_eq!(shown["searchers"], json!(["netbox-ldap"]));
    assert_eq!((&shown["uid_source"], &shown["nested_groups"]), (&json!("hashed_user_id"), &json!(true)));
    doorward.fails(
        &["app", "show", "netbox", "--show-secret"],
        1,
        &["does not use OpenID Connect", "doorward app ldap password netbox"],
    );
    doorward.fails(&["app", "rotate-secret", "netbox"], 1, &["does not use OpenID Connect"]);
    let config = doorward.ok(&["app", "config", "netbox", "--only", "ldap_config.py"]);
    assert!(!config.contains(password) && config.contains("<the LDAP password; only a new one can be shown>"));
    assert!(
        doorward.ok(&["app", "config", "netbox", "--style", "docker"]).contains("configuration/ldap/ldap_config.py")
    );
    doorward.fails(&["app", "config", "netbox", "--style", "helm"], 1, &["file, docker"]);
    doorward.fails(&["app", "config", "netbox", "--method", "oidc"], 1, &["does not use OpenID Connect"]);
    let listed = doorward.ok(&["app", "list"]);
    assert!(listed.contains("METHODS") && listed.contains("ldap") && !listed.contains(password));
    assert_eq!(doorward.json(&["user", "show", "netbox-ldap"])["type"], "service_account");
    assert_eq!(doorward.json(&["user", "show", "netbox-ldap"])["groups"], json!([]));

    let new = doorward.json(&["app", "ldap", "password", "netbox"]);
    assert!(text(&new, "bind_password") != password && new["bind_dn"] == added["bind_dn"]);
    let would = doorward.ok(&["app", "rm", "netbox", "--dry-run"]);
    assert!(would.contains("remove the application NetBox and the service account netbox-ldap"), "{would}");
    let would = doorward.ok(&["app", "ldap", "rm", "netbox", "--dry-run"]);
    assert!(would.contains("and the service account netbox-ldap"), "{would}");
    doorward.ok(&["app", "edit", "netbox", "--remove-searcher", "netbox-ldap"]);
    let would = doorward.ok(&["app", "ldap", "password", "netbox", "--dry-run"]);
    assert!(would.contains("make a service account"), "{would}");
    assert!(doorward.ok(&["app", "ldap", "password", "netbox"]).starts_with("Made the account cn=netbox-ldap-2,"));
    doorward.ok(&["user", "rm", "netbox-ldap", "--yes"]);
    doorward.ok(&["app", "edit", "netbox", "--slug", "inventory"]);
    doorward.ok(&["app", "rm", "inventory", "--yes"]);
    doorward.fails(&["user", "show", "netbox-ldap-2"], 3, &[]);
    doorward.fails(&["user", "show", "netbox-ldap"], 3, &[]);
}

#[test]
fn ldap_beside_openid_connect() {
    let doorward = Doorward::set_up();
    let netbox = ["app", "add", "netbox", "--url", "https://netbox.example.org", "--allow", "everyone"];
    doorward.ok(&netbox);
    let ldap = [&netbox[..], &["--method", "ldap"]].concat();
    doorward.fails(&ldap, 1, &["belongs to NetBox", "doorward app ldap add netbox"]);
    let added = doorward.json(&["app", "ldap", "add", "netbox", "--ldap-uri", "ldaps://ldap.example.org"]);
    assert_eq!(
        (text(&added, "server_uri"), &added["methods"]),
        ("ldaps://ldap.example.org:636", &json!(["oidc", "ldap"]))
    );
    assert!(text(&added, "settings").contains("ldaps://ldap.example.org:636"));
    doorward.fails(&["app", "ldap", "add", "netbox"], 1, &["has an LDAP provider", "doorward app edit netbox"]);
    assert!(doorward.ok(&["app", "config", "netbox"]).contains("SOCIAL_AUTH_OIDC_KEY"));
    assert!(doorward.ok(&["app", "config", "netbox", "--method", "ldap"]).contains("AUTH_LDAP_SERVER_URI"));
    doorward.ok(&["app", "ldap", "rm", "netbox", "--yes"]);
    assert_eq!(doorward.json(&["app", "show", "netbox"])["methods"], json!(["oidc"]));
    doorward.fails(&["app", "ldap", "password", "netbox"], 3, &["LDAP provider"]);
}

#[test]
fn machines_without_an_address() {
    let doorward = Doorward::set_up();
    for (recipe, slug, part) in [
        ("sssd", "linux", "ldap_default_authtok = "),
        ("nslcd", "old-linux", "bindpw "),
        ("dovecot", "mail", "dnpass = "),
        ("freeradius", "wifi", "password = '"),
    ] {
        let added = doorward.json(&["app", "add", recipe, "--slug", slug, "--allow", "everyone"]);
        let line = format!("{part}{}", text(&added, "bind_password"));
        assert!(text(&added, "settings").contains(&line), "{recipe}");
        assert_eq!(doorward.json(&["app", "show", slug])["uid_source"], "username");
    }
    assert_eq!(doorward.json(&["app", "show", "mail"])["base_dn"], format!("dc=mail,{BASE}"));
    assert!(doorward.ok(&["app", "config", "mail", "--app-version", "2.4"]).contains("ldap_auth_dn_password"));
    let with_url = ["app", "add", "sssd", "--slug", "x", "--allow", "everyone", "--url", "https://x.example"];
    doorward.fails(&with_url, 2, &["takes no `url`"]);
    doorward.fails(&["app", "add", "sssd", "--slug", "x", "--allow", "everyone", "--method", "oidc"], 2, &["ldap"]);
}

#[test]
fn an_ldap_provider_is_changed_in_every_respect() {
    let doorward = Doorward::set_up();
    doorward.ok(&["user", "add", "alice"]);
    let added = doorward.json(&[
        "app",
        "add",
        "custom",
        "--method",
        "ldap",
        "--name",
        "Printer",
        "--base-dn",
        "dc=example,dc=org",
        "--uid-source",
        "username",
        "--no-nested-groups",
        "--code-in-password",
        "false",
        "--uid-start",
        "10000",
        "--gid-start",
        "20000",
        "--allow",
        "everyone",
    ]);
    assert_eq!(text(&added, "bind_dn"), "cn=printer-ldap,ou=users,dc=example,dc=org");
    let shown = doorward.json(&["app", "show", "printer"]);
    let expected = json!({"uid_source": "username", "nested_groups": false, "code_in_password": false,
        "uid_start_number": 10000, "gid_start_number": 20000, "searchers": ["printer-ldap"]});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let shown = doorward.json(&[
        "app",
        "edit",
        "printer",
        "--allow-user",
        "alice",
        "--base-dn",
        "dc=printer,dc=example,dc=org",
        "--uid-source",
        "hashed_user_id",
        "--nested-groups",
        "--code-in-password",
        "true",
        "--add-searcher",
        "alice",
        "--launch-url",
        "https://printer.example.org/",
    ]);
    let expected = json!({"base_dn": "dc=printer,dc=example,dc=org", "uid_source": "hashed_user_id",
        "nested_groups": true, "code_in_password": true, "searchers": ["alice", "printer-ldap"],
        "allow_users": ["alice"], "allow_everyone": false, "launch_url": "https://printer.example.org/"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let shown = doorward.json(&["app", "edit", "printer", "--remove-searcher", "alice"]);
    assert_eq!(shown["searchers"], json!(["printer-ldap"]));

    assert!(doorward.ok(&["app", "edit", "printer", "--uid-start", "10000"]).contains("is so already"));
    doorward.fails(&["app", "edit", "printer"], 2, &["nothing to change"]);
    assert!(doorward.ok(&["app", "show", "printer"]).contains("custom"));
    doorward.fails(&["app", "edit", "printer", "--uid-start", "500"], 1, &["--uid-start", "1000"]);
    doorward.fails(&["app", "edit", "printer", "--uid-start", "-5"], 1, &["--uid-start", "1000"]);
    doorward.fails(&["app", "edit", "printer", "--base-dn", "nonsense"], 1, &["--base-dn", "not a DN"]);
    doorward.fails(&["app", "edit", "printer", "--consent", "always"], 2, &["--consent", "OpenID Connect"]);
    doorward.fails(&["app", "edit", "printer", "--add-redirect-uri", "https://x.example/"], 2, &["OpenID Connect"]);
    doorward.fails(&["app", "edit", "printer", "--ldap-uri", "ldaps://x.example"], 1, &["--ldap-uri", "recipes"]);
    doorward.fails(&["app", "edit", "printer", "--ldap-uri", "https://x.example"], 2, &["ldaps://id.example.org"]);
    doorward.fails(&["app", "config", "printer"], 1, &["not made from a recipe", "doorward app show printer"]);
    let custom = ["app", "add", "custom", "--name", "Other", "--allow", "everyone"];
    let with = |more: &[&'static str]| [&custom[..], more].concat();
    doorward.fails(&with(&["--method", "saml"]), 2, &["oidc, ldap"]);
    let uri = ["--method", "ldap", "--redirect-uri", "https://x.example/"];
    doorward.fails(&with(&uri), 2, &["--redirect-uri", "--method ldap"]);
    let dn = ["--redirect-uri", "https://x.example/", "--base-dn", "dc=x"];
    doorward.fails(&with(&dn), 2, &["--base-dn", "LDAP"]);
    doorward.fails(
        &with(&["--method", "ldap", "--base-dn", "DC=Printer, dc=example,dc=org"]),
        1,
        &["Printer has this"],
    );
}
