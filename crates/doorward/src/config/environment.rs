//! Settings from environment variables: `DOORWARD_PUBLIC_URL`, and `DOORWARD_DATABASE_URL_FILE` for what stands in a
//! file.

use std::{collections::BTreeMap, ffi::OsString, fs};

use super::{
    Origin, Raw, Values,
    keys::{self, KEYS, Key},
    problems::ConfigProblems,
};

const PREFIX: &str = "DOORWARD_";
/// Variables that are no settings: where to look, and what tests and the demo are told.
const OTHERS: [&str; 5] = ["DOORWARD_DATA_DIR", "DOORWARD_CONFIG", "DOORWARD_LOG", "DOORWARD_BIN", "DOORWARD_CACHE"];
const OTHER_PREFIXES: [&str; 2] = ["DOORWARD_TEST_", "DOORWARD_DEMO_"];

/// The variables whose names begin with `DOORWARD_`.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// Those of a list that concern Doorward.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(ours.filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }

    /// A variable that is no setting, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(name).filter(|value| !value.is_empty())
    }
}

/// Reads the variables into the values.
pub fn read(environment: &Environment, values: &mut Values, problems: &mut ConfigProblems) {
    for (name, value) in &environment.0 {
        if is_other(name) {
            continue;
        }
        let Some(value) = value.to_str() else {
            problems.add(name, "its value is not UTF-8 text");
            continue;
        };
        match setting(name) {
            Some((key, false)) => keep(key, name, value, values, problems),
            Some((key, true)) if environment.0.contains_key(&key.variable()) => {
                problems.add(name, format!("{} is set as well; keep one of them", key.variable()));
            }
            Some((key, true)) => match fs::read_to_string(value) {
                Ok(text) => keep(key, name, text.trim_end_matches(['\r', '\n']), values, problems),
                Err(error) => problems.add(name, format!("the file \"{value}\" cannot be read: {error}")),
            },
            None => problems.add(name, unknown(name)),
        }
    }
}

fn is_other(name: &str) -> bool {
    OTHERS.contains(&name) || OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The setting of a variable, and whether the variable names a file.
fn setting(name: &str) -> Option<(&'static Key, bool)> {
    let of = |name: &str| KEYS.iter().find(|key| key.variable() == name);
    of(name).map(|key| (key, false)).or_else(|| Some((of(name.strip_suffix("_FILE")?)?, true)))
}

fn keep(key: &Key, variable: &str, value: &str, values: &mut Values, problems: &mut ConfigProblems) {
    let bare = unquoted(value);
    if bare != value {
        problems.warn(variable, "the quotes around its value were left out; .env files need none");
    }
    match Raw::parse(key.kind, bare) {
        Ok(raw) => {
            values.insert(key.name, (raw, Origin::Environment(variable.to_owned())));
        }
        Err(message) => problems.add(variable, message),
    }
}

/// Without a pair of quotes, which `docker run --env-file` and systemd treat differently.
fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

fn unknown(name: &str) -> String {
    let variables: Vec<String> =
        KEYS.iter().map(Key::variable).chain(OTHERS.iter().map(|other| (*other).to_owned())).collect();
    match keys::closest(name, variables.iter().map(String::as_str)) {
        Some(meant) => format!("there is no setting of this name; did you mean {meant}?"),
        None => "there is no setting of this name; \"doorward config default\" lists all".to_owned(),
    }
}
