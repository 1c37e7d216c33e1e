//! Which applications a session signed in to, of those that want to know when it ends.

use doorward_core::id::{ProviderId, SessionId, UserId};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// An application that a session signed in to.
#[derive(Debug, Clone)]
pub struct SessionClient {
    /// The session.
    pub session: SessionId,
    /// The application's provider.
    pub provider: ProviderId,
    /// Whose session it is.
    pub user: UserId,
    /// `sub` of the tokens that the application was given.
    pub subject: String,
    /// When the session ends by itself, so that nobody has to be told any more.
    pub expires_at: Timestamp,
}

impl FromRow for SessionClient {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            session: row.parse(0)?,
            provider: row.parse(1)?,
            user: row.parse(2)?,
            subject: row.get(3)?,
            expires_at: row.time(4)?,
        })
    }
}

/// Remembers that a session signed in to an application.
pub async fn remember(tx: &mut Tx<'_>, client: &SessionClient) -> Result<()> {
    tx.execute(
        "INSERT INTO session_clients (session_id, provider_id, user_id, subject, expires_at) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (session_id, provider_id) DO UPDATE SET subject = excluded.subject, expires_at = excluded.expires_at",
        values![client.session, client.provider, client.user, &client.subject, client.expires_at],
    )
    .await?;
    Ok(())
}

/// The applications that a session signed in to, and forgets them: it has ended.
pub async fn take_of_session(tx: &mut Tx<'_>, session: SessionId) -> Result<Vec<SessionClient>> {
    tx.fetch(
        "DELETE FROM session_clients WHERE session_id = $1 RETURNING session_id, provider_id, user_id, subject, expires_at",
        values![session],
    )
    .await
}

/// The same for all sessions of a user.
pub async fn take_of_user(tx: &mut Tx<'_>, user: UserId) -> Result<Vec<SessionClient>> {
    tx.fetch(
        "DELETE FROM session_clients WHERE user_id = $1 RETURNING session_id, provider_id, user_id, subject, expires_at",
        values![user],
    )
    .await
}

/// A session was renewed: what it signed in to is remembered as long as it lasts.
pub async fn extend(tx: &mut Tx<'_>, session: SessionId, expires_at: Timestamp) -> Result<()> {
    tx.execute("UPDATE session_clients SET expires_at = $2 WHERE session_id = $1", values![session, expires_at])
        .await?;
    Ok(())
}

/// Forgets those of sessions that ended by themselves.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM session_clients WHERE expires_at <= $1", values![now]).await
}
