//! The people who may use the application: names that NetBox changes, addresses that nobody made sure of.

use doorward_core::user::{USERNAME_MAX, is_portable_username, key, portable_username};
use std::collections::BTreeMap;

use super::{counted, listed, word};
use crate::doctor::{
    evidence::{Evidence, PersonSeen},
    finding::Finding,
};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let people = &evidence.people;
    if people.examined.is_empty() {
        return;
    }
    if people.examined.len() < people.count {
        let (examined, count) = (people.examined.len(), people.count);
        findings.push(
            Finding::note("people-not-all", format!("Only {examined} of {count} people were looked at"))
                .seen("the first of them, by number"),
        );
    }
    if evidence.house.is_netbox && evidence.house.oauth.is_some() {
        usernames(&people.examined, findings);
    }
    mail(evidence, findings);
}

/// NetBox drops every character outside `[A-Za-z0-9@+._-]` without a word. Only by OpenID Connect; LDAP and headers keep them.
fn usernames(examined: &[PersonSeen], findings: &mut Vec<Finding>) {
    let mangled: Vec<&PersonSeen> = examined.iter().filter(|person| !is_portable_username(&person.username)).collect();
    if let Some(first) = mangled.first() {
        let shown: Vec<String> =
            mangled.iter().map(|person| format!("{} becomes {}", person.username, becomes(&person.username))).collect();
        findings.push(
            Finding::problem("username-mangled", "NetBox drops characters from some usernames")
                .seen(listed(shown.iter().map(String::as_str)))
                .change(
                    "a terminal",
                    format!("doorward user edit {} --username {}", word(&first.username), becomes(&first.username)),
                ),
        );
    }
    let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for person in examined {
        by_name.entry(becomes(&person.username)).or_default().push(&person.username);
    }
    if let Some((name, owners)) = by_name.into_iter().find(|(_, owners)| owners.len() > 1) {
        findings.push(
            Finding::problem("username-clash", format!("Several people have the same username in NetBox: {name}. All but the first get a suffix of 16 characters"))
                .seen(listed(owners.iter().copied()))
                .change("a terminal", format!("doorward user edit {} --username OTHER", word(owners.last().copied().unwrap_or_default()))),
        );
    }
}

/// The username in NetBox.
fn becomes(username: &str) -> String {
    let name: String = portable_username(username).chars().take(USERNAME_MAX).collect();
    if name.is_empty() { "a random name".to_owned() } else { name }
}

fn mail(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let examined = &evidence.people.examined;
    let before = findings.len();
    let unverified: Vec<&str> = examined
        .iter()
        .filter(|person| !person.email.is_empty() && !person.email_verified)
        .map(|person| person.username.as_str())
        .collect();
    if let Some(first) = unverified.first() {
        let what = format!(
            "Nobody made sure of the e-mail addresses of some people: {}. Applications that go by addresses refuse them, or take them for somebody else",
            listed(unverified.iter().copied())
        );
        findings.push(
            Finding::note("email-unverified", what).seen("email_verified is false in their userinfo").change(
                "a terminal, when you know it is theirs",
                format!("doorward user edit {} --email-verified", word(first)),
            ),
        );
    }
    if let Some((address, owners)) = evidence.people.shared_mail.iter().next() {
        let what = format!(
            "Several people have the same e-mail address: an application that goes by addresses takes one for the other ({} addresses)",
            evidence.people.shared_mail.len()
        );
        findings.push(
            Finding::note("email-shared", what)
                .seen(format!("{address}: {}", listed(owners.iter().map(String::as_str))))
                .change(
                    "a terminal",
                    format!(
                        "doorward user edit {} --email OTHER",
                        word(owners.last().map_or("USERNAME", String::as_str))
                    ),
                ),
        );
    }
    let without: Vec<&str> =
        examined.iter().filter(|person| key(&person.email).is_empty()).map(|person| person.username.as_str()).collect();
    if !without.is_empty() {
        findings.push(
            Finding::note(
                "email-missing",
                format!("Some people have no e-mail address: {}", listed(without.iter().copied())),
            )
            .seen("their profiles here")
            .change(
                "a terminal",
                format!("doorward user edit {} --email ADDRESS", word(without.first().copied().unwrap_or_default())),
            ),
        );
    }
    if findings.len() == before {
        findings.push(
            Finding::ok("email", "Everybody's e-mail address is verified and nobody else's")
                .seen(counted(examined.len())),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{alice, found, named, only};
    use super::*;
    use crate::doctor::finding::Severity;

    fn add(evidence: &mut Evidence, username: &str) {
        evidence.people.examined.push(PersonSeen { username: username.into(), ..alice() });
        evidence.people.count += 1;
    }

    #[test]
    fn names_that_netbox_changes_are_named_with_what_becomes_of_them() {
        let finding = only(|e| add(e, "Ålice b"));
        assert_eq!((finding.id, finding.severity), ("username-mangled", Severity::Problem));
        assert_eq!(finding.seen, "Ålice b becomes liceb");
        assert!(found("username-mangled", |e| add(e, "äö")).seen.contains("a random name"));
        let clash = found("username-clash", |e| add(e, "al/ice"));
        assert!(clash.seen.contains("alice, al/ice"), "{clash:?}");
    }

    #[test]
    fn other_applications_keep_names_as_they_are() {
        let mut evidence = super::super::fixture::netbox();
        evidence.house.is_netbox = false;
        add(&mut evidence, "al ice");
        let mut findings = Vec::new();
        check(&evidence, &mut findings);
        assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:?}");
    }

    #[test]
    fn addresses_are_looked_at() {
        let note = |id| (id, Severity::Note);
        assert_eq!(named(|e| e.people.examined[0].email_verified = false), note("email-unverified"));
        assert_eq!(named(|e| e.people.examined[0].email.clear()), note("email-missing"));
        let shared = |e: &mut Evidence| {
            e.people.shared_mail.insert("alice@example.org".into(), vec!["alice".into(), "alice2".into()]);
        };
        assert_eq!(named(shared), note("email-shared"));
        assert_eq!(named(|e| e.people.count = 9), note("people-not-all"));
    }
}
