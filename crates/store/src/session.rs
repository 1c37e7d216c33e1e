//! Sessions. The browser's cookie is kept as a hash only.

use doorward_core::{
    id::{SessionId, UserId},
    session::Session,
};
use jiff::Timestamp;

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx},
    values,
};

impl FromRow for Session {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            user: row.parse(1)?,
            authenticated_at: row.time(2)?,
            methods: row.get(3)?,
            created_at: row.time(4)?,
            expires_at: row.time(5)?,
            address: row.get(6)?,
            user_agent: row.get(7)?,
        })
    }
}

/// A session that is still alive, by the hash of its cookie.
pub async fn find(tx: &mut Tx<'_>, token_hash: &str, now: Timestamp) -> Result<Option<Session>> {
    tx.fetch_optional(
        "SELECT id, user_id, authenticated_at, methods, created_at, expires_at, address, user_agent FROM sessions \
         WHERE token_hash = $1 AND expires_at > $2",
        values![token_hash, now],
    )
    .await
}

/// A session that is still alive, by its identifier.
pub async fn by_id(tx: &mut Tx<'_>, id: SessionId, now: Timestamp) -> Result<Option<Session>> {
    tx.fetch_optional(
        "SELECT id, user_id, authenticated_at, methods, created_at, expires_at, address, user_agent FROM sessions \
         WHERE id = $1 AND expires_at > $2",
        values![id, now],
    )
    .await
}

/// All sessions of a user that are still alive, to end them one by one.
pub async fn all_of_user(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    tx.fetch(
        "SELECT id, user_id, authenticated_at, methods, created_at, expires_at, address, user_agent FROM sessions \
         WHERE user_id = $1 AND expires_at > $2 ORDER BY id",
        values![user, now],
    )
    .await
}

/// A user's living sessions, newest first.
pub async fn of_user(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    tx.fetch(
        "SELECT id, user_id, authenticated_at, methods, created_at, expires_at, address, user_agent FROM sessions \
         WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id LIMIT 100",
        values![user, now],
    )
    .await
}

/// Adds a session.
pub async fn insert(tx: &mut Tx<'_>, session: &Session, token_hash: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO sessions (id, token_hash, user_id, authenticated_at, methods, created_at, expires_at, address, \
         user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            session.id,
            token_hash,
            session.user,
            session.authenticated_at,
            &session.methods,
            session.created_at,
            session.expires_at,
            &session.address,
            &session.user_agent,
        ],
    )
    .await?;
    Ok(())
}

/// The person showed again who they are: moves the time, and replaces the cookie.
pub async fn reauthenticate(tx: &mut Tx<'_>, session: &Session, token_hash: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE sessions SET token_hash = $2, authenticated_at = $3, methods = $4, expires_at = $5 WHERE id = $1",
            values![session.id, token_hash, session.authenticated_at, &session.methods, session.expires_at],
        )
        .await?;
    Ok(changed == 1)
}

/// Whether a session is still alive; keeps it so until the transaction ends.
pub async fn is_still_alive(tx: &mut Tx<'_>, id: SessionId, now: Timestamp) -> Result<bool> {
    let kept = tx
        .execute("UPDATE sessions SET expires_at = expires_at WHERE id = $1 AND expires_at > $2", values![id, now])
        .await?;
    Ok(kept == 1)
}

/// The sessions of a user beyond a number, in which they showed longest ago who they are; a few at a time.
pub async fn beyond(tx: &mut Tx<'_>, user: UserId, kept: i64, limit: i64) -> Result<Vec<SessionId>> {
    let ids: Vec<String> = tx
        .fetch(
            "SELECT id FROM sessions WHERE user_id = $1 ORDER BY authenticated_at DESC, id DESC LIMIT $3 OFFSET $2",
            values![user, kept, limit],
        )
        .await?;
    ids.iter().map(|id| id.parse().map_err(|_| Error::Corrupt(format!("session {id:?}")))).collect()
}

/// Ends a session. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, id: SessionId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM sessions WHERE id = $1", values![id]).await? == 1)
}

/// Ends all sessions of a user, and says how many.
pub async fn delete_of_user(tx: &mut Tx<'_>, user: UserId) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE user_id = $1", values![user]).await
}

/// Forgets sessions that have ended by themselves.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE expires_at <= $1", values![now]).await
}
