//! Whether the application takes what it is told by the back channel.

use jiff::{SignedDuration, Timestamp};

use super::word;
use crate::{
    doctor::{evidence::Evidence, finding::Finding},
    pages,
};

/// An application that has just been started again takes the next try.
const PASSING: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn check(evidence: &Evidence, now: Timestamp, findings: &mut Vec<Finding>) {
    let Some((undelivered, uri)) = &evidence.activity.undelivered else { return };
    let (name, slug) = (&evidence.house.name, &evidence.house.slug);
    let sign_outs =
        if undelivered.count == 1 { "a sign-out".to_owned() } else { format!("{} sign-outs", undelivered.count) };
    let what = format!("{name} was told of {sign_outs} in vain: whoever signed out may still be signed in there");
    let since = pages::time(undelivered.since);
    let is_problem = now.duration_since(undelivered.since) >= PASSING;
    let finding = Finding::problem_if(is_problem, "sign-outs-undelivered", what)
        .seen(format!("POST {uri}, since {since}: {}", undelivered.last_error));
    if uri.is_empty() {
        // It was taken away meanwhile; what is left is given up within a day.
        findings.push(finding);
        return;
    }
    findings.push(
        finding
            .change(
                "the machine where Doorward runs, to see what the application answers (400 is right)",
                format!("curl -i -d logout_token=x {}", word(uri)),
            )
            .change(
                "if the address is another one",
                format!("doorward app edit {slug} --backchannel-logout-uri https://…"),
            ),
    );
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{named, now, only};
    use super::*;
    use crate::{doctor::finding::Severity, oidc::logout::Undelivered};

    fn untold(evidence: &mut Evidence, minutes: i64) {
        let undelivered = Undelivered {
            count: 3,
            since: now() - SignedDuration::from_mins(minutes),
            last_error: "it answered 503 Service Unavailable".into(),
        };
        evidence.activity.undelivered = Some((undelivered, "https://netbox.example.org/out?a=1&b=2".into()));
    }

    #[test]
    fn what_lasts_is_a_problem_and_what_may_pass_is_a_note() {
        assert_eq!(named(|evidence| untold(evidence, 4)), ("sign-outs-undelivered", Severity::Note));
        assert_eq!(named(|evidence| untold(evidence, 5)), ("sign-outs-undelivered", Severity::Problem));
    }

    #[test]
    fn it_says_how_many_since_when_and_why() {
        let finding = only(|evidence| untold(evidence, 90));
        assert!(finding.what.contains("3 sign-outs"), "{finding:?}");
        assert!(finding.seen.contains("since 2026-11-23 10:30 UTC: it answered 503"), "{finding:?}");
        assert!(finding.change[0].text.ends_with(" 'https://netbox.example.org/out?a=1&b=2'"), "{finding:?}");
    }
}
