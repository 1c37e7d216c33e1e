//! Sessions of browsers at protected hosts. Cookies are kept as hashes only.

use doorward_core::{
    id::{GrantId, ProxyProviderId, SessionId, UserId},
    user::User,
};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// A session at a protected host.
#[derive(Debug, Clone)]
pub struct ProxySession {
    /// For which provider.
    pub provider: ProxyProviderId,
    /// Whose.
    pub user: UserId,
    /// The session it came from, and with which it ends.
    pub session: SessionId,
    /// The grant it came from, and with which it ends.
    pub grant: GrantId,
    /// The ID token, encrypted.
    pub id_token: Vec<u8>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A living session with its person.
#[derive(Debug, Clone)]
pub struct Living {
    /// The person.
    pub user: User,
    /// For which provider it is.
    pub provider: ProxyProviderId,
    /// The grant it came from.
    pub grant: GrantId,
    /// The ID token, encrypted.
    pub id_token: Vec<u8>,
}

impl FromRow for Living {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { user: User::from_row(row)?, provider: row.parse(14)?, grant: row.parse(15)?, id_token: row.get(16)? })
    }
}

/// A session by the hash of its cookie, if it and the session and grant it came from are alive. One statement: it is asked
/// for with every request to a protected host.
pub async fn find(tx: &mut Tx<'_>, token_hash: &str, now: Timestamp) -> Result<Option<Living>> {
    tx.fetch_optional(
        "SELECT users.id, users.pk, users.uid, users.username, users.name, users.given_name, users.family_name, \
         users.email, users.email_verified, users.is_active, users.user_type, users.attributes, users.created_at, \
         users.updated_at, proxy_sessions.provider_id, proxy_sessions.grant_id, proxy_sessions.id_token \
         FROM proxy_sessions JOIN sessions ON sessions.id = proxy_sessions.session_id \
         JOIN grants ON grants.id = proxy_sessions.grant_id JOIN users ON users.id = proxy_sessions.user_id \
         WHERE proxy_sessions.token_hash = $1 AND proxy_sessions.expires_at > $2 AND sessions.expires_at > $2 \
         AND grants.revoked_at IS NULL",
        values![token_hash, now],
    )
    .await
}

/// Adds a session.
pub async fn insert(tx: &mut Tx<'_>, session: &ProxySession, token_hash: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO proxy_sessions (token_hash, provider_id, user_id, session_id, grant_id, id_token, created_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            token_hash,
            session.provider,
            session.user,
            session.session,
            session.grant,
            session.id_token.clone(),
            session.created_at,
            session.expires_at,
        ],
    )
    .await?;
    Ok(())
}

/// Ends a session. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, token_hash: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM proxy_sessions WHERE token_hash = $1", values![token_hash]).await? == 1)
}

/// How many sessions of a provider are kept, ended by themselves or not.
pub async fn count(tx: &mut Tx<'_>, provider: ProxyProviderId) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) FROM proxy_sessions WHERE provider_id = $1", values![provider]).await
}

/// Forgets sessions that have ended by themselves.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM proxy_sessions WHERE expires_at <= $1", values![now]).await
}
