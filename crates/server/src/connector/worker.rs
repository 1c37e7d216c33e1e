//! Takes jobs out of the queue and does them; in every serving process, a few at a time.

use doorward_core::{
    clock::after,
    connector::{ConnectorHealth, ConnectorJob, ConnectorState, JobState},
    event::EventKind,
    id::UserId,
    random,
};
use doorward_store as store;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use super::{
    Connected,
    apply::{self, Outcome, Trouble},
    follow,
    plan::Change,
    queue::{ACCOUNT_WAITS, PAUSE_MAX, RETRY_MAX, SELDOM, backoff},
    settings::well,
};
use crate::{app::App, events, jobs::work_off, netbox::NetBoxError};

/// How many people a process looks after at once.
pub const PARALLEL: usize = 4;
/// How long one person may take.
pub const JOB_TIMEOUT: Duration = Duration::from_secs(40);
/// For how long a job is claimed. A node that dies keeps it so long; one that lives is done or gave up before.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How often the groups of an account may change under our hands before it is left for a while.
const CONTENDED_MAX: i64 = 5;

/// Why a job waits whose person signs in for the first time.
const NO_ACCOUNT: &str = "there is no account of this name in NetBox yet";

/// A process among those that share a queue.
#[derive(Debug, Clone)]
pub struct Node(String);

impl Node {
    /// A new name for this process.
    pub fn new() -> Self {
        Self(random::alphanumeric(20))
    }

    /// The name under which it claims jobs.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}

/// Follows changes and works the queue off until the process ends.
pub async fn work(app: App, stop: CancellationToken) {
    let node = Node::new();
    let claim = |room| {
        let (app, node) = (app.clone(), node.clone());
        async move { fill(&app, &node, room).await }
    };
    work_off(stop, PARALLEL, "connectors cannot work", claim, |job| process(&app, job)).await;
    release(&app, &node).await;
}

/// Gives back what a node has claimed, so that others need not wait for its lease to end.
pub async fn release(app: &App, node: &Node) {
    let name = node.0.clone();
    let released =
        app.db.write(move |tx| Box::pin(async move { store::connector_job::release(tx, &name).await })).await;
    if let Err(error) = released {
        tracing::warn!(%error, "jobs of connectors were not given back; others take them in a minute");
    }
}

async fn fill(app: &App, node: &Node, room: usize) -> store::Result<Vec<ConnectorJob>> {
    if app.snapshot().connectors.is_empty() {
        return Ok(Vec::new());
    }
    follow::follow(app).await?;
    claim(app, node, room).await
}

/// Claims jobs whose time has come, `room` at most.
///
/// # Errors
/// What the database says.
pub async fn claim(app: &App, node: &Node, room: usize) -> store::Result<Vec<ConnectorJob>> {
    let now = app.clock.now();
    let due = app.db.read(move |tx| Box::pin(store::connector_job::count_due(tx, now))).await?;
    let tries = usize::try_from(due).unwrap_or(0).min(room);
    let mut jobs = Vec::new();
    for _ in 0..tries {
        let (name, until) = (node.0.clone(), after(now, LEASE));
        let claimed =
            app.db.write(move |tx| Box::pin(async move { store::connector_job::claim(tx, &name, now, until).await }));
        jobs.extend(claimed.await?);
    }
    Ok(jobs)
}

/// Follows changes, then does everything that is due, one after the other. Returns how many jobs were done.
///
/// # Errors
/// What the database says.
pub async fn step(app: &App, node: &Node) -> store::Result<usize> {
    follow::follow(app).await?;
    let mut count = 0;
    loop {
        let jobs = claim(app, node, 1).await?;
        let Some(job) = jobs.into_iter().next() else { return Ok(count) };
        process(app, job).await;
        count += 1;
    }
}

/// Does a job and says in the queue what became of it.
pub async fn process(app: &App, job: ConnectorJob) {
    if let Err(error) = try_process(app, &job).await {
        // The lease ends, and it is tried again.
        tracing::error!(%error, "what became of a connector's job could not be written down");
    }
}

async fn try_process(app: &App, job: &ConnectorJob) -> store::Result<()> {
    app.refresh().await?;
    let Some(connected) = find(app, job).await? else { return finish(app, job).await };
    let tried = tokio::time::timeout(JOB_TIMEOUT, apply::apply(app, &connected, job.user)).await;
    match tried.unwrap_or(Err(Trouble::NetBox(NetBoxError::Unavailable { status: 504 }))) {
        Ok(outcome) => {
            if connected.connector.health.state != ConnectorState::Well || connected.connector.health.failures > 0 {
                recovered(app, &connected).await?;
            }
            settle(app, &connected, job, outcome).await
        }
        Err(Trouble::Store(error)) => Err(error),
        Err(Trouble::Contended) if job.attempts < CONTENDED_MAX => {
            put_back(app, job, JobState::Waiting, SignedDuration::from_secs(1), &Trouble::Contended.to_string()).await
        }
        Err(Trouble::Contended) => alone(app, &connected, job, &Trouble::Contended.to_string()).await,
        Err(Trouble::NetBox(error)) => failed(app, &connected, job, &error).await,
    }
}

async fn find(app: &App, job: &ConnectorJob) -> store::Result<Option<Connected>> {
    let (id, cipher) = (job.connector, app.cipher.clone());
    let found = app.db.read(move |tx| Box::pin(async move { store::connector::find(tx, &cipher, id).await })).await?;
    let Some(connector) = found else { return Ok(None) };
    let snapshot = app.snapshot();
    let entry = snapshot.applications.values().find(|entry| entry.application.id == connector.application).cloned();
    Ok(entry.map(|entry| Connected { connector, entry }))
}

async fn settle(app: &App, connected: &Connected, job: &ConnectorJob, outcome: Outcome) -> store::Result<()> {
    match outcome {
        Outcome::Done(changes) => {
            report(app, connected, job.user, &changes).await?;
            finish(app, job).await
        }
        Outcome::Nobody => finish(app, job).await,
        Outcome::NotYet => match wait_for_account(job) {
            Some(wait) => put_back(app, job, JobState::Waiting, wait, NO_ACCOUNT).await,
            None => finish(app, job).await,
        },
        Outcome::LeftAlone { why, may_change } => {
            if let Some(wait) = wait_for_account(job).filter(|_| may_change) {
                return put_back(app, job, JobState::Waiting, wait, &why).await;
            }
            left_alone(app, connected, job.user, &why).await?;
            finish(app, job).await
        }
    }
}

/// How long to wait until an account is looked for again; `None` after the last time.
fn wait_for_account(job: &ConnectorJob) -> Option<SignedDuration> {
    let tries = usize::try_from(job.attempts).ok()?;
    ACCOUNT_WAITS.get(tries).copied().map(SignedDuration::from_secs)
}

/// NetBox did not do it: whether that concerns all people or this one decides what waits, and how long.
async fn failed(app: &App, connected: &Connected, job: &ConnectorJob, error: &NetBoxError) -> store::Result<()> {
    let (text, failures) = (error.to_string(), connected.connector.health.failures.saturating_add(1));
    let (state, pause) = match error {
        NetBoxError::Unauthorized { .. } => (ConnectorState::Refused, SELDOM),
        error if error.is_passing() => (ConnectorState::Failing, backoff(failures, PAUSE_MAX)),
        _ => return alone(app, connected, job, &text).await,
    };
    let now = app.clock.now();
    let health = ConnectorHealth { state, text: text.clone(), since: now, failures, resume_at: after(now, pause) };
    stop(app, connected, health).await?;
    // Where nobody answers, all wait together, and none longer than the others.
    let wait = match error {
        NetBoxError::Unavailable { .. } | NetBoxError::NotNetBox { .. } => backoff(job.attempts + 1, RETRY_MAX),
        _ => SignedDuration::ZERO,
    };
    put_back(app, job, JobState::Waiting, wait, &text).await
}

/// A failure that concerns this person alone, and that does not pass by itself.
async fn alone(app: &App, connected: &Connected, job: &ConnectorJob, text: &str) -> store::Result<()> {
    if job.error != text {
        let username = username(app, connected, job.user).await?;
        let text = format!("{}: the account of {username} could not be brought in line: {text}", connected.name());
        note(app, connected, Some(job.user), EventKind::PushFailed, text).await;
    }
    put_back(app, job, JobState::Failed, SELDOM, text).await
}

/// Notes what is wrong with a connector; said once per spell.
async fn stop(app: &App, connected: &Connected, health: ConnectorHealth) -> store::Result<()> {
    let id = connected.connector.id;
    let text = format!("{}: the connector has stopped: {}", connected.name(), health.text);
    let is_news =
        app.db.write(move |tx| Box::pin(async move { store::connector::set_health(tx, id, &health).await })).await?;
    if is_news {
        note(app, connected, None, EventKind::PushFailed, text).await;
    }
    Ok(())
}

async fn recovered(app: &App, connected: &Connected) -> store::Result<()> {
    let (id, health) = (connected.connector.id, well(app.clock.now()));
    let is_news =
        app.db.write(move |tx| Box::pin(async move { store::connector::set_health(tx, id, &health).await })).await?;
    if is_news {
        let text = format!("{}: the connector works again", connected.name());
        note(app, connected, None, EventKind::Pushed, text).await;
    }
    Ok(())
}

async fn report(app: &App, connected: &Connected, user: UserId, changes: &[Change]) -> store::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let username = username(app, connected, user).await?;
    let text = format!("{}: the account of {username}: {}", connected.name(), words.join("; "));
    note(app, connected, Some(user), EventKind::Pushed, text).await;
    Ok(())
}

/// Keeps why an account was left alone, and says so if that is news.
async fn left_alone(app: &App, connected: &Connected, user: UserId, why: &str) -> store::Result<()> {
    let (id, text) = (connected.connector.id, why.to_owned());
    let before = app.db.write(move |tx| {
        Box::pin(async move {
            let before = store::connector_person::find(tx, id, user).await?;
            store::connector_person::warn(tx, id, user, &text).await?;
            Ok(before)
        })
    });
    let Some(person) = before.await? else { return Ok(()) };
    if person.warning != why {
        let text = format!("{}: no account was touched for {}: {why}", connected.name(), person.username);
        note(app, connected, Some(user), EventKind::PushFailed, text).await;
    }
    Ok(())
}

async fn username(app: &App, connected: &Connected, user: UserId) -> store::Result<String> {
    let id = connected.connector.id;
    let read =
        app.db.read(move |tx| Box::pin(async move { store::connector_person::find(tx, id, user).await })).await?;
    Ok(read.map_or_else(|| user.to_string(), |person| person.username))
}

async fn note(app: &App, connected: &Connected, user: Option<UserId>, kind: EventKind, text: String) {
    let mut entry = events::Entry::new(kind, text);
    entry.user = user;
    entry.application = Some(connected.entry.application.id);
    events::write(app, entry).await;
}

async fn finish(app: &App, job: &ConnectorJob) -> store::Result<()> {
    let (job, now) = (job.clone(), app.clock.now());
    app.db.write(move |tx| Box::pin(async move { store::connector_job::finish(tx, &job, now).await })).await
}

async fn put_back(
    app: &App,
    job: &ConnectorJob,
    state: JobState,
    wait: SignedDuration,
    error: &str,
) -> store::Result<()> {
    let now: Timestamp = app.clock.now();
    let (job, error, next_at) = (job.clone(), error.to_owned(), after(now, wait));
    let write = app.db.write(move |tx| {
        Box::pin(async move { store::connector_job::put_back(tx, &job, state, next_at, &error).await })
    });
    write.await
}
