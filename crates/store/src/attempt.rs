//! Sign-in attempts.

use doorward_core::{
    id::{ApplicationId, UserId},
    timeline::{Attempt, AttemptMethod, PATIENCE, Standing},
};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// Which attempts are looked for: all that fit every choice that is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// To this application.
    pub application: Option<ApplicationId>,
    /// By this user.
    pub user: Option<UserId>,
    /// With this reference code.
    pub reference: Option<String>,
    /// Those that failed.
    pub failed: bool,
}

impl FromRow for Attempt {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let (application, user) = (row.parse_optional(2)?, row.parse_optional(4)?);
        let (application_name, username): (String, String) = (row.get(3)?, row.get(5)?);
        Ok(Self {
            id: row.parse(0)?,
            method: row.choice(1, AttemptMethod::parse)?,
            application: application.map(|id| (id, application_name)),
            user: user.map(|id| (id, username)),
            proven: row.get(6)?,
            address: row.get(7)?,
            user_agent: row.get(8)?,
            last_at: row.time(9)?,
            standing: row.choice(10, Standing::parse)?,
        })
    }
}

/// Adds an attempt, or what is now known of it to what was known: by the rule of [`Attempt::merged`].
pub async fn merge(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<()> {
    let (application, application_name) = attempt.application.clone().unzip();
    let (user, username) = attempt.user.clone().unzip();
    tx.execute(
        "INSERT INTO attempts (id, reference, method, application_id, application_name, user_id, username, proven, \
         address, user_agent, last_at, standing) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (id) DO UPDATE SET \
         method = CASE WHEN excluded.method IN ('proxy', 'device') THEN excluded.method ELSE attempts.method END, \
         application_id = COALESCE(attempts.application_id, excluded.application_id), \
         application_name = CASE WHEN attempts.application_id IS NULL THEN excluded.application_name \
         ELSE attempts.application_name END, \
         username = CASE WHEN excluded.user_id IS NULL \
         OR (excluded.username = '' AND excluded.user_id = attempts.user_id) THEN attempts.username \
         ELSE excluded.username END, \
         user_id = COALESCE(excluded.user_id, attempts.user_id), \
         proven = attempts.proven OR excluded.proven, \
         address = CASE WHEN attempts.address = '' THEN excluded.address ELSE attempts.address END, \
         user_agent = CASE WHEN attempts.user_agent = '' THEN excluded.user_agent ELSE attempts.user_agent END, \
         standing = CASE WHEN excluded.last_at >= attempts.last_at THEN excluded.standing ELSE attempts.standing END, \
         last_at = CASE WHEN excluded.last_at >= attempts.last_at THEN excluded.last_at ELSE attempts.last_at END",
        values![
            attempt.id,
            attempt.id.reference(),
            attempt.method.as_str(),
            application,
            application_name.unwrap_or_default(),
            user,
            username.unwrap_or_default(),
            attempt.proven,
            &attempt.address,
            &attempt.user_agent,
            attempt.last_at,
            attempt.standing.as_str(),
        ],
    )
    .await?;
    Ok(())
}

/// An attempt by its reference code; of several, the newest.
pub async fn find(tx: &mut Tx<'_>, reference: &str) -> Result<Option<Attempt>> {
    let wanted = Wanted { reference: Some(reference.to_owned()), ..Wanted::default() };
    Ok(list(tx, &wanted, Timestamp::UNIX_EPOCH, 1, 0).await?.pop())
}

/// Attempts, those with the newest steps first. What waits for an application longer than it can take has failed.
pub async fn list(tx: &mut Tx<'_>, wanted: &Wanted, now: Timestamp, limit: i64, offset: i64) -> Result<Vec<Attempt>> {
    tx.fetch(
        "SELECT id, method, application_id, application_name, user_id, username, proven, address, user_agent, last_at, \
         standing FROM attempts WHERE ($1 = '' OR application_id = $1) AND ($2 = '' OR user_id = $2) \
         AND ($3 = '' OR reference = $3) \
         AND (NOT $4 OR standing = 'refused' OR (standing = 'waiting' AND last_at <= $5)) \
         ORDER BY last_at DESC, id DESC LIMIT $6 OFFSET $7",
        &[&chosen(wanted, now)[..], values![limit, offset]].concat(),
    )
    .await
}

/// How many there are.
pub async fn count(tx: &mut Tx<'_>, wanted: &Wanted, now: Timestamp) -> Result<i64> {
    tx.fetch_one(
        "SELECT COUNT(*) FROM attempts WHERE ($1 = '' OR application_id = $1) AND ($2 = '' OR user_id = $2) \
         AND ($3 = '' OR reference = $3) \
         AND (NOT $4 OR standing = 'refused' OR (standing = 'waiting' AND last_at <= $5))",
        &chosen(wanted, now),
    )
    .await
}

/// Forgets attempts whose last step is older than a time, and older than another if nobody showed who they are.
pub async fn delete_old(tx: &mut Tx<'_>, before: Timestamp, unproven_before: Timestamp) -> Result<u64> {
    tx.execute(
        "DELETE FROM attempts WHERE last_at < $1 OR (NOT proven AND last_at < $2)",
        values![before, unproven_before],
    )
    .await
}

/// Forgets all but the newest of those in which somebody showed who they are, or of the others.
pub async fn delete_beyond(tx: &mut Tx<'_>, proven: bool, kept: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM attempts WHERE proven = $1 AND last_at < \
         (SELECT last_at FROM attempts WHERE proven = $1 ORDER BY last_at DESC, id DESC LIMIT 1 OFFSET $2)",
        values![proven, kept],
    )
    .await
}

fn chosen(wanted: &Wanted, now: Timestamp) -> [crate::db::Value; 5] {
    let text = |id: Option<String>| id.unwrap_or_default().into();
    [
        text(wanted.application.map(|id| id.to_string())),
        text(wanted.user.map(|id| id.to_string())),
        text(wanted.reference.clone()),
        wanted.failed.into(),
        now.saturating_sub(PATIENCE).unwrap_or(now).into(),
    ]
}
