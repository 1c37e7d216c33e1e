//! Warm credentials: passwords that were found right a short while ago, so that a client that binds for every request
//! does not pay for a slow hash each time. Kept are keyed fingerprints, in the memory of this process alone.
//!
//! They must not help to guess. Whoever asks has looked at the throttle before; a fingerprint that did not match three
//! times is forgotten; and whatever does not match goes the slow, counted way.

use aws_lc_rs::hmac;
use doorward_core::{id::UserId, random, secret::Secret};
use jiff::{SignedDuration, Timestamp};
use std::sync::{Mutex, PoisonError};

use super::recent::Recent;

/// How long a password stays warm.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Most passwords kept.
const CAPACITY: usize = 10_000;
/// Wrong passwords after which one is forgotten.
pub const MISSES: u8 = 3;

/// The warm credentials of a process.
pub struct Warm {
    key: hmac::Key,
    entries: Mutex<Recent<UserId, Entry>>,
}

struct Entry {
    fingerprint: hmac::Tag,
    misses: u8,
}

impl Default for Warm {
    fn default() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()),
            entries: Mutex::new(Recent::new(LIFETIME, CAPACITY)),
        }
    }
}

impl Warm {
    /// Remembers a password that was just found right against a stored hash.
    pub fn remember(&self, user: UserId, hash: &str, password: &Secret<String>, now: Timestamp) {
        let entry = Entry { fingerprint: hmac::sign(&self.key, message(user, hash, password).expose()), misses: 0 };
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).insert(user, entry, now);
    }

    /// Whether this is the password that was found right, and the stored hash is still the one it was right for. A miss
    /// says nothing: the password has to be checked.
    pub fn matches(&self, user: UserId, hash: &str, password: &Secret<String>, now: Timestamp) -> bool {
        let message = message(user, hash, password);
        // Compared under the lock, so that no more than the misses allowed can be tried at once.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get_mut(&user, now) else { return false };
        if hmac::verify(&self.key, message.expose(), entry.fingerprint.as_ref()).is_ok() {
            return true;
        }
        entry.misses += 1;
        if entry.misses >= MISSES {
            entries.remove(&user);
        }
        false
    }
}

impl std::fmt::Debug for Warm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Warm(…)")
    }
}

/// What is fingerprinted. Identifiers and hashes hold no zero byte, so that nothing can stand for two things.
fn message(user: UserId, hash: &str, password: &Secret<String>) -> Secret<Vec<u8>> {
    let user = user.to_string();
    Secret::new([user.as_bytes(), hash.as_bytes(), password.expose().as_bytes()].join(&0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::{Clock, from_millis};

    #[test]
    fn only_the_same_password_of_the_same_user_and_hash_is_warm() {
        let (warm, now) = (Warm::default(), from_millis(0));
        let (alice, bob) = (UserId::new(&Clock::system()), UserId::new(&Clock::system()));
        warm.remember(alice, "hash", &"pw".into(), now);
        assert!(warm.matches(alice, "hash", &"pw".into(), now));
        assert!(!warm.matches(bob, "hash", &"pw".into(), now));
        assert!(!warm.matches(alice, "other hash", &"pw".into(), now));
        assert!(!warm.matches(alice, "hash", &"PW".into(), now));
        assert!(warm.matches(alice, "hash", &"pw".into(), from_millis(599_999)));
        assert!(!warm.matches(alice, "hash", &"pw".into(), from_millis(600_000)));
    }

    #[test]
    fn after_three_misses_even_the_right_password_is_cold() {
        let (warm, now) = (Warm::default(), from_millis(0));
        let alice = UserId::new(&Clock::system());
        warm.remember(alice, "hash", &"pw".into(), now);
        for _ in 0..MISSES {
            assert!(warm.matches(alice, "hash", &"pw".into(), now), "a hit forgets nothing");
            assert!(!warm.matches(alice, "hash", &"guess".into(), now));
        }
        assert!(!warm.matches(alice, "hash", &"pw".into(), now));
    }
}
