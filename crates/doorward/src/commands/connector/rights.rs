//! `doorward connector check` and `permissions`.

use clap::ValueEnum;
use doorward_server::connector::rights::{self, NeededPermission, Reach, Severity};
use serde_json::json;

use super::super::Work;
use crate::{
    exit,
    output::{print, print_json},
};

/// Whom the token can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Whom {
    /// Whoever signs in by OpenID Connect, but no superuser
    #[default]
    Oidc,
    /// Whoever signs in by OpenID Connect, superusers too: they can be cut off
    OidcSuperusers,
    /// Everybody but superusers: for sign-in by LDAP or behind a proxy
    Everybody,
}

impl From<Whom> for Reach {
    fn from(whom: Whom) -> Self {
        match whom {
            Whom::Oidc => Self::SignedInByOidc,
            Whom::OidcSuperusers => Self::SignedInByOidcWithSuperusers,
            Whom::Everybody => Self::AllButSuperusers,
        }
    }
}

/// Checks what the token may do.
pub async fn check(work: &Work, slug: &str) -> anyhow::Result<()> {
    super::find(work, slug).await?;
    let report = rights::check(&work.app, slug).await?;
    if work.output.is_json() {
        print_json(&json!(report))?;
    } else {
        let lines = report.findings.iter().map(|finding| {
            let severity = match finding.severity {
                Severity::Missing => "missing",
                Severity::TooMuch => "too much",
                Severity::Note => "note",
            };
            format!("{severity:8}  {}\n", finding.text)
        });
        let head = format!("NetBox {}, as {}\n", report.netbox_version, report.account);
        print(&format!("{head}{}", lines.collect::<String>()))?;
    }
    if report.found_something() {
        return Err(exit::found(format!(
            "the account of the API token should be changed; doorward connector permissions prints what {} needs",
            report.account
        )));
    }
    if !work.output.is_json() {
        print("The account may do what is needed.")?;
    }
    Ok(())
}

/// Prints the least that is enough.
pub fn permissions(work: &Work, whom: Whom) -> anyhow::Result<()> {
    let needed = rights::permissions(whom.into());
    if work.output.is_json() {
        return print_json(&json!(needed));
    }
    print(&in_words(&needed))
}

fn in_words(needed: &[NeededPermission]) -> String {
    let steps = needed.iter().map(|permission| {
        let constraints =
            if permission.constraints.is_null() { "none".to_owned() } else { permission.constraints.to_string() };
        format!(
            "\n  Name         {}\n  Object type  {}\n  Actions      {}\n  Constraints  {constraints}\n  ({})\n",
            permission.name,
            permission.object_types.join(", "),
            permission.actions.join(", "),
            permission.why
        )
    });
    let calls = needed.iter().map(|permission| format!("\n{}\n", call(permission)));
    format!(
        "In NetBox, under Admin: add a user \"doorward\" that nobody signs in with, with a password that nobody knows. Under \
         Permissions add these, each for that user:\n{}\n\
         Then add an API token for it (writing allowed; allowed IPs: the address of Doorward), and keep it with\n  \
         doorward connector set APP --token-file FILE\n\n\
         The same permissions by the REST API, with a superuser's token in $TOKEN (as Bearer nbt_KEY.TOKEN), NetBox's address in $NETBOX and the number \
         of the user in $ID:\n{}",
        steps.collect::<String>(),
        calls.collect::<String>()
    )
}

/// One permission as a call. Nothing in it needs quotes of the shell but those around it.
fn call(permission: &NeededPermission) -> String {
    let body = json!({
        "name": permission.name,
        "description": permission.why,
        "enabled": true,
        "object_types": permission.object_types,
        "actions": permission.actions,
        "constraints": permission.constraints,
    });
    let body = body.to_string();
    let body = body.strip_suffix('}').unwrap_or(&body);
    format!(
        "curl -fsS \"$NETBOX/api/users/permissions/\" -H \"Authorization: $TOKEN\" -H 'Content-Type: application/json' \\\n  \
         -d '{body},\"users\":['\"$ID\"']}}'"
    )
}
