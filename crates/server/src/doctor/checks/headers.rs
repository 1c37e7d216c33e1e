//! Whether the application believes an identity that anybody can send in a header.

use super::{CONFIGURATION, listed};
use crate::doctor::{evidence::Evidence, finding::Finding};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(trial) = evidence.end.as_ref().and_then(|end| end.headers.as_ref()) else { return };
    let names = listed(trial.headers.iter().map(String::as_str));
    let seen = format!("GET /api/users/config/ with {names}: {}", trial.username);
    findings.push(match &trial.outcome {
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
    });
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, named};
    use super::*;
    use crate::doctor::{evidence::HeaderTrial, finding::Severity};

    fn tried(evidence: &mut Evidence, status: u16) {
        let trial = HeaderTrial {
            headers: vec!["Remote-User".into()],
            username: "doorward-doctor-x".into(),
            outcome: Ok(status),
        };
        evidence.end.as_mut().unwrap().headers = Some(trial);
    }

    #[test]
    fn an_open_door_is_a_problem_and_says_what_was_left_behind() {
        assert_eq!(named(|e| tried(e, 200)), ("headers-open", Severity::Problem));
        let finding = found("headers-open", |e| tried(e, 200));
        assert!(finding.seen.contains("doorward-doctor-x for this: delete it"), "{finding:?}");
        assert_eq!(finding.change[0].text, "proxy_set_header Remote-User \"\";");
        assert_eq!(found("headers", |e| tried(e, 403)).severity, Severity::Ok);
    }
}
