//! Whether the application believes an identity that anybody can send in a header.

use super::{CONFIGURATION, listed};
use crate::doctor::{
    evidence::{Evidence, HeaderTrial},
    finding::Finding,
};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    if evidence.headers.is_empty() && !evidence.house.identity_headers.is_empty() {
        findings.push(
            Finding::skipped("headers", "Whether identity headers from outside are believed was not tried: it may make a user in the application")
                .change("a terminal", format!("doorward doctor {} --check-headers", evidence.house.slug)),
        );
    }
    findings.extend(evidence.headers.iter().map(judge));
}

fn judge(trial: &HeaderTrial) -> Finding {
    let names = listed(trial.headers.iter().map(String::as_str));
    let seen = format!("GET {} with {names}: {}", trial.url, trial.username);
    match &trial.outcome {
        Ok(200..300) => Finding::problem(
            "headers-open",
            "Whoever reaches NetBox can be anybody, superusers included: identity headers come through from outside",
        )
        .seen(format!(
            "{seen}: answered as a signed-in user. NetBox may have made the user {} for this: delete it",
            trial.username
        ))
        .change(
            "nginx in front of NetBox",
            trial.headers.iter().map(|name| format!("proxy_set_header {name} \"\";")).collect::<Vec<_>>().join("\n"),
        )
        .change("NetBox's gunicorn", "bind = '127.0.0.1:8001'  # so that nobody comes past the proxy")
        .change(CONFIGURATION, "REMOTE_AUTH_ENABLED = False  # if nobody signs in by headers"),
        Ok(status) => {
            Finding::ok("headers", "Identity headers from outside are not believed").seen(format!("{seen}: {status}"))
        }
        Err(error) => Finding::skipped("headers", "Whether identity headers are believed could not be tried")
            .seen(format!("{seen}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, named};
    use super::*;
    use crate::doctor::finding::Severity;

    fn tried(evidence: &mut Evidence, status: u16) {
        evidence.headers.push(HeaderTrial {
            url: "https://netbox.example.org/api/users/config/".into(),
            headers: vec!["Remote-User".into()],
            username: "doorward-doctor-x".into(),
            outcome: Ok(status),
        });
    }

    #[test]
    fn an_open_door_is_a_problem_and_says_what_was_left_behind() {
        assert_eq!(named(|e| tried(e, 200)), ("headers-open", Severity::Problem));
        let finding = found("headers-open", |e| tried(e, 200));
        assert!(finding.seen.contains("doorward-doctor-x for this: delete it"), "{finding:?}");
        assert_eq!(finding.change[0].text, "proxy_set_header Remote-User \"\";");
        assert_eq!(found("headers", |e| tried(e, 403)).severity, Severity::Ok);
    }

    #[test]
    fn what_was_not_asked_for_is_not_tried() {
        let guarded = |e: &mut Evidence| e.house.identity_headers.push("Remote-User".into());
        assert_eq!(found("headers", guarded).severity, Severity::Skipped);
    }
}
