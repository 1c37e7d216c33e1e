//! The activity log.

use doorward_core::{
    event::{Event, EventKind},
    id::{ApplicationId, UserId},
};
use jiff::Timestamp;

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx},
    values,
};

impl FromRow for Event {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            at: row.time(1)?,
            kind: row.get(2)?,
            ok: row.get(3)?,
            reference: row.get(4)?,
            user: row.parse_optional(5)?,
            application: row.parse_optional(6)?,
            address: row.get(7)?,
            text: row.get(8)?,
        })
    }
}

/// Adds an entry.
pub async fn insert(tx: &mut Tx<'_>, event: &Event) -> Result<()> {
    tx.execute(
        "INSERT INTO events (id, at, kind, ok, reference, user_id, application_id, address, text) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            event.id,
            event.at,
            &event.kind,
            event.ok,
            &event.reference,
            event.user,
            event.application,
            &event.address,
            &event.text,
        ],
    )
    .await?;
    Ok(())
}

/// Adds an entry, unless there are enough of its kind.
pub async fn insert_any(tx: &mut Tx<'_>, event: Option<&Event>) -> Result<()> {
    match event {
        Some(event) => insert(tx, event).await,
        None => Ok(()),
    }
}

/// The newest entries, newest first.
pub async fn newest(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Event>> {
    tx.fetch(
        "SELECT id, at, kind, ok, reference, user_id, application_id, address, text FROM events \
         ORDER BY at DESC, id DESC LIMIT $1",
        values![limit],
    )
    .await
}

/// Entries of a kind, newest first.
pub async fn of_kind(tx: &mut Tx<'_>, kind: &str, limit: i64, offset: i64) -> Result<Vec<Event>> {
    tx.fetch(
        "SELECT id, at, kind, ok, reference, user_id, application_id, address, text FROM events WHERE kind = $1 \
         ORDER BY at DESC, id DESC LIMIT $2 OFFSET $3",
        values![kind, limit, offset],
    )
    .await
}

/// How many entries of a kind there are.
pub async fn count_of_kind(tx: &mut Tx<'_>, kind: &str) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) FROM events WHERE kind = $1", values![kind]).await
}

/// The entries with a reference code, oldest first.
pub async fn by_reference(tx: &mut Tx<'_>, reference: &str) -> Result<Vec<Event>> {
    tx.fetch(
        "SELECT id, at, kind, ok, reference, user_id, application_id, address, text FROM events \
         WHERE reference = $1 ORDER BY at, id LIMIT 100",
        values![reference],
    )
    .await
}

/// The newest failures of an application, newest first; without one those that belong to none.
pub async fn failures(
    tx: &mut Tx<'_>,
    application: Option<ApplicationId>,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Event>> {
    tx.fetch(
        "SELECT id, at, kind, ok, reference, user_id, application_id, address, text FROM events \
         WHERE at > $1 AND NOT ok AND (application_id = $2 OR (application_id IS NULL AND $2 IS NULL)) \
         ORDER BY at DESC, id DESC LIMIT $3",
        values![since, application, limit],
    )
    .await
}

/// Who was ever authorized at an application, as far as the log goes back.
pub async fn authorized_users(tx: &mut Tx<'_>, application: ApplicationId) -> Result<Vec<UserId>> {
    let ids: Vec<String> = tx
        .fetch(
            "SELECT DISTINCT user_id FROM events WHERE application_id = $1 AND kind = $2 AND user_id IS NOT NULL \
             ORDER BY user_id",
            values![application, EventKind::Authorized.as_str()],
        )
        .await?;
    ids.iter().map(|id| id.parse().map_err(|_| Error::Corrupt(format!("event of {id:?}")))).collect()
}

/// Forgets failures older than a time.
pub async fn delete_old_failures(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM events WHERE at < $1 AND NOT ok", values![before]).await
}

/// Forgets entries older than a time.
pub async fn delete_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM events WHERE at < $1", values![before]).await
}
