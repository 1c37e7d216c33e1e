//! The certificates of both ends, and who trusts them.

use super::CONFIGURATION;
use crate::doctor::{
    evidence::{Begin, Evidence},
    finding::Finding,
    tls::{SOON, TlsSeen, Verdict},
};

/// Whose certificates they are.
#[derive(Debug, Clone, Copy)]
struct Owner<'a> {
    name: &'a str,
    /// Where its certificate is changed.
    place: &'a str,
    /// Whether an application in Python has to trust it.
    is_for_python: bool,
    /// Whether such an application does: it was seen to.
    is_trusted_there: bool,
}

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let is_reached = matches!(begin(evidence), Some(Begin::Sent(_)));
    if let Some(tls) = evidence.public.as_ref().and_then(|public| public.tls.as_ref()) {
        let owner = Owner {
            name: "Doorward",
            place: "the proxy in front of Doorward, or tls_certificate in doorward.toml",
            is_for_python: evidence.house.is_netbox,
            is_trusted_there: is_reached,
        };
        judge(tls, owner, findings);
    }
    if let Some(tls) = evidence.end.as_ref().and_then(|end| end.tls.as_ref()) {
        let place = format!("the web server in front of {}", evidence.house.name);
        let owner = Owner { name: &evidence.house.name, place: &place, is_for_python: false, is_trusted_there: true };
        judge(tls, owner, findings);
    }
}

fn begin(evidence: &Evidence) -> Option<&Begin> {
    evidence.end.as_ref()?.netbox.as_ref()?.begin.as_ref()
}

fn judge(tls: &TlsSeen, owner: Owner<'_>, findings: &mut Vec<Finding>) {
    let name = owner.name;
    let seen = format!("TLS with {}", tls.authority);
    let renew = |finding: Finding| finding.change(owner.place, "a certificate for this name whose time is not over");
    let finding = match &tls.here {
        Err(reason) => Finding::problem("tls-failed", format!("{name} does not speak TLS at its https address"))
            .seen(format!("{seen}: {reason}"))
            .change(owner.place, "serve https there, or use an http address"),
        Ok(Verdict::Expired) => {
            renew(Finding::problem("tls-expired", format!("The certificate of {name} has expired")).seen(seen))
        }
        Ok(Verdict::Early) => {
            let what = format!("The certificate of {name} is not valid yet, by this machine's clock");
            renew(Finding::problem("tls-expired", what).seen(seen))
        }
        Ok(Verdict::WrongName(names)) => {
            let what = format!("The certificate of {name} is for another name");
            renew(
                Finding::problem("tls-name", what)
                    .seen(format!("{seen}: it is for {}", super::listed(names.iter().map(String::as_str)))),
            )
        }
        Ok(Verdict::Refused(reason)) => {
            let what = format!("The certificate of {name} is refused");
            renew(Finding::problem("tls-refused", what).seen(format!("{seen}: {reason}")))
        }
        Ok(Verdict::UnknownIssuer) => unknown(tls, owner).seen(seen),
        Ok(Verdict::Trusted) if owner.is_for_python && is_private(tls) => private(owner).seen(seen),
        Ok(Verdict::Trusted) if tls.ends_soon => {
            let days = SOON.as_secs() / 86_400;
            renew(
                Finding::note("tls-ends-soon", format!("The certificate of {name} expires within {days} days"))
                    .seen(seen),
            )
        }
        Ok(Verdict::Trusted) => Finding::ok("tls", format!("The certificate of {name} is in order")).seen(seen),
    };
    findings.push(finding);
}

fn is_private(tls: &TlsSeen) -> bool {
    tls.python == Some(Verdict::UnknownIssuer)
}

/// Not even this machine trusts it.
fn unknown(tls: &TlsSeen, owner: Owner<'_>) -> Finding {
    if owner.is_for_python && is_private(tls) {
        return private(owner);
    }
    let what = format!(
        "The certificate of {} is from an authority that this machine does not trust, or self-signed",
        owner.name
    );
    let finding = Finding::note("tls-unknown-authority", what);
    finding.change("this machine", "add the authority to the system's certificates (Debian: /usr/local/share/ca-certificates/ and update-ca-certificates)")
}

/// Python's requests trusts Mozilla's list and nothing else, whatever the machine it runs on trusts.
fn private(owner: Owner<'_>) -> Finding {
    let what = if owner.is_trusted_there {
        "Doorward's certificate is from a private authority; NetBox was told to trust it"
    } else {
        "Doorward's certificate is from a private authority, which NetBox does not trust by itself, even if its machine does"
    };
    let finding = Finding::problem_if(!owner.is_trusted_there, "tls-private-authority", what);
    if owner.is_trusted_there {
        return finding;
    }
    finding
        .change("the environment of NetBox's service", "REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt")
        .change(CONFIGURATION, "SOCIAL_AUTH_OIDC_VERIFY_SSL = '/path/to/the/authority.pem'")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{end, found, named, only, trusted};
    use super::*;
    use crate::{doctor::finding::Severity, recipes::Options};

    fn ours(evidence: &mut Evidence, here: Verdict) {
        evidence.public.as_mut().unwrap().tls.as_mut().unwrap().here = Ok(here);
    }

    #[test]
    fn every_fault_of_a_certificate_is_named() {
        let problem = |id| (id, Severity::Problem);
        assert_eq!(named(|e| ours(e, Verdict::Expired)), problem("tls-expired"));
        assert_eq!(named(|e| ours(e, Verdict::Early)), problem("tls-expired"));
        assert_eq!(named(|e| ours(e, Verdict::WrongName(vec!["x".into()]))), problem("tls-name"));
        assert_eq!(named(|e| ours(e, Verdict::Refused("odd".into()))), problem("tls-refused"));
        let failed = TlsSeen { here: Err("no TLS".into()), python: None, ..trusted("netbox.example.org:443") };
        assert_eq!(named(|e| e.end.as_mut().unwrap().tls = Some(failed)), problem("tls-failed"));
        let theirs = |e: &mut Evidence| e.end.as_mut().unwrap().tls.as_mut().unwrap().here = Ok(Verdict::UnknownIssuer);
        assert_eq!(named(theirs), ("tls-unknown-authority", Severity::Note));
        let soon = |e: &mut Evidence| e.public.as_mut().unwrap().tls.as_mut().unwrap().ends_soon = true;
        assert_eq!(named(soon), ("tls-ends-soon", Severity::Note));
    }

    #[test]
    fn a_private_authority_matters_only_until_netbox_trusts_it() {
        let private = |e: &mut Evidence| {
            e.public.as_mut().unwrap().tls.as_mut().unwrap().python = Some(Verdict::UnknownIssuer);
        };
        assert_eq!(named(private), ("tls-private-authority", Severity::Note));
        let finding = found("tls-private-authority", |e| {
            private(e);
            end(e).begin = Some(Begin::BackToLogin);
        });
        assert_eq!(finding.severity, Severity::Problem);
        assert!(finding.change[0].text.starts_with("REQUESTS_CA_BUNDLE="));
    }

    #[test]
    fn an_application_that_is_no_python_may_trust_what_this_machine_trusts() {
        let finding = only(|e| {
            e.house.is_netbox = false;
            e.end = None;
            e.house.options = Options::default();
            ours(e, Verdict::UnknownIssuer);
        });
        assert_eq!(finding.id, "tls-unknown-authority");
    }
}
