//! Groups that cannot be told to an application: said once, not with every request.

use doorward_core::id::ApplicationId;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Mutex, PoisonError};

use crate::auth::recent::Recent;

/// How often the same group is named in the activity log.
const SAID: SignedDuration = SignedDuration::from_hours(24);
/// Most groups that are remembered.
const CAPACITY: usize = 1_000;

/// The groups that this process named.
#[derive(Debug)]
pub struct LeftOut(Mutex<Recent<(ApplicationId, String), ()>>);

impl Default for LeftOut {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(SAID, CAPACITY)))
    }
}

impl LeftOut {
    /// Whether a group has to be named; from now on it counts as named.
    pub(super) fn is_new(&self, application: ApplicationId, group: &str, now: Timestamp) -> bool {
        let key = (application, group.to_owned());
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = recent.get_mut(&key, now).is_none();
        if is_new {
            recent.insert(key, (), now);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::{Clock, from_millis};

    #[test]
    fn a_group_is_named_once_a_day_for_each_application() {
        let (left_out, clock, now) = (LeftOut::default(), Clock::system(), from_millis(1_000_000));
        let (netbox, wiki) = (ApplicationId::new(&clock), ApplicationId::new(&clock));
        assert!(left_out.is_new(netbox, "a|b", now) && !left_out.is_new(netbox, "a|b", now));
        assert!(left_out.is_new(wiki, "a|b", now) && left_out.is_new(netbox, "c|d", now));
        assert!(left_out.is_new(netbox, "a|b", now.saturating_add(SAID).unwrap()));
    }
}
