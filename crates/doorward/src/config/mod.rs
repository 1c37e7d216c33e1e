//! Settings: read from defaults, the file, the environment and the command line, in this order, with every problem
//! named at once.

pub mod environment;
pub mod file;
pub mod keys;
pub mod problems;
pub mod settings;

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use environment::Environment;
use keys::{KEYS, Kind};
use problems::ConfigProblems;

/// A setting as written, before it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl Raw {
    /// What an environment variable or an option holds: lists as JSON or separated by commas.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        if kind != Kind::List {
            return Ok(Self::Text(text.to_owned()));
        }
        let trimmed = text.trim();
        if trimmed.starts_with('[') {
            let list = serde_json::from_str(trimmed)
                .map_err(|error| format!("is not a JSON list of texts ({error}); write [\"a\", \"b\"] or a,b"))?;
            return Ok(Self::List(list));
        }
        let items = trimmed.split(',').map(str::trim).filter(|item| !item.is_empty());
        Ok(Self::List(items.map(str::to_owned).collect()))
    }

    /// As one text; lists separated by commas.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(items) => items.join(", "),
        }
    }
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file, with the line.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// An option of the command.
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(variable) => f.write_str(variable),
            Self::Option(option) => f.write_str(option),
        }
    }
}

/// All settings by key, each with its origin.
pub type Values = BTreeMap<&'static str, (Raw, Origin)>;

/// A setting given as an option of the command: key, option, value.
pub type Flag = (&'static str, &'static str, String);

/// Where settings are looked for.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The file, and whether it was asked for (then it must be there).
    pub file: (&'a Path, bool),
    /// The environment.
    pub environment: &'a Environment,
    /// Options of the command.
    pub flags: &'a [Flag],
}

/// Gathers all settings; problems are collected, not returned early.
pub fn gather(sources: &Sources<'_>, problems: &mut ConfigProblems) -> Values {
    let mut values: Values = KEYS.iter().map(|key| (key.name, (key.default_value(), Origin::Default))).collect();
    let (path, is_required) = sources.file;
    match std::fs::read_to_string(path) {
        Ok(text) => file::read(path, &text, &mut values, problems),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_required => {}
        Err(error) => problems.add(path.display(), format!("the settings file cannot be read: {error}")),
    }
    environment::read(sources.environment, &mut values, problems);
    for (name, option, text) in sources.flags {
        let Some(key) = keys::find(name) else { continue };
        match Raw::parse(key.kind, text) {
            Ok(raw) => {
                values.insert(key.name, (raw, Origin::Option(option)));
            }
            Err(message) => problems.add(option, message),
        }
    }
    values
}

#[cfg(test)]
mod tests;
