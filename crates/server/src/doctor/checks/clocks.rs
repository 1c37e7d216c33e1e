//! The difference between the two clocks. NetBox refuses tokens from its future by more than a second, and of ten minutes ago.

use doorward_protocols::oidc::id_token::ISSUED_AT_MARGIN;

use super::CONFIGURATION;
use crate::doctor::{clock::said, evidence::Evidence, finding::Finding};

/// What NetBox allows a token to be from its future, in milliseconds, unless it is told otherwise.
const LEEWAY: i64 = 1000;
/// How old a token may be for NetBox, in milliseconds.
const AGE_MAX: i64 = 600_000;

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(end) = &evidence.end else { return };
    let name = &evidence.house.name;
    let Some(skew) = end.skew else {
        if end.front.outcome.is_ok() {
            findings.push(Finding::skipped(
                "clock",
                format!("{name} does not say what time it is, so that the clocks were not compared"),
            ));
        }
        return;
    };
    let margin = i64::try_from(ISSUED_AT_MARGIN.as_millis()).unwrap_or_default();
    let certain = skew.certain();
    let seen = format!(
        "its Date header is ahead of this machine's clock by {} to {} ms (negative: behind)",
        skew.least, skew.most
    );
    let leeway = "SOCIAL_AUTH_OIDC_JWT_LEEWAY = 30  # seconds; NetBox 4.3.4 and later";
    let ntp = |finding: Finding| {
        finding.seen(&seen).change("both machines", "keep the clocks right: NTP (timedatectl set-ntp true)")
    };
    let with_leeway =
        |finding: Finding| if evidence.house.is_netbox { finding.change(CONFIGURATION, leeway) } else { finding };
    findings.push(if certain < -(LEEWAY + margin) {
        let what = format!("The clock of {name} is {} behind: it takes every token for one from the future and refuses it", said(certain));
        with_leeway(ntp(Finding::problem("clock-behind", what)))
    } else if certain > AGE_MAX - margin - LEEWAY {
        let what = format!("The clock of {name} is {} ahead: it takes every token for too old and refuses it", said(certain));
        ntp(Finding::problem("clock-ahead", what))
    } else if certain.abs() > LEEWAY {
        let direction = if certain < 0 { "behind" } else { "ahead" };
        let what = format!(
            "The clock of {name} is {} {direction}, which is more than the second that NetBox and others allow; it works because \
             Doorward dates its tokens {} back",
            said(certain),
            said(margin)
        );
        with_leeway(ntp(Finding::note("clock-differs", what)))
    } else {
        Finding::ok("clock", format!("The clocks of Doorward and {name} agree")).seen(seen)
    });
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, named, only};
    use super::*;
    use crate::doctor::{clock::Skew, finding::Severity};

    fn ahead(evidence: &mut Evidence, milliseconds: i64) {
        evidence.end.as_mut().unwrap().skew = Some(Skew { least: milliseconds - 400, most: milliseconds + 400 });
    }

    #[test]
    fn both_directions_have_their_own_limit() {
        assert_eq!(named(|e| ahead(e, -7000)), ("clock-behind", Severity::Problem));
        assert_eq!(named(|e| ahead(e, -6300)), ("clock-differs", Severity::Note));
        assert_eq!(named(|e| ahead(e, -1500)), ("clock-differs", Severity::Note));
        assert_eq!(named(|e| ahead(e, 300_000)), ("clock-differs", Severity::Note));
        assert_eq!(named(|e| ahead(e, 600_000)), ("clock-ahead", Severity::Problem));
        for fine in [-1300, 0, 1300] {
            assert_eq!(found("clock", |e| ahead(e, fine)).severity, Severity::Ok, "{fine}");
        }
    }

    #[test]
    fn it_says_how_much_and_the_line_that_helps() {
        let finding = only(|e| ahead(e, -20_000));
        assert!(finding.what.contains("19.6 s behind"), "{}", finding.what);
        assert!(finding.change.iter().any(|change| change.text.starts_with("SOCIAL_AUTH_OIDC_JWT_LEEWAY")));
    }

    #[test]
    fn a_server_without_a_clock_is_not_judged() {
        assert_eq!(found("clock", |e| e.end.as_mut().unwrap().skew = None).severity, Severity::Skipped);
    }
}
