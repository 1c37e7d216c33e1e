//! Counters that move in the same transaction as what they count.

use crate::{Result, db::Tx};

/// The revision of everything that is kept in memory: applications, providers, keys, mappings, groups.
pub async fn snapshot(tx: &mut Tx<'_>) -> Result<i64> {
    tx.fetch_one("SELECT value FROM revisions WHERE name = 'snapshot'", &[]).await
}

/// Moves it, so that every process reads its snapshot anew.
pub async fn bump_snapshot(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("UPDATE revisions SET value = value + 1 WHERE name = 'snapshot'", &[]).await?;
    Ok(())
}

/// The next group number, counted from 1; never given twice, also after groups were deleted.
pub async fn next_group_pk(tx: &mut Tx<'_>) -> Result<i64> {
    tx.fetch_one("UPDATE revisions SET value = value + 1 WHERE name = 'group_pk' RETURNING value", &[]).await
}

/// The next user number, counted from 1; never given twice, also after users were deleted.
pub async fn next_user_pk(tx: &mut Tx<'_>) -> Result<i64> {
    tx.fetch_one("UPDATE revisions SET value = value + 1 WHERE name = 'user_pk' RETURNING value", &[]).await
}
