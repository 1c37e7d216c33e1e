//! Which successes were written down lately: clients that bind for every request would fill the activity log.

use doorward_core::id::{ApplicationId, UserId};
use jiff::{SignedDuration, Timestamp};
use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use super::{recent::Recent, throttle::network};

/// How often a sign-in of one user to one application from one network is written down.
pub const NOTED: SignedDuration = SignedDuration::from_hours(1);
/// Most sign-ins that are remembered as written down.
const CAPACITY: usize = 10_000;

/// The sign-ins that this process wrote down.
#[derive(Debug)]
pub struct Noted(Mutex<Recent<(UserId, ApplicationId, String), ()>>);

impl Default for Noted {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(NOTED, CAPACITY)))
    }
}

impl Noted {
    /// Whether a sign-in has to be written down; from now on it counts as written.
    pub(crate) fn is_new(&self, user: UserId, application: ApplicationId, address: IpAddr, now: Timestamp) -> bool {
        let key = (user, application, network(address));
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = recent.get_mut(&key, now).is_none();
        if is_new {
            recent.insert(key, (), now);
        }
        is_new
    }
}
