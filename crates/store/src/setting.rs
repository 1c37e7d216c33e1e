//! Settings that belong to the installation rather than to a node: its identifier, the setup token, the key's check.

use crate::{Result, db::Tx, values};

/// A setting.
pub async fn find(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>> {
    tx.fetch_optional("SELECT value FROM settings WHERE name = $1", values![name]).await
}

/// Keeps a setting unless there is one of that name, and returns what is kept.
pub async fn insert_or_find(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<String> {
    tx.execute(
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        values![name, value],
    )
    .await?;
    tx.fetch_one("SELECT value FROM settings WHERE name = $1", values![name]).await
}

/// Takes a setting away if it has this value. Says whether it did: of several who try, one succeeds.
pub async fn consume(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<bool> {
    let changed = tx.execute("DELETE FROM settings WHERE name = $1 AND value = $2", values![name, value]).await?;
    Ok(changed == 1)
}

/// Takes a setting away, whatever its value.
pub async fn delete(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    tx.execute("DELETE FROM settings WHERE name = $1", values![name]).await?;
    Ok(())
}
