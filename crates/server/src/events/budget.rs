//! How many failures are written down: anybody can cause them, and a full disk would stop every sign-in.

use doorward_core::{
    event::EventKind,
    id::{ApplicationId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// The time in which failures are counted.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Failures of one address that are written down in a window.
pub const PER_ADDRESS: u32 = 60;
/// Failures of everybody that are written down in a window.
pub const OVERALL: u32 = 600;

/// The time in which entries about a user are counted.
const USER_WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Entries of one kind about one user and application that are written down in an hour.
pub const PER_USER: u32 = 60;

/// About whom an entry is, with which application, and of which kind.
type About = (UserId, Option<ApplicationId>, EventKind);

/// Counts the entries of this process.
#[derive(Debug, Default)]
pub struct Budget {
    failures: Mutex<Counts>,
    users: Mutex<UserCounts>,
}

#[derive(Debug)]
struct UserCounts {
    since: Timestamp,
    counts: HashMap<About, u32>,
}

impl Default for UserCounts {
    fn default() -> Self {
        Self { since: Timestamp::MIN, counts: HashMap::new() }
    }
}

#[derive(Debug)]
struct Counts {
    since: Timestamp,
    by_address: HashMap<String, u32>,
    overall: u32,
    left_out: u32,
}

impl Default for Counts {
    fn default() -> Self {
        Self { since: Timestamp::MIN, by_address: HashMap::new(), overall: 0, left_out: 0 }
    }
}

/// Whether a failure is written down.
#[derive(Debug, PartialEq, Eq)]
pub enum Allowance {
    /// It is; in the last window so many were not.
    Yes(u32),
    /// It is not.
    No,
}

impl Budget {
    /// Asks for one more entry about a user.
    pub fn take_of(&self, about: About, now: Timestamp) -> bool {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(users.since) >= USER_WINDOW {
            *users = UserCounts { since: now, counts: HashMap::new() };
        }
        let count = users.counts.entry(about).or_default();
        *count = count.saturating_add(1);
        *count <= PER_USER
    }

    /// Asks for one more.
    pub fn take(&self, address: &str, now: Timestamp) -> Allowance {
        let mut counts = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left_out = 0;
        if now.duration_since(counts.since) >= WINDOW {
            left_out = counts.left_out;
            *counts = Counts { since: now, ..Counts::default() };
        }
        let of_address = counts.by_address.get(address).copied().unwrap_or(0);
        if counts.overall >= OVERALL || of_address >= PER_ADDRESS {
            counts.left_out = counts.left_out.saturating_add(1);
            return Allowance::No;
        }
        counts.overall += 1;
        counts.by_address.insert(address.to_owned(), of_address + 1);
        Allowance::Yes(left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::{Clock, from_millis};

    #[test]
    fn one_address_cannot_use_up_what_all_share_and_a_new_minute_begins_anew() {
        let (budget, now) = (Budget::default(), from_millis(1_000_000));
        for _ in 0..PER_ADDRESS {
            assert_eq!(budget.take("a", now), Allowance::Yes(0));
        }
        assert_eq!(budget.take("a", now), Allowance::No);
        assert_eq!(budget.take("b", now), Allowance::Yes(0));
        assert_eq!(budget.take("a", from_millis(1_060_000)), Allowance::Yes(1));
    }

    #[test]
    fn one_user_is_written_down_so_often_in_an_hour_with_each_application() {
        let (budget, now, clock) = (Budget::default(), from_millis(10_000_000), Clock::system());
        let (user, application) = (UserId::new(&clock), ApplicationId::new(&clock));
        let about = (user, Some(application), EventKind::Authorized);
        let taken = (0..PER_USER * 2).filter(|_| budget.take_of(about, now)).count();
        assert_eq!(taken, usize::try_from(PER_USER).unwrap());
        assert!(budget.take_of((user, Some(application), EventKind::Replay), now));
        assert!(budget.take_of((UserId::new(&clock), Some(application), EventKind::Authorized), now));
        assert!(!budget.take_of(about, from_millis(13_599_999)));
        assert!(budget.take_of(about, from_millis(13_600_000)));
    }

    #[test]
    fn many_addresses_share_a_limit() {
        let (budget, now) = (Budget::default(), from_millis(1_000_000));
        let taken = (0..OVERALL * 2).filter(|number| budget.take(&number.to_string(), now) != Allowance::No).count();
        assert_eq!(taken, usize::try_from(OVERALL).unwrap());
    }
}
