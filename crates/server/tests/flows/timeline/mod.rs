//! The sign-in timeline: what is kept of every kind of ending, and what is not.

mod endings;
mod keeping;
mod near_misses;

use doorward_core::timeline::{Ending, StepKind};
use doorward_server::timeline::read::{self, Record, Wanted};

use crate::support::TestApp;

impl TestApp {
    /// All attempts, newest first.
    pub(super) async fn attempts(&self) -> Vec<Record> {
        read::list(&self.app, Wanted::default(), 1000, 0).await.unwrap().0
    }

    /// The only attempt to an application.
    pub(super) async fn attempt_to(&self, slug: &str) -> Record {
        let application = self.app.snapshot().application(slug).unwrap().application.id;
        let wanted = Wanted { application: Some(application), ..Wanted::default() };
        let (mut found, count) = read::list(&self.app, wanted, 10, 0).await.unwrap();
        assert_eq!((found.len(), count), (1, 1), "{found:?}");
        found.pop().unwrap()
    }
}

/// The kinds of the steps, in their order.
pub(super) fn kinds(record: &Record) -> Vec<StepKind> {
    record.steps.iter().map(|step| step.kind).collect()
}

#[track_caller]
pub(super) fn concludes(record: &Record, ending: Ending, words: &str) {
    let found = &record.conclusion;
    assert!(found.ending == ending && found.text.contains(words), "{found:?}, expected {ending:?} {words:?}");
}
