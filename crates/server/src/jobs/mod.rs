//! Work in the background. Every task is spawned here, so that all can be stopped and waited for.

mod work_off;

pub use work_off::{TICK, work_off};

use jiff::SignedDuration;
use std::{future::Future, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::App,
    auth::throttle,
    connector::worker,
    error::{OperationError, OperationResult},
    keys,
    oidc::{device_decision, logout, token_bounds},
    timeline,
};
use doorward_store as store;

/// How often other processes' changes are looked for. Within a second they are seen everywhere.
const REFRESH: Duration = Duration::from_millis(500);
/// How often what has expired is forgotten.
const CLEAN: Duration = Duration::from_mins(5);
/// How often signing keys are looked at whose time has come.
const ROTATE: Duration = Duration::from_mins(1);
/// How long activity is kept.
const ACTIVITY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Most sign-ins that are kept in the timeline.
const ATTEMPTS: i64 = 200_000;
/// Most sign-ins in which nobody showed who they are: anybody can make them, and they push out nothing else.
const UNPROVEN: i64 = 20_000;
/// How long failures are kept, of which there may be many.
const FAILURES: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The background tasks of a process.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Jobs {
    /// Starts a task, which ends at the latest when [`Jobs::stop`] is called.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Starts a task that looks at [`Jobs::stopping`] itself, and is waited for.
    pub fn spawn_to_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Is cancelled when the tasks are to end.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Ends all tasks and waits for them.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Ends all tasks, waits for them, and writes what was noted last.
    pub async fn finish(&self, app: &App) {
        self.stop().await;
        if let Err(error) = timeline::flush(app).await {
            tracing::error!(%error, "the last steps of sign-ins could not be written");
        }
    }

    /// Starts what every server does.
    pub fn start(&self, app: &App) {
        self.spawn(repeat(app.clone(), REFRESH, async |app| app.refresh().await.map(|_| ())));
        self.spawn(repeat(app.clone(), REFRESH, async |app| app.directory.follow(app).await));
        self.spawn_to_end(worker::work(app.clone(), self.stopping()));
        self.spawn_to_end(logout::worker::work(app.clone(), self.stopping()));
        self.spawn_to_end(timeline::write_behind(app.clone(), self.stopping()));
        self.spawn(repeat(app.clone(), CLEAN, async |app| clean(app).await));
        self.spawn(repeat(app.clone(), ROTATE, async |app| said(keys::rotate_due(app).await.map(|_| ()))));
    }
}

async fn repeat(app: App, every: Duration, work: impl AsyncFn(&App) -> store::Result<()>) {
    let mut is_failing = false;
    loop {
        tokio::time::sleep(every).await;
        match work(&app).await {
            Ok(()) => is_failing = false,
            // Said once, not twice a second.
            Err(error) if !is_failing => {
                tracing::error!(%error, "background work failed; it is tried again");
                is_failing = true;
            }
            Err(_) => {}
        }
    }
}

/// Forgets what has expired.
///
/// # Errors
/// What the database says.
pub async fn clean(app: &App) -> store::Result<()> {
    let now = app.clock.now();
    let activity = now.saturating_sub(ACTIVITY).unwrap_or(now);
    let failures = now.saturating_sub(FAILURES).unwrap_or(now);
    let throttles = now.saturating_sub(throttle::WINDOW).unwrap_or(now);
    let notices = now.saturating_sub(logout::FORGOTTEN_AFTER).unwrap_or(now);
    let codes = now.saturating_sub(throttle::CODE_WINDOW).unwrap_or(now);
    let devices = now.saturating_sub(device_decision::MEMORY).unwrap_or(now);
    app.db
        .write(move |tx| {
            Box::pin(async move {
                store::device_code::delete_expired(tx, devices).await?;
                store::access_token::delete_expired(tx, now).await?;
                store::grant::delete_expired(tx, now).await?;
                store::session::delete_expired(tx, now).await?;
                store::session_client::delete_expired(tx, now).await?;
                store::logout_notice::delete_old(tx, notices).await?;
                store::logout_notice::delete_beyond(tx, logout::PER_USER).await?;
                store::proxy_session::delete_expired(tx, now).await?;
                store::app_password::delete_expired(tx, now).await?;
                store::provider::delete_expired_secrets(tx, now).await?;
                store::directory_change::delete_old(tx).await?;
                store::throttle::delete_old(tx, throttles, codes).await?;
                store::event::delete_old(tx, activity).await?;
                store::event::delete_old_failures(tx, failures).await?;
                store::attempt::delete_old(tx, activity, failures).await?;
                store::attempt::delete_beyond(tx, true, ATTEMPTS).await?;
                store::attempt::delete_beyond(tx, false, UNPROVEN).await?;
                store::near_miss::delete_old(tx, activity).await?;
                Ok(())
            })
        })
        .await?;
    // What fails must not stand in the way of the rest.
    let trimmed = token_bounds::trim_all(app).await;
    let forgotten = keys::forget_expired(app).await;
    if let Ok(count @ 1..) = forgotten {
        tracing::info!(count, "forgot signing keys whose tokens have all expired");
    }
    said(forgotten.map(|_| ()))?;
    trimmed
}

/// What an operation says, as background work says it.
fn said(result: OperationResult<()>) -> store::Result<()> {
    result.map_err(|error| match error {
        OperationError::Store(error) => error,
        other => store::Error::Query(other.to_string()),
    })
}
