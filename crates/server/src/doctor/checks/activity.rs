//! What went wrong lately: a wrong secret cannot be seen from outside, but the last refused request says it.

use doorward_core::timeline::{Ending, StepKind};
use jiff::{SignedDuration, Timestamp};

use super::{CONFIGURATION, begin::endpoint_line, word};
use crate::doctor::{
    collect::FAILURES_WITHIN,
    evidence::{AttemptSeen, Evidence, Failure, House},
    finding::Finding,
};

/// What failed so recently, and was not followed by a token, is still so.
const RECENTLY: SignedDuration = SignedDuration::from_hours(1);
/// Most failures that are told.
const TOLD_MAX: usize = 3;

pub(super) fn check(evidence: &Evidence, now: Timestamp, findings: &mut Vec<Finding>) {
    let activity = &evidence.activity;
    let last_good = activity.last_attempt.as_ref().filter(|attempt| attempt.conclusion.ending == Ending::Good);
    let last_good = last_good.map(|attempt| attempt.at).max(activity.last_token_at);
    let is_current = |failure: &&Failure| {
        let is_recent = now.duration_since(failure.at) <= RECENTLY;
        is_recent && last_good.is_none_or(|good| failure.at > good)
    };
    findings.extend(activity.last_attempt.as_ref().and_then(|attempt| silence(evidence, attempt, now)));
    let current: Vec<&Failure> = activity.failures.iter().filter(is_current).collect();
    let secret = current.iter().find(|failure| is_wrong_secret(failure));
    findings.extend(secret.map(|failure| wrong_secret(&evidence.house, failure)));
    let tried = current.iter().find_map(|failure| Some((failure, refused_uri(failure)?)));
    findings.extend(tried.map(|(failure, uri)| wrong_uri(&evidence.house, failure, uri)));
    let stranger = activity
        .strangers
        .iter()
        .filter(is_current)
        .find(|failure| failure.text.contains("no application has the client ID"));
    findings.extend(stranger.map(|failure| {
        Finding::note("unknown-client", "Some application used a client ID that nobody has here")
            .seen(told(failure))
            .change("the settings of that application", "the client ID on its page here")
    }));
    let others: Vec<String> = activity.failures.iter().take(TOLD_MAX).map(told).collect();
    let hours = FAILURES_WITHIN.as_hours();
    if others.is_empty() {
        findings.push(
            Finding::ok("activity", format!("Nothing failed in the last {hours} hours")).seen("the activity log"),
        );
    } else if secret.is_none() && tried.is_none() {
        let count = activity.failures.len();
        findings.push(
            Finding::note("recent-failures", format!("{count} sign-ins or requests failed in the last {hours} hours"))
                .seen(others.join("; ")),
        );
    }
}

/// The application did not do what comes next. Only Doorward sees that: the application shows one message for all faults.
fn silence(evidence: &Evidence, attempt: &AttemptSeen, now: Timestamp) -> Option<Finding> {
    let conclusion = &attempt.conclusion;
    let seen =
        format!("{} (reference {}, {})", conclusion.text, attempt.reference, attempt.at.strftime("%H:%M:%S UTC"));
    if now.duration_since(attempt.at) > FAILURES_WITHIN {
        return None;
    }
    let name = &evidence.house.name;
    match (conclusion.ending, attempt.last_step) {
        (Ending::Good, _) => {
            Some(Finding::ok("last-sign-in", format!("The last sign-in to {name} went through")).seen(seen))
        }
        (Ending::Failed, StepKind::CodeSent) => Some(
            Finding::problem("code-not-exchanged", format!("{name} did not exchange the code of the last sign-in"))
                .seen(seen)
                .change(
                    format!("the machine of {name} (inside the container, if it is one)"),
                    format!("curl -v {}", evidence.house.public_url),
                ),
        ),
        (Ending::Failed, StepKind::Tokens) if attempt.is_ok => {
            let finding = Finding::problem(
                "id-token-refused",
                format!("{name} refused the ID token of the last sign-in: clock, issuer or algorithm"),
            )
            .seen(seen);
            Some(if evidence.house.is_netbox {
                finding.change(CONFIGURATION, endpoint_line(&evidence.house)).change(
                    CONFIGURATION,
                    "SOCIAL_AUTH_RAISE_EXCEPTIONS = True  # for a while: the next sign-in names the reason",
                )
            } else {
                finding.change(format!("the settings of {name}"), "issuer and algorithm as on its page here")
            })
        }
        _ => None,
    }
}

fn is_wrong_secret(failure: &Failure) -> bool {
    failure.kind == "token_failed" && failure.text.contains("invalid_client")
}

/// A wrong secret, a missing one, or one from a client that should have none.
fn wrong_secret(house: &House, failure: &Failure) -> Finding {
    let (name, slug) = (&house.name, &house.slug);
    let is_public = failure.text.contains("a public client sent");
    let what = if is_public {
        format!("{name} sends a client secret, but the application is a public client here")
    } else {
        format!("{name} sends a wrong client secret, or none")
    };
    let finding = Finding::problem("client-secret-refused", what).seen(told(failure));
    if is_public {
        return finding.change("a terminal", format!("doorward app edit {slug} --confidential"));
    }
    let source = format!("printed by: doorward app show {slug} --show-secret");
    if house.is_netbox {
        return finding.change(CONFIGURATION, format!("SOCIAL_AUTH_OIDC_SECRET = '…'  # {source}"));
    }
    finding.change("the application's settings", format!("the client secret, {source}"))
}

/// The redirect URI that was refused: `the redirect URI "…" is refused`.
fn refused_uri(failure: &Failure) -> Option<&str> {
    failure.text.split_once("the redirect URI \"")?.1.split_once("\" is refused").map(|(uri, _)| uri)
}

fn wrong_uri(house: &House, failure: &Failure, uri: &str) -> Finding {
    Finding::problem("redirect-uri-tried", format!("{} tried to use a redirect URI that is not registered", house.name))
        .seen(told(failure))
        .change(
            "a terminal, if the address is right",
            format!("doorward app edit {} --add-redirect-uri {}", house.slug, word(uri)),
        )
}

fn told(failure: &Failure) -> String {
    format!("{} (reference {}, {})", failure.text, failure.reference, failure.at.strftime("%H:%M:%S UTC"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, named, now, only};
    use super::*;
    use crate::doctor::finding::Severity;
    use doorward_core::timeline::Conclusion;

    fn failed(kind: &str, text: &str, minutes_ago: i64) -> Failure {
        let at = now().checked_sub(SignedDuration::from_mins(minutes_ago)).unwrap();
        Failure { at, kind: kind.into(), text: text.into(), reference: "ABCDEFGHJK".into() }
    }

    const SECRET: &str = "NetBox: invalid_client: the client secret is wrong";

    #[test]
    fn a_wrong_secret_is_told_by_the_last_request() {
        let finding = only(|e| e.activity.failures.push(failed("token_failed", SECRET, 5)));
        assert_eq!((finding.id, finding.severity), ("client-secret-refused", Severity::Problem));
        assert!(finding.change[0].text.contains("doorward app show netbox --show-secret"));
    }

    #[test]
    fn what_was_put_right_since_or_is_long_ago_is_only_a_note() {
        let note = ("recent-failures", Severity::Note);
        assert_eq!(named(|e| e.activity.failures.push(failed("token_failed", SECRET, 61))), note);
        let since = |e: &mut Evidence| {
            e.activity.failures.push(failed("token_failed", SECRET, 5));
            e.activity.last_token_at = Some(now());
        };
        assert_eq!(named(since), note);
    }

    fn ended(evidence: &mut Evidence, ending: Ending, last_step: StepKind, text: &str) {
        let conclusion = Conclusion { ending, text: text.into(), advice: String::new() };
        let at = now().checked_sub(SignedDuration::from_mins(2)).unwrap();
        evidence.activity.last_attempt =
            Some(AttemptSeen { at, last_step, is_ok: true, conclusion, reference: "ABCDEFGHJK".into() });
    }

    #[test]
    fn what_the_application_did_not_do_next_tells_its_fault() {
        let problem = |id| (id, Severity::Problem);
        let text = "NetBox refused the ID token: it got its tokens and never asked userinfo.";
        assert_eq!(named(|e| ended(e, Ending::Failed, StepKind::Tokens, text)), problem("id-token-refused"));
        assert_eq!(named(|e| ended(e, Ending::Failed, StepKind::CodeSent, "never")), problem("code-not-exchanged"));
        assert_eq!(found("last-sign-in", |e| ended(e, Ending::Good, StepKind::Userinfo, "ok")).severity, Severity::Ok);
    }

    #[test]
    fn a_sign_in_that_went_through_clears_what_failed_before() {
        let cleared = |e: &mut Evidence| {
            e.activity.failures.push(failed("token_failed", SECRET, 5));
            ended(e, Ending::Good, StepKind::Userinfo, "ok");
        };
        assert_eq!(named(cleared), ("recent-failures", Severity::Note));
    }

    #[test]
    fn a_refused_redirect_uri_comes_with_the_command_safe_for_a_shell() {
        let text = "NetBox: the redirect URI \"http://nb/x';reboot\" is refused: it is not registered";
        let finding =
            found("redirect-uri-tried", |e| e.activity.failures.push(failed("authorization_failed", text, 5)));
        assert_eq!(finding.change[0].text, "doorward app edit netbox --add-redirect-uri 'http://nb/x'\\'';reboot'");
    }

    #[test]
    fn an_unknown_client_id_may_be_this_application() {
        let text = "no application has the client ID \"old\"";
        assert_eq!(
            named(|e| e.activity.strangers.push(failed("authorization_failed", text, 5))),
            ("unknown-client", Severity::Note)
        );
    }
}
