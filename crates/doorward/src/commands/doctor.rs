//! `doorward doctor`.

use doorward_core::secret::Secret;
use doorward_server::doctor::{
    self, Options, PATIENCE, PATIENCE_MAX, Report,
    finding::{Finding, Severity},
};
use serde_json::json;
use std::{
    fmt::Write,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    time::Duration,
};

use super::Work;
use crate::{
    exit, lookup,
    output::{note, print, print_json},
    password,
};

const EXAMPLES: &str = "\
Examples:
  doorward doctor netbox
  doorward doctor netbox --token-file netbox-token
  doorward doctor netbox --check-headers
  doorward doctor wiki -o json

Nothing is changed, and nobody is signed in. The exit code is 5 if something must change.";

/// Options of `doorward doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Slug of the application
    slug: String,
    /// File that holds a token for NetBox's API, or - for standard input: users and groups are compared as well
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Try whether NetBox believes an identity in a header that comes past the proxy. If it does, it may make a user
    /// doorward-doctor-...
    #[arg(long)]
    check_headers: bool,
    /// How long all requests together may take, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = PATIENCE.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=PATIENCE_MAX.as_secs())
    )]
    timeout: u64,
}

/// Looks at an application and says what to change.
pub async fn run(work: &Work, args: Args) -> anyhow::Result<()> {
    lookup::application(&work.app, &args.slug)?;
    let options = Options {
        patience: Duration::from_secs(args.timeout),
        token: token(args.token_file.as_deref())?,
        check_headers: args.check_headers,
    };
    let shows_progress = io::stderr().is_terminal();
    let step = |what: &str| {
        if shows_progress {
            note(&format!("Looking at {what} …"));
        }
    };
    let report = doctor::run(&work.app, &args.slug, &options, &step).await?;
    if work.output.is_json() { print_json(&json!(report)) } else { print(&text(&report)) }?;
    match report.problems {
        0 => Ok(()),
        1 => Err(exit::found("one thing must change")),
        many => Err(exit::found(format!("{many} things must change"))),
    }
}

fn token(file: Option<&Path>) -> anyhow::Result<Option<Secret<String>>> {
    let is_stdin = file == Some(Path::new("-"));
    let token = password::given(file.filter(|_| !is_stdin), is_stdin)?;
    Ok(token.map(|token| Secret::new(token.expose().trim().to_owned())))
}

/// The report, for people: what must change first, what is fine in one line each.
fn text(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        match finding.severity {
            Severity::Problem => long(&mut text, "PROBLEM", finding),
            Severity::Note => long(&mut text, "note", finding),
            Severity::Skipped => long(&mut text, "skipped", finding),
            Severity::Ok => line(&mut text, &format!("ok  {}  {}", finding.id, finding.what)),
        }
    }
    let (problems, notes) = (report.problems, report.notes);
    line(&mut text, "");
    line(&mut text, &format!("{}: {}, {}.", report.name, said(problems, "problem"), said(notes, "note")));
    text
}

fn long(text: &mut String, severity: &str, finding: &Finding) {
    line(text, &format!("{severity}  {}", finding.id));
    line(text, &format!("    {}.", finding.what.trim_end_matches('.')));
    if !finding.seen.is_empty() {
        line(text, &format!("    Seen: {}", finding.seen));
    }
    for change in &finding.change {
        line(text, &format!("    In {}:", change.place));
        for part in change.text.lines() {
            line(text, &format!("        {part}"));
        }
    }
    line(text, "");
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

fn said(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::Clock;

    #[test]
    fn problems_are_told_at_length_and_what_is_fine_in_a_line() {
        let findings = vec![
            Finding::problem("pkce-missing", "No PKCE.").seen("a request").change("configuration.py", "A = 1\nB = 2"),
            Finding::ok("tls", "In order"),
        ];
        let report = Report {
            slug: "netbox".into(),
            name: "NetBox".into(),
            checked_at: Clock::system().now(),
            problems: 1,
            notes: 0,
            findings,
        };
        let expected = "PROBLEM  pkce-missing\n    No PKCE.\n    Seen: a request\n    In configuration.py:\n        \
                        A = 1\n        B = 2\n\nok  tls  In order\n\nNetBox: 1 problem, no notes.\n";
        assert_eq!(text(&report), expected);
    }
}
