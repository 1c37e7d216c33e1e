//! What travels with a browser from the start of a sign-in to its callback: a cookie that marks the browser and counts round
//! trips, and the state, which only that browser can bring back. Nothing is kept for those who never come back.

use axum::http::HeaderValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{clock::from_millis, random};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{client::ProxyClient, cookie, visit::Visit};
use crate::{app::App, http::sealed};

/// How long somebody may take to sign in.
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// The time in which round trips are counted.
const WINDOW: SignedDuration = SignedDuration::from_secs(30);
/// Round trips in that time which are no accident any more.
const ROUND_TRIPS: usize = 3;

/// A browser's mark, and when it was last sent back to the application signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trail {
    browser: String,
    returns: Vec<i64>,
}

impl Trail {
    /// A new browser's.
    pub(super) fn new() -> Self {
        Self { browser: random::alphanumeric(22), returns: Vec::new() }
    }

    /// What a browser brought back; nothing if it brought none of ours.
    pub(super) fn read(app: &App, visit: &Visit<'_>) -> Option<Self> {
        let value = cookie::start(&visit.client, visit.headers).value()?;
        let plain = app.pending_cipher.open(&place(&visit.client), &URL_SAFE_NO_PAD.decode(value).ok()?).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// The cookie that carries it.
    pub(super) fn cookie(&self, app: &App, client: &ProxyClient) -> Option<HeaderValue> {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        cookie::set_start(client, &URL_SAFE_NO_PAD.encode(app.pending_cipher.seal(&place(client), &plain)))
    }

    /// Notes that the browser is sent back signed in.
    #[must_use]
    pub(super) fn returned(mut self, now: Timestamp) -> Self {
        self.returns.push(now.as_millisecond());
        let surplus = self.returns.len().saturating_sub(ROUND_TRIPS);
        self.returns.drain(..surplus);
        self
    }

    /// Whether the browser goes round in circles.
    pub(super) fn is_loop(&self, now: Timestamp) -> bool {
        let is_recent = |at: &&i64| now.duration_since(from_millis(**at)) < WINDOW;
        self.returns.iter().filter(is_recent).count() >= ROUND_TRIPS
    }

    /// The same browser with nothing counted.
    #[must_use]
    pub(super) fn cleared(self) -> Self {
        Self { returns: Vec::new(), ..self }
    }
}

fn place(client: &ProxyClient) -> String {
    format!("proxy trail {}", client.provider.id)
}

/// What waits for the browser to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// Where it goes then; checked.
    pub(super) target: String,
    /// The PKCE verifier.
    pub(super) verifier: String,
    /// The nonce.
    pub(super) nonce: String,
}

impl Waiting {
    /// A new sign-in for an address.
    pub(super) fn new(target: String) -> Self {
        Self { target, verifier: random::alphanumeric(43), nonce: random::alphanumeric(22) }
    }

    /// As the parameter `state`, for one browser and one application.
    pub(super) fn seal(&self, app: &App, client: &ProxyClient, trail: &Trail) -> String {
        sealed::seal(app, &trail.browser, &kind(client), self)
    }

    /// Reads `state`. Nothing if it is none of ours, another browser's, or older than its lifetime.
    pub(super) fn open(app: &App, client: &ProxyClient, trail: &Trail, state: &str) -> Option<Self> {
        sealed::open(app, &trail.browser, &kind(client), LIFETIME, state)
    }
}

fn kind(client: &ProxyClient) -> String {
    format!("proxy state {}", client.provider.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_returns_in_half_a_minute_are_a_loop() {
        let at = |seconds: i64| from_millis(1_000_000 + seconds * 1000);
        let trail = Trail::new().returned(at(0)).returned(at(10));
        assert!(!trail.is_loop(at(10)));
        let looping = trail.clone().returned(at(20));
        assert!(looping.is_loop(at(29)) && !looping.is_loop(at(30)));
        assert!(!looping.clone().cleared().is_loop(at(20)));
        assert!(!trail.returned(at(60)).is_loop(at(60)));
        assert_eq!(looping.returned(at(30)).returned(at(31)).returns.len(), ROUND_TRIPS);
    }
}
