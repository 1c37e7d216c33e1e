//! The NetBox recipe's `ldap_config.py`, run by a real Python: what is printed must be Python, hold the values that went in, and mirror
//! exactly the groups it says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "recipes/run_python.rs"]
mod run_python;

use doorward_server::recipes::{
    Connection, LdapConnection, LdapListeners, Recipe, SettingsInput, Style, parse_version,
};
use serde_json::{Value, json};
use url::Url;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recipes/netbox_ldap_settings.py");
const PASSWORD: &str = "it's\\ a \"secret\"\n{{ x }} \u{e4}\u{1F600}";
/// A group name with everything that means something in a DN, a filter, Python or a template.
const NASTY: &str = " a,b+c;<d>\\ \"e\" (*) 100% {{ x }} it's \u{1F600}";

/// Runs the settings for a version; `mirrors` are pairs of groups held and groups in the directory.
fn python(options: &Value, style: Style, version: &str, mirrors: &Value) -> Value {
    let made = Recipe::find("netbox").unwrap().settings(&SettingsInput {
        connection: Connection::Ldap(LdapConnection {
            host: "id.example.org".to_owned(),
            listeners: LdapListeners { ldap: "0.0.0.0:389".parse().ok(), ldaps: "0.0.0.0:6636".parse().ok() },
            base_dn: "ou=People \\23 1,dc=example,dc=org".to_owned(),
            bind_dn: "cn=netbox-ldap,ou=users,ou=People \\23 1,dc=example,dc=org".to_owned(),
            bind_password: PASSWORD.to_owned(),
        }),
        public_url: "https://id.example.org".to_owned(),
        url: Some(Url::parse("https://netbox.example.org/sub/").unwrap()),
        options: options.clone(),
        style,
        app_version: Some(parse_version(version).unwrap()),
    });
    let blocks = made.unwrap_or_else(|error| panic!("{error}"));
    let text = &blocks.iter().find(|block| block.filename.ends_with("ldap_config.py")).unwrap().text;
    run_python::run(SCRIPT, &json!({"text": text, "mirrors": mirrors}))
}

/// Groups that follow Doorward come and go; others stay, also those that Doorward has under the same name.
#[test]
fn a_prefix_mirrors_what_begins_so_and_nothing_else() {
    let mirrors = json!([
        {"held": [], "directory": ["netbox-ops", "staff"]},
        {"held": ["by-hand", "netbox-old", "staff"], "directory": ["netbox-ops"]},
        {"held": ["netbox-ops"], "directory": []},
    ]);
    for (style, version) in [(Style::File, "3.2.0"), (Style::File, "4.7.3"), (Style::Docker, "4.7.3")] {
        let made = python(&json!({}), style, version, &mirrors);
        assert_eq!(made["mirrored"], json!([["netbox-ops"], ["by-hand", "netbox-ops", "staff"], []]));
        let settings = &made["settings"];
        assert_eq!(
            settings["AUTH_LDAP_GROUP_SEARCH"],
            json!(["ou=groups,ou=People \\23 1,dc=example,dc=org", 2, "(&(objectClass=groupOfNames)(cn=netbox-*))"])
        );
        assert!(settings.get("AUTH_LDAP_USER_FLAGS_BY_GROUP").is_none());
    }
}

#[test]
fn a_list_mirrors_just_those_and_a_prefix_beside_it_as_well() {
    let mirrors = json!([{"held": ["by-hand", "ops"], "directory": [NASTY, "netbox-x", "staff"]}]);
    let list = json!({"managed_groups": [NASTY, "ops"]});
    let made = python(&list, Style::File, "4.7.3", &mirrors);
    assert_eq!(made["mirrored"], json!([[NASTY, "by-hand"]]));
    let both = json!({"managed_groups": [NASTY, "ops"], "group_prefix": "netbox-"});
    let made = python(&both, Style::File, "4.7.3", &mirrors);
    assert_eq!(made["mirrored"], json!([[NASTY, "by-hand", "netbox-x"]]));
    let filter = made["settings"]["AUTH_LDAP_GROUP_SEARCH"][2].as_str().unwrap();
    let nasty = " a,b+c;<d>\\5c \"e\" \\28\\2a\\29 100% {{ x }} it's \u{1F600}";
    assert_eq!(filter, format!("(&(objectClass=groupOfNames)(|(cn={nasty})(cn=ops)(cn=netbox-*)))"));
}

/// RFC 4514, section 2.4: names of groups stand escaped in DNs.
#[test]
fn superusers_are_named_by_dn() {
    let options = json!({"superuser_groups": [NASTY, "#ops "]});
    let dns = json!([
        "cn=\\ a\\,b\\+c\\;\\<d\\>\\\\ \\\"e\\\" (*) 100% {{ x }} it's \u{1F600},ou=groups,ou=People \\23 1,dc=example,dc=org",
        "cn=\\#ops\\ ,ou=groups,ou=People \\23 1,dc=example,dc=org",
    ]);
    let flags = |version: &str| {
        python(&options, Style::File, version, &json!([]))["settings"]["AUTH_LDAP_USER_FLAGS_BY_GROUP"].clone()
    };
    assert_eq!(flags("4.7.3"), json!({"is_superuser": dns}));
    // Staff status opened the Admin menu until 4.5.
    assert_eq!(flags("4.4.0"), json!({"is_superuser": dns, "is_staff": dns}));
}

#[test]
fn the_values_that_went_in_come_out() {
    let made = python(&json!({"ldap_uri": "ldap://id.example.org:389"}), Style::File, "4.7.3", &json!([]));
    let settings = &made["settings"];
    assert_eq!(settings["AUTH_LDAP_SERVER_URI"], "ldap://id.example.org:389");
    assert_eq!(settings["AUTH_LDAP_START_TLS"], true);
    assert_eq!(settings["AUTH_LDAP_BIND_DN"], "cn=netbox-ldap,ou=users,ou=People \\23 1,dc=example,dc=org");
    assert_eq!(settings["AUTH_LDAP_BIND_PASSWORD"], PASSWORD);
    assert_eq!(
        settings["AUTH_LDAP_USER_SEARCH"],
        json!(["ou=users,ou=People \\23 1,dc=example,dc=org", 2, "(cn=USER)"])
    );
    assert_eq!(settings["AUTH_LDAP_GROUP_TYPE"], "GroupOfNamesType");
    let made = python(&json!({}), Style::File, "4.7.3", &json!([]));
    assert_eq!(made["settings"]["AUTH_LDAP_SERVER_URI"], "ldaps://id.example.org:6636");
    assert!(made["settings"].get("AUTH_LDAP_START_TLS").is_none());
}
