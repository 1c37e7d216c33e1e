//! Connectors. Their tokens are encrypted, bound to their row.

use doorward_core::{
    cipher::Cipher,
    connector::{
        Connector, ConnectorHealth, ConnectorKind, ConnectorProfile, ConnectorRun, ConnectorState, ManagedGroups,
    },
    id::{ApplicationId, ConnectorId},
    secret::Secret,
};
use jiff::Timestamp;

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx, Value},
    user::json,
    values,
};

struct ConnectorRow {
    connector: Connector,
    sealed_token: Vec<u8>,
}

impl FromRow for ConnectorRow {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let groups: ManagedGroups = row.json(5)?;
        let run_at = row.time_optional(18)?;
        let total = row.get(19)?;
        let connector = Connector {
            id: row.parse(0)?,
            application: row.parse(1)?,
            kind: row.choice(2, ConnectorKind::parse)?,
            profile: ConnectorProfile {
                url: row.get(3)?,
                groups,
                push_profile: row.get(6)?,
                push_username: row.get(7)?,
                cut_off_denied: row.get(8)?,
                is_enabled: row.get(9)?,
            },
            token: Secret::new(String::new()),
            created_at: row.time(10)?,
            directory_cursor: row.get(11)?,
            snapshot_cursor: row.get(12)?,
            health: ConnectorHealth {
                state: row.choice(13, ConnectorState::parse)?,
                text: row.get(14)?,
                since: row.time(15)?,
                failures: row.get(16)?,
                resume_at: row.time(17)?,
            },
            run: run_at.map(|at| ConnectorRun { at, total }),
        };
        Ok(Self { connector, sealed_token: row.get(4)? })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, application_id, kind, url, token, managed_groups, push_profile, push_username, \
             cut_off_denied, is_enabled, created_at, directory_cursor, snapshot_cursor, state, state_text, state_at, \
             failures, resume_at, run_at, run_total FROM connectors ",
            $rest
        )
    };
}

fn place(id: ConnectorId) -> String {
    format!("connectors.token.{id}")
}

fn open(row: ConnectorRow, cipher: &Cipher) -> Result<Connector> {
    let ConnectorRow { mut connector, sealed_token } = row;
    let token = String::from_utf8(cipher.open(&place(connector.id), &sealed_token)?);
    connector.token = Secret::new(token.map_err(|_| Error::Corrupt("a connector's token".to_owned()))?);
    Ok(connector)
}

/// All connectors, tokens decrypted.
pub async fn all(tx: &mut Tx<'_>, cipher: &Cipher) -> Result<Vec<Connector>> {
    let rows: Vec<ConnectorRow> = tx.fetch(select!("ORDER BY id"), &[]).await?;
    rows.into_iter().map(|row| open(row, cipher)).collect()
}

/// Which applications have a connector.
pub async fn applications(tx: &mut Tx<'_>) -> Result<Vec<(ApplicationId, ConnectorId)>> {
    tx.fetch("SELECT application_id, id FROM connectors ORDER BY id", &[]).await
}

/// A connector by identifier, token decrypted.
pub async fn find(tx: &mut Tx<'_>, cipher: &Cipher, id: ConnectorId) -> Result<Option<Connector>> {
    let row: Option<ConnectorRow> = tx.fetch_optional(select!("WHERE id = $1"), values![id]).await?;
    row.map(|row| open(row, cipher)).transpose()
}

/// Adds a connector.
pub async fn insert(tx: &mut Tx<'_>, cipher: &Cipher, connector: &Connector) -> Result<()> {
    let (profile, health) = (&connector.profile, &connector.health);
    tx.execute(
        "INSERT INTO connectors (id, application_id, kind, url, token, managed_groups, push_profile, push_username, \
         cut_off_denied, is_enabled, created_at, directory_cursor, snapshot_cursor, state, state_text, state_at, \
         failures, resume_at, run_at, run_total) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        values![
            connector.id,
            connector.application,
            connector.kind.as_str(),
            &profile.url,
            cipher.seal(&place(connector.id), connector.token.expose().as_bytes()),
            json(&profile.groups)?,
            profile.push_profile,
            profile.push_username,
            profile.cut_off_denied,
            profile.is_enabled,
            connector.created_at,
            connector.directory_cursor,
            connector.snapshot_cursor,
            health.state.as_str(),
            &health.text,
            health.since,
            health.failures,
            health.resume_at,
            Value::Null,
            0,
        ],
    )
    .await?;
    Ok(())
}

/// Writes what can be edited. The snapshot's cursor goes back, so that everybody is looked at again.
pub async fn update(tx: &mut Tx<'_>, id: ConnectorId, profile: &ConnectorProfile) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE connectors SET url = $2, managed_groups = $3, push_profile = $4, push_username = $5, \
             cut_off_denied = $6, is_enabled = $7, snapshot_cursor = 0 WHERE id = $1",
            values![
                id,
                &profile.url,
                json(&profile.groups)?,
                profile.push_profile,
                profile.push_username,
                profile.cut_off_denied,
                profile.is_enabled,
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Replaces the token.
pub async fn set_token(tx: &mut Tx<'_>, cipher: &Cipher, id: ConnectorId, token: &Secret<String>) -> Result<()> {
    let sealed = cipher.seal(&place(id), token.expose().as_bytes());
    tx.execute("UPDATE connectors SET token = $2 WHERE id = $1", values![id, sealed]).await?;
    Ok(())
}

/// Moves the cursors, unless another moved them first. Says whether it did.
pub async fn move_cursors(tx: &mut Tx<'_>, connector: &Connector, directory: i64, snapshot: i64) -> Result<bool> {
    let moved = tx
        .execute(
            "UPDATE connectors SET directory_cursor = $4, snapshot_cursor = $5 \
             WHERE id = $1 AND directory_cursor = $2 AND snapshot_cursor = $3",
            values![connector.id, connector.directory_cursor, connector.snapshot_cursor, directory, snapshot],
        )
        .await?;
    Ok(moved == 1)
}

/// Notes how a connector is. Says whether that is news: the state is another than before.
pub async fn set_health(tx: &mut Tx<'_>, id: ConnectorId, health: &ConnectorHealth) -> Result<bool> {
    let is_news = tx
        .execute(
            "UPDATE connectors SET state = $2, state_at = $3 WHERE id = $1 AND state <> $2",
            values![id, health.state.as_str(), health.since],
        )
        .await?;
    tx.execute(
        "UPDATE connectors SET state_text = $2, failures = $3, resume_at = $4 WHERE id = $1",
        values![id, &health.text, health.failures, health.resume_at],
    )
    .await?;
    Ok(is_news == 1)
}

/// Notes that a run for everybody begins.
pub async fn begin_run(tx: &mut Tx<'_>, id: ConnectorId, at: Timestamp, total: i64) -> Result<()> {
    tx.execute("UPDATE connectors SET run_at = $2, run_total = $3 WHERE id = $1", values![id, at, total]).await?;
    Ok(())
}

/// Removes a connector with its queue and all it knows. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, id: ConnectorId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM connectors WHERE id = $1", values![id]).await? == 1)
}
