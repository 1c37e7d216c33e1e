//! `doorward config`.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    cli::Context,
    config::{
        Raw,
        keys::{KEYS, Key, Kind},
    },
    exit,
    open::{self, Place},
    output::{or_dash, print, print_json, warning},
};

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the settings and list everything that is wrong
    #[command(
        after_help = "Example:\n  doorward --data-dir /srv/doorward config check\n\nExit code 5 if something is wrong."
    )]
    Check,
    /// Show every setting and where it comes from
    #[command(after_help = "Example:\n  doorward config show")]
    Show,
    /// Print all settings with their defaults, as a settings file
    #[command(after_help = "Example:\n  doorward config default > doorward.toml")]
    Default,
}

/// Runs a command.
pub fn run(context: &Context, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Check => check(context),
        Command::Show => show(context),
        Command::Default => default(context),
    }
}

fn check(context: &Context) -> anyhow::Result<()> {
    let (place, mut problems) = open::look(context, &[]);
    if let Some(tls) = &place.settings.tls
        && let Err(message) = tls.load()
    {
        problems.add("tls_certificate", message);
    }
    let list = |found: &[crate::config::problems::ConfigProblem]| -> Vec<Value> {
        found.iter().map(|problem| json!({ "place": problem.place, "message": problem.message })).collect()
    };
    let value = json!({
        "ok": problems.errors.is_empty(),
        "errors": list(&problems.errors),
        "warnings": list(&problems.warnings),
    });
    if context.output.is_json() {
        print_json(&value)?;
    } else {
        problems.warnings.iter().for_each(|odd| warning(&odd.to_string()));
    }
    if !problems.errors.is_empty() {
        return Err(exit::found(problems.to_string()));
    }
    if context.output.is_json() { Ok(()) } else { print(&format!("All settings are right{}.", source(&place))) }
}

fn source(place: &Place) -> String {
    if place.file.exists() {
        format!(" ({})", place.file.display())
    } else {
        format!(" (there is no {}, so defaults hold)", place.file.display())
    }
}

fn show(context: &Context) -> anyhow::Result<()> {
    let (place, problems) = open::look(context, &[]);
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for key in &KEYS {
        let Some((raw, origin)) = place.values.get(key.name) else { continue };
        let text = shown(key, raw);
        rows.push(vec![key.name.to_owned(), or_dash(&text), origin.to_string()]);
        let value = match raw {
            Raw::List(items) => json!(items),
            Raw::Text(_) => json!(text),
        };
        values.push(json!({ "key": key.name, "value": value, "origin": origin.to_string() }));
    }
    if !context.output.is_json() {
        print(&format!("Data directory: {}\n", place.data_dir.display()))?;
    }
    context.output.list(&["SETTING", "VALUE", "FROM"], &rows, values, "")?;
    if problems.errors.is_empty() { Ok(()) } else { Err(exit::found(problems.to_string())) }
}

fn shown(key: &Key, raw: &Raw) -> String {
    match raw.text() {
        text if text.is_empty() => text,
        _ if key.is_secret => "********".to_owned(),
        text => text,
    }
}

fn default(context: &Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let value = |key: &Key| json!({ "key": key.name, "default": key.default, "variable": key.variable(), "help": key.help });
        return print_json(&Value::Array(KEYS.iter().map(value).collect()));
    }
    print(&reference())
}

/// All settings with their defaults, as a file that changes nothing.
fn reference() -> String {
    let head = "\
# Settings of Doorward, with their defaults. Every line may be left out. Each setting can also be given as an environment
# variable (DOORWARD_ and its name in capitals), or be read from a file (the same with _FILE at the end); lists are
# written there as JSON or separated by commas. Options of the command go before variables, variables before this file.";
    let mut lines: Vec<String> = vec![head.to_owned()];
    for key in &KEYS {
        lines.push(String::new());
        lines.extend(wrapped(key.help, 110).iter().map(|line| format!("# {line}")));
        lines.push(match key.kind {
            Kind::Text => format!("# {} = \"{}\"", key.name, key.default),
            Kind::List | Kind::Switch => format!("# {} = {}", key.name, key.default),
        });
    }
    lines.join("\n") + "\n"
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Values, file, problems::ConfigProblems, settings};
    use std::path::Path;

    #[test]
    fn the_reference_names_every_setting_and_is_right_once_uncommented() {
        let active: String = reference()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if KEYS.iter().any(|key| rest.starts_with(&format!("{} = ", key.name))) => {
                    format!("{rest}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let (mut values, mut problems) = (Values::new(), ConfigProblems::default());
        file::read(Path::new("reference"), &active, &mut values, &mut problems);
        settings::resolve(&values, &mut problems);
        assert_eq!(problems, ConfigProblems::default(), "{active}");
        assert_eq!(values.len(), KEYS.len());
    }
}
