//! The settings file, `doorward.toml`.

use std::path::Path;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Origin, Raw, Values,
    keys::{self, KEYS, Key, Kind},
    problems::ConfigProblems,
};

/// Reads a file's text into the values.
pub fn read(path: &Path, text: &str, values: &mut Values, problems: &mut ConfigProblems) {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        problems.add(format!("{}:{line}", path.display()), format!("this is not TOML: {}", error.message()));
    }
    for (name, value) in table.get_ref() {
        let line = line_of(text, name.span().start);
        let place = format!("{}:{line}", path.display());
        let Some(key) = keys::find(name.get_ref()) else {
            problems.add(place, unknown(name.get_ref(), value.get_ref()));
            continue;
        };
        match raw(key, value.get_ref()) {
            Ok(raw) => {
                values.insert(key.name, (raw, Origin::File(path.to_owned(), line)));
            }
            Err(message) => problems.add(place, message),
        }
    }
}

fn raw(key: &Key, value: &DeValue<'_>) -> Result<Raw, String> {
    let shape = match key.kind {
        Kind::Text => "a text in quotes",
        Kind::Switch => "true or false",
        Kind::List => "a list of texts, such as [\"10.0.0.0/8\"]",
    };
    let wrong = || format!("{} must be {shape}", key.name);
    match (key.kind, value) {
        (Kind::Text, DeValue::String(text)) => Ok(Raw::Text(text.to_string())),
        (Kind::Switch, DeValue::Boolean(is_on)) => Ok(Raw::Text(is_on.to_string())),
        (Kind::List, DeValue::Array(items)) => {
            let item = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
            items.iter().map(item).collect::<Option<_>>().map(Raw::List).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn unknown(name: &str, value: &DeValue<'_>) -> String {
    if name == "data_dir" {
        return "the data directory is given with --data-dir or DOORWARD_DATA_DIR: this file is looked for in it"
            .into();
    }
    let kind = if value.is_table() { "section" } else { "setting" };
    let hint = match keys::closest(name, KEYS.iter().map(|key| key.name)) {
        Some(meant) => format!("did you mean {meant}?"),
        None => "\"doorward config default\" lists all settings".to_owned(),
    };
    format!("there is no {kind} \"{}\"; {hint}", name.escape_debug())
}

/// The line of a byte offset, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
