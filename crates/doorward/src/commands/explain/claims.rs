//! `doorward explain claims`.

use doorward_server::explain::{
    claims::{self, ClaimsReport, OidcClaims},
    netbox_effect::{Effect, SuperuserChange},
};
use serde_json::{Value, json};

use super::super::Work;
use crate::{
    lookup,
    output::{joined, print, print_json, warning},
};

/// Prints what an application would be told.
pub async fn run(work: &Work, user: &str, application: &str, scopes: &[String]) -> anyhow::Result<()> {
    lookup::application(&work.app, application)?;
    lookup::user(&work.app, user).await?;
    let scopes = (!scopes.is_empty()).then(|| scopes.iter().cloned().collect());
    let report = claims::explain(&work.app, application, user, scopes.as_ref()).await?;
    for text in warnings(&report) {
        warning(&text);
    }
    if work.output.is_json() { print_json(&json!(report)) } else { print(&in_words(&report)) }
}

fn warnings(report: &ClaimsReport) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(oidc) = &report.oidc {
        if let Some(failure) = &oidc.failure {
            warnings.push(format!("nothing would be issued: {failure}"));
        }
        if !oidc.ignored_scopes.is_empty() {
            let ignored: Vec<&String> = oidc.ignored_scopes.iter().collect();
            warnings.push(format!("the application may not ask for {}, which is passed over", joined(&ignored)));
        }
    }
    warnings.extend(report.netbox.iter().flat_map(|effect| effect.warnings.iter().cloned()));
    warnings.dedup();
    warnings
}

fn in_words(report: &ClaimsReport) -> String {
    let mut parts: Vec<String> = report.oidc.iter().flat_map(oidc).collect();
    if let Some(shown) = &report.ldap {
        let lines = shown.attributes.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let lines: String = lines.map(|(name, value)| format!("{name}: {value}\n")).collect();
        parts.push(format!("LDAP entry\ndn: {}\n{lines}", shown.dn));
    }
    parts.extend(report.netbox.iter().map(netbox));
    parts.join("\n")
}

fn oidc(oidc: &OidcClaims) -> Vec<String> {
    if oidc.failure.is_some() {
        return Vec::new();
    }
    let scopes: Vec<&String> = oidc.scopes.iter().collect();
    vec![
        format!("Scopes: {}\n", joined(&scopes)),
        block("ID token", &json!(oidc.id_token)),
        block("Access token", &json!(oidc.access_token)),
        block("Userinfo", &oidc.userinfo),
    ]
}

/// JSON over several lines, under a title.
fn block(title: &str, value: &Value) -> String {
    format!("{title}\n{value:#}\n")
}

fn netbox(effect: &Effect) -> String {
    let mut lines = vec![format!("What NetBox does ({})", effect.method.label())];
    lines.push(format!("  account    {}", effect.account_text));
    for change in &effect.fields {
        let before = change.before.as_ref().map(|before| format!(" (now \"{before}\")")).unwrap_or_default();
        lines.push(format!("  {:9}  becomes \"{}\"{before}", change.field, change.after));
    }
    let groups = &effect.groups;
    for (verb, names) in [
        ("joins", &groups.added),
        ("leaves", &groups.removed),
        ("stays in", &groups.kept),
        ("not touched:", &groups.untouched),
        ("passed over:", &groups.ignored),
    ] {
        if !names.is_empty() {
            lines.push(format!("  groups     {verb} {}", joined(names)));
        }
    }
    lines.push(format!("  groups     {}", groups.text));
    let change = match effect.superuser.change {
        SuperuserChange::Granted => "yes",
        SuperuserChange::Revoked => "no",
        SuperuserChange::Unchanged => "stays as it is",
        SuperuserChange::Fails => "the sign-in fails",
    };
    lines.push(format!("  superuser  {change}: {}", effect.superuser.why));
    lines.join("\n") + "\n"
}
