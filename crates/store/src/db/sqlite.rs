//! `SQLite`: one thread that writes and commits for everybody waiting, and a pool of readers.

use super::{BoxFuture, Commits, Tx};
use crate::{Error, Result};
use futures::FutureExt;
use rusqlite::{Connection, config::DbConfig};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Operations waiting for the writer; more wait outside.
const QUEUE: usize = 1024;
/// Most operations that share one commit.
const BATCH: usize = 128;
/// Readers kept open; more are opened when needed and closed again.
const IDLE_READERS: usize = 16;
/// How many pages of 4 KiB the log beside the file may hold before they are moved into the file: most of them are written again and
/// again, and only the last state has to move.
const LOG_PAGES: i64 = 8192;
/// How much of the database the writer keeps in memory, in KiB. What it has, it need not read before it writes it.
const WRITER_CACHE: i64 = 16 * 1024;
/// How long to wait for another process that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// Tells the caller how it went, once it is known whether the batch was committed.
type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// One operation: runs its statements and says whether to keep them.
type Job = Box<dyn FnOnce(&mut Tx<'_>) -> (bool, Answer) + Send>;

#[derive(Clone)]
pub(super) struct Sqlite {
    writer: mpsc::Sender<Job>,
    readers: Arc<Mutex<Vec<Connection>>>,
    path: Arc<PathBuf>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, commits: Commits) -> Result<Self> {
        make_private(path)?;
        let mut connection = connect(path)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        // What a savepoint needs to go back is as large as a batch is; SQLite would make a file for it, each time.
        connection.pragma_update(None, "temp_store", "memory")?;
        // Negative is SQLite's way to say KiB rather than pages.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        let (writer, jobs) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_loop(&mut connection, jobs, &commits))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { writer, readers: Arc::default(), path: Arc::new(path.to_owned()) })
    }

    pub(super) fn read<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>>,
    {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = idle.map_or_else(|| connect(&self.path), Ok)?;
        let result = at_once(work(&mut Tx::Sqlite(&mut connection)));
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        result
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = at_once(work(tx));
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                // Nobody listens any more if the request was given up; what is committed stays committed.
                let _ = sender.send(result.and_then(|value| committed.map(|()| value)));
            });
            (keep, answer)
        });
        let gone = || Error::Unavailable("the writer could not take the change".to_owned());
        self.writer.send(job).await.map_err(|_| gone())?;
        receiver.await.map_err(|_| gone())?
    }

    /// Moves what was committed from the log beside the file into the file.
    pub(super) fn checkpoint(&self) -> Result<()> {
        let connection = connect(&self.path)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    pub(super) fn copy_to(&self, path: &Path) -> Result<()> {
        make_private(path)?;
        let connection = connect(&self.path)?;
        let mut target = Connection::open(path)?;
        let backup = rusqlite::backup::Backup::new(&connection, &mut target)?;
        backup.run_to_completion(1000, Duration::ZERO, None)?;
        Ok(())
    }
}

/// The outcome of work that awaits nothing but statements, which SQLite answers in place.
fn at_once<T>(work: BoxFuture<'_, Result<T>>) -> Result<T> {
    work.now_or_never().unwrap_or_else(|| Err(Error::Query("work on the database awaited something else".to_owned())))
}

/// Makes the file before SQLite does, so that only its owner can read it; what SQLite puts beside it has the same mode.
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::Unavailable(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Otherwise SQLite plans a statement anew whenever a value is bound that might change its mind: with every value for a
    // time that an index holds, which is with nearly every look-up of a session or token.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Takes all operations that wait, gives each a savepoint, commits once, then answers.
fn write_loop(connection: &mut Connection, mut jobs: mpsc::Receiver<Job>, commits: &Commits) {
    let mut waiting = Vec::new();
    while jobs.blocking_recv_many(&mut waiting, BATCH) > 0 {
        gather(&mut jobs, &mut waiting);
        let mut batch = waiting.drain(..);
        while let Some(first) = batch.next() {
            run_batch(connection, first, &mut batch, commits);
        }
    }
}

/// Lets those who are about to write catch up, so that they share this commit: where the processor has nothing else to do, this
/// takes no time, and where it has, one commit instead of many is what makes it idle again.
fn gather(jobs: &mut mpsc::Receiver<Job>, waiting: &mut Vec<Job>) {
    loop {
        std::thread::yield_now();
        let before = waiting.len();
        while waiting.len() < BATCH
            && let Ok(job) = jobs.try_recv()
        {
            waiting.push(job);
        }
        if waiting.len() == before || waiting.len() >= BATCH {
            return;
        }
    }
}

/// Runs jobs in one transaction until there are no more, or until the database itself gave the transaction up
/// (disk full, say), in which case the jobs so far failed and the caller starts again with the rest.
fn run_batch(connection: &mut Connection, first: Job, rest: &mut impl Iterator<Item = Job>, commits: &Commits) {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        tracing::error!(%error, "cannot begin a transaction");
        // Dropping the job tells its caller that the database is unavailable.
        return;
    }
    let mut answers = Vec::new();
    for job in std::iter::once(first).chain(rest) {
        match run_job(connection, job) {
            Ok(answer) => answers.extend(answer),
            Err(error) => {
                tracing::error!(%error, "the transaction was given up");
                let _ = execute(connection, "ROLLBACK");
                return answer_all(answers, Some(&error));
            }
        }
    }
    match execute(connection, "COMMIT") {
        Ok(()) => {
            commits.add();
            answer_all(answers, None);
        }
        Err(error) => {
            tracing::error!(%error, "cannot commit");
            let _ = execute(connection, "ROLLBACK");
            answer_all(answers, Some(&error));
        }
    }
}

/// Runs one job in a savepoint. The answer is kept until the commit.
fn run_job(connection: &mut Connection, job: Job) -> Result<Option<Answer>> {
    execute(connection, "SAVEPOINT job")?;
    let outcome = catch_unwind(AssertUnwindSafe(|| job(&mut Tx::Sqlite(&mut *connection))));
    let keep = matches!(&outcome, Ok((true, _)));
    if connection.is_autocommit() {
        if let Ok((_, answer)) = outcome {
            answer(Err(Error::Unavailable("the database gave the transaction up".to_owned())));
        }
        return Err(Error::Unavailable("the database gave the transaction up".to_owned()));
    }
    if !keep {
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")?;
    Ok(outcome.ok().map(|(_, answer)| answer))
}

fn answer_all(answers: Vec<Answer>, error: Option<&Error>) {
    for answer in answers {
        answer(error.map_or(Ok(()), |error| Err(Error::Unavailable(error.to_string()))));
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values;

    async fn table(db: &Sqlite) {
        db.write(|tx| Box::pin(async move { tx.batch("CREATE TABLE t (x TEXT)").await })).await.unwrap();
    }

    async fn insert(db: &Sqlite, size: usize) -> Result<u64> {
        db.write(move |tx| {
            Box::pin(async move { tx.execute("INSERT INTO t (x) VALUES ($1)", values!["x".repeat(size)]).await })
        })
        .await
    }

    fn count(db: &Sqlite) -> i64 {
        db.read(|tx| Box::pin(async move { tx.fetch_one("SELECT COUNT(*) FROM t", &[]).await })).unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_fails_clearly_keeps_nothing_half_and_heals() {
        let dir = tempfile::tempdir().unwrap();
        let db = Sqlite::open(&dir.path().join("t.db"), Commits::default()).unwrap();
        table(&db).await;
        let limit = |pages: i64| {
            db.write(move |tx| {
                Box::pin(async move {
                    let Tx::Sqlite(connection) = tx else { unreachable!() };
                    connection.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))?;
                    Ok(())
                })
            })
        };
        limit(3).await.unwrap();
        let refused = insert(&db, 100_000).await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable(_)), "{refused}");
        assert_eq!(count(&db), 0);
        limit(1_000_000).await.unwrap();
        insert(&db, 100_000).await.unwrap();
        assert_eq!(count(&db), 1);
    }

    #[tokio::test]
    async fn a_failing_or_panicking_job_harms_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let db = Sqlite::open(&dir.path().join("t.db"), Commits::default()).unwrap();
        table(&db).await;
        let jobs = (0..60).map(|number| {
            let db = db.clone();
            async move {
                match number % 3 {
                    0 => insert(&db, 1).await.map(|_| ()),
                    1 => {
                        let half = db.write(|tx| {
                            Box::pin(async move {
                                tx.execute("INSERT INTO t (x) VALUES ('half')", &[]).await?;
                                Err::<(), _>(Error::Rollback)
                            })
                        });
                        half.await
                    }
                    _ => db.write(|_| Box::pin(async move { panic!("on purpose") })).await,
                }
            }
        });
        let results = futures::future::join_all(jobs).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 20);
        assert_eq!(count(&db), 20);
    }

    #[tokio::test]
    async fn those_who_wait_share_a_commit() {
        let dir = tempfile::tempdir().unwrap();
        let commits = Commits::default();
        let db = Sqlite::open(&dir.path().join("t.db"), commits.clone()).unwrap();
        table(&db).await;
        let before = commits.get();
        let written = futures::future::join_all((0..100).map(|_| insert(&db, 1))).await;
        assert!(written.iter().all(Result::is_ok));
        assert!(commits.get() - before < 50, "{} commits", commits.get() - before);
        assert_eq!(count(&db), 100);
    }

    #[tokio::test]
    async fn work_that_awaits_anything_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let db = Sqlite::open(&dir.path().join("t.db"), Commits::default()).unwrap();
        let refused = db.read(|_| Box::pin(std::future::pending::<Result<()>>())).unwrap_err();
        assert!(matches!(refused, Error::Query(_)), "{refused}");
    }

    /// A kept statement is planned once, whatever it is asked for.
    #[test]
    fn other_values_need_no_other_plan() {
        let dir = tempfile::tempdir().unwrap();
        let connection = connect(&dir.path().join("t.db")).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (token_hash TEXT NOT NULL PRIMARY KEY, expires_at BIGINT NOT NULL);
                 CREATE INDEX t_expires ON t (expires_at);",
            )
            .unwrap();
        let mut find = connection.prepare("SELECT 1 FROM t WHERE token_hash = $1 AND expires_at > $2").unwrap();
        for now in 1..=3 {
            assert!(!find.exists(rusqlite::params!["a", now]).unwrap());
        }
        assert_eq!(find.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}
