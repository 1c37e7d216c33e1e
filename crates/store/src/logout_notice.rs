//! Notes to applications that somebody signed out, until they took them (OpenID Connect Back-Channel Logout 1.0).

use doorward_core::id::{LogoutNoticeId, ProviderId, UserId};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// A note as kept.
#[derive(Debug, Clone)]
pub struct LogoutNotice {
    /// Identifier.
    pub id: LogoutNoticeId,
    /// To which provider.
    pub provider: ProviderId,
    /// Who signed out; they may be gone.
    pub user: UserId,
    /// `sub` of the tokens that the application was given.
    pub subject: String,
    /// `sid` of the session that ended.
    pub sid: String,
    /// When it ended.
    pub created_at: Timestamp,
    /// When the application is told, or told again.
    pub due_at: Timestamp,
    /// How often that was tried in vain.
    pub attempts: i64,
    /// Until when somebody is at it. No two claims of a note end at the same moment, so that it tells them apart.
    pub leased_until: Option<Timestamp>,
    /// What went wrong last; empty at first.
    pub last_error: String,
}

impl FromRow for LogoutNotice {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            provider: row.parse(1)?,
            user: row.parse(2)?,
            subject: row.get(3)?,
            sid: row.get(4)?,
            created_at: row.time(5)?,
            due_at: row.time(6)?,
            attempts: row.get(7)?,
            leased_until: row.time_optional(8)?,
            last_error: row.get(9)?,
        })
    }
}

/// Whether a provider is told of sign-outs by the back channel.
pub async fn is_wanted(tx: &mut Tx<'_>, provider: ProviderId) -> Result<bool> {
    let count: i64 = tx
        .fetch_one(
            "SELECT COUNT(*) FROM providers WHERE id = $1 AND logout_uri <> '' AND logout_method = 'backchannel'",
            values![provider],
        )
        .await?;
    Ok(count == 1)
}

/// Keeps a note.
pub async fn insert(tx: &mut Tx<'_>, notice: &LogoutNotice) -> Result<()> {
    tx.execute(
        "INSERT INTO logout_notices (id, provider_id, user_id, subject, sid, created_at, due_at, attempts, leased_until, \
         last_error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values![
            notice.id,
            notice.provider,
            notice.user,
            &notice.subject,
            &notice.sid,
            notice.created_at,
            notice.due_at,
            notice.attempts,
            notice.leased_until,
            &notice.last_error,
        ],
    )
    .await?;
    Ok(())
}

/// How many notes may be told now.
pub async fn count_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<i64> {
    tx.fetch_one(
        "SELECT COUNT(*) FROM logout_notices WHERE due_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)",
        values![now],
    )
    .await
}

/// Takes the note that has waited longest, for a while. Of several who try for one, one gets it; the others get nothing and
/// try again.
pub async fn claim(tx: &mut Tx<'_>, now: Timestamp, until: Timestamp) -> Result<Option<LogoutNotice>> {
    // What was seen from outside the row lock is looked at again inside.
    tx.fetch_optional(
        "UPDATE logout_notices SET leased_until = $2 \
         WHERE id = (SELECT id FROM logout_notices \
                     WHERE due_at <= $1 AND (leased_until IS NULL OR leased_until <= $1) \
                     ORDER BY due_at, id LIMIT 1) \
         AND due_at <= $1 AND (leased_until IS NULL OR leased_until <= $1) \
         RETURNING id, provider_id, user_id, subject, sid, created_at, due_at, attempts, leased_until, last_error",
        values![now, until],
    )
    .await
}

/// Forgets a note that was taken, or given up. Nothing happens if the claim has run out and another has it. Says whether it
/// was there.
pub async fn finish(tx: &mut Tx<'_>, notice: &LogoutNotice) -> Result<bool> {
    let deleted = tx
        .execute(
            "DELETE FROM logout_notices WHERE id = $1 AND leased_until = $2",
            values![notice.id, notice.leased_until],
        )
        .await?;
    Ok(deleted == 1)
}

/// Puts a note back until later, with the reason. Says whether the claim still held.
pub async fn put_back(tx: &mut Tx<'_>, notice: &LogoutNotice, due_at: Timestamp, error: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE logout_notices SET leased_until = NULL, due_at = $3, attempts = attempts + 1, last_error = $4 \
             WHERE id = $1 AND leased_until = $2",
            values![notice.id, notice.leased_until, due_at, error],
        )
        .await?;
    Ok(changed == 1)
}

/// Lets all that wait for a provider wait longer: it does not answer, and others should not wait behind it.
pub async fn postpone(tx: &mut Tx<'_>, provider: ProviderId, now: Timestamp, until: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE logout_notices SET due_at = $3 WHERE provider_id = $1 AND due_at <= $2 \
         AND (leased_until IS NULL OR leased_until <= $2)",
        values![provider, now, until],
    )
    .await
}

/// How many notes a provider was told at least once and has not taken, and when the oldest of them was written; none if there
/// are none.
pub async fn failing(tx: &mut Tx<'_>, provider: ProviderId) -> Result<Option<(i64, Timestamp)>> {
    let Failing(count, oldest) = tx
        .fetch_one(
            "SELECT COUNT(*), MIN(created_at) FROM logout_notices WHERE provider_id = $1 AND attempts > 0",
            values![provider],
        )
        .await?;
    Ok(oldest.map(|oldest| (count, oldest)))
}

struct Failing(i64, Option<Timestamp>);

impl FromRow for Failing {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self(row.get(0)?, row.time_optional(1)?))
    }
}

/// Why the newest of them was not taken.
pub async fn last_error(tx: &mut Tx<'_>, provider: ProviderId) -> Result<Option<String>> {
    tx.fetch_optional(
        "SELECT last_error FROM logout_notices WHERE provider_id = $1 AND attempts > 0 \
         ORDER BY created_at DESC, id DESC LIMIT 1",
        values![provider],
    )
    .await
}

/// Forgets notes that nobody came to give up.
pub async fn delete_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM logout_notices WHERE created_at <= $1", values![before]).await
}

/// Forgets the oldest notes to each provider about one user beyond a number.
pub async fn delete_beyond(tx: &mut Tx<'_>, kept: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM logout_notices WHERE id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER \
         (PARTITION BY provider_id, user_id ORDER BY created_at DESC, id DESC) AS place FROM logout_notices) AS notes \
         WHERE place > $1)",
        values![kept],
    )
    .await
}
