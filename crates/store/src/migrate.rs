//! Numbered migrations, the same for both databases, forward only.

use jiff::Timestamp;
use std::path::{Path, PathBuf};

use crate::{
    Error, Result,
    db::{Db, FromRow, Row, Tx},
    values,
};

/// A step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Number, counted from 1 without gaps.
    pub version: i64,
    /// What it does, in a few words.
    pub name: &'static str,
    /// Its statements. `{C}` stands for the collation that sorts by bytes.
    pub sql: &'static str,
}

/// All migrations, in order.
pub const ALL: &[Migration] = &[
    Migration { version: 1, name: "initial", sql: include_str!("../../../migrations/0001_initial.sql") },
    Migration { version: 2, name: "directory", sql: include_str!("../../../migrations/0002_directory.sql") },
    Migration { version: 3, name: "proxy", sql: include_str!("../../../migrations/0003_proxy.sql") },
    Migration { version: 4, name: "connector", sql: include_str!("../../../migrations/0004_connector.sql") },
    Migration { version: 5, name: "timeline", sql: include_str!("../../../migrations/0005_timeline.sql") },
    Migration { version: 6, name: "openid", sql: include_str!("../../../migrations/0006_openid.sql") },
];

/// What a run did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Versions applied.
    pub applied: Vec<i64>,
    /// The copy made before, if there was something to copy.
    pub copy: Option<PathBuf>,
}

struct Applied(i64);
impl FromRow for Applied {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self(row.get(0)?))
    }
}

/// Brings the database to the latest version. An embedded database that already holds something is copied aside first,
/// into `copies`.
///
/// # Errors
/// [`Error::Newer`] if a newer Doorward wrote it; or what the database says. A migration that fails leaves nothing.
pub async fn run(db: &Db, migrations: &'static [Migration], copies: &Path, now: Timestamp) -> Result<Report> {
    let found = current(db).await?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    let mut report = Report::default();
    if found == known {
        return Ok(report);
    }
    if found > 0 && db.is_sqlite() {
        let copy = copies.join(format!("doorward-before-{known:04}-{}.db", now.as_second()));
        db.copy_to(&copy)?;
        tracing::info!(copy = %copy.display(), "copied the database before migrating it");
        report.copy = Some(copy);
    }
    report.applied = db.write(move |tx| Box::pin(apply(tx, migrations, now))).await?;
    Ok(report)
}

/// The version the database is at; 0 if it is empty.
///
/// # Errors
/// What the database says.
pub async fn current(db: &Db) -> Result<i64> {
    let version = db
        .read(|tx| {
            Box::pin(async move {
                tx.fetch_one::<Applied>("SELECT COALESCE(MAX(version), 0) FROM schema_migrations", &[]).await
            })
        })
        .await;
    match version {
        Ok(Applied(version)) => Ok(version),
        // The table is missing: nothing was ever applied.
        Err(Error::Query(_)) => Ok(0),
        Err(error) => Err(error),
    }
}

async fn apply(tx: &mut Tx<'_>, migrations: &[Migration], now: Timestamp) -> Result<Vec<i64>> {
    if !tx.is_sqlite() {
        // Several nodes may start at once; one migrates, the others wait and find it done.
        tx.batch("SELECT pg_advisory_xact_lock(6837465)").await?;
    }
    tx.batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations \
         (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)",
    )
    .await?;
    let Applied(done) = tx.fetch_one("SELECT COALESCE(MAX(version), 0) FROM schema_migrations", &[]).await?;
    let collation = if tx.is_sqlite() { "" } else { "COLLATE \"C\"" };
    let mut applied = Vec::new();
    for migration in migrations.iter().filter(|migration| migration.version > done) {
        tx.batch(&migration.sql.replace("{C}", collation)).await?;
        tx.execute(
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
            values![migration.version, migration.name, now],
        )
        .await?;
        applied.push(migration.version);
    }
    Ok(applied)
}
