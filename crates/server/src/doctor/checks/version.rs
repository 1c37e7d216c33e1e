//! What depends on the version of NetBox. Which version can do what stands in its recipe.

use doorward_core::provider::ClientType;

use super::{CONFIGURATION, word};
use crate::{
    doctor::{
        evidence::{Evidence, House, NetBoxEnd},
        finding::Finding,
    },
    recipes::{AppVersion, parse_version, show_version},
};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(netbox) = evidence.end.as_ref().and_then(|end| end.netbox.as_ref()) else { return };
    let Some(version) = version(evidence) else {
        findings.push(Finding::skipped(
            "version",
            "NetBox does not say its version, so that nothing that depends on it was checked",
        ));
        return;
    };
    let shown = show_version(version);
    findings.push(Finding::ok("version", format!("NetBox is version {shown}")).seen("its login page says so"));
    let lacks = |feature: &str| evidence.house.features.get(feature).filter(|since| version < **since).copied();
    findings.extend(launch_url(&evidence.house, version, netbox));
    let is_public = evidence.house.oauth.as_ref().is_some_and(|ours| ours.client_type == ClientType::Public);
    if let Some(since) = lacks("pkce").filter(|_| is_public) {
        let what = format!("The application is a public client, which must use PKCE, and NetBox {shown} cannot");
        findings.push(
            Finding::problem("version-no-pkce", what)
                .seen(format!("PKCE came with NetBox {}", show_version(since)))
                .change("a terminal", format!("doorward app edit {} --confidential", evidence.house.slug))
                .change("NetBox", format!("upgrade to {} or later", show_version(since))),
        );
    }
    if let Some(since) = lacks("jwt_leeway") {
        findings.push(
            Finding::note(
                "version-no-leeway",
                format!("NetBox {shown} allows its clock to differ by one second and no more"),
            )
            .seen(format!("the setting for more came with {}", show_version(since)))
            .change("both machines", "keep the clocks right: NTP"),
        );
    }
    let has_superusers = !evidence.house.options.superuser_groups.is_empty();
    if let Some(since) = lacks("superuser_setting").filter(|_| has_superusers) {
        findings.push(
            Finding::note(
                "version-superuser",
                format!("NetBox {shown} takes superuser status only by the Python function in the printed settings"),
            )
            .seen(format!("the settings that do without came with {}", show_version(since)))
            .change(
                CONFIGURATION,
                format!("what this prints: doorward app config {} --netbox-version {shown}", evidence.house.slug),
            ),
        );
    }
}

/// The version, by the page, the API with a token, or at least the series.
pub(super) fn version(evidence: &Evidence) -> Option<AppVersion> {
    let netbox = evidence.end.as_ref()?.netbox.as_ref()?;
    let told = evidence.inventory.as_ref().and_then(|inventory| inventory.as_ref().ok()?.version);
    netbox.login.version.or(told).or_else(|| parse_version(netbox.api_version.as_deref()?).ok())
}

/// A tile that leads to where signing in began before 4.7.
fn launch_url(house: &House, version: AppVersion, netbox: &NetBoxEnd) -> Option<Finding> {
    let since = *house.features.get("begin_needs_post")?;
    let begins = house.launch_url.contains("/oauth/login/") || house.launch_url.contains("/oauth/begin/");
    (version >= since && begins && netbox.login.is_netbox).then(|| {
        let base = house.launch_url.split("/oauth/").next().unwrap_or_default();
        Finding::problem(
            "launch-url-refused",
            "The application's tile leads to an address that NetBox refuses since 4.7: signing in begins with a form",
        )
        .seen(format!("the launch URL is {}", house.launch_url))
        .change(
            "a terminal",
            format!("doorward app edit {} --launch-url {}", house.slug, word(&format!("{base}/login/?next=/"))),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{end, found, named, netbox, ours};
    use super::*;
    use crate::doctor::finding::Severity;

    #[test]
    fn the_version_is_found_wherever_it_is_told() {
        let mut evidence = netbox();
        assert_eq!(version(&evidence), Some((4, 7, 3)));
        end(&mut evidence).login.version = None;
        assert_eq!(version(&evidence), Some((4, 7, 0)));
        end(&mut evidence).api_version = None;
        assert_eq!(version(&evidence), None);
        let unknown = |e: &mut Evidence| (end(e).login.version, end(e).api_version) = (None, None);
        assert_eq!(found("version", unknown).severity, Severity::Skipped);
    }

    #[test]
    fn what_an_old_version_cannot_do_is_said_where_it_matters() {
        let old = |e: &mut Evidence| end(e).login.version = Some((4, 2, 0));
        assert_eq!(found("version-no-leeway", old).severity, Severity::Note);
        assert_eq!(found("version-superuser", old).severity, Severity::Note);
        let public = |e: &mut Evidence| {
            old(e);
            ours(e).client_type = ClientType::Public;
        };
        assert_eq!(found("version-no-pkce", public).severity, Severity::Problem);
    }

    #[test]
    fn a_tile_that_netbox_refuses_since_4_7_is_named_with_the_command() {
        let old = "https://netbox.example.org/oauth/login/oidc/";
        assert_eq!(named(|e| e.house.launch_url = old.into()), ("launch-url-refused", Severity::Problem));
        let finding = found("launch-url-refused", |e| e.house.launch_url = old.into());
        let command = "doorward app edit netbox --launch-url 'https://netbox.example.org/login/?next=/'";
        assert_eq!(finding.change[0].text, command);
    }
}
