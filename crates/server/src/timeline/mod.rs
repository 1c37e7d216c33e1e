//! The sign-in timeline: noted on the way, written behind, read by administrators.
//!
//! Whoever takes part in a sign-in notes a step on its [`Trail`]. Noting is a push into a bounded buffer: it never waits,
//! never fails and stops nobody. A job writes twice a second, many steps in one transaction; a process that crashes loses
//! at most what was noted since.

mod access;
mod by_token;
pub mod near_misses;
pub mod read;
mod trail;
mod write;

pub use access::{access_text, refusal_text};
pub use by_token::of_token_request;
pub use trail::{StepDraft, Trail};
pub use write::{WRITE_EVERY, flush, write_behind};

use doorward_core::{
    clock::Clock,
    id::{ApplicationId, AttemptId},
    random,
    timeline::{Attempt, AttemptMethod, Step, StepKind},
};
use doorward_store::grant::Grant;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::{app::App, auth::recent::Recent, snapshot::Client};

/// Most notes that wait to be written. What comes on top is not kept.
pub const WAITING_MAX: usize = 20_000;
/// Notes written in one transaction: short enough for others not to notice.
const BATCH: usize = 128;
/// How often a step that repeats itself is noted once.
pub const REPEATED: SignedDuration = SignedDuration::from_hours(1);
/// Most repeating steps that are remembered.
const REPEATED_MAX: usize = 20_000;

/// What waits to be written.
#[derive(Debug, Clone)]
enum Note {
    /// A step.
    Step(Box<Noted>),
    /// A redirect URI that is not registered.
    NearMiss { application: ApplicationId, uri: String, at: Timestamp },
}

/// A step, with what its side knows of the attempt.
#[derive(Debug, Clone)]
struct Noted {
    attempt: Attempt,
    /// What began the attempt, if this side knows it.
    asked: Option<Step>,
    step: Step,
}

/// The part of the timeline that waits to be written, and what was noted lately.
#[derive(Debug)]
pub struct Timeline {
    clock: Clock,
    waiting: Mutex<Waiting>,
    /// One writes at a time, so that whoever reads afterwards sees everything noted before.
    writing: tokio::sync::Mutex<()>,
    repeated: Mutex<Recent<(AttemptId, StepKind, bool), ()>>,
    seq: AtomicI64,
}

#[derive(Debug, Default)]
struct Waiting {
    notes: VecDeque<Note>,
    lost: u64,
}

impl Timeline {
    /// An empty one.
    pub fn new(clock: Clock) -> Self {
        // Random, so that two processes that note steps of one attempt in one moment do not take one for the other's.
        let start = i64::from(u32::from_le_bytes(random::bytes::<4>())) << 24;
        Self {
            clock,
            waiting: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            repeated: Mutex::new(Recent::new(REPEATED, REPEATED_MAX)),
            seq: AtomicI64::new(start.saturating_add(1)),
        }
    }

    /// Notes a step. Cheap, and never fails.
    pub fn note(&self, trail: &Trail, draft: StepDraft) {
        let now = self.clock.now();
        let step = draft.step(now, self.seq.fetch_add(1, Ordering::Relaxed));
        let mut attempt = trail.attempt().clone();
        attempt.last_at = now;
        attempt.standing = step.standing(attempt.method);
        attempt.proven |= step.proves();
        self.push(Note::Step(Box::new(Noted { attempt, asked: trail.asked_step(), step })));
    }

    /// Notes a step that may repeat itself many times, once an hour.
    pub fn note_repeating(&self, trail: &Trail, (kind, ok): (StepKind, bool), draft: impl FnOnce() -> StepDraft) {
        let key = (trail.id(), kind, ok);
        let now = self.clock.now();
        let is_new = {
            let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = repeated.get_mut(&key, now).is_none();
            if is_new {
                repeated.insert(key, (), now);
            }
            is_new
        };
        if is_new {
            self.note(trail, draft());
        }
    }

    /// Notes that an application sent a redirect URI that is not registered for it.
    pub(crate) fn note_near_miss(&self, application: ApplicationId, uri: &str) {
        if near_misses::is_worth_keeping(uri) {
            self.push(Note::NearMiss { application, uri: uri.to_owned(), at: self.clock.now() });
        }
    }

    fn push(&self, note: Note) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.notes.len() < WAITING_MAX {
            waiting.notes.push_back(note);
        } else {
            waiting.lost = waiting.lost.saturating_add(1);
        }
    }

    /// How many notes wait.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).notes.len()
    }

    fn take(&self) -> Vec<Note> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.lost > 0 {
            tracing::warn!(lost = waiting.lost, "steps of sign-ins were too many to be kept in the activity");
            waiting.lost = 0;
        }
        let count = waiting.notes.len().min(BATCH);
        waiting.notes.drain(..count).collect()
    }

    fn put_back(&self, batch: &[Note]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for note in batch.iter().rev() {
            waiting.notes.push_front(note.clone());
        }
        waiting.notes.truncate(WAITING_MAX);
    }
}

/// Notes that a session at a protected host began, on the attempt that its grant comes from: what forward auth calls once
/// it has exchanged the code.
pub fn note_proxy_session(app: &App, client: &Client, grant: &Grant, host: &str) {
    let Some(trail) = Trail::of_grant(client, grant) else { return };
    let step = StepDraft::good(StepKind::ProxySession, format!("A session at {host} began")).with("host", host);
    app.timeline.note(&trail.by_way_of(AttemptMethod::Proxy), step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::from_millis;

    fn timeline() -> Timeline {
        Timeline::new(Clock::fixed(from_millis(1_767_323_045_678)))
    }

    fn trail(timeline: &Timeline) -> Trail {
        Trail::of(AttemptId::new(&timeline.clock), AttemptMethod::Oidc)
    }

    fn seqs(notes: &[Note]) -> Vec<i64> {
        let steps = notes.iter().filter_map(|note| match note {
            Note::Step(inner) => Some(inner.step.seq),
            Note::NearMiss { .. } => None,
        });
        steps.collect()
    }

    #[test]
    fn the_buffer_is_bounded_and_counts_what_it_does_not_take() {
        let timeline = timeline();
        let trail = trail(&timeline);
        for _ in 0..(WAITING_MAX + 7) {
            timeline.note(&trail, StepDraft::good(StepKind::SignedIn, ""));
        }
        assert_eq!(timeline.waiting(), WAITING_MAX);
        assert_eq!(timeline.waiting.lock().unwrap().lost, 7);
        assert_eq!(timeline.take().len(), BATCH);
        assert_eq!(timeline.waiting.lock().unwrap().lost, 0, "said once");
    }

    #[test]
    fn what_could_not_be_written_comes_first_the_next_time() {
        let timeline = timeline();
        let trail = trail(&timeline);
        for _ in 0..(BATCH + 3) {
            timeline.note(&trail, StepDraft::good(StepKind::SignedIn, ""));
        }
        let first = timeline.take();
        let order = seqs(&first);
        assert!(order.is_sorted(), "steps are in the order in which they were noted");
        timeline.put_back(&first);
        assert_eq!(seqs(&timeline.take()), order);
        assert_eq!(timeline.waiting(), 3);
    }

    #[test]
    fn steps_that_repeat_themselves_are_noted_once_an_hour() {
        let timeline = timeline();
        let trail = trail(&timeline);
        let ask = |ok| {
            let draft = || StepDraft::good(StepKind::Userinfo, "");
            timeline.note_repeating(&trail, (StepKind::Userinfo, ok), draft);
        };
        for _ in 0..5 {
            ask(true);
        }
        assert_eq!(timeline.waiting(), 1);
        ask(false);
        assert_eq!(timeline.waiting(), 2, "that it went wrong is news");
        timeline.clock.advance(REPEATED);
        ask(true);
        assert_eq!(timeline.waiting(), 3);
    }
}
