//! Refresh tokens, kept as hashes until they are used. Those that name their grant need not be remembered to be known again; those
//! of older versions are, so that their replay is noticed.

use doorward_core::id::GrantId;
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    grant::Grant,
    values,
};

/// A refresh token as kept.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The grant it hangs on.
    pub grant: GrantId,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was exchanged for another, if it was.
    pub consumed_at: Option<Timestamp>,
}

impl FromRow for RefreshToken {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { grant: row.parse(0)?, expires_at: row.time(1)?, consumed_at: row.time_optional(2)? })
    }
}

/// Adds a token.
pub async fn insert(
    tx: &mut Tx<'_>,
    token_hash: &str,
    grant: GrantId,
    issued_at: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO refresh_tokens (token_hash, grant_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
        values![token_hash, grant, issued_at, expires_at],
    )
    .await?;
    Ok(())
}

/// Looks at a token without using it up, used or not.
pub async fn find(tx: &mut Tx<'_>, token_hash: &str) -> Result<Option<RefreshToken>> {
    tx.fetch_optional(
        "SELECT grant_id, expires_at, consumed_at FROM refresh_tokens WHERE token_hash = $1",
        values![token_hash],
    )
    .await
}

/// A token, used or not, with its grant, revoked or not.
pub async fn find_with_grant(tx: &mut Tx<'_>, token_hash: &str) -> Result<Option<(RefreshToken, Grant)>> {
    let found: Option<WithGrant> = tx
        .fetch_optional(
            "SELECT grants.id, provider_id, user_id, session_id, sid, scopes, authenticated_at, methods, created_at, \
             grants.expires_at, revoked_at, attempt_id, claims, refresh_tokens.expires_at, consumed_at \
             FROM refresh_tokens JOIN grants ON grants.id = refresh_tokens.grant_id WHERE token_hash = $1",
            values![token_hash],
        )
        .await?;
    Ok(found.map(|WithGrant(token, grant)| (token, grant)))
}

struct WithGrant(RefreshToken, Grant);

impl FromRow for WithGrant {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let grant = Grant::from_row(row)?;
        let token = RefreshToken { grant: grant.id, expires_at: row.time(13)?, consumed_at: row.time_optional(14)? };
        Ok(Self(token, grant))
    }
}

/// Uses a token up and forgets it, by putting another in its place. Says whether it was there: of several who try at once, one
/// gets it.
pub async fn replace(
    tx: &mut Tx<'_>,
    old_hash: &str,
    token_hash: &str,
    issued_at: Timestamp,
    expires_at: Timestamp,
) -> Result<bool> {
    let replaced = tx
        .execute(
            "UPDATE refresh_tokens SET token_hash = $2, issued_at = $3, expires_at = $4 \
             WHERE token_hash = $1 AND consumed_at IS NULL",
            values![old_hash, token_hash, issued_at, expires_at],
        )
        .await?;
    Ok(replaced == 1)
}

/// Uses up a token that does not name its grant: it is remembered.
pub async fn consume(tx: &mut Tx<'_>, token_hash: &str, now: Timestamp) -> Result<Option<RefreshToken>> {
    tx.fetch_optional(
        "UPDATE refresh_tokens SET consumed_at = $2 WHERE token_hash = $1 AND consumed_at IS NULL \
         RETURNING grant_id, expires_at, consumed_at",
        values![token_hash, now],
    )
    .await
}
