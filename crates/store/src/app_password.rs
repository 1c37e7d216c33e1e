//! App passwords, kept as hashes.

use doorward_core::{
    app_password::AppPassword,
    id::{AppPasswordId, UserId},
};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    directory_change, values,
};

impl FromRow for AppPassword {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            user: row.parse(1)?,
            application: row.parse_optional(2)?,
            name: row.get(3)?,
            created_at: row.time(4)?,
            expires_at: row.time_optional(5)?,
            last_used_at: row.time_optional(6)?,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, application_id, name, created_at, expires_at, last_used_at FROM app_passwords ",
            $rest
        )
    };
}

/// Adds an app password.
pub async fn insert(tx: &mut Tx<'_>, password: &AppPassword, secret_hash: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO app_passwords (id, user_id, application_id, name, secret_hash, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![
            password.id,
            password.user,
            password.application,
            &password.name,
            secret_hash,
            password.created_at,
            password.expires_at,
        ],
    )
    .await?;
    Ok(())
}

/// The app password with this hash.
pub async fn find(tx: &mut Tx<'_>, secret_hash: &str) -> Result<Option<AppPassword>> {
    tx.fetch_optional(select!("WHERE secret_hash = $1"), values![secret_hash]).await
}

/// A user's app passwords, oldest first.
pub async fn of_user(tx: &mut Tx<'_>, user: UserId) -> Result<Vec<AppPassword>> {
    tx.fetch(select!("WHERE user_id = $1 ORDER BY id"), values![user]).await
}

/// How many app passwords a user has.
pub async fn count(tx: &mut Tx<'_>, user: UserId) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) FROM app_passwords WHERE user_id = $1", values![user]).await
}

/// Writes down that an app password was used.
pub async fn touch(tx: &mut Tx<'_>, id: AppPasswordId, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE app_passwords SET last_used_at = $2 WHERE id = $1", values![id, now]).await?;
    Ok(())
}

/// Removes an app password of a user. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, user: UserId, id: AppPasswordId) -> Result<bool> {
    let deleted = tx.execute("DELETE FROM app_passwords WHERE id = $1 AND user_id = $2", values![id, user]).await?;
    if deleted == 1 {
        directory_change::record(tx, user).await?;
    }
    Ok(deleted == 1)
}

/// Forgets app passwords that have ended.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    tx.execute("DELETE FROM app_passwords WHERE expires_at <= $1", values![now]).await?;
    Ok(())
}
