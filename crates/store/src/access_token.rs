//! Access tokens, kept as hashes.

use doorward_core::{
    clock::from_millis,
    id::{GrantId, ProviderId},
};
use jiff::Timestamp;

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx},
    grant::Grant,
    values,
};

/// A living access token with the grant it hangs on.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The grant.
    pub grant: Grant,
    /// The token's own scopes, separated by spaces; a refresh may have asked for fewer.
    pub scopes: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Whether its user is the client itself: the service account that was made for it.
    pub is_clients_own: bool,
}

impl FromRow for AccessToken {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            grant: Grant::from_row(row)?,
            scopes: row.get(13)?,
            expires_at: row.time(14)?,
            is_clients_own: row.get(15)?,
        })
    }
}

/// Adds a token.
pub async fn insert(
    tx: &mut Tx<'_>,
    token_hash: &str,
    grant: GrantId,
    scopes: &str,
    issued_at: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO access_tokens (token_hash, grant_id, scopes, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        values![token_hash, grant, scopes, issued_at, expires_at],
    )
    .await?;
    Ok(())
}

/// A token that has not expired and whose grant is not revoked.
pub async fn find(tx: &mut Tx<'_>, token_hash: &str, now: Timestamp) -> Result<Option<AccessToken>> {
    tx.fetch_optional(
        "SELECT grants.id, provider_id, user_id, session_id, sid, grants.scopes, authenticated_at, methods, \
         created_at, grants.expires_at, revoked_at, attempt_id, claims, access_tokens.scopes, \
         access_tokens.expires_at, EXISTS (SELECT 1 FROM client_accounts \
         WHERE client_accounts.provider_id = grants.provider_id AND client_accounts.user_id = grants.user_id) \
         FROM access_tokens JOIN grants ON grants.id = access_tokens.grant_id \
         WHERE access_tokens.token_hash = $1 AND access_tokens.expires_at > $2 AND grants.revoked_at IS NULL",
        values![token_hash, now],
    )
    .await
}

/// Whether a token is kept and of a provider.
pub async fn is_of(tx: &mut Tx<'_>, token_hash: &str, provider: ProviderId) -> Result<bool> {
    let found: Option<i64> = tx
        .fetch_optional(
            "SELECT access_tokens.expires_at FROM access_tokens JOIN grants ON grants.id = access_tokens.grant_id \
             WHERE token_hash = $1 AND provider_id = $2",
            values![token_hash, provider],
        )
        .await?;
    Ok(found.is_some())
}

/// Forgets a token of a provider. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, token_hash: &str, provider: ProviderId) -> Result<bool> {
    let deleted = tx
        .execute(
            "DELETE FROM access_tokens WHERE token_hash = $1 \
             AND grant_id IN (SELECT id FROM grants WHERE provider_id = $2)",
            values![token_hash, provider],
        )
        .await?;
    Ok(deleted == 1)
}

/// When the last token of a provider expires, of those that are kept.
pub async fn last_expiry(tx: &mut Tx<'_>, provider: ProviderId) -> Result<Option<Timestamp>> {
    let found: Option<i64> = tx
        .fetch_optional(
            "SELECT access_tokens.expires_at FROM access_tokens JOIN grants ON grants.id = access_tokens.grant_id \
             WHERE grants.provider_id = $1 ORDER BY access_tokens.expires_at DESC, token_hash LIMIT 1",
            values![provider],
        )
        .await?;
    Ok(found.map(from_millis))
}

/// Forgets tokens that have expired.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM access_tokens WHERE expires_at <= $1", values![now]).await
}

/// Forgets the oldest tokens of a grant beyond a number.
pub async fn delete_beyond(tx: &mut Tx<'_>, grant: GrantId, kept: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM access_tokens WHERE grant_id = $1 AND token_hash NOT IN \
         (SELECT token_hash FROM access_tokens WHERE grant_id = $1 ORDER BY issued_at DESC, token_hash LIMIT $2)",
        values![grant, kept],
    )
    .await
}

/// Grants with more tokens than a number.
pub async fn grants_beyond(tx: &mut Tx<'_>, kept: i64, limit: i64) -> Result<Vec<GrantId>> {
    let ids: Vec<String> = tx
        .fetch(
            "SELECT grant_id FROM access_tokens GROUP BY grant_id HAVING COUNT(*) > $1 LIMIT $2",
            values![kept, limit],
        )
        .await?;
    ids.iter().map(|id| id.parse().map_err(|_| Error::Corrupt(format!("access token of {id:?}")))).collect()
}
