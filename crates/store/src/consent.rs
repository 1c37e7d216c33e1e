//! Consents that people gave and that are remembered.

use doorward_core::id::{ApplicationId, UserId};
use jiff::Timestamp;

use crate::{Result, db::Tx, values};

/// The scopes a user let an application have, separated by spaces.
pub async fn find(tx: &mut Tx<'_>, user: UserId, application: ApplicationId) -> Result<Option<String>> {
    tx.fetch_optional(
        "SELECT scopes FROM consents WHERE user_id = $1 AND application_id = $2",
        values![user, application],
    )
    .await
}

/// Remembers a consent in place of an earlier one.
pub async fn upsert(
    tx: &mut Tx<'_>,
    user: UserId,
    application: ApplicationId,
    scopes: &str,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO consents (user_id, application_id, scopes, granted_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, application_id) DO UPDATE SET scopes = excluded.scopes, granted_at = excluded.granted_at",
        values![user, application, scopes, now],
    )
    .await?;
    Ok(())
}
