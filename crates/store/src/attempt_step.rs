//! The steps of sign-in attempts.

use doorward_core::{
    id::AttemptId,
    timeline::{Step, StepKind},
};

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx},
    values,
};

/// Most steps of one attempt that are kept: a client that repeats itself fills nothing.
pub const STEPS_MAX: i64 = 60;

impl FromRow for Step {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            at: row.time(0)?,
            seq: row.get(1)?,
            kind: row.choice(2, StepKind::parse)?,
            ok: row.get(3)?,
            text: row.get(4)?,
            details: row.json(5)?,
        })
    }
}

/// Adds a step, unless it is there already or there are too many.
pub async fn insert(tx: &mut Tx<'_>, attempt: AttemptId, step: &Step) -> Result<()> {
    let details = serde_json::to_string(&step.details).map_err(|error| Error::Query(error.to_string()))?;
    tx.execute(
        "INSERT INTO attempt_steps (attempt_id, at, seq, kind, ok, text, details) \
         SELECT $1, CAST($2 AS BIGINT), CAST($3 AS BIGINT), $4, CAST($5 AS BOOLEAN), $6, $7 \
         WHERE (SELECT COUNT(*) FROM attempt_steps WHERE attempt_id = $1) < $8 ON CONFLICT DO NOTHING",
        values![attempt, step.at, step.seq, step.kind.as_str(), step.ok, &step.text, details, STEPS_MAX],
    )
    .await?;
    Ok(())
}

/// The steps of an attempt, in their order.
pub async fn of_attempt(tx: &mut Tx<'_>, attempt: AttemptId) -> Result<Vec<Step>> {
    tx.fetch(
        "SELECT at, seq, kind, ok, text, details FROM attempt_steps WHERE attempt_id = $1 ORDER BY at, seq",
        values![attempt],
    )
    .await
}
