//! Consents that people gave and that are remembered.

use doorward_core::id::{ApplicationId, UserId};
use jiff::Timestamp;
use std::collections::BTreeSet;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    user::json,
    values,
};

/// What a user let an application have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// Claims that were asked for by name.
    pub claims: BTreeSet<String>,
}

impl FromRow for Consent {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { scopes: row.get(0)?, claims: row.json(1)? })
    }
}

/// What a user let an application have.
pub async fn find(tx: &mut Tx<'_>, user: UserId, application: ApplicationId) -> Result<Option<Consent>> {
    tx.fetch_optional(
        "SELECT scopes, claims FROM consents WHERE user_id = $1 AND application_id = $2",
        values![user, application],
    )
    .await
}

/// Remembers a consent in place of an earlier one.
pub async fn upsert(
    tx: &mut Tx<'_>,
    user: UserId,
    application: ApplicationId,
    consent: &Consent,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO consents (user_id, application_id, scopes, granted_at, claims) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (user_id, application_id) DO UPDATE \
         SET scopes = excluded.scopes, granted_at = excluded.granted_at, claims = excluded.claims",
        values![user, application, &consent.scopes, now, json(&consent.claims)?],
    )
    .await?;
    Ok(())
}
