//! Grants: what one authorization gave an application. Codes and tokens hang on them and die with them.

use doorward_core::id::{AttemptId, GrantId, ProviderId, SessionId, UserId};
use jiff::Timestamp;

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx},
    values,
};

/// A grant as kept.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Identifier.
    pub id: GrantId,
    /// To which provider.
    pub provider: ProviderId,
    /// By whom.
    pub user: UserId,
    /// From which session; `None` where a program or a device was given it.
    pub session: Option<SessionId>,
    /// The session's public name in tokens (`sid`); empty without a session.
    pub sid: String,
    /// Scopes given, separated by spaces.
    pub scopes: String,
    /// When the person showed who they are.
    pub authenticated_at: Timestamp,
    /// How: space-separated `amr` values.
    pub methods: String,
    /// When it was given.
    pub created_at: Timestamp,
    /// When nothing that hangs on it can be alive any more.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// The sign-in attempt it came from.
    pub attempt: Option<AttemptId>,
    /// The `claims` parameter of the authorization request, as JSON.
    pub claims: Option<String>,
}

impl FromRow for Grant {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            provider: row.parse(1)?,
            user: row.parse(2)?,
            session: session(row, 3)?,
            sid: row.get(4)?,
            scopes: row.get(5)?,
            authenticated_at: row.time(6)?,
            methods: row.get(7)?,
            created_at: row.time(8)?,
            expires_at: row.time(9)?,
            revoked_at: row.time_optional(10)?,
            attempt: row.parse_optional(11)?,
            claims: row.get(12)?,
        })
    }
}

/// A session's identifier, kept as an empty text where there is none.
fn session(row: &Row<'_>, index: usize) -> Result<Option<SessionId>> {
    let text: String = row.get(index)?;
    if text.is_empty() { Ok(None) } else { row.parse(index).map(Some) }
}

/// A grant by identifier, revoked or not.
pub async fn find(tx: &mut Tx<'_>, id: GrantId) -> Result<Option<Grant>> {
    tx.fetch_optional(
        "SELECT id, provider_id, user_id, session_id, sid, scopes, authenticated_at, methods, created_at, expires_at, \
         revoked_at, attempt_id, claims FROM grants WHERE id = $1",
        values![id],
    )
    .await
}

/// Adds a grant.
pub async fn insert(tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
    tx.execute(
        "INSERT INTO grants (id, provider_id, user_id, session_id, sid, scopes, authenticated_at, methods, \
         created_at, expires_at, attempt_id, claims) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        values![
            grant.id,
            grant.provider,
            grant.user,
            grant.session.map_or_else(String::new, |session| session.to_string()),
            &grant.sid,
            &grant.scopes,
            grant.authenticated_at,
            &grant.methods,
            grant.created_at,
            grant.expires_at,
            grant.attempt,
            grant.claims.as_deref(),
        ],
    )
    .await?;
    Ok(())
}

/// Adds a grant that nobody's session stands behind, if its user is active. Says whether they are: nothing is locked for it,
/// since all that a client is given in a second would wait for one row, and every use of a token looks again. One that is
/// written while its user is disabled may thus stay; whoever enables them again revokes it.
pub async fn insert_if_active(tx: &mut Tx<'_>, grant: &Grant) -> Result<bool> {
    let added = tx
        .execute(
            "INSERT INTO grants (id, provider_id, user_id, session_id, sid, scopes, authenticated_at, methods, \
             created_at, expires_at) SELECT $1, $2, users.id, '', '', $4, CAST($5 AS BIGINT), $6, \
             CAST($7 AS BIGINT), CAST($8 AS BIGINT) FROM users WHERE users.id = $3 AND users.is_active",
            values![
                grant.id,
                grant.provider,
                grant.user,
                &grant.scopes,
                grant.authenticated_at,
                &grant.methods,
                grant.created_at,
                grant.expires_at,
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Whether a grant is there and not revoked. Its row stays locked until the transaction ends, so that nothing is issued for a
/// grant that is being revoked.
pub async fn lock_living(tx: &mut Tx<'_>, id: GrantId) -> Result<bool> {
    // Both databases lock what is written; this writes nothing new, and nothing that an index holds.
    let changed =
        tx.execute("UPDATE grants SET revoked_at = NULL WHERE id = $1 AND revoked_at IS NULL", values![id]).await?;
    Ok(changed == 1)
}

/// Lets a grant that is not revoked live at least until a time, and locks it as [`lock_living`] does. Says whether there is one.
pub async fn extend_living(tx: &mut Tx<'_>, id: GrantId, until: Timestamp) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE grants SET expires_at = CASE WHEN expires_at < $2 THEN $2 ELSE expires_at END \
             WHERE id = $1 AND revoked_at IS NULL",
            values![id, until],
        )
        .await?;
    Ok(changed == 1)
}

/// Revokes a grant, and with it all its tokens.
pub async fn revoke(tx: &mut Tx<'_>, id: GrantId, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", values![id, now]).await?;
    Ok(())
}

/// Revokes all grants of a user: they were disabled, or somebody else knew their password.
pub async fn revoke_of_user(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<u64> {
    tx.execute("UPDATE grants SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL", values![user, now]).await
}

/// Revokes a session's grants except those that were given offline access.
pub async fn revoke_of_session(tx: &mut Tx<'_>, session: SessionId, now: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE grants SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE refresh_tokens.grant_id = grants.id)",
        values![session, now],
    )
    .await
}

/// Forgets grants on which nothing alive can hang.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM grants WHERE expires_at <= $1", values![now]).await
}

/// Of which kind a grant is, each with a bound of its own, so that none pushes out another: what a program asked for by itself;
/// what can be refreshed; everything else, with sign-ins whose code is on its way.
macro_rules! kind {
    () => {
        "CASE WHEN grants.session_id = '' AND grants.attempt_id IS NULL THEN 'program' \
         WHEN grants.revoked_at IS NULL AND EXISTS (SELECT 1 FROM refresh_tokens \
         WHERE refresh_tokens.grant_id = grants.id AND refresh_tokens.consumed_at IS NULL) THEN 'refreshed' \
         ELSE 'other' END"
    };
}

/// The grants of a user to a provider beyond a number of each kind, to be forgotten: first those that were revoked, then those
/// that were longest not used to give tokens.
pub async fn beyond(tx: &mut Tx<'_>, provider: ProviderId, user: UserId, kept: i64) -> Result<Vec<GrantId>> {
    let ids: Vec<String> = tx
        .fetch(
            concat!(
                "WITH of_user AS (SELECT grants.id, grants.revoked_at, ",
                kind!(),
                " AS kind, COALESCE((SELECT MAX(issued_at) FROM refresh_tokens WHERE refresh_tokens.grant_id = grants.id), 0) \
                 AS refreshed_at, grants.created_at FROM grants WHERE provider_id = $1 AND user_id = $2), \
                 placed AS (SELECT id, ROW_NUMBER() OVER (PARTITION BY kind ORDER BY \
                 CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, \
                 CASE WHEN refreshed_at > created_at THEN refreshed_at ELSE created_at END DESC, id DESC) AS place FROM of_user) \
                 SELECT id FROM placed WHERE place > $3 ORDER BY id"
            ),
            values![provider, user, kept],
        )
        .await?;
    ids.iter().map(|id| id.parse().map_err(|_| Error::Corrupt(format!("grant {id:?}")))).collect()
}

/// Forgets a grant, with everything that hangs on it.
pub async fn delete(tx: &mut Tx<'_>, id: GrantId) -> Result<u64> {
    tx.execute("DELETE FROM grants WHERE id = $1", values![id]).await
}

/// Users with more grants of a kind to a provider than a number. Only those with more than that altogether are looked at
/// closely.
pub async fn crowded(tx: &mut Tx<'_>, kept: i64, limit: i64) -> Result<Vec<(ProviderId, UserId)>> {
    tx.fetch(
        concat!(
            "SELECT DISTINCT provider_id, user_id FROM (SELECT provider_id, user_id, ",
            kind!(),
            " AS kind FROM grants WHERE user_id IN (SELECT user_id FROM grants GROUP BY user_id HAVING COUNT(*) > $1)) AS kinds \
             GROUP BY provider_id, user_id, kind HAVING COUNT(*) > $1 LIMIT $2"
        ),
        values![kept, limit],
    )
    .await
}
