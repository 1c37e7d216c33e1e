//! Writing behind: what was noted goes to the database in batches, twice a second.

use doorward_core::{id::AttemptId, timeline::Attempt};
use doorward_store::{self as store, db::Tx};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

use super::{Note, Noted, near_misses};
use crate::app::App;

/// How often what was noted is written.
pub const WRITE_EVERY: Duration = Duration::from_millis(500);

/// Writes everything that was noted.
///
/// # Errors
/// That the database is away: what was not written waits for the next time.
pub async fn flush(app: &App) -> store::Result<()> {
    let _turn = app.timeline.writing.lock().await;
    loop {
        let batch = Arc::new(app.timeline.take());
        if batch.is_empty() {
            return Ok(());
        }
        let given = batch.clone();
        match app.db.write(move |tx| Box::pin(async move { write(tx, &given).await })).await {
            Ok(()) => {}
            Err(error @ store::Error::Unavailable(_)) => {
                app.timeline.put_back(&batch);
                return Err(error);
            }
            // What the database will never take must not stand in the way of what comes after it.
            Err(error) => tracing::error!(%error, count = batch.len(), "steps of sign-ins could not be written"),
        }
    }
}

async fn write(tx: &mut Tx<'_>, batch: &[Note]) -> store::Result<()> {
    let mut attempts: BTreeMap<AttemptId, Attempt> = BTreeMap::new();
    for note in batch {
        if let Note::Step(noted) = note {
            let attempt = noted.attempt.clone();
            let merged = match attempts.remove(&attempt.id) {
                Some(known) => known.merged(attempt),
                None => attempt,
            };
            attempts.insert(merged.id, merged);
        }
    }
    // In the order of their identifiers, so that two nodes that write about the same attempts do not wait in circles.
    for attempt in attempts.values() {
        store::attempt::merge(tx, attempt).await?;
    }
    for note in batch {
        match note {
            Note::Step(noted) => {
                let Noted { attempt, asked, step } = noted.as_ref();
                for step in asked.iter().chain([step]) {
                    store::attempt_step::insert(tx, attempt.id, step).await?;
                }
            }
            Note::NearMiss { application, uri, at } => {
                store::near_miss::count(tx, *application, uri, *at, near_misses::PER_APPLICATION).await?;
            }
        }
    }
    Ok(())
}

/// Writes twice a second what was noted, and a last time when the process is to end.
pub async fn write_behind(app: App, stopping: CancellationToken) {
    let mut is_failing = false;
    loop {
        let is_last = tokio::select! {
            () = stopping.cancelled() => true,
            () = tokio::time::sleep(WRITE_EVERY) => false,
        };
        match flush(&app).await {
            Ok(()) => is_failing = false,
            // Said once, not twice a second.
            Err(error) if !is_failing => {
                tracing::error!(%error, "the activity could not be written; it is tried again");
                is_failing = true;
            }
            Err(_) => {}
        }
        if is_last {
            return;
        }
    }
}
