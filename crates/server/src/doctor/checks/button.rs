//! The way in on NetBox's login page: the button, and the form that should not stand beside it for ever.

use super::CONFIGURATION;
use crate::doctor::{evidence::Evidence, finding::Finding};

/// The line that turns the button on.
pub(super) const BACKEND_LINE: &str = "REMOTE_AUTH_BACKEND = 'social_core.backends.open_id_connect.OpenIdConnectAuth'";

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(netbox) = evidence.end.as_ref().and_then(|end| end.netbox.as_ref()) else { return };
    let (login, seen) = (&netbox.login, "GET /login/");
    if evidence.house.oauth.is_none() {
        return;
    }
    if !login.has_button && !login.has_password_form {
        findings.push(
            Finding::problem(
                "login-closed",
                "NetBox's login page has neither a button for Doorward nor a password form: nobody can sign in",
            )
            .seen(seen)
            .change(CONFIGURATION, BACKEND_LINE)
            .change(CONFIGURATION, "LOGIN_FORM_HIDDEN = False"),
        );
        return;
    }
    if !login.has_button {
        let others = super::listed(login.backends.iter().map(String::as_str));
        let others =
            if others.is_empty() { "no button at all".to_owned() } else { format!("buttons for {others} only") };
        findings.push(
            Finding::problem("button-missing", "NetBox's login page has no button for OpenID Connect")
                .seen(format!("{seen}: {others}"))
                .change(CONFIGURATION, BACKEND_LINE),
        );
        return;
    }
    findings.push(Finding::ok("button", "NetBox's login page has a button for OpenID Connect").seen(seen));
    if login.has_password_form {
        findings.push(
            Finding::note("form-visible", "NetBox still asks for name and password beside the button")
                .seen(seen)
                .change(
                    CONFIGURATION,
                    "LOGIN_FORM_HIDDEN = True  # when signing in with Doorward works; NetBox 4.3 and later",
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{end, found, named};
    use super::*;
    use crate::doctor::finding::Severity;

    fn no_button(evidence: &mut Evidence) {
        let login = &mut end(evidence).login;
        login.has_button = false;
        login.backends.clear();
    }

    #[test]
    fn a_page_without_a_way_in_is_worse_than_one_without_a_button() {
        assert_eq!(named(no_button), ("login-closed", Severity::Problem));
        let with_form = |e: &mut Evidence| {
            no_button(e);
            end(e).login.has_password_form = true;
        };
        assert_eq!(named(with_form), ("button-missing", Severity::Problem));
        assert_eq!(named(|e| end(e).login.has_password_form = true), ("form-visible", Severity::Note));
    }

    #[test]
    fn other_buttons_are_named() {
        let finding = found("button-missing", |e| {
            no_button(e);
            end(e).login.backends.insert("saml".into());
            end(e).login.has_password_form = true;
        });
        assert!(finding.seen.contains("buttons for saml only"), "{}", finding.seen);
    }
}
