use super::*;
use proptest::prelude::*;
use settings::{Listen, LogFormat, Settings};
use std::ffi::OsString;

fn variables(pairs: &[(&str, &str)]) -> Environment {
    Environment::new(pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
}

/// Reads settings from a file's text, variables and options.
fn read(file: &str, pairs: &[(&str, &str)], flags: &[Flag]) -> (Values, Settings, ConfigProblems) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("doorward.toml");
    std::fs::write(&path, file).unwrap();
    let mut problems = ConfigProblems::default();
    let environment = variables(pairs);
    let values = gather(&Sources { file: (&path, true), environment: &environment, flags }, &mut problems);
    let settings = settings::resolve(&values, &mut problems);
    (values, settings, problems)
}

/// The problems, with only the file's name of its path.
fn errors(file: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let (_, _, problems) = read(file, pairs, &[]);
    let text = |problem: &problems::ConfigProblem| {
        let text = problem.to_string();
        text.rsplit_once("doorward.toml:").map_or(text.clone(), |(_, rest)| rest.to_owned())
    };
    problems.errors.iter().map(text).collect()
}

#[test]
fn without_settings_the_defaults_hold() {
    let (values, settings, problems) = read("", &[], &[]);
    assert_eq!(problems, ConfigProblems::default());
    assert!(values.values().all(|(_, origin)| *origin == Origin::Default));
    assert_eq!(settings.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(settings.listen_https, Listen { address: "0.0.0.0:9443".parse().ok(), is_chosen: false });
    assert_eq!(settings.ldap_listen.address, "127.0.0.1:3389".parse().ok());
    assert_eq!(settings.ldaps_listen.address, "127.0.0.1:6636".parse().ok());
    assert!(!settings.ldap_allow_plaintext && !settings.ldap_proxy_protocol);
    assert_eq!(settings.session_lifetime.to_string(), "hours=12");
    assert_eq!(settings.key_publication.to_string(), "hours=1");
    assert!(settings.public_url.is_none() && settings.database_url.is_none() && settings.tls.is_none());
    assert_eq!(settings.log_format, LogFormat::Text);
}

#[test]
fn options_go_before_variables_before_the_file() {
    let file = "help_text = \"file\"\nlisten = \"127.0.0.1:1\"\nlog_level = \"debug\"\n";
    let pairs = [("DOORWARD_HELP_TEXT", "variable"), ("DOORWARD_LISTEN", "127.0.0.1:2")];
    let (values, settings, problems) = read(file, &pairs, &[("listen", "--listen", "127.0.0.1:3".to_owned())]);
    assert_eq!(problems, ConfigProblems::default());
    assert_eq!((settings.help_text.as_str(), settings.listen.port()), ("variable", 3));
    let origin = |key: &str| values.get(key).unwrap().1.to_string();
    assert_eq!([origin("listen"), origin("help_text")], ["--listen", "DOORWARD_HELP_TEXT"]);
    assert!(origin("log_level").ends_with("doorward.toml:3"), "{}", origin("log_level"));
}

#[test]
fn every_problem_is_named_at_once_with_its_line() {
    let file = "public_ulr = \"https://id.example.org\"\nlisten = 9000\n\ntrusted_proxies = [\"10.0.0.0/33\", \"::1\", \
                \"x\"]\nsession_lifetime = \"12x\"\nlog_format = \"xml\"\ntls_certificate = \"a.pem\"\n[ldap]\nx = 1\n";
    let errors = errors(file, &[("DOORWARD_PUBLIC_URL", "https://id.example.org/auth"), ("DOORWARD_LISTENN", "x")]);
    let expected = [
        ("1: ", "did you mean public_url?"),
        ("2: ", "listen must be a text in quotes"),
        ("4: ", "10.0.0.0/33"),
        ("4: ", "\"x\" is neither an address nor a network"),
        ("5: ", "hours=1"),
        ("6: ", "there are text and json"),
        ("7: ", "tls_private_key is missing"),
        ("8: ", "there is no section \"ldap\""),
        ("DOORWARD_PUBLIC_URL: ", "has a path"),
        ("DOORWARD_LISTENN: ", "did you mean DOORWARD_LISTEN?"),
    ];
    for (place, words) in expected {
        let found = errors.iter().any(|error| error.starts_with(place) && error.contains(words));
        assert!(found, "no {place}{words} in {errors:#?}");
    }
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
}

#[test]
fn a_slip_in_the_toml_is_named_by_line_and_the_rest_is_still_read() {
    let errors = errors("listen = \"127.0.0.1:9000\"\nhelp_text = \"no end\nlisten_htps = \"off\"\n", &[]);
    assert!(errors.iter().any(|error| error.starts_with("2: this is not TOML")), "{errors:#?}");
    assert!(errors.iter().any(|error| error.starts_with("3: ") && error.contains("listen_https")), "{errors:#?}");
}

#[test]
fn lists_come_as_json_or_with_commas() {
    for text in ["127.0.0.1,10.0.0.0/8", " 127.0.0.1 , 10.0.0.0/8 ", "[\"127.0.0.1\", \"10.0.0.0/8\"]"] {
        let (_, settings, problems) = read("", &[("DOORWARD_TRUSTED_PROXIES", text)], &[]);
        assert_eq!(problems, ConfigProblems::default(), "{text}");
        assert_eq!(
            settings.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.1/32", "10.0.0.0/8"]
        );
    }
    assert!(read("", &[("DOORWARD_TRUSTED_PROXIES", "")], &[]).1.trusted_proxies.is_empty());
    assert!(errors("", &[("DOORWARD_TRUSTED_PROXIES", "[\"127.0.0.1\"")])[0].contains("not a JSON list"));
}

#[test]
fn a_secret_comes_from_a_file_and_never_from_two_places() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("url");
    std::fs::write(&path, "postgres://doorward:pass@db/doorward\n").unwrap();
    let file = path.to_str().unwrap();
    let (values, settings, problems) = read("", &[("DOORWARD_DATABASE_URL_FILE", file)], &[]);
    assert_eq!(problems, ConfigProblems::default());
    assert_eq!(settings.database_url.unwrap().expose(), "postgres://doorward:pass@db/doorward");
    assert_eq!(values.get("database_url").unwrap().1.to_string(), "DOORWARD_DATABASE_URL_FILE");
    let both = [("DOORWARD_DATABASE_URL_FILE", file), ("DOORWARD_DATABASE_URL", "postgres://x/y")];
    assert!(errors("", &both)[0].contains("keep one of them"));
    assert!(errors("", &[("DOORWARD_DATABASE_URL_FILE", "/nowhere")])[0].contains("cannot be read"));
}

#[test]
fn a_wrong_database_url_is_not_repeated() {
    let errors = errors("", &[("DOORWARD_DATABASE_URL", "mysql://root:hunter2@db/x")]);
    assert!(errors[0].contains("postgres://") && !errors[0].contains("hunter2"), "{errors:?}");
}

#[test]
fn quotes_around_a_variable_are_left_out_with_a_warning() {
    let (_, settings, problems) = read("", &[("DOORWARD_HELP_TEXT", "\"Ask Bob\"")], &[]);
    assert_eq!(settings.help_text, "Ask Bob");
    assert_eq!(problems.warnings.len(), 1);
}

#[test]
fn variables_that_are_no_settings_are_left_alone_and_all_others_are_errors() {
    let known = [
        "DOORWARD_DATA_DIR",
        "DOORWARD_LOG",
        "DOORWARD_BIN",
        "DOORWARD_TEST_X",
        "DOORWARD_CACHE",
        "DOORWARD_DEMO_PORT",
    ];
    assert_eq!(errors("", &known.map(|name| (name, "x"))), Vec::<String>::new());
    assert_eq!(errors("", &[("PATH", "x"), ("DOORWARD_FILE", "x"), ("DOORWARD_", "x")]).len(), 2);
}

#[test]
fn https_can_be_switched_off_and_paths_start_at_the_file() {
    for off in ["off", "OFF", ""] {
        assert_eq!(read(&format!("listen_https = \"{off}\""), &[], &[]).1.listen_https.address, None);
    }
    let (_, settings, _) = read("tls_certificate = \"a.pem\"\ntls_private_key = \"/b.pem\"", &[], &[]);
    let tls = settings.tls.unwrap();
    assert!(tls.certificate.is_absolute() && tls.certificate.ends_with("a.pem"));
    assert_eq!(tls.private_key, Path::new("/b.pem"));
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let mut problems = ConfigProblems::default();
    let environment = Environment::default();
    let nowhere = Path::new("/nowhere/doorward.toml");
    gather(&Sources { file: (nowhere, false), environment: &environment, flags: &[] }, &mut problems);
    assert!(problems.errors.is_empty());
    gather(&Sources { file: (nowhere, true), environment: &environment, flags: &[] }, &mut problems);
    assert!(problems.to_string().contains("/nowhere/doorward.toml"));
}

fn setting_line() -> impl Strategy<Value = String> {
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    (prop::sample::select(names), "[^\n]{0,30}").prop_map(|(name, value)| format!("{name} = {value}\n"))
}

proptest! {
    #[test]
    fn no_file_panics(text in ".{0,200}") {
        read(&text, &[], &[]);
    }

    #[test]
    fn no_value_in_a_file_panics(lines in prop::collection::vec(setting_line(), 0..6)) {
        read(&lines.concat(), &[], &[]);
    }

    #[test]
    fn no_variable_panics(name in "(PUBLIC_URL|LISTEN|TRUSTED_PROXIES|DATABASE_URL_FILE|[A-Z_é]{0,12})", value in "[^\0]{0,40}") {
        read("", &[(&format!("DOORWARD_{name}"), &value)], &[]);
    }
}

#[test]
fn switches_are_true_or_false() {
    for (file, expected) in [("ldap_allow_plaintext = true", true), ("ldap_allow_plaintext = false", false)] {
        let (_, settings, problems) = read(file, &[], &[]);
        assert_eq!((settings.ldap_allow_plaintext, problems), (expected, ConfigProblems::default()));
    }
    assert!(read("", &[("DOORWARD_LDAP_PROXY_PROTOCOL", "true")], &[]).1.ldap_proxy_protocol);
    for (file, pair) in [("ldap_allow_plaintext = \"yes\"", None), ("", Some(("DOORWARD_LDAP_ALLOW_PLAINTEXT", "yes")))]
    {
        let (_, settings, problems) = read(file, pair.as_slice(), &[]);
        assert!(!settings.ldap_allow_plaintext && problems.errors.len() == 1, "{problems:?}");
    }
}
