//! Writing the activity log. What belongs to a change is written with it; the rest is written beside it, and a log that
//! cannot be written stops nobody.

pub mod budget;

use budget::Allowance;
use doorward_core::{
    event::{Event, EventKind},
    id::{ApplicationId, EventId, UserId},
    random,
};
use doorward_store as store;

use crate::{
    actor::Actor,
    app::App,
    error::OperationResult,
    timeline::{StepDraft, Trail},
};

/// Longest text, in characters.
const TEXT_MAX: usize = 1000;

/// An entry about to be written.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What happened.
    pub kind: EventKind,
    /// About whom.
    pub user: Option<UserId>,
    /// With which application.
    pub application: Option<ApplicationId>,
    /// From which address.
    pub address: String,
    /// In words, without secrets.
    pub text: String,
    /// The code on error pages and in logs.
    pub reference: String,
    /// The step of a sign-in that it is.
    pub step: Option<Box<(Trail, StepDraft)>>,
    /// A redirect URI that its application sent and that is not registered.
    pub near_miss: Option<String>,
}

impl Entry {
    /// An entry with a new reference code.
    pub fn new(kind: EventKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            user: None,
            application: None,
            address: String::new(),
            text: text.into(),
            reference: random::reference(),
            step: None,
            near_miss: None,
        }
    }

    /// The same as a step of a sign-in: under its code, and kept with it if it is kept at all.
    #[must_use]
    pub fn on(mut self, trail: &Trail, step: StepDraft) -> Self {
        self.reference = trail.reference();
        self.step = Some(Box::new((trail.clone(), step)));
        self
    }

    /// The event as it is kept in the transaction of what happened; `None` if there were very many of its kind lately.
    pub(crate) fn bounded_event(&self, app: &App) -> Option<Event> {
        let is_kept = is_within_budget(app, self);
        if !is_kept {
            let text = bounded(&self.text, TEXT_MAX);
            tracing::info!(reference = self.reference, kind = self.kind.as_str(), "not in the activity log: {text}");
        }
        is_kept.then(|| self.event(app))
    }

    /// The event as it is kept.
    pub fn event(&self, app: &App) -> Event {
        Event {
            id: EventId::new(&app.clock),
            at: app.clock.now(),
            kind: self.kind.as_str().to_owned(),
            ok: self.kind.is_good(),
            reference: self.reference.clone(),
            user: self.user,
            application: self.application,
            address: self.address.clone(),
            text: bounded(&self.text, TEXT_MAX),
        }
    }
}

/// A text that is not too long and one line only. What somebody sent may be in it: a line break would let them write entries of
/// their own into the log, an escape sequence colours a terminal, and a NUL is not kept by every database.
pub(crate) fn bounded(text: &str, length: usize) -> String {
    text.chars().take(length).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Writes an entry to the log, and to the database unless there are too many failures. Returns its reference code.
pub async fn write(app: &App, entry: Entry) -> String {
    let text = bounded(&entry.text, TEXT_MAX);
    if entry.kind.is_good() {
        tracing::info!(reference = entry.reference, kind = entry.kind.as_str(), "{text}");
    } else {
        tracing::warn!(reference = entry.reference, kind = entry.kind.as_str(), address = entry.address, "{text}");
    }
    if !is_within_budget(app, &entry) {
        return entry.reference;
    }
    note(app, &entry);
    let event = entry.event(app);
    let written = app.db.write(move |tx| Box::pin(async move { store::event::insert(tx, &event).await })).await;
    if let Err(error) = written {
        tracing::error!(%error, "the activity log could not be written");
    }
    entry.reference
}

/// Notes the step that an entry is.
fn note(app: &App, entry: &Entry) {
    if let Some(noted) = &entry.step {
        app.timeline.note(&noted.0, noted.1.clone());
    }
    if let (Some(application), Some(uri)) = (entry.application, &entry.near_miss) {
        app.timeline.note_near_miss(application, uri);
    }
}

/// Whether an entry is still written down. Failures are bounded per address, per region and altogether. What somebody known can make
/// happen as often as they like is bounded per user and application; a replay is of that kind, since it needs a code or token
/// of ours. Changes are always written down.
fn is_within_budget(app: &App, entry: &Entry) -> bool {
    if matches!(entry.kind, EventKind::Changed | EventKind::Pushed) {
        return true;
    }
    if entry.kind.is_good() || entry.kind == EventKind::Replay {
        let Some(user) = entry.user else { return true };
        let (about, now) = ((user, entry.application, entry.kind), app.clock.now());
        return match entry.kind {
            EventKind::Replay => app.event_budget.take_replay(about, &entry.reference, now),
            _ => app.event_budget.take_of(about, now),
        };
    }
    match app.event_budget.take(&entry.address, app.clock.now()) {
        Allowance::Yes(0) => true,
        Allowance::Yes(left_out) => {
            tracing::warn!(
                left_out,
                "failures were too many to be kept in the activity log; they are in this log only"
            );
            true
        }
        Allowance::No => false,
    }
}

/// Writes that somebody changed something.
pub async fn changed(app: &App, actor: &Actor, what: String) {
    let mut entry = Entry::new(EventKind::Changed, format!("{} {what}", actor.name));
    entry.user = actor.user;
    entry.address.clone_from(&actor.address);
    write(app, entry).await;
}

/// The newest entries, newest first.
///
/// # Errors
/// What the database says.
pub async fn newest(app: &App, limit: i64) -> OperationResult<Vec<Event>> {
    Ok(app.db.read(move |tx| Box::pin(async move { store::event::newest(tx, limit).await })).await?)
}

/// Entries of a kind, newest first, and how many there are in all.
///
/// # Errors
/// What the database says.
pub async fn of_kind(app: &App, kind: EventKind, limit: usize, offset: usize) -> OperationResult<(Vec<Event>, usize)> {
    let (limit, offset) = (i64::try_from(limit).unwrap_or(i64::MAX), i64::try_from(offset).unwrap_or(i64::MAX));
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let found = store::event::of_kind(tx, kind.as_str(), limit, offset).await?;
            Ok((found, store::event::count_of_kind(tx, kind.as_str()).await?))
        })
    });
    let (found, count) = read.await?;
    Ok((found, usize::try_from(count).unwrap_or_default()))
}

/// The entries with a reference code, oldest first.
///
/// # Errors
/// What the database says.
pub async fn by_reference(app: &App, reference: &str) -> OperationResult<Vec<Event>> {
    let reference = reference.to_owned();
    Ok(app.db.read(move |tx| Box::pin(async move { store::event::by_reference(tx, &reference).await })).await?)
}
