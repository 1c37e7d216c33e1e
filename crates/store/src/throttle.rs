//! Counters that slow down guessing, kept per account and per address.

use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// How the names of counters of codes that people type begin. They are kept longer than the others.
pub const CODES: &str = "code:";

/// A counter.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Whose attempts it counts.
    pub name: String,
    /// When its window began.
    pub started_at: Timestamp,
    /// Attempts in the window; of a counter that was just moved, this one included.
    pub count: i64,
}

impl FromRow for Throttle {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { name: row.get(0)?, started_at: row.time(1)?, count: row.get(2)? })
    }
}

/// Counts an attempt and returns the count. A counter whose window began before `window_start` begins again.
pub async fn count(tx: &mut Tx<'_>, name: &str, now: Timestamp, window_start: Timestamp) -> Result<Throttle> {
    tx.fetch_one(
        "INSERT INTO throttles (name, started_at, count) VALUES ($1, $2, 1) \
         ON CONFLICT (name) DO UPDATE SET \
         count = CASE WHEN throttles.started_at <= $3 THEN 1 ELSE throttles.count + 1 END, \
         started_at = CASE WHEN throttles.started_at <= $3 THEN excluded.started_at ELSE throttles.started_at END \
         RETURNING name, started_at, count",
        values![name, now, window_start],
    )
    .await
}

/// The counters of these names as they stand; none is moved.
pub async fn find(tx: &mut Tx<'_>, names: [&str; 3]) -> Result<Vec<Throttle>> {
    let [first, second, third] = names;
    tx.fetch(
        "SELECT name, started_at, count FROM throttles WHERE name IN ($1, $2, $3) ORDER BY name",
        values![first, second, third],
    )
    .await
}

/// Forgets a counter after success.
pub async fn reset(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    tx.execute("DELETE FROM throttles WHERE name = $1", values![name]).await?;
    Ok(())
}

/// Takes one attempt back: a success does not count against an address that many people share.
pub async fn forgive(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    tx.execute("UPDATE throttles SET count = count - 1 WHERE name = $1 AND count > 0", values![name]).await?;
    Ok(())
}

/// Forgets counters whose window began before a time, those of [`CODES`] before another.
pub async fn delete_old(tx: &mut Tx<'_>, before: Timestamp, codes_before: Timestamp) -> Result<u64> {
    let codes = format!("{CODES}%");
    let old = tx
        .execute("DELETE FROM throttles WHERE name NOT LIKE $1 AND started_at <= $2", values![codes.as_str(), before])
        .await?;
    let old_codes = tx
        .execute("DELETE FROM throttles WHERE name LIKE $1 AND started_at <= $2", values![codes.as_str(), codes_before])
        .await?;
    Ok(old + old_codes)
}
