//! Works the queue of notes off; in every serving process, a few at a time.

use doorward_core::clock::after;
use doorward_store::{self as store, logout_notice::LogoutNotice};
use futures::{StreamExt, stream::FuturesUnordered};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use super::{LEASE, TIMEOUT, back_channel::process};
use crate::app::App;

/// How many notes a process delivers at once.
pub const PARALLEL: usize = 8;
/// How often the queue is looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long deliveries that run may take to end when the process ends. What does not end in time is taken over by others
/// when its lease has ended.
const LAST_SECONDS: Duration = Duration::from_secs(5);

/// Works the queue off until the process ends.
pub async fn work(app: App, stop: CancellationToken) {
    let mut running = FuturesUnordered::new();
    let mut is_failing = false;
    while !stop.is_cancelled() {
        match claim(&app, PARALLEL - running.len()).await {
            Ok(notices) => {
                is_failing = false;
                running.extend(notices.into_iter().map(|notice| deliver(&app, notice)));
            }
            // Said once, not twice a second.
            Err(error) if !is_failing => {
                tracing::error!(%error, "applications cannot be told of sign-outs; it is tried again");
                is_failing = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
            Some(()) = running.next() => {}
        }
    }
    let rest = async { while running.next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_SECONDS, rest).await;
}

async fn deliver(app: &App, notice: LogoutNotice) {
    process(app, &notice, TIMEOUT).await;
}

/// Claims notes whose time has come, `room` at most.
///
/// # Errors
/// What the database says.
pub async fn claim(app: &App, room: usize) -> store::Result<Vec<LogoutNotice>> {
    let now = app.clock.now();
    let due = app.db.read(move |tx| Box::pin(store::logout_notice::count_due(tx, now))).await?;
    let mut notices = Vec::new();
    for _ in 0..usize::try_from(due).unwrap_or(0).min(room) {
        let until = after(now, LEASE);
        let claimed =
            app.db.write(move |tx| Box::pin(async move { store::logout_notice::claim(tx, now, until).await }));
        notices.extend(claimed.await?);
    }
    Ok(notices)
}

/// Delivers everything that is due, one after the other. Returns how many were tried.
///
/// # Errors
/// What the database says.
pub async fn step(app: &App) -> store::Result<usize> {
    let mut count = 0;
    while let Some(notice) = claim(app, 1).await?.into_iter().next() {
        process(app, &notice, TIMEOUT).await;
        count += 1;
    }
    Ok(count)
}
