//! How fast devices ask for their tokens, kept in memory.
//!
//! A device asks every five seconds for up to ten minutes. To keep a time with every question would be a durable write each,
//! for the good of nothing but `slow_down`; so this process alone remembers. Where several serve, or after a restart, a device
//! may ask more often before it is told to slow down. What it can get for its code does not depend on it.

use doorward_protocols::oauth::device_code::{LIFETIME, Pace};
use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};

use crate::auth::recent::Recent;

/// Most devices that are remembered. Only those with a code that waits come here, and their number is bounded.
const DEVICES_MAX: usize = 20_000;

/// The pace of every device that waits.
#[derive(Debug)]
pub struct Paces(Mutex<Recent<String, Pace>>);

impl Default for Paces {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(LIFETIME, DEVICES_MAX)))
    }
}

impl Paces {
    /// Takes note of a question. Says whether it came too early.
    pub fn is_early(&self, device_code_hash: &str, now: Timestamp) -> bool {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = device_code_hash.to_owned();
        if let Some(pace) = paces.get_mut(&key, now) {
            let (next, is_early) = Pace::asked(Some(*pace), now);
            *pace = next;
            return is_early;
        }
        let (first, is_early) = Pace::asked(None, now);
        paces.insert(key, first, now);
        is_early
    }

    /// Forgets a device that has its answer.
    pub fn forget(&self, device_code_hash: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&device_code_hash.to_owned());
    }
}
