//! The queue in the database: what goes in, how long to wait after a failure, what is shown of it.

use doorward_core::{
    clock::after,
    connector::{ConnectorJob, JobRank},
    id::{ApplicationId, ConnectorId, ConnectorJobId, UserId},
    random,
    user::User,
};
use doorward_store::{self as store, connector_job::NewJob};
use jiff::SignedDuration;
use serde::Serialize;

use super::find;
use crate::{actor::Actor, app::App, error::OperationResult, events};

/// How long after a sign-in NetBox is asked for the account: it asks for the person right before it makes it.
pub const AFTER_SIGN_IN: SignedDuration = SignedDuration::from_secs(1);
/// How long to wait for an account that is not there yet, try after try. Then nobody seems to come.
pub const ACCOUNT_WAITS: [i64; 8] = [1, 1, 2, 4, 8, 15, 30, 60];
/// How long to wait at most before an application that failed is tried again.
pub const PAUSE_MAX: SignedDuration = SignedDuration::from_secs(30);
/// How long to wait at most before a job that failed alone is tried again.
pub const RETRY_MAX: SignedDuration = SignedDuration::from_mins(2);
/// How long to wait where only an administrator can help: a refused token, a missing permission.
pub const SELDOM: SignedDuration = SignedDuration::from_mins(10);
/// Most jobs that are shown.
pub const JOBS_SHOWN: i64 = 500;

/// A job as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct JobView {
    /// For whom; the identifier of somebody the connector no longer knows.
    pub username: String,
    /// The job.
    #[serde(flatten)]
    pub job: ConnectorJob,
}

/// How long to wait after the failure number `failures` (from 1): one second, doubled each time up to `most`, and up to a
/// fifth more or less, so that nodes do not come back all at once.
pub fn backoff(failures: i64, most: SignedDuration) -> SignedDuration {
    let [byte] = random::bytes::<1>();
    backoff_with(failures, most, byte)
}

fn backoff_with(failures: i64, most: SignedDuration, jitter: u8) -> SignedDuration {
    let doublings = u32::try_from((failures - 1).clamp(0, 20)).unwrap_or(0);
    let whole = most.as_millis().min(1000_i128 << doublings);
    let jittered = whole * (800 + i128::from(jitter) * 400 / 255) / 1000;
    SignedDuration::from_millis(i64::try_from(jittered).unwrap_or(i64::MAX))
}

/// A job about to be put into the queue.
pub(super) fn new_job(app: &App, connector: ConnectorId, user: UserId, rank: JobRank) -> NewJob {
    let now = app.clock.now();
    NewJob { id: ConnectorJobId::new(&app.clock), connector, user, rank, now, next_at: now, run_at: None }
}

/// Somebody is on their way to an application: if that has a connector, their account is looked at in a moment. What the
/// database says is logged; no sign-in fails for it.
pub async fn seen(app: &App, application: ApplicationId, user: &User) {
    let Some(connector) = app.snapshot().connectors.get(&application).copied() else { return };
    let now = app.clock.now();
    let job = NewJob { next_at: after(now, AFTER_SIGN_IN), ..new_job(app, connector, user.id, JobRank::Change) };
    let (id, username) = (user.id, user.profile.username.clone());
    let written = app.db.write(move |tx| {
        Box::pin(async move {
            store::connector_person::note(tx, connector, id, &username, Some(now)).await?;
            store::connector_job::enqueue(tx, &job).await
        })
    });
    if let Err(error) = written.await {
        tracing::error!(%error, "the connector was not told of a sign-in");
    }
}

/// The queue of a connector, the most urgent first; [`JOBS_SHOWN`] at most.
///
/// # Errors
/// That there is no such application, or that it has no connector.
pub async fn jobs(app: &App, slug: &str) -> OperationResult<Vec<JobView>> {
    let id = find(app, slug).await?.connector.id;
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let mut views = Vec::new();
            for job in store::connector_job::list(tx, id, JOBS_SHOWN).await? {
                let person = store::connector_person::find(tx, id, job.user).await?;
                let username = person.map_or_else(|| job.user.to_string(), |person| person.username);
                views.push(JobView { username, job });
            }
            Ok(views)
        })
    });
    Ok(read.await?)
}

/// Lets everything that waits after a failure run now, and tries a connector that was stopped. Returns how many jobs.
///
/// # Errors
/// That there is no such application, or that it has no connector.
pub async fn retry(app: &App, actor: &Actor, slug: &str) -> OperationResult<u64> {
    let connected = find(app, slug).await?;
    let (id, now) = (connected.connector.id, app.clock.now());
    let mut health = connected.connector.health.clone();
    health.resume_at = now;
    let retried = app.db.write(move |tx| {
        Box::pin(async move {
            store::connector::set_health(tx, id, &health).await?;
            store::connector_job::retry(tx, id, now).await
        })
    });
    let count = retried.await?;
    events::changed(app, actor, format!("let the connector of {} try again", connected.name())).await;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        let millis = |failures| backoff_with(failures, PAUSE_MAX, 128).as_millis();
        assert_eq!([millis(1), millis(2), millis(3)], [1000, 2000, 4000]);
        assert_eq!((millis(6), millis(1000)), (30_000, 30_000));
        assert_eq!(backoff_with(1, PAUSE_MAX, 0).as_millis(), 800);
        assert_eq!(backoff_with(1, PAUSE_MAX, 255).as_millis(), 1200);
    }

    #[test]
    fn an_account_is_waited_for_two_minutes_at_most() {
        assert_eq!(ACCOUNT_WAITS.iter().sum::<i64>(), 121);
    }

    proptest! {
        #[test]
        fn every_wait_is_bounded(failures in any::<i64>(), jitter in any::<u8>()) {
            let wait = backoff_with(failures, RETRY_MAX, jitter).as_millis();
            prop_assert!((800..=144_000).contains(&wait));
        }
    }
}
