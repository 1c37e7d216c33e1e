//! Writing the activity log. What belongs to a change is written with it; the rest is written beside it, and a log that
//! cannot be written stops nobody.

use doorward_core::{
    event::{Event, EventKind},
    id::{ApplicationId, EventId, UserId},
    random,
};
use doorward_store as store;

use crate::{actor::Actor, app::App, error::OperationResult};

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
        }
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
            text: self.text.chars().take(1000).collect(),
        }
    }
}

/// Writes an entry to the database and to the log. Returns its reference code.
pub async fn write(app: &App, entry: Entry) -> String {
    if entry.kind.is_good() {
        tracing::info!(reference = entry.reference, kind = entry.kind.as_str(), "{}", entry.text);
    } else {
        tracing::warn!(
            reference = entry.reference,
            kind = entry.kind.as_str(),
            address = entry.address,
            "{}",
            entry.text
        );
    }
    let event = entry.event(app);
    let written = app.db.write(move |tx| Box::pin(async move { store::event::insert(tx, &event).await })).await;
    if let Err(error) = written {
        tracing::error!(%error, "the activity log could not be written");
    }
    entry.reference
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

/// The entries with a reference code, oldest first.
///
/// # Errors
/// What the database says.
pub async fn by_reference(app: &App, reference: &str) -> OperationResult<Vec<Event>> {
    let reference = reference.to_owned();
    Ok(app.db.read(move |tx| Box::pin(async move { store::event::by_reference(tx, &reference).await })).await?)
}
