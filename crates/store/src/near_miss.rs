//! Redirect URIs that known applications sent and that are not registered for them.

use doorward_core::id::ApplicationId;
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// A redirect URI that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Whose it may be.
    pub application: ApplicationId,
    /// What came. Anybody can have sent it.
    pub uri: String,
    /// When it came first.
    pub first_at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How often it came.
    pub count: i64,
}

impl FromRow for NearMiss {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            application: row.parse(0)?,
            uri: row.get(1)?,
            first_at: row.time(2)?,
            last_at: row.time(3)?,
            count: row.get(4)?,
        })
    }
}

/// Counts one, and forgets the oldest beyond a number per application. One that was dismissed stays so.
pub async fn count(tx: &mut Tx<'_>, application: ApplicationId, uri: &str, at: Timestamp, kept: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO near_misses (application_id, uri, first_at, last_at, count, dismissed) \
         VALUES ($1, $2, $3, $3, 1, FALSE) ON CONFLICT (application_id, uri) DO UPDATE SET \
         last_at = excluded.last_at, count = near_misses.count + 1",
        values![application, uri, at],
    )
    .await?;
    tx.execute(
        "DELETE FROM near_misses WHERE application_id = $1 AND uri IN (SELECT uri FROM near_misses \
         WHERE application_id = $1 ORDER BY last_at DESC, uri LIMIT 1000 OFFSET $2)",
        values![application, kept],
    )
    .await?;
    Ok(())
}

/// Those that nobody dismissed, newest first.
pub async fn open(tx: &mut Tx<'_>) -> Result<Vec<NearMiss>> {
    tx.fetch(
        "SELECT application_id, uri, first_at, last_at, count FROM near_misses WHERE NOT dismissed \
         ORDER BY last_at DESC, uri LIMIT 1000",
        &[],
    )
    .await
}

/// Dismisses one. Says whether there was one.
pub async fn dismiss(tx: &mut Tx<'_>, application: ApplicationId, uri: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE near_misses SET dismissed = TRUE WHERE application_id = $1 AND uri = $2 AND NOT dismissed",
            values![application, uri],
        )
        .await?;
    Ok(changed == 1)
}

/// Forgets one: it was allowed.
pub async fn delete(tx: &mut Tx<'_>, application: ApplicationId, uri: &str) -> Result<()> {
    tx.execute("DELETE FROM near_misses WHERE application_id = $1 AND uri = $2", values![application, uri]).await?;
    Ok(())
}

/// Forgets those that came last before a time, or whose application is gone.
pub async fn delete_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute(
        "DELETE FROM near_misses WHERE last_at < $1 OR NOT EXISTS \
         (SELECT 1 FROM applications WHERE applications.id = near_misses.application_id)",
        values![before],
    )
    .await
}
