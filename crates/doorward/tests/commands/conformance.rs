//! `conformance/prepare` and the configuration it writes for the official suite: the clients are there, and what the suite's
//! browser is told to do leads through our pages.

use serde_json::Value;
use std::{path::Path, process::Command};

use crate::{
    automated_browser::{AutomatedBrowser, exchange},
    support::{Doorward, Server},
};

const SUITE: &str = "https://suite.example.org:8443";
const CALLBACK: &str = "https://suite.example.org:8443/test/a/doorward/callback";
const POST_LOGOUT: &str = "https://suite.example.org:8443/test/a/doorward/post_logout_redirect";

struct Prepared {
    doorward: Doorward,
    _server: Server,
}

impl Prepared {
    /// A server that was prepared twice: the second time beside the running server.
    fn new() -> Self {
        let doorward = Doorward::empty();
        prepare(&doorward, "https://other.example.org");
        let server = doorward.serve();
        prepare(&doorward, &format!("{SUITE}/"));
        let prepared = Self { doorward, _server: server };
        let slugs = prepared.doorward.json(&["app", "list"]).as_array().unwrap().len();
        assert_eq!(slugs, 7);
        crate::until("the server sees the new clients", std::time::Duration::from_secs(5), || {
            // The client that is made last.
            let target = prepared.authorize(&prepared.configuration("frontchannel-logout"), &[]);
            let path = target.strip_prefix(&prepared.doorward.url("")).unwrap().to_owned();
            exchange(prepared.doorward.port, "GET", &path, "", "").0.contains("location: /sign-in?")
        });
        prepared
    }

    fn configuration(&self, name: &str) -> Value {
        let file = self.doorward.directory.path().join("suite").join(format!("{name}.json"));
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// The address of an authorization request of a configuration's client, with more parameters.
    fn authorize(&self, configuration: &Value, more: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("client_id", configuration["client"]["client_id"].as_str().unwrap()),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("state", "s"),
            ("nonce", "n"),
            ("response_type", "code"),
        ];
        fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        fields.extend(more);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.doorward.url(&format!("/application/o/authorize/?{query}"))
    }

    /// Exchanges the code with which a browser came back; the client says who it is in the form.
    fn tokens(&self, client: &Value, browser: &AutomatedBrowser) -> Value {
        assert!(browser.url.starts_with(CALLBACK), "{}", browser.url);
        let code = browser.landed_with("code").unwrap();
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &code)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("client_id", client["client_id"].as_str().unwrap())
            .append_pair("client_secret", client["client_secret"].as_str().unwrap())
            .finish();
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let (head, answer) = exchange(self.doorward.port, "POST", "/application/o/token/", kind, &body);
        assert!(head.contains(" 200 "), "{head} {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    fn get(&self, path: &str, headers: &str) -> Value {
        let (head, body) = exchange(self.doorward.port, "GET", path, headers, "");
        assert!(head.contains(" 200 "), "{path}: {head}");
        serde_json::from_str(&body).unwrap()
    }

    fn browser(&self) -> AutomatedBrowser {
        AutomatedBrowser::new(self.doorward.port)
    }
}

#[track_caller]
fn prepare(doorward: &Doorward, suite: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/prepare");
    let mut command = Command::new(script);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
        command.env_remove(name);
    }
    command.args(["--public-url", &doorward.url(""), "--suite", suite, "--doorward", env!("CARGO_BIN_EXE_doorward")]);
    command.arg("--data-dir").arg(doorward.data()).arg("--output").arg(doorward.directory.path().join("suite"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every plan has its configuration, and every configuration its discovery document.
#[test]
fn the_plans_and_their_configurations_belong_together() {
    let prepared = Prepared::new();
    let plans = std::fs::read_to_string(prepared.doorward.directory.path().join("suite/plans.txt")).unwrap();
    let mut files: Vec<&str> =
        plans.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ').unwrap().1).collect();
    files.extend(["session-management.json"]);
    for file in files {
        let configuration = prepared.configuration(file.strip_suffix(".json").unwrap());
        assert_eq!(configuration["alias"], "doorward");
        let url = configuration["server"]["discoveryUrl"].as_str().unwrap();
        let document = prepared.get(url.strip_prefix(&prepared.doorward.url("")).unwrap(), "");
        let own = url.strip_suffix(".well-known/openid-configuration").unwrap();
        assert_eq!(document["issuer"], own, "{file}");
        // Sign-ins have two clients of one issuer; everything else is judged where each application has its own.
        let is_shared = ["sign-in.json", "config-shared.json"].contains(&file);
        assert_eq!(own == prepared.doorward.url("/"), is_shared, "{file}");
    }
    // What the suite's script is told to skip is a module of the list, with a configuration that is there.
    let suite = prepared.doorward.directory.path().join("suite");
    let skips: Value = serde_json::from_slice(&std::fs::read(suite.join("expected-skips.json")).unwrap()).unwrap();
    let modules = include_str!("../../../../conformance/modules.txt");
    for skip in skips.as_array().unwrap() {
        assert!(modules.contains(skip["test-name"].as_str().unwrap()), "{skip}");
        let file = skip["configuration-filename"].as_str().unwrap().trim_start_matches('*');
        assert!(suite.join(file).is_file(), "{skip}");
    }
    assert!(suite.join("results").is_dir(), "the suite's script does not make it");
}

/// Sign-ins: every client with its secret, every claim of the person, and the pages that the browser has to get through.
#[test]
fn the_browser_signs_in_through_our_pages() {
    let prepared = Prepared::new();
    let configuration = prepared.configuration("sign-in");
    let browser = &configuration["browser"];
    for name in ["client", "client2", "client_secret_post"] {
        let client = &configuration[name];
        let id = client["client_id"].as_str().unwrap();
        let mut machine = prepared.browser();
        let more = [("client_id", id), ("scope", "openid profile email address phone offline_access")];
        machine.run(browser, &prepared.authorize(&configuration, &more));
        let tokens = prepared.tokens(client, &machine);
        let bearer = format!("Authorization: Bearer {}\r\n", tokens["access_token"].as_str().unwrap());
        let claims = prepared.get("/application/o/userinfo/", &bearer);
        for claim in ["name", "middle_name", "picture", "zoneinfo", "email", "address", "phone_number"] {
            assert!(claims.get(claim).is_some(), "no {claim} in {claims}");
        }
        // Consent, where it is asked for, and an answer by form.
        machine.run(browser, &prepared.authorize(&configuration, &[("client_id", id), ("prompt", "consent")]));
        prepared.tokens(client, &machine);
        machine.run(browser, &prepared.authorize(&configuration, &[("client_id", id), ("response_mode", "form_post")]));
        prepared.tokens(client, &machine);
        machine.run(browser, &prepared.authorize(&configuration, &[("client_id", id), ("response_type", "id_token")]));
        assert!(machine.landed_with("id_token").is_some(), "{}", machine.url);
    }
}

/// Sign-ins of which the suite wants a picture.
#[test]
fn the_browser_takes_pictures_of_what_the_modules_want_to_see() {
    let prepared = Prepared::new();
    let configuration = prepared.configuration("sign-in");
    let overridden = configuration["override"].as_object().unwrap();
    let invalid = format!("{CALLBACK}/abcdefghij");
    for (module, settings) in overridden {
        let browser = &settings["browser"];
        let mut machine = prepared.browser();
        match module.as_str() {
            "oidcc-prompt-login" | "oidcc-max-age-1" => {
                machine.run(browser, &prepared.authorize(&configuration, &[]));
                machine.run(browser, &prepared.authorize(&configuration, &[("prompt", "login")]));
                assert_eq!(machine.pictures, ["Sign in to", "Confirm it is you"]);
                prepared.tokens(&configuration["client"], &machine);
            }
            _ => {
                machine.run(browser, &prepared.authorize(&configuration, &[("redirect_uri", &invalid)]));
                assert_eq!(machine.pictures, ["Wrong return address"], "{module}");
            }
        }
    }
}

/// Signing out, for each module as the suite asks for it.
#[test]
fn the_browser_signs_out_through_our_pages() {
    let prepared = Prepared::new();
    for name in ["rp-initiated-logout", "frontchannel-logout"] {
        let configuration = prepared.configuration(name);
        let client_id = configuration["client"]["client_id"].as_str().unwrap();
        let end_session = format!("/application/o/{client_id}/end-session/");
        let usual = Value::Object([("browser".to_owned(), configuration["browser"].clone())].into_iter().collect());
        let overridden = configuration["override"].as_object().into_iter().flatten();
        for (module, settings) in overridden.map(|(name, value)| (name.as_str(), value)).chain([("", &usual)]) {
            let browser = &settings["browser"];
            let mut machine = prepared.browser();
            machine.run(browser, &prepared.authorize(&configuration, &[]));
            let id_token = prepared.tokens(&configuration["client"], &machine)["id_token"].as_str().unwrap().to_owned();
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(asked(module, &id_token)).finish();
            machine.run(browser, &prepared.doorward.url(&format!("{end_session}?{query}")));
            if module.is_empty() {
                assert_eq!(machine.url, format!("{POST_LOGOUT}?state=s"), "{name}");
            } else {
                assert_eq!(machine.pictures.len(), 1, "{module}");
            }
        }
    }
}

/// What a module sends to the end session endpoint.
fn asked(module: &str, id_token: &str) -> Vec<(&'static str, String)> {
    let unsigned = format!("eyJhbGciOiAibm9uZSJ9.{}.", id_token.split('.').nth(1).unwrap());
    let (mut hint, mut uri, mut state) =
        (Some(id_token.to_owned()), Some(POST_LOGOUT.to_owned()), Some("s".to_owned()));
    match module.strip_prefix("oidcc-rp-initiated-logout-").unwrap_or_default() {
        "" => {}
        "bad-post-logout-redirect-uri" => uri = Some(format!("{POST_LOGOUT}-bad")),
        "query-added-to-post-logout-redirect-uri" => uri = Some(format!("{POST_LOGOUT}?foo=bar")),
        "modified-id-token-hint" | "bad-id-token-hint" => hint = Some(unsigned),
        "no-id-token-hint" => hint = None,
        "no-params" => (hint, uri, state) = (None, None, None),
        "only-state" => (hint, uri) = (None, None),
        "no-post-logout-redirect-uri" => uri = None,
        other => panic!("{other} is not played here"),
    }
    [("id_token_hint", hint), ("post_logout_redirect_uri", uri), ("state", state)]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
}
