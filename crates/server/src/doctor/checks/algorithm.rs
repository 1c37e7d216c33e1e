//! The algorithm of the key that signs: NetBox takes RS256 and nothing else, unless it is told to.

use super::{CONFIGURATION, word};
use crate::doctor::{evidence::Evidence, finding::Finding};

/// What every OpenID Connect client can check (OpenID Connect Core 1.0, section 15.1).
const USUAL: &str = "RS256";

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let house = &evidence.house;
    let Some(ours) = &house.oauth else { return };
    let seen = format!("the application's signing key makes {}", ours.algorithm);
    if ours.algorithm == USUAL {
        findings.push(
            Finding::ok("algorithm", "Tokens are signed with RS256, which every application can check").seen(seen),
        );
        return;
    }
    let key = house.rsa_key.as_deref().unwrap_or("NAME");
    let edit = format!("doorward app edit {} --signing-key {}", house.slug, word(key));
    let command = if house.rsa_key.is_some() {
        edit
    } else {
        format!("doorward key generate --name NAME --algorithm rsa-2048 && {edit}")
    };
    let what = if house.is_netbox {
        format!("Tokens are signed with {}, which NetBox refuses unless its settings allow it", ours.algorithm)
    } else {
        format!("Tokens are signed with {}, which not every application can check", ours.algorithm)
    };
    let finding =
        Finding::problem_if(house.is_netbox, "algorithm-not-rs256", what).seen(seen).change("a terminal", command);
    findings.push(if house.is_netbox {
        finding.change(CONFIGURATION, format!("SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ['{}']", ours.algorithm))
    } else {
        finding
    });
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, only, ours};
    use crate::doctor::finding::Severity;

    #[test]
    fn netbox_needs_rs256_and_others_mostly() {
        let finding = only(|e| ours(e).algorithm = "ES256".into());
        assert_eq!((finding.id, finding.severity), ("algorithm-not-rs256", Severity::Problem));
        assert_eq!(finding.change[0].text, "doorward app edit netbox --signing-key default");
        assert_eq!(finding.change[1].text, "SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ['ES256']");
        let wiki = found("algorithm-not-rs256", |e| {
            ours(e).algorithm = "EdDSA".into();
            (e.house.is_netbox, e.house.rsa_key) = (false, None);
        });
        assert_eq!(wiki.severity, Severity::Note);
        assert!(wiki.change[0].text.starts_with("doorward key generate"));
    }
}
