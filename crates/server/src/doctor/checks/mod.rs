//! The checks, in the order of a sign-in: reaching Doorward, reaching the application, beginning, the token, the person. Each
//! looks at the evidence and at nothing else, so that every broken set-up is a test of a few lines.

mod access;
mod activity;
mod algorithm;
mod begin;
mod button;
mod certificates;
mod claims;
mod clocks;
mod discovery;
mod front;
mod headers;
mod inventory;
mod ldap;
mod people;
mod proxy;
mod redirect_uris;
mod request;
mod sign_outs;
mod version;

#[cfg(test)]
mod fixture;

use jiff::Timestamp;
use std::fmt::Write;

use super::{evidence::Evidence, finding::Finding};

/// Where lines for NetBox go.
pub(super) const CONFIGURATION: &str = "configuration.py of NetBox, then restart it";
/// Most names in one sentence.
const NAMES_MAX: usize = 5;

/// A check: what it finds goes to the list.
type Check = fn(&Evidence, &mut Vec<Finding>);

const CHECKS: [Check; 17] = [
    discovery::check,
    certificates::check,
    front::check,
    version::check,
    clocks::check,
    button::check,
    begin::check,
    request::check,
    redirect_uris::check,
    algorithm::check,
    access::check,
    claims::check,
    people::check,
    proxy::check,
    headers::check,
    inventory::check,
    ldap::check,
];

/// What all checks find.
pub fn all(evidence: &Evidence, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in CHECKS {
        check(evidence, &mut findings);
    }
    sign_outs::check(evidence, now, &mut findings);
    activity::check(evidence, now, &mut findings);
    findings
}

/// Some names in a sentence: `alice, bob and 3 more`.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        // Writing to a string does not fail.
        let _ = write!(text, " and {more} more");
    }
    text
}

/// So many people.
fn counted(people: usize) -> String {
    if people == 1 { "1 person".to_owned() } else { format!("{people} people") }
}

/// A Python string in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A word for a shell. What it holds may come from whoever asked.
fn word(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.@+/:=".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Severity;
    use std::collections::BTreeSet;

    #[test]
    fn a_healthy_netbox_has_no_problem_and_no_note() {
        let found = all(&fixture::netbox(), fixture::now());
        let bad: Vec<_> = found.iter().filter(|finding| finding.severity <= Severity::Note).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        assert!(found.iter().filter(|finding| finding.severity == Severity::Ok).count() >= 12, "{found:#?}");
    }

    #[test]
    fn every_id_is_in_the_documentation_and_nothing_else_is() {
        let document = include_str!("../../../../../docs/doctor.md");
        let rows =
            document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).filter(|id| is_id(id));
        let documented: BTreeSet<&str> = rows.collect();
        let sources = [
            include_str!("access.rs"),
            include_str!("activity.rs"),
            include_str!("algorithm.rs"),
            include_str!("begin.rs"),
            include_str!("button.rs"),
            include_str!("certificates.rs"),
            include_str!("claims.rs"),
            include_str!("clocks.rs"),
            include_str!("discovery.rs"),
            include_str!("front.rs"),
            include_str!("headers.rs"),
            include_str!("inventory.rs"),
            include_str!("ldap.rs"),
            include_str!("people.rs"),
            include_str!("proxy.rs"),
            include_str!("redirect_uris.rs"),
            include_str!("request.rs"),
            include_str!("sign_outs.rs"),
            include_str!("version.rs"),
        ];
        let code: String =
            sources.iter().map(|source| source.split("#[cfg(test)]").next().unwrap_or_default()).collect();
        let used: BTreeSet<&str> = ids(&code).collect();
        assert_eq!(used.difference(&documented).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in docs/doctor.md");
        assert_eq!(documented.difference(&used).collect::<Vec<_>>(), Vec::<&&str>::new(), "found by no check");
    }

    /// The identifiers in a source: what stands in quotes right after a finding is begun.
    fn ids(code: &str) -> impl Iterator<Item = &str> {
        let begins =
            ["Finding::problem(", "Finding::note(", "Finding::ok(", "Finding::skipped(", "Finding::problem_if("];
        begins.into_iter().flat_map(|begin| code.split(begin).skip(1)).filter_map(|rest| {
            let literal = rest.split('"').nth(1)?;
            is_id(literal).then_some(literal)
        })
    }

    fn is_id(text: &str) -> bool {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }

    #[test]
    fn long_lists_are_cut_and_strings_are_quoted() {
        assert_eq!([counted(0), counted(1), counted(2)], ["0 people", "1 person", "2 people"]);
        assert_eq!(listed(["a", "b"]), "a, b");
        assert_eq!(listed(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
        assert_eq!(quoted("it's"), "'it\\'s'");
        assert_eq!(word("https://nb.example.org/x"), "https://nb.example.org/x");
        assert_eq!(word("x';reboot"), "'x'\\'';reboot'");
    }
}
