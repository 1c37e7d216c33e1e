//! What NetBox's own API tells, with a token.

use doorward_core::secret::Secret;
use std::time::Duration;
use url::Url;

use crate::{
    app::App,
    connector,
    doctor::{
        evidence::{AccountSeen, House, Inventory, InventoryError},
        probe::Probe,
    },
    error::{OperationError, OperationResult},
    netbox::{NetBox, NetBoxError, NetBoxResult, token_problem},
    recipes::parse_version,
};

/// Reads version, users and groups with a token, or with that of the application's connector. Nothing is changed. `None` without
/// either.
///
/// # Errors
/// What the database says.
pub(super) async fn read(
    app: &App,
    probe: &Probe<'_>,
    house: &House,
    token: Option<Secret<String>>,
) -> OperationResult<Option<Result<Inventory, InventoryError>>> {
    let (token, url) = match token {
        Some(token) => (token, house.url.clone()),
        None => match connector::find(app, &house.slug).await {
            Ok(connected) => (connected.connector.token, Url::parse(&connected.connector.profile.url).ok()),
            Err(OperationError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    let Some(url) = url else { return Ok(None) };
    if let Some(problem) = token_problem(token.expose()) {
        return Ok(Some(Err(InventoryError::Refused(problem.to_owned()))));
    }
    let patience = probe.remaining();
    let netbox = NetBox::new(&app.outbound, url, token).timeout(probe.patience());
    let read = tokio::time::timeout(patience, all(&netbox)).await;
    Ok(Some(read.unwrap_or_else(|_| Err(InventoryError::Failed(late(patience))))))
}

fn late(patience: Duration) -> String {
    format!("NetBox took longer than the {} s that were left", patience.as_secs())
}

async fn all(netbox: &NetBox<'_>) -> Result<Inventory, InventoryError> {
    let status = netbox.status().await.map_err(explain)?;
    let users = netbox.users().await.map_err(explain)?;
    let groups = optional(netbox.groups().await)?;
    let may_see_permissions = optional(netbox.may_see("users/permissions/", "permissions").await)?;
    Ok(Inventory {
        version: parse_version(&status.netbox_version).ok(),
        users: users
            .into_iter()
            .map(|user| AccountSeen { username: user.username, is_active: user.is_active })
            .collect(),
        groups: groups.map(|groups| groups.into_iter().map(|group| group.name).collect()),
        sees_permissions: may_see_permissions.is_some(),
    })
}

/// What the token may not see is not there.
fn optional<T>(result: NetBoxResult<T>) -> Result<Option<T>, InventoryError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(NetBoxError::Forbidden { .. }) => Ok(None),
        Err(error) => Err(explain(error)),
    }
}

fn explain(error: NetBoxError) -> InventoryError {
    match &error {
        NetBoxError::Unauthorized { .. } => InventoryError::Refused(error.to_string()),
        NetBoxError::Forbidden { .. } => InventoryError::Forbidden(error.to_string()),
        _ => InventoryError::Failed(error.to_string()),
    }
}
