//! What the API token's account may do: what is missing, what is too much, and the least that is enough.
//!
//! Nothing is changed to find out: NetBox says what is allowed when asked with `OPTIONS`, and whom that concerns when sent
//! what it cannot take.

use doorward_store as store;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::{Connected, find, settings};
use crate::{
    app::App,
    error::OperationResult,
    netbox::{NetBox, NetBoxError, NetBoxResult},
};

/// Of how many superusers it is asked whether they can be changed.
pub const SUPERUSERS_ASKED: usize = 20;

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something the connector needs is not allowed.
    Missing,
    /// Something is allowed that the connector does not need.
    TooMuch,
    /// Good to know.
    Note,
}

/// Something to know about the token's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it is meant.
    pub severity: Severity,
    /// What is so, and what to change.
    pub text: String,
}

/// What the token's account may do.
#[derive(Debug, Clone, Serialize)]
pub struct RightsReport {
    /// Version of NetBox.
    pub netbox_version: String,
    /// Name of the token's account.
    pub account: String,
    /// What is missing, too much, or good to know.
    pub findings: Vec<Finding>,
}

impl RightsReport {
    /// Whether something must or should change.
    pub fn found_something(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity != Severity::Note)
    }
}

/// A permission to be made in NetBox, with the members of its REST API.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeededPermission {
    /// Name.
    pub name: &'static str,
    /// Kinds of objects.
    pub object_types: Vec<&'static str>,
    /// What may be done.
    pub actions: Vec<&'static str>,
    /// With which of them; null for all.
    pub constraints: Value,
    /// What for.
    #[serde(rename = "description")]
    pub why: &'static str,
}

/// Who can be changed by the token, as NetBox's constraints say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Whoever signs in by OpenID Connect and is no superuser. Local accounts cannot be touched at all.
    SignedInByOidc,
    /// Whoever signs in by OpenID Connect, superusers included: they can be cut off, too.
    SignedInByOidcWithSuperusers,
    /// Everybody but superusers: for sign-in by LDAP or headers, which leave no trace in NetBox.
    AllButSuperusers,
}

/// The least that is enough.
pub fn permissions(reach: Reach) -> Vec<NeededPermission> {
    let (users, tokens) = match reach {
        Reach::SignedInByOidc => (
            json!({ "is_superuser": false, "social_auth__provider": "oidc" }),
            json!({ "user__is_superuser": false, "user__social_auth__provider": "oidc" }),
        ),
        Reach::SignedInByOidcWithSuperusers => {
            (json!({ "social_auth__provider": "oidc" }), json!({ "user__social_auth__provider": "oidc" }))
        }
        Reach::AllButSuperusers => (json!({ "is_superuser": false }), json!({ "user__is_superuser": false })),
    };
    let permission = |name, object_type, actions: &[&'static str], constraints, why| NeededPermission {
        name,
        object_types: vec![object_type],
        actions: actions.to_vec(),
        constraints,
        why,
    };
    vec![
        permission("Doorward: see users", "users.user", &["view"], Value::Null, "Find accounts, and see duplicates"),
        permission("Doorward: change users", "users.user", &["change"], users, "Groups, names, cutting off"),
        permission("Doorward: groups", "users.group", &["view", "add"], Value::Null, "Find groups, and make new ones"),
        permission("Doorward: see API tokens", "users.token", &["view"], Value::Null, "The inventory of API tokens"),
        permission(
            "Doorward: end API tokens",
            "users.token",
            &["change", "delete"],
            tokens,
            "Disable them when somebody is cut off; revoke them by hand",
        ),
    ]
}

/// Checks the token's account against the least that is enough.
///
/// # Errors
/// That there is no such application or connector; what NetBox says.
pub async fn check(app: &App, slug: &str) -> OperationResult<RightsReport> {
    let connected = find(app, slug).await?;
    let netbox = connected.netbox(app)?;
    let status = netbox.status().await?;
    let own = netbox.own_account().await?;
    let is_superuser = match netbox.is_superuser(own.id).await {
        // Superusers see everybody, themselves included.
        Err(NetBoxError::NotFound { .. } | NetBoxError::Forbidden { .. }) => false,
        other => other?,
    };
    let mut findings = Findings::default();
    for warning in settings::warnings(&connected.connector.profile) {
        findings.add(Severity::Note, warning);
    }
    if is_superuser {
        findings.add(
            Severity::TooMuch,
            format!(
                "{} is a superuser: whoever gets hold of the token can do everything. Give the connector an account \
                 of its own with the minimal permissions.",
                own.username
            ),
        );
    } else {
        needed(&netbox, &mut findings).await?;
        excess(&netbox, own.id, &mut findings).await?;
        superusers(app, &connected, &netbox, &mut findings).await?;
    }
    Ok(RightsReport { netbox_version: status.netbox_version, account: own.username, findings: findings.0 })
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, severity: Severity, text: impl Into<String>) {
        self.0.push(Finding { severity, text: text.into() });
    }
}

/// What may be done with a list: whether it can be seen, and what `OPTIONS` names.
async fn allowed(netbox: &NetBox<'_>, path: &str, what: &str) -> NetBoxResult<(bool, BTreeSet<String>)> {
    let is_seen = match netbox.may_see(path, what).await {
        Ok(()) => true,
        Err(NetBoxError::Forbidden { .. }) => false,
        Err(error) => return Err(error),
    };
    Ok((is_seen, netbox.actions(path).await?))
}

async fn needed(netbox: &NetBox<'_>, findings: &mut Findings) -> NetBoxResult<()> {
    for (path, what, object_type, (method, action)) in [
        ("users/users/", "users", "users.user", ("PUT", "change")),
        ("users/groups/", "groups", "users.group", ("POST", "add")),
        ("users/tokens/", "API tokens", "users.token", ("PUT", "change")),
    ] {
        let (is_seen, actions) = allowed(netbox, path, what).await?;
        if !is_seen {
            findings.add(Severity::Missing, format!("The account may not see {what}: give it {object_type}, view."));
        }
        if !actions.contains(method) {
            findings.add(
                Severity::Missing,
                format!(
                    "The account may not {action} {what}: give it {object_type}, {action}; if it has that, allow the \
                     token to write."
                ),
            );
        }
    }
    Ok(())
}

async fn excess(netbox: &NetBox<'_>, own: i64, findings: &mut Findings) -> NetBoxResult<()> {
    if netbox.actions("users/users/").await?.contains("POST") {
        findings.add(Severity::TooMuch, "The account may add users, which Doorward never does: take users.user, add.");
    }
    if netbox.actions("users/groups/").await?.contains("PUT") {
        findings.add(
            Severity::TooMuch,
            "The account may change groups, and so what every group may do: take users.group, change.",
        );
    }
    let (is_seen, actions) = allowed(netbox, "users/permissions/", "permissions").await?;
    if !actions.is_empty() {
        findings.add(
            Severity::TooMuch,
            "The account may write permissions, and so give itself every right: take all of users.objectpermission.",
        );
    } else if is_seen {
        findings.add(
            Severity::Note,
            "The account may see permissions, which Doorward does not need: users.objectpermission, view, can go.",
        );
    }
    if netbox.may_change_user(own).await? {
        findings.add(
            Severity::TooMuch,
            "The account may change itself, and so give itself any permission or group there is: constrain \
             users.user, change, as the minimal permissions do.",
        );
    }
    Ok(())
}

/// Local superusers must be out of reach; people of Doorward's who are superusers should be within it.
async fn superusers(
    app: &App,
    connected: &Connected,
    netbox: &NetBox<'_>,
    findings: &mut Findings,
) -> OperationResult<()> {
    let superusers = match netbox.superusers().await {
        Err(NetBoxError::Forbidden { .. }) => return Ok(()),
        other => other?,
    };
    let id = connected.connector.id;
    for account in superusers.into_iter().take(SUPERUSERS_ASKED) {
        let may_change = netbox.may_change_user(account).await?;
        let read =
            app.db.read(move |tx| Box::pin(async move { store::connector_person::by_account(tx, id, account).await }));
        match (read.await?, may_change) {
            (None, true) => findings.add(
                Severity::TooMuch,
                format!(
                    "The account may change the superuser with number {account}, who is not linked to anybody in \
                     Doorward: constrain users.user, change, as the minimal permissions do."
                ),
            ),
            (Some(person), false) => findings.add(
                Severity::Note,
                format!(
                    "{} is a superuser in NetBox, and the account may not change superusers: disabled in Doorward, they \
                     keep their NetBox session until it ends by itself.",
                    person.username
                ),
            ),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_never_reaches_permissions_or_adds_users() {
        for reach in [Reach::SignedInByOidc, Reach::SignedInByOidcWithSuperusers, Reach::AllButSuperusers] {
            for permission in permissions(reach) {
                assert!(!permission.object_types.contains(&"users.objectpermission"));
                let is_users = permission.object_types == ["users.user"];
                assert!(!(is_users && permission.actions.contains(&"add")));
                let changes = permission.actions.iter().any(|action| matches!(*action, "change" | "delete"));
                assert_eq!(changes, !permission.constraints.is_null(), "{permission:?}");
            }
        }
        assert_eq!(permissions(Reach::AllButSuperusers)[1].constraints, json!({ "is_superuser": false }));
    }

    #[test]
    fn notes_alone_change_nothing() {
        let report = |severity| RightsReport {
            netbox_version: String::new(),
            account: String::new(),
            findings: vec![Finding { severity, text: String::new() }],
        };
        assert!(!report(Severity::Note).found_something());
        assert!(report(Severity::Missing).found_something() && report(Severity::TooMuch).found_something());
    }
}
