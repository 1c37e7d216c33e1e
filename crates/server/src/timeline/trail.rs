//! What a sign-in attempt carries along, so that whoever takes part can note a step of it.

use doorward_core::{
    application::Application,
    id::{AttemptId, UserId},
    timeline::{Attempt, AttemptMethod, Details, Step, StepKind},
    user::User,
};
use doorward_store::grant::Grant;
use jiff::Timestamp;
use std::net::IpAddr;

use crate::{app::App, events::bounded, http::visitor::Visitor, snapshot::Client};

/// Longest text of a step, in characters.
const TEXT_MAX: usize = 1000;
/// Longest value of a detail, in characters.
const DETAIL_MAX: usize = 600;
/// Most details of a step.
const DETAILS_MAX: usize = 16;
/// Longest part of a browser's name that is kept, in characters.
const USER_AGENT_MAX: usize = 200;

/// An attempt under way, as far as one of its sides knows it. It is written only when a step is noted on it.
#[derive(Debug, Clone)]
pub struct Trail {
    attempt: Attempt,
    asked: Option<(String, Details)>,
}

impl Trail {
    /// An attempt that begins now.
    pub fn begin(app: &App, method: AttemptMethod) -> Self {
        Self::of(AttemptId::new(&app.clock), method)
    }

    /// An attempt begun before.
    pub fn of(id: AttemptId, method: AttemptMethod) -> Self {
        Self { attempt: Attempt::new(id, method), asked: None }
    }

    /// The attempt that a grant came from, if that is known: for whatever is done with its codes and tokens.
    pub fn of_grant(client: &Client, grant: &Grant) -> Option<Self> {
        let trail = Self::of(grant.attempt?, AttemptMethod::Oidc).to(&client.application);
        // The name is known from the steps before.
        Some(trail.by(grant.user, ""))
    }

    /// By another way than it was begun, where that shows only later: forward auth signs in by OpenID Connect.
    #[must_use]
    pub fn by_way_of(mut self, method: AttemptMethod) -> Self {
        self.attempt.method = method;
        self
    }

    /// By which application it was asked for.
    #[must_use]
    pub fn to(mut self, application: &Application) -> Self {
        self.attempt.application = Some((application.id, application.profile.name.clone()));
        self
    }

    /// Whom it is about.
    #[must_use]
    pub fn by(mut self, user: UserId, username: &str) -> Self {
        self.attempt.user = Some((user, username.to_owned()));
        self
    }

    /// Whom it is about.
    #[must_use]
    pub fn by_user(self, user: &User) -> Self {
        self.by(user.id, &user.profile.username)
    }

    /// About nobody who is known.
    #[must_use]
    pub fn by_nobody(mut self) -> Self {
        self.attempt.user = None;
        self
    }

    /// From which browser, and who is signed in there.
    #[must_use]
    pub fn in_browser(mut self, visitor: &Visitor) -> Self {
        self.attempt.user_agent = visitor.user_agent.chars().take(USER_AGENT_MAX).collect();
        let trail = self.from(visitor.address);
        match &visitor.signed_in {
            Some(signed_in) => trail.by_user(&signed_in.user),
            None => trail,
        }
    }

    /// From which address.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.attempt.address = address.to_string();
        self
    }

    /// What began it, in words and in detail: written with the first step that is noted.
    #[must_use]
    pub fn asked(mut self, text: impl Into<String>, details: Details) -> Self {
        self.asked = Some((text.into(), details));
        self
    }

    /// The attempt's identifier.
    pub fn id(&self) -> AttemptId {
        self.attempt.id
    }

    /// The attempt's reference code.
    pub fn reference(&self) -> String {
        self.attempt.id.reference()
    }

    /// What is known of it.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// The step that began it. Always the same row, whoever writes it.
    pub(super) fn asked_step(&self) -> Option<Step> {
        let (text, details) = self.asked.clone()?;
        let draft = StepDraft { details, ..StepDraft::good(StepKind::Asked, text) };
        Some(draft.step(self.attempt.id.began_at(), 0))
    }
}

/// A step about to be noted.
#[derive(Debug, Clone)]
pub struct StepDraft {
    kind: StepKind,
    ok: bool,
    text: String,
    details: Details,
}

impl StepDraft {
    /// One that went well.
    pub fn good(kind: StepKind, text: impl Into<String>) -> Self {
        Self { kind, ok: true, text: text.into(), details: Details::new() }
    }

    /// One that was refused, and why.
    pub fn refused(kind: StepKind, why: impl Into<String>) -> Self {
        Self { ok: false, ..Self::good(kind, why) }
    }

    /// With a detail. Never a secret, a code or a token.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// With details.
    #[must_use]
    pub fn with_all(mut self, details: Details) -> Self {
        self.details.extend(details);
        self
    }

    /// Made fit to be kept.
    pub(super) fn step(self, at: Timestamp, seq: i64) -> Step {
        let details = self.details.into_iter().take(DETAILS_MAX);
        Step {
            at,
            seq,
            kind: self.kind,
            ok: self.ok,
            text: bounded(&self.text, TEXT_MAX),
            details: details.map(|(name, value)| (name, bounded(&value, DETAIL_MAX))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::{Clock, from_millis};

    #[test]
    fn what_is_kept_of_a_step_is_bounded_and_readable() {
        let long = StepDraft::good(StepKind::Asked, "x".repeat(TEXT_MAX * 2)).with("a", "y".repeat(DETAIL_MAX * 2));
        let long = (0..100).fold(long, |draft, number| draft.with(&format!("b{number}"), "z"));
        let step = long.step(from_millis(0), 1);
        assert_eq!((step.text.len(), step.details["a"].len()), (TEXT_MAX, DETAIL_MAX));
        assert_eq!(step.details.len(), DETAILS_MAX);
        let hostile = StepDraft::refused(StepKind::Refused, "a\0b\nc").step(from_millis(0), 1);
        assert_eq!(hostile.text, "a\u{fffd}b\u{fffd}c");
    }

    #[test]
    fn whoever_writes_the_first_step_writes_the_same() {
        let clock = Clock::fixed(from_millis(1_767_323_045_678));
        let id = AttemptId::new(&clock);
        clock.advance(jiff::SignedDuration::from_secs(9));
        let asked = Trail::of(id, AttemptMethod::Oidc).asked("NetBox asked", Details::new()).asked_step().unwrap();
        assert_eq!((asked.at, asked.seq, asked.kind), (id.began_at(), 0, StepKind::Asked));
        assert!(Trail::of(id, AttemptMethod::Oidc).asked_step().is_none());
    }
}
