//! All that is printed: tables or JSON on standard output, remarks on standard error.

use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::{self, BufRead, IsTerminal, Write};

use crate::exit;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs; names stay the same from version to version.
    Json,
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub struct Output(Format);

impl Output {
    /// Prints in a format.
    pub fn new(format: Format) -> Self {
        Self(format)
    }

    /// Whether programs read it.
    pub fn is_json(self) -> bool {
        self.0 == Format::Json
    }

    /// What was done: a sentence for people, the thing itself for programs.
    pub fn done(self, sentence: &str, value: &Value) -> anyhow::Result<()> {
        if self.is_json() { print_json(value) } else { print(sentence) }
    }

    /// What `--dry-run` found out.
    pub fn would(self, action: &str) -> anyhow::Result<()> {
        self.done(&format!("Would {action}. Nothing was changed."), &json!({ "dry_run": true, "would": action }))
    }

    /// A list: a table for people, an array for programs. `empty` is said when there is nothing.
    pub fn list(self, headers: &[&str], rows: &[Vec<String>], values: Vec<Value>, empty: &str) -> anyhow::Result<()> {
        if self.is_json() {
            return print_json(&Value::Array(values));
        }
        if rows.is_empty() {
            note(empty);
            return Ok(());
        }
        print(&table(headers, rows))
    }

    /// One thing: its fields for people, an object for programs.
    pub fn fields(self, fields: &[(&str, String)], value: &Value) -> anyhow::Result<()> {
        if self.is_json() {
            return print_json(value);
        }
        let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let lines = fields.iter().map(|(name, value)| {
            // Values of several lines stay in their column.
            let value = value.replace('\n', &format!("\n{:width$}  ", ""));
            format!("{name:width$}  {value}").trim_end().to_owned() + "\n"
        });
        print(&lines.collect::<String>())
    }
}

/// Prints a text as it is, with a line end if it lacks one.
pub fn print(text: &str) -> anyhow::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut out = io::stdout().lock();
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        // `doorward user list | head` is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints JSON on standard output.
pub fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&format!("{value:#}"))
}

/// A remark on standard error.
pub fn note(text: &str) {
    // Nothing can be done if nobody listens.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A warning on standard error.
pub fn warning(text: &str) {
    note(&format!("warning: {text}"));
}

/// An error on standard error.
pub fn error(text: &str) {
    note(&format!("error: {text}"));
}

/// Asks before something is removed, unless it was said to be meant.
pub fn confirm(is_meant: bool, question: &str) -> anyhow::Result<()> {
    if is_meant {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(exit::usage("nobody can be asked here whether this is meant; give --yes if it is"));
    }
    let mut err = io::stderr();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(exit::failed("not confirmed; nothing was changed"))
}

/// Columns side by side, two spaces between them.
fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headers.iter().map(|header| header.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut headers.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// Yes or no, in a table.
pub fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// Names in a row, or a dash.
pub fn joined<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// A text, or a dash for an empty one.
pub fn or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["alice".to_owned(), "Ålice".to_owned()], vec!["b".to_owned(), String::new()]];
        assert_eq!(table(&["USER", "NAME"], &rows), "USER   NAME\nalice  Ålice\nb\n");
    }
}
