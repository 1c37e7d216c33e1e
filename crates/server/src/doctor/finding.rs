//! What the doctor found: sentences and lines to change, safe to print and to show whatever the other side answered.

use serde::Serialize;

/// Longest text of a finding, in characters: other servers say much when they fail.
pub const TEXT_MAX: usize = 600;
/// Longest line to change, in characters. It is made here, from settings of one's own.
pub const CHANGE_MAX: usize = 2000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something must change.
    Problem,
    /// Worth knowing; nothing has to change.
    Note,
    /// Could not be checked; says what for.
    Skipped,
    /// As it should be.
    Ok,
}

impl Severity {
    /// The name in JSON and in style sheets.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Note => "note",
            Self::Skipped => "skipped",
            Self::Ok => "ok",
        }
    }
}

/// One thing to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which file, page or command.
    #[serde(rename = "where")]
    pub place: String,
    /// The exact text.
    pub text: String,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name, listed in `docs/doctor.md`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is so, in a sentence.
    pub what: String,
    /// How it was seen.
    pub seen: String,
    /// What to change; several are alternatives.
    pub change: Vec<Change>,
}

impl Finding {
    fn new(id: &'static str, severity: Severity, what: impl AsRef<str>) -> Self {
        Self { id, severity, what: clean(what.as_ref(), TEXT_MAX), seen: String::new(), change: Vec::new() }
    }

    /// Something must change.
    pub fn problem(id: &'static str, what: impl AsRef<str>) -> Self {
        Self::new(id, Severity::Problem, what)
    }

    /// Worth knowing.
    pub fn note(id: &'static str, what: impl AsRef<str>) -> Self {
        Self::new(id, Severity::Note, what)
    }

    /// Not checked, and why.
    pub fn skipped(id: &'static str, what: impl AsRef<str>) -> Self {
        Self::new(id, Severity::Skipped, what)
    }

    /// As it should be.
    pub fn ok(id: &'static str, what: impl AsRef<str>) -> Self {
        Self::new(id, Severity::Ok, what)
    }

    /// A problem if `is_problem`, else a note.
    pub fn problem_if(is_problem: bool, id: &'static str, what: impl AsRef<str>) -> Self {
        Self::new(id, if is_problem { Severity::Problem } else { Severity::Note }, what)
    }

    /// With how it was seen.
    #[must_use]
    pub fn seen(mut self, seen: impl AsRef<str>) -> Self {
        self.seen = clean(seen.as_ref(), TEXT_MAX);
        self
    }

    /// With something to change.
    #[must_use]
    pub fn change(mut self, place: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        // Line ends stay: a change may be several lines.
        let lines: Vec<String> = text.as_ref().lines().map(|line| printable(line.chars(), CHANGE_MAX)).collect();
        self.change.push(Change { place: clean(place.as_ref(), TEXT_MAX), text: lines.join("\n") });
        self
    }
}

/// A text on one line, without what could steer a terminal or turn the direction of a text, of bounded length.
pub fn clean(text: &str, max: usize) -> String {
    let words = text.split_whitespace().flat_map(|word| [" ", word]).skip(1);
    printable(words.flat_map(str::chars), max)
}

fn printable(text: impl Iterator<Item = char>, max: usize) -> String {
    let mut kept = text.filter(|c| !steers(*c));
    let mut printable: String = kept.by_ref().take(max).collect();
    if kept.next().is_some() {
        printable.push('…');
    }
    printable
}

/// Control characters, and those that turn the direction of text or cannot be seen.
fn steers(c: char) -> bool {
    let is_bidirectional = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || is_bidirectional || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(clean("a\u{1b}[31mred\u{7}\r\nb", 99), "a[31mred b");
        assert_eq!(clean("user\u{202e}txt.exe", 99), "usertxt.exe");
        let finding = Finding::problem("x", "a\u{1b}[2J").seen("b\u{9b}31m").change("c\u{0}", "d\n\u{1b}e");
        assert_eq!((finding.what.as_str(), finding.seen.as_str()), ("a[2J", "b31m"));
        assert_eq!(finding.change, [Change { place: "c".into(), text: "d\ne".into() }]);
    }

    #[test]
    fn a_text_is_cut_at_its_limit() {
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("abc", 3), "abc");
        let long = "ä".repeat(TEXT_MAX + 5);
        assert_eq!(Finding::note("x", &long).what.chars().count(), TEXT_MAX + 1);
    }

    #[test]
    fn names_in_json_are_those_of_the_style_sheet() {
        for severity in [Severity::Problem, Severity::Note, Severity::Skipped, Severity::Ok] {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_one_bounded_line(text in ".{0,200}", max in 1_usize..50) {
            let cleaned = clean(&text, max);
            prop_assert!(cleaned.chars().count() <= max + 1);
            prop_assert!(!cleaned.chars().any(char::is_control));
        }
    }
}
