//! Every recipe as a whole; the printed settings are snapshots.

use doorward_core::proxy_provider::Identity;
use minijinja::{Environment, UndefinedBehavior, context};
use serde_json::{Value, json};
use std::fmt::Write as _;
use url::Url;

use super::*;

const NASTY: &str = "it's \"}}\" {% x %} \\ \u{1F600} #";

fn input(url: &str) -> RecipeInput {
    RecipeInput {
        slug: "netbox-slug".to_owned(),
        method: Method::Oidc,
        url: Some(Url::parse(url).unwrap()),
        superuser_groups: vec!["netbox-admins".to_owned()],
        managed_groups: Vec::new(),
        group_prefix: None,
        ldap_uri: None,
        upstream: None,
    }
}

fn settings_input(style: Style, version: &str, options: Value) -> SettingsInput {
    SettingsInput {
        connection: Connection::Oidc(OidcConnection {
            issuer: "https://id.example.org/application/o/netbox-slug/".to_owned(),
            end_session_url: "https://id.example.org/application/o/netbox-slug/end-session/".to_owned(),
            client_id: "exampleClientId".to_owned(),
            client_secret: "exampleClientSecret".to_owned(),
        }),
        public_url: "https://id.example.org/".to_owned(),
        url: Some(Url::parse("https://netbox.example.org").unwrap()),
        options,
        style,
        app_version: Some(parse_version(version).unwrap()),
    }
}

/// What a recipe takes: superusers and an address only where it knows them.
fn any_input(recipe: &Recipe) -> RecipeInput {
    let mut given = input("https://app.example.org");
    given.method = recipe.usual_method();
    given.url = given.url.filter(|_| recipe.data.launch_url.is_some());
    if recipe.data.parameters.superuser_groups.is_none() {
        given.superuser_groups.clear();
    }
    given
}

fn ldap() -> Connection {
    Connection::Ldap(LdapConnection {
        host: "id.example.org".to_owned(),
        listeners: LdapListeners { ldap: "0.0.0.0:389".parse().ok(), ldaps: "0.0.0.0:6636".parse().ok() },
        base_dn: "dc=ldap,dc=goauthentik,dc=io".to_owned(),
        bind_dn: "cn=linux-ldap,ou=users,dc=ldap,dc=goauthentik,dc=io".to_owned(),
        bind_password: "exampleBindPassword".to_owned(),
    })
}

fn proxy() -> ProxyConnection {
    let given = RecipeInput { method: Method::Proxy, ..input("https://netbox.example.org") };
    let profile = Recipe::find("netbox").unwrap().plan(&given).unwrap().proxy.unwrap();
    ProxyConnection {
        slug: "netbox-slug".to_owned(),
        external_host: profile.external_host,
        cookie_domain: None,
        doorward: "127.0.0.1:9000".parse().unwrap(),
        upstream: None,
        headers: profile.headers,
        group_separator: profile.group_separator,
        more_headers: Vec::new(),
        takes_authorization: true,
        sends_basic: false,
        web_proxy: None,
        doubts: Vec::new(),
    }
}

/// Settings for LDAP as they are printed.
fn shown_ldap(id: &str, style: Style, version: &str, options: Value) -> String {
    let recipe = Recipe::find(id).unwrap();
    let mut given = settings_input(style, version, options);
    given.connection = ldap();
    given.url = given.url.filter(|_| recipe.data.launch_url.is_some());
    shown(id, &given)
}

fn oidc(input: &mut SettingsInput) -> &mut OidcConnection {
    match &mut input.connection {
        Connection::Oidc(connection) => connection,
        Connection::Ldap(_) | Connection::Proxy(_) => panic!("these are settings for something else"),
    }
}

fn shown(recipe: &str, input: &SettingsInput) -> String {
    let blocks = Recipe::find(recipe).unwrap().settings(input).map_err(|error| error.to_string()).unwrap();
    let mut text = String::new();
    for block in blocks {
        writeln!(text, "=== {}: {}", block.filename, block.title).unwrap();
        for note in &block.notes {
            writeln!(text, "note: {note}").unwrap();
        }
        text += &block.text;
    }
    text
}

/// Value of a planned expression for a user in these groups.
fn claims(expression: &str, groups: &[&str]) -> Value {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let groups: Vec<Value> =
        groups.iter().map(|name| json!({"name": name, "is_superuser": false, "attributes": {}})).collect();
    let value = environment
        .compile_expression(expression)
        .unwrap()
        .eval(context! { user => minijinja::value::Serde(json!({"groups": groups})) })
        .unwrap();
    serde_json::to_value(value).unwrap()
}

#[test]
fn every_recipe_parses_and_renders_in_every_style_it_offers() {
    let ids = ids();
    assert_eq!(all().iter().map(|recipe| recipe.id.clone()).collect::<Vec<_>>(), ids);
    assert_eq!(ids, ["dovecot", "freeradius", "grafana", "netbox", "nslcd", "sssd"]);
    for id in ids {
        let recipe = Recipe::find(&id).unwrap();
        assert_eq!(recipe.data.id, id, "the file is named after the id");
        let methods = &recipe.data.methods;
        for method in methods {
            assert!(recipe.data.settings.iter().any(|block| recipe.method_of(block) == *method), "{id} {method}");
        }
        assert!(recipe.data.settings.iter().all(|block| methods.contains(&recipe.method_of(block))), "{id}");
        let given = any_input(&recipe);
        let plan = recipe.plan(&given).unwrap_or_else(|error| panic!("{error}"));
        let has_address = plan.redirect_uris.iter().any(|(kind, _)| *kind == UriKind::Authorization);
        assert_eq!(has_address, given.method == Method::Oidc);
        for mapping in &plan.mappings {
            assert!(plan.scopes.contains(&mapping.scope), "{}: its scope is never asked for", mapping.name);
            assert!(claims(&mapping.expression, &["a"]).is_object());
        }
        let versions = &recipe.data.versions;
        for block in &recipe.data.settings {
            for version in [
                &versions.oldest,
                &versions.assumed,
                block.since.as_ref().unwrap_or(&versions.oldest),
                &"99.0".to_owned(),
            ] {
                let mut given = settings_input(block.style, version, plan.options.clone());
                match recipe.method_of(block) {
                    Method::Oidc => {}
                    Method::Ldap => given.connection = ldap(),
                    Method::Proxy => given.connection = Connection::Proxy(proxy()),
                }
                given.url = given.url.filter(|_| recipe.data.launch_url.is_some());
                match recipe.settings(&given) {
                    Ok(blocks) => assert!(blocks.iter().all(|block| !block.text.trim().is_empty())),
                    Err(error) => assert!(matches!(error, RecipeError::StyleNotOffered { .. }), "{error}"),
                }
            }
            assert!(file(&block.template).is_some());
        }
    }
}

#[test]
fn plan_of_netbox() {
    let plan = Recipe::find("netbox").unwrap().plan(&input("http://127.0.0.1:18000/")).unwrap();
    assert_eq!(plan.name, "NetBox");
    assert_eq!(plan.group_heading, "Network");
    assert_eq!(plan.launch_url, "http://127.0.0.1:18000/login/?next=/");
    assert_eq!(
        plan.redirect_uris,
        [
            (UriKind::Authorization, "http://127.0.0.1:18000/oauth/complete/oidc/".to_owned()),
            (UriKind::Logout, "http://127.0.0.1:18000/login/".to_owned()),
        ]
    );
    assert_eq!(plan.scopes, ["openid", "profile", "email"]);
    assert_eq!(
        plan.options,
        json!({"superuser_groups": ["netbox-admins"], "managed_groups": [], "group_prefix": "netbox-"})
    );
    assert_eq!(plan.mappings.len(), 1);
    assert_eq!(plan.mappings[0].scope, "openid");
}

#[test]
fn the_superuser_claim_is_always_a_boolean() {
    let recipe = Recipe::find("netbox").unwrap();
    let mut given = input("https://netbox.example.org");
    given.superuser_groups = vec!["netbox-admins".to_owned(), NASTY.to_owned()];
    let expression = &recipe.plan(&given).unwrap().mappings[0].expression;
    for (groups, expected) in [
        (vec![], false),
        (vec!["ops"], false),
        (vec!["netbox-admins"], true),
        (vec!["ops", NASTY], true),
        (vec!["netbox-admin", "Netbox-admins", "netbox-admins "], false),
    ] {
        assert_eq!(claims(expression, &groups), json!({"netbox_superuser": expected}), "{groups:?}");
    }
    given.superuser_groups.clear();
    let expression = &recipe.plan(&given).unwrap().mappings[0].expression;
    assert_eq!(claims(expression, &["netbox-admins"]), json!({"netbox_superuser": false}));
}

#[test]
fn grafana_gets_one_role() {
    let recipe = Recipe::find("grafana").unwrap();
    let mut given = input("https://grafana.example.org/sub/");
    given.managed_groups = vec!["writers".to_owned()];
    let plan = recipe.plan(&given).unwrap();
    assert_eq!(plan.redirect_uris[0].1, "https://grafana.example.org/sub/login/generic_oauth");
    let expression = &plan.mappings[0].expression;
    assert_eq!(claims(expression, &["writers", "netbox-admins"]), json!({"grafana_role": "GrafanaAdmin"}));
    assert_eq!(claims(expression, &["writers"]), json!({"grafana_role": "Editor"}));
    assert_eq!(claims(expression, &[]), json!({"grafana_role": "Viewer"}));
}

#[test]
fn errors_name_what_is_allowed() {
    let error = Recipe::find("nextbox").unwrap_err().to_string();
    assert_eq!(error, "there is no recipe `nextbox`; there are: dovecot, freeradius, grafana, netbox, nslcd, sssd");
    assert!(Recipe::find("netbox/../netbox").is_err());
    let error = "compose".parse::<Style>().unwrap_err().to_string();
    assert_eq!(error, "there is no style `compose`; there are: file, docker, helm");

    let netbox = Recipe::find("netbox").unwrap();
    let fails = |recipe: &Recipe, given: &SettingsInput| match recipe.settings(given) {
        Ok(_) => panic!("settings were made"),
        Err(error) => error.to_string(),
    };
    let error = fails(&netbox, &settings_input(Style::File, "3.1.9", json!({})));
    assert_eq!(error, "NetBox 3.1.9 is too old: the recipe knows NetBox 3.2.0 and later");
    let error = fails(&netbox, &settings_input(Style::Helm, "4.0", json!({})));
    assert_eq!(error, "NetBox 4.0.0 has no settings in style `helm`; there are: file, docker, helm (from 4.1.0)");
    let grafana = Recipe::find("grafana").unwrap();
    let error = fails(&grafana, &settings_input(Style::Helm, "12.0", json!({})));
    assert_eq!(error, "Grafana 12.0.0 has no settings in style `helm`; there are: file, docker");
    let error = fails(&netbox, &settings_input(Style::File, "4.7", json!({"groups": []})));
    assert!(error.contains("recipe options"), "{error}");
    let mut given = settings_input(Style::File, "4.7", json!({}));
    oidc(&mut given).issuer = "https://id.example.org/'\nimport os".to_owned();
    assert!(fails(&netbox, &given).contains("is not a usable issuer"));
    let mut given = settings_input(Style::Docker, "4.7", json!({}));
    oidc(&mut given).client_secret = "two\nlines".to_owned();
    let error = fails(&netbox, &given);
    assert!(
        error.contains("netbox/netbox.env.j2") && error.contains("allowed are") && !error.contains("two"),
        "{error}"
    );
}

#[test]
fn parameters_are_checked() {
    let netbox = Recipe::find("netbox").unwrap();
    let grafana = Recipe::find("grafana").unwrap();
    let mut given = input("https://app.example.org");
    given.group_prefix = Some("x-".to_owned());
    let error = grafana.plan(&given).unwrap_err().to_string();
    assert_eq!(error, "the recipe `grafana` takes no `group_prefix`; it takes: superuser_groups, managed_groups");
    given.group_prefix = Some(String::new());
    assert_eq!(netbox.plan(&given).unwrap_err(), RecipeError::EmptyPrefix);
    given.group_prefix = None;
    for (name, why) in [(" ", "empty"), ("a\nb", "control character"), (&"x".repeat(151), "longer")] {
        given.managed_groups = vec![name.to_owned()];
        assert!(netbox.plan(&given).unwrap_err().to_string().contains(why));
    }
    given.managed_groups = vec!["ops".to_owned(), "ops".to_owned()];
    assert_eq!(netbox.plan(&given).unwrap().options["managed_groups"], json!(["ops"]));
    assert_eq!(netbox.plan(&given).unwrap().options["group_prefix"], Value::Null);
    assert_eq!(netbox.parameters().len(), 3);
}

#[test]
fn settings_are_the_same_from_kept_options_and_without_a_version() {
    let recipe = Recipe::find("netbox").unwrap();
    let options = recipe.plan(&input("https://netbox.example.org")).unwrap().options;
    let mut given = settings_input(Style::File, "4.7.3", options);
    let with = shown("netbox", &given);
    given.app_version = None;
    assert_eq!(shown("netbox", &given), with);
}

#[test]
fn netbox_snapshots() {
    let options = json!({"superuser_groups": ["netbox-admins"], "managed_groups": [], "group_prefix": "netbox-"});
    for (style, versions) in [
        (Style::File, &["3.2.5", "3.7.8", "4.4.0", "4.6.8", "4.7.3"][..]),
        (Style::Docker, &["3.2.5", "4.6.8", "4.7.3"][..]),
        (Style::Helm, &["4.1.0", "4.6.8", "4.7.3"][..]),
    ] {
        for version in versions {
            let text = shown("netbox", &settings_input(style, version, options.clone()));
            insta::assert_snapshot!(format!("netbox_{style}_{version}"), text);
        }
    }
    let nasty = json!({"superuser_groups": [], "managed_groups": [NASTY, "ops"], "group_prefix": null});
    insta::assert_snapshot!("netbox_file_4.7.3_list", shown("netbox", &settings_input(Style::File, "4.7.3", nasty)));
}

#[test]
fn proxy_snapshots() {
    let options = json!({"superuser_groups": ["netbox-admins"]});
    for (style, version) in
        [(Style::File, "4.7.3"), (Style::File, "4.4.0"), (Style::File, "3.2.5"), (Style::Docker, "4.7.3")]
    {
        let mut given = settings_input(style, version, options.clone());
        // The web proxies' part is the same for all of them.
        let web_proxy = (version == "3.2.5" || style == Style::Docker).then_some(WebProxy::Caddy);
        given.connection = Connection::Proxy(ProxyConnection { web_proxy, ..proxy() });
        insta::assert_snapshot!(format!("netbox_proxy_{style}_{version}"), shown("netbox", &given));
    }
}

#[test]
fn web_proxies_before_anything_else() {
    let single = ProxyConnection {
        slug: "3d-wiki".to_owned(),
        external_host: "http://127.0.0.1:8443".to_owned(),
        headers: [(Identity::Username, "Remote-User".to_owned())].into(),
        more_headers: AUTHENTIK_HEADERS.iter().map(|&name| name.to_owned()).collect(),
        sends_basic: true,
        ..proxy()
    };
    let domain = ProxyConnection {
        external_host: "https://auth.example.org".to_owned(),
        cookie_domain: Some("example.org".to_owned()),
        headers: [].into(),
        takes_authorization: false,
        sends_basic: false,
        ..single.clone()
    };
    for (name, connection) in [("single", single), ("domain", domain)] {
        let mut text = String::new();
        for block in web_proxy_settings(&connection).map_err(|error| error.to_string()).unwrap() {
            writeln!(text, "=== {}: {}\n{}", block.filename, block.title, block.text).unwrap();
            text.extend(block.notes.iter().map(|note| format!("note: {note}\n")));
        }
        insta::assert_snapshot!(format!("web_proxies_{name}"), text);
    }
}

#[test]
fn what_a_web_proxy_cannot_be_told_is_refused() {
    let fails = |connection: ProxyConnection| match web_proxy_settings(&connection) {
        Ok(_) => panic!("settings were made"),
        Err(error) => error.to_string(),
    };
    let error = fails(ProxyConnection { external_host: "https://a;b.example.org".to_owned(), ..proxy() });
    assert!(error.contains("allowed are"), "{error}");
    let error = fails(ProxyConnection { upstream: Some("127.0.0.1:8001".to_owned()), ..proxy() });
    assert!(error.contains("address behind the proxy"), "{error}");
    let headers = [(Identity::Username, "a-b-c-d-e-f-g".to_owned())].into();
    assert!(fails(ProxyConnection { headers, ..proxy() }).contains("five hyphens"));
    let error = "haproxy".parse::<WebProxy>().unwrap_err().to_string();
    assert_eq!(error, "`haproxy` is no web proxy whose configuration is known; there are: nginx, traefik, caddy");
}

#[test]
fn behind_a_proxy_netbox_takes_all_groups() {
    let netbox = Recipe::find("netbox").unwrap();
    let mut given = RecipeInput { method: Method::Proxy, ..input("https://netbox.example.org/") };
    let plan = netbox.plan(&given).unwrap();
    assert_eq!(plan.launch_url, "https://netbox.example.org/");
    assert_eq!((plan.redirect_uris.len(), plan.mappings.len()), (0, 0));
    assert_eq!(plan.options["group_prefix"], Value::Null);
    assert_eq!(plan.proxy.unwrap().external_host, "https://netbox.example.org");

    given.group_prefix = Some("x-".to_owned());
    let error = netbox.plan(&given).unwrap_err().to_string();
    assert_eq!(error, "the recipe `netbox` takes no `group_prefix` with the method proxy");
    given.group_prefix = None;
    given.url = Some(Url::parse("https://example.org/netbox").unwrap());
    let error = netbox.plan(&given).unwrap_err().to_string();
    assert!(error.contains("without a path, like https://example.org"), "{error}");
    given.url = Some(Url::parse("https://netbox.example.org").unwrap());
    given.upstream = Some("http://127.0.0.1:8001/x".to_owned());
    assert!(netbox.plan(&given).unwrap_err().to_string().contains("http://127.0.0.1:8001"));
    let grafana = Recipe::find("grafana").unwrap();
    assert!(grafana.plan(&RecipeInput { method: Method::Proxy, ..input("https://g.example.org") }).is_err());
}

#[test]
fn ldap_snapshots() {
    let options = json!({"superuser_groups": ["NetBox Admins, \"all\"", "ops"], "managed_groups": [NASTY, "100%"],
        "group_prefix": "netbox-", "ldap_uri": "ldap://id.example.org:389"});
    for (style, version) in [(Style::File, "4.7.3"), (Style::File, "4.4.0"), (Style::Docker, "4.7.3")] {
        let text = shown_ldap("netbox", style, version, options.clone());
        insta::assert_snapshot!(format!("netbox_ldap_{style}_{version}"), text);
    }
    let local = json!({"ldap_uri": "ldap://127.0.0.1:3389", "managed_groups": ["ops"]});
    insta::assert_snapshot!("netbox_ldap_file_local", shown_ldap("netbox", Style::File, "4.7.3", local));
    for id in ["sssd", "nslcd", "freeradius"] {
        let version = &Recipe::find(id).unwrap().data.versions.assumed;
        for (name, uri) in [
            ("ldaps", "ldaps://id.example.org:6636"),
            ("start_tls", "ldap://id.example.org:389"),
            ("local", "ldap://127.0.0.1:3389"),
        ] {
            let text = shown_ldap(id, Style::File, version, json!({ "ldap_uri": uri }));
            insta::assert_snapshot!(format!("{id}_{name}"), text);
        }
    }
    for version in ["2.3.19", "2.4.1"] {
        insta::assert_snapshot!(format!("dovecot_{version}"), shown_ldap("dovecot", Style::File, version, json!({})));
    }
}

#[test]
fn ldap_settings_are_refused_with_reasons() {
    let mut given = settings_input(Style::File, "12.0", json!({}));
    given.connection = ldap();
    let fails = |id: &str, given: &SettingsInput| match Recipe::find(id).unwrap().settings(given) {
        Ok(_) => panic!("settings were made"),
        Err(error) => error.to_string(),
    };
    assert_eq!(fails("grafana", &given), "the recipe `grafana` does not know the method `ldap`; it knows: oidc");
    given.app_version = Some((2, 8, 2));
    assert_eq!(fails("sssd", &given), "the recipe `sssd` takes no `url`; it takes: none");
    given.url = None;
    given.options = json!({"ldap_uri": "https://id.example.org"});
    assert!(fails("sssd", &given).contains("ldaps://id.example.org:6636"));
    given.options = json!({});
    if let Connection::Ldap(connection) = &mut given.connection {
        connection.base_dn = "dc=a\\,b\nldap_tls_reqcert=never".to_owned();
    }
    let error = fails("sssd", &given);
    assert!(
        error.contains("sssd/sssd.conf.j2") && error.contains("allowed are") && !error.contains("never"),
        "{error}"
    );

    let mut given = any_input(&Recipe::find("netbox").unwrap());
    given.url = None;
    let error = Recipe::find("netbox").unwrap().plan(&given).unwrap_err().to_string();
    assert_eq!(error, "say where NetBox is, for instance https://netbox.example.org");
}

#[test]
fn plan_of_netbox_over_ldap() {
    let mut given = input("https://netbox.example.org");
    given.method = Method::Ldap;
    given.ldap_uri = Some("ldaps://ldap.example.org".to_owned());
    let plan = Recipe::find("netbox").unwrap().plan(&given).unwrap();
    assert_eq!(plan.launch_url, "https://netbox.example.org/login/?next=/");
    assert!(plan.redirect_uris.is_empty() && plan.mappings.is_empty() && plan.scopes.is_empty());
    assert_eq!(plan.options["ldap_uri"], "ldaps://ldap.example.org");
    assert_eq!(Recipe::find("netbox").unwrap().uid_source(), None);
    for id in ["sssd", "nslcd", "dovecot", "freeradius"] {
        assert_eq!(Recipe::find(id).unwrap().uid_source(), Some(UidSource::Username), "{id}");
    }
}

#[test]
fn grafana_snapshots() {
    for style in [Style::File, Style::Docker] {
        insta::assert_snapshot!(
            format!("grafana_{style}"),
            shown("grafana", &settings_input(style, "12.0", json!({})))
        );
    }
}
