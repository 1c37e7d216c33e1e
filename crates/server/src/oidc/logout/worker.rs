//! Works the queue of notes off; in every serving process, a few at a time.

use doorward_core::clock::after;
use doorward_store::{self as store, logout_notice::LogoutNotice};
use tokio_util::sync::CancellationToken;

use super::{LEASE, TIMEOUT, back_channel::process};
use crate::{app::App, jobs::work_off};

/// How many notes a process delivers at once.
pub const PARALLEL: usize = 8;

/// Works the queue off until the process ends.
pub async fn work(app: App, stop: CancellationToken) {
    let claim = |room| {
        let app = app.clone();
        async move { claim(&app, room).await }
    };
    let deliver = |notice: LogoutNotice| {
        let app = app.clone();
        async move { process(&app, &notice, TIMEOUT).await }
    };
    work_off(stop, PARALLEL, "applications cannot be told of sign-outs", claim, deliver).await;
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
