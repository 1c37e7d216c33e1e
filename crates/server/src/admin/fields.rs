//! Reading and showing form fields that several pages have.

use doorward_core::{
    id::{GroupId, UserId},
    problem::Problems,
    signing_key::SigningKey,
    user::key,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub(super) use crate::pages::time;
use crate::{
    app::App,
    directory::users,
    error::{OperationError, OperationResult},
    snapshot::Snapshot,
};

/// The lines of a text field, trimmed, without empty ones and repetitions.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !lines.iter().any(|kept| kept == line) {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Attributes as typed; an empty field means none.
pub(super) fn attributes(text: &str, problems: &mut Problems) -> Map<String, Value> {
    if text.trim().is_empty() {
        return Map::new();
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(attributes)) => attributes,
        Ok(_) => {
            problems.add("attributes", "Attributes are a JSON object, such as {\"department\": \"Network\"}.");
            Map::new()
        }
        Err(error) => {
            problems.add("attributes", format!("This is not JSON: {error}."));
            Map::new()
        }
    }
}

/// Attributes for a text field.
pub(super) fn attributes_text(attributes: &Map<String, Value>) -> String {
    if attributes.is_empty() { String::new() } else { pretty(attributes) }
}

/// JSON for people.
pub(super) fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The entries of a choice, with the chosen one marked.
pub(super) fn choices<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>, chosen: &str) -> Value {
    let entries = all.into_iter();
    entries.map(|(value, label)| json!({ "value": value, "label": label, "selected": value == chosen })).collect()
}

/// All groups by name, with the chosen ones marked; `except` is left out.
pub(super) fn group_ticks(snapshot: &Snapshot, chosen: &BTreeSet<String>, except: Option<GroupId>) -> Value {
    let mut names: Vec<&str> = snapshot
        .groups
        .iter()
        .filter(|group| Some(group.id) != except)
        .map(|group| group.profile.name.as_str())
        .collect();
    names.sort_by_key(|name| key(name));
    names.into_iter().map(|name| json!({ "name": name, "checked": chosen.contains(name) })).collect()
}

/// Names of groups.
pub(super) fn group_names<'a>(snapshot: &Snapshot, ids: impl IntoIterator<Item = &'a GroupId>) -> BTreeSet<String> {
    ids.into_iter().filter_map(|id| snapshot.groups.get(*id)).map(|group| group.profile.name.clone()).collect()
}

/// The groups of these names. One that is gone is a problem with the field.
pub(super) fn group_ids(
    snapshot: &Snapshot,
    names: &BTreeSet<String>,
    field: &'static str,
    problems: &mut Problems,
) -> BTreeSet<GroupId> {
    let mut ids = BTreeSet::new();
    for name in names {
        match snapshot.groups.by_name(name) {
            Some(group) => {
                ids.insert(group.id);
            }
            None => problems.add(field, format!("There is no group called \"{name}\" any more.")),
        }
    }
    ids
}

/// The users of these names. Names that nobody has are a problem with the field.
///
/// # Errors
/// What the database says.
pub(super) async fn user_ids(
    app: &App,
    usernames: &[String],
    field: &'static str,
    problems: &mut Problems,
) -> OperationResult<BTreeSet<UserId>> {
    let (mut ids, mut unknown) = (BTreeSet::new(), Vec::new());
    for username in usernames {
        match users::find_by_username(app, username).await {
            Ok(user) => {
                ids.insert(user.id);
            }
            Err(OperationError::NotFound { .. }) => unknown.push(format!("\"{username}\"")),
            Err(error) => return Err(error),
        }
    }
    if !unknown.is_empty() {
        problems.add(field, format!("Nobody has the username {}.", unknown.join(" or ")));
    }
    Ok(ids)
}

/// The usernames of users, sorted. Somebody deleted a moment ago is left out.
///
/// # Errors
/// What the database says.
pub(super) async fn usernames(app: &App, ids: &BTreeSet<UserId>) -> OperationResult<Vec<String>> {
    let mut usernames = Vec::new();
    for id in ids {
        match users::find(app, *id).await {
            Ok((user, _)) => usernames.push(user.profile.username),
            Err(OperationError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    usernames.sort_by_key(|name| name.to_lowercase());
    Ok(usernames)
}

/// A signing key as an entry of a choice.
pub(super) fn key_option(key: &SigningKey, chosen: &str, app: &App) -> Value {
    let algorithm = key.active(app.clock.now()).map_or("", |version| version.algorithm.as_str());
    let id = key.id.to_string();
    json!({ "selected": id == chosen, "id": id, "name": key.name, "algorithm": algorithm })
}

/// A text with a capital letter at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", characters.as_str())
}

/// An error's text as a sentence.
pub(super) fn sentence(error: &impl ToString) -> String {
    let text = capital(&error.to_string());
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{text}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_tidied() {
        assert_eq!(lines(" a \r\n\r\nb\na\n"), ["a", "b"]);
    }

    #[test]
    fn attributes_are_an_object_or_nothing() {
        for (text, fits) in [("", true), (" {\"a\": 1} ", true), ("[1]", false), ("{", false), ("null", false)] {
            let mut problems = Problems::default();
            attributes(text, &mut problems);
            assert_eq!(problems.0.is_empty(), fits, "{text}");
        }
        let object = Map::from_iter([("a".to_owned(), json!([1]))]);
        assert_eq!(attributes(&attributes_text(&object), &mut Problems::default()), object);
        assert_eq!(attributes_text(&Map::new()), "");
    }

    #[test]
    fn sentences_begin_large_and_end_with_one_stop() {
        assert_eq!(sentence(&"\"x\" is no number"), "\"x\" is no number.");
        assert_eq!(sentence(&"so it is."), "So it is.");
    }
}
