//! The queue of connectors: one job per connector and person, claimed for a time.

use doorward_core::{
    connector::{ConnectorJob, JobRank, JobState},
    id::{ConnectorId, ConnectorJobId, UserId},
};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

impl FromRow for ConnectorJob {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            connector: row.parse(1)?,
            user: row.parse(2)?,
            state: row.choice(3, JobState::parse)?,
            rank: JobRank::from_number(row.get(4)?),
            attempts: row.get(5)?,
            queued_at: row.time(6)?,
            next_at: row.time(7)?,
            claimed_by: row.get(8)?,
            claimed_until: row.time(9)?,
            run_at: row.time_optional(10)?,
            error: row.get(11)?,
        })
    }
}

/// A job about to be put into the queue.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Identifier, unless there is a job for that person.
    pub id: ConnectorJobId,
    /// Of which connector.
    pub connector: ConnectorId,
    /// For whom.
    pub user: UserId,
    /// What comes first.
    pub rank: JobRank,
    /// The present.
    pub now: Timestamp,
    /// When it may run.
    pub next_at: Timestamp,
    /// The run it belongs to.
    pub run_at: Option<Timestamp>,
}

/// Puts a job into the queue. If there is one for that person, it becomes more urgent; if that is running, it runs again.
pub async fn enqueue(tx: &mut Tx<'_>, job: &NewJob) -> Result<()> {
    tx.execute(
        "INSERT INTO connector_jobs (id, connector_id, user_id, state, rank, attempts, queued_at, next_at, claimed_by, \
         claimed_until, is_dirty, run_at, error) VALUES ($1, $2, $3, 'waiting', $4, 0, $5, $6, '', 0, FALSE, $7, '') \
         ON CONFLICT (connector_id, user_id) DO UPDATE SET \
         is_dirty = (connector_jobs.state = 'running'), \
         state = CASE WHEN connector_jobs.state = 'running' THEN 'running' ELSE 'waiting' END, \
         rank = CASE WHEN connector_jobs.rank < excluded.rank THEN connector_jobs.rank ELSE excluded.rank END, \
         attempts = 0, \
         next_at = CASE WHEN connector_jobs.state = 'waiting' AND connector_jobs.next_at < excluded.next_at \
                        THEN connector_jobs.next_at ELSE excluded.next_at END, \
         run_at = COALESCE(excluded.run_at, connector_jobs.run_at)",
        values![job.id, job.connector, job.user, job.rank.number(), job.now, job.next_at, job.run_at],
    )
    .await?;
    Ok(())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, connector_id, user_id, state, rank, attempts, queued_at, next_at, claimed_by, claimed_until, \
             run_at, error FROM connector_jobs ",
            $rest
        )
    };
}

/// How many jobs may run now: whose time has come, of connectors that work.
pub async fn count_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<i64> {
    tx.fetch_one(
        "SELECT COUNT(*) FROM connector_jobs WHERE next_at <= $1 AND (state <> 'running' OR claimed_until <= $1) \
         AND connector_id IN (SELECT id FROM connectors WHERE is_enabled AND resume_at <= $1)",
        values![now],
    )
    .await
}

/// Takes the most urgent job whose time has come, for a while. Of several who try for one job, one gets it; the others
/// get nothing and try again.
pub async fn claim(tx: &mut Tx<'_>, node: &str, now: Timestamp, until: Timestamp) -> Result<Option<ConnectorJob>> {
    // What was seen from outside the row lock is looked at again inside.
    tx.fetch_optional(
        "UPDATE connector_jobs SET state = 'running', claimed_by = $1, claimed_until = $3, is_dirty = FALSE \
         WHERE id = (SELECT id FROM connector_jobs \
                     WHERE next_at <= $2 AND (state <> 'running' OR claimed_until <= $2) \
                     AND connector_id IN (SELECT id FROM connectors WHERE is_enabled AND resume_at <= $2) \
                     ORDER BY rank, next_at, id LIMIT 1) \
         AND next_at <= $2 AND (state <> 'running' OR claimed_until <= $2) \
         RETURNING id, connector_id, user_id, state, rank, attempts, queued_at, next_at, claimed_by, claimed_until, \
         run_at, error",
        values![node, now, until],
    )
    .await
}

/// Whether a claim still holds: nobody took the job after its time had run out.
pub async fn is_still_claimed(tx: &mut Tx<'_>, job: &ConnectorJob) -> Result<bool> {
    let count: i64 = tx
        .fetch_one(
            "SELECT COUNT(*) FROM connector_jobs WHERE id = $1 AND claimed_by = $2 AND claimed_until = $3",
            values![job.id, &job.claimed_by, job.claimed_until],
        )
        .await?;
    Ok(count == 1)
}

/// Ends a job that was done; if somebody changed meanwhile, it waits for its next turn instead. Nothing happens if the
/// claim has run out and another has it.
pub async fn finish(tx: &mut Tx<'_>, job: &ConnectorJob, now: Timestamp) -> Result<()> {
    let deleted = tx
        .execute(
            "DELETE FROM connector_jobs WHERE id = $1 AND claimed_by = $2 AND claimed_until = $3 AND NOT is_dirty",
            values![job.id, &job.claimed_by, job.claimed_until],
        )
        .await?;
    if deleted == 0 {
        put_back(tx, job, JobState::Waiting, now, "").await?;
    }
    Ok(())
}

/// Puts a job back until later, with the reason. One that became dirty meanwhile may run at once.
pub async fn put_back(
    tx: &mut Tx<'_>,
    job: &ConnectorJob,
    state: JobState,
    next_at: Timestamp,
    error: &str,
) -> Result<()> {
    tx.execute(
        "UPDATE connector_jobs SET state = CASE WHEN is_dirty THEN 'waiting' ELSE $4 END, claimed_by = '', \
         claimed_until = 0, attempts = CASE WHEN is_dirty OR $6 = '' THEN 0 ELSE attempts + 1 END, \
         next_at = CASE WHEN is_dirty AND next_at < $5 THEN next_at ELSE $5 END, is_dirty = FALSE, error = $6 \
         WHERE id = $1 AND claimed_by = $2 AND claimed_until = $3",
        values![job.id, &job.claimed_by, job.claimed_until, state.as_str(), next_at, error],
    )
    .await?;
    Ok(())
}

/// Gives back all that a node has, because it ends.
pub async fn release(tx: &mut Tx<'_>, node: &str) -> Result<u64> {
    tx.execute(
        "UPDATE connector_jobs SET state = 'waiting', claimed_by = '', claimed_until = 0, is_dirty = FALSE \
         WHERE claimed_by = $1",
        values![node],
    )
    .await
}

/// The jobs of a connector, the most urgent first.
pub async fn list(tx: &mut Tx<'_>, connector: ConnectorId, limit: i64) -> Result<Vec<ConnectorJob>> {
    tx.fetch(select!("WHERE connector_id = $1 ORDER BY rank, next_at, id LIMIT $2"), values![connector, limit]).await
}

/// How many jobs a connector has of each state.
pub async fn count_by_state(tx: &mut Tx<'_>, connector: ConnectorId, state: JobState) -> Result<i64> {
    tx.fetch_one(
        "SELECT COUNT(*) FROM connector_jobs WHERE connector_id = $1 AND state = $2",
        values![connector, state.as_str()],
    )
    .await
}

/// How many jobs of a run are left that have not failed for good.
pub async fn left_of_run(tx: &mut Tx<'_>, connector: ConnectorId, run_at: Timestamp) -> Result<i64> {
    tx.fetch_one(
        "SELECT COUNT(*) FROM connector_jobs WHERE connector_id = $1 AND run_at = $2 AND state <> 'failed'",
        values![connector, run_at],
    )
    .await
}

/// Lets all jobs of a connector run now that wait because they failed. Returns how many.
pub async fn retry(tx: &mut Tx<'_>, connector: ConnectorId, now: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE connector_jobs SET state = 'waiting', attempts = 0, next_at = $2 \
         WHERE connector_id = $1 AND state <> 'running' AND (state = 'failed' OR next_at > $2)",
        values![connector, now],
    )
    .await
}
