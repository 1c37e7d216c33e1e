//! Password hashes.

use doorward_core::id::UserId;
use jiff::Timestamp;

use crate::{Result, db::Tx, directory_change, values};

/// A user's password hash, if they have a password.
pub async fn find(tx: &mut Tx<'_>, user: UserId) -> Result<Option<String>> {
    tx.fetch_optional("SELECT password_hash FROM credentials WHERE user_id = $1", values![user]).await
}

/// Keeps a password hash in place of any other.
pub async fn upsert(tx: &mut Tx<'_>, user: UserId, hash: &str, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO credentials (user_id, password_hash, changed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at",
        values![user, hash, now],
    )
    .await?;
    directory_change::record(tx, user).await
}

/// Whether a user's hash is still this one; keeps it so until the transaction ends.
pub async fn is_still(tx: &mut Tx<'_>, user: UserId, hash: &str) -> Result<bool> {
    let kept = tx
        .execute(
            "UPDATE credentials SET changed_at = changed_at WHERE user_id = $1 AND password_hash = $2",
            values![user, hash],
        )
        .await?;
    Ok(kept == 1)
}

/// Replaces a hash by a stronger one of the same password, unless the password was changed meanwhile.
pub async fn rehash(tx: &mut Tx<'_>, user: UserId, old: &str, new: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE credentials SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2",
            values![user, old, new],
        )
        .await?;
    Ok(changed == 1)
}
