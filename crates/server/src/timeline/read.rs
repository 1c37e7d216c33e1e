//! Reading the timeline.

use doorward_core::{
    event::Event,
    timeline::{Attempt, Conclusion, Step, conclude},
};
use doorward_store as store;

pub use doorward_store::attempt::Wanted;

use crate::{app::App, error::OperationResult, events};

/// An attempt with its steps, and what came of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The attempt.
    pub attempt: Attempt,
    /// Its steps, in their order.
    pub steps: Vec<Step>,
    /// What came of it, as of now.
    pub conclusion: Conclusion,
}

/// Attempts, newest first, and how many there are in all.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, wanted: Wanted, limit: usize, offset: usize) -> OperationResult<(Vec<Record>, usize)> {
    super::flush(app).await?;
    let now = app.clock.now();
    let (limit, offset) = (i64::try_from(limit).unwrap_or(i64::MAX), i64::try_from(offset).unwrap_or(i64::MAX));
    let (found, count) = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let mut found = Vec::new();
                for attempt in store::attempt::list(tx, &wanted, now, limit, offset).await? {
                    let steps = store::attempt_step::of_attempt(tx, attempt.id).await?;
                    found.push((attempt, steps));
                }
                Ok((found, store::attempt::count(tx, &wanted, now).await?))
            })
        })
        .await?;
    let records = found.into_iter().map(|(attempt, steps)| {
        let conclusion = conclude(&attempt, &steps, now);
        Record { attempt, steps, conclusion }
    });
    Ok((records.collect(), usize::try_from(count).unwrap_or_default()))
}

/// The attempt with a reference code, if there is one.
///
/// # Errors
/// What the database says.
pub async fn find(app: &App, reference: &str) -> OperationResult<Option<Record>> {
    let wanted = Wanted { reference: Some(reference.to_owned()), ..Wanted::default() };
    Ok(list(app, wanted, 1, 0).await?.0.pop())
}

/// Everything that is kept under a reference code.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The code as it is written.
    pub reference: String,
    /// The sign-in, if it is that of one.
    pub record: Option<Record>,
    /// What the activity log holds, oldest first: also refusals that belong to no sign-in, and what administrators changed.
    pub events: Vec<Event>,
}

/// What is kept under a reference code as people type it; nothing if nobody has it.
///
/// # Errors
/// What the database says.
pub async fn by_reference(app: &App, typed: &str) -> OperationResult<Option<Kept>> {
    let reference = typed.trim().to_uppercase();
    let record = find(app, &reference).await?;
    let events = events::by_reference(app, &reference).await?;
    let is_known = record.is_some() || !events.is_empty();
    Ok(is_known.then_some(Kept { reference, record, events }))
}
