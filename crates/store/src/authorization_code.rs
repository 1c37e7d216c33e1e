//! Authorization codes, kept as hashes, each good for one use.

use doorward_core::id::GrantId;
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// What a code is bound to.
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    /// The grant it stands for.
    pub grant: GrantId,
    /// The redirect URI of the request, byte for byte.
    pub redirect_uri: String,
    /// The request's nonce.
    pub nonce: Option<String>,
    /// The request's S256 PKCE challenge.
    pub code_challenge: Option<String>,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

impl FromRow for AuthorizationCode {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            grant: row.parse(0)?,
            redirect_uri: row.get(1)?,
            nonce: row.get(2)?,
            code_challenge: row.get(3)?,
            expires_at: row.time(4)?,
        })
    }
}

/// Adds a code.
pub async fn insert(tx: &mut Tx<'_>, code_hash: &str, code: &AuthorizationCode) -> Result<()> {
    tx.execute(
        "INSERT INTO authorization_codes (code_hash, grant_id, redirect_uri, nonce, code_challenge, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        values![
            code_hash,
            code.grant,
            &code.redirect_uri,
            code.nonce.clone(),
            code.code_challenge.clone(),
            code.expires_at,
        ],
    )
    .await?;
    Ok(())
}

/// Looks at a code without using it up, used or not.
pub async fn find(tx: &mut Tx<'_>, code_hash: &str) -> Result<Option<AuthorizationCode>> {
    tx.fetch_optional(
        "SELECT grant_id, redirect_uri, nonce, code_challenge, expires_at FROM authorization_codes \
         WHERE code_hash = $1",
        values![code_hash],
    )
    .await
}

/// Uses a code up. Of several who try at once, one gets it; `None` means that it was used before.
pub async fn consume(tx: &mut Tx<'_>, code_hash: &str, now: Timestamp) -> Result<Option<AuthorizationCode>> {
    tx.fetch_optional(
        "UPDATE authorization_codes SET consumed_at = $2 WHERE code_hash = $1 AND consumed_at IS NULL \
         RETURNING grant_id, redirect_uri, nonce, code_challenge, expires_at",
        values![code_hash, now],
    )
    .await
}
