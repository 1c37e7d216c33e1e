//! How many failures are written down: anybody can cause them, and a full disk would stop every sign-in.

use doorward_core::{
    event::EventKind,
    id::{ApplicationId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::auth::throttle::{around, network};

/// The time in which failures are counted.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Failures of one address (IPv6: of its /64) that are written down in a window.
pub const PER_ADDRESS: u32 = 60;
/// Failures of the addresses around one (IPv4: /24, IPv6: /48) that are written down in a window.
pub const PER_REGION: u32 = 240;
/// Failures of everybody that are written down in a window.
pub const OVERALL: u32 = 600;

/// The time in which entries about a user are counted.
const USER_WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Entries of one kind about one user and application that are written down in an hour.
pub const PER_USER: u32 = 60;

/// Sign-ins of which the first replay in an hour is written down, however many others there were.
const REPLAYED_MAX: usize = 10_000;

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
    /// References of sign-ins of which something came twice.
    replayed: HashSet<String>,
}

impl UserCounts {
    /// Begins anew when the time is over.
    fn renew(&mut self, now: Timestamp) {
        if now.duration_since(self.since) >= USER_WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
    }
}

impl Default for UserCounts {
    fn default() -> Self {
        Self { since: Timestamp::MIN, counts: HashMap::new(), replayed: HashSet::new() }
    }
}

#[derive(Debug)]
struct Counts {
    since: Timestamp,
    by_place: HashMap<String, u32>,
    overall: u32,
    left_out: u32,
}

impl Default for Counts {
    fn default() -> Self {
        Self { since: Timestamp::MIN, by_place: HashMap::new(), overall: 0, left_out: 0 }
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
        users.renew(now);
        let count = users.counts.entry(about).or_default();
        *count = count.saturating_add(1);
        *count <= PER_USER
    }

    /// Asks for one more entry about a replay: whoever sends one stolen token again and again shall not hide that another was
    /// stolen, too.
    pub fn take_replay(&self, about: About, reference: &str, now: Timestamp) -> bool {
        let is_taken = self.take_of(about, now);
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = users.replayed.len() < REPLAYED_MAX && users.replayed.insert(reference.to_owned());
        is_taken || is_first
    }

    /// Asks for one more.
    pub fn take(&self, address: &str, now: Timestamp) -> Allowance {
        let mut counts = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left_out = 0;
        if now.duration_since(counts.since) >= WINDOW {
            left_out = counts.left_out;
            *counts = Counts { since: now, ..Counts::default() };
        }
        let places = places(address);
        let is_full = |(place, limit): &(String, u32)| counts.by_place.get(place).is_some_and(|count| count >= limit);
        if counts.overall >= OVERALL || places.iter().any(is_full) {
            counts.left_out = counts.left_out.saturating_add(1);
            return Allowance::No;
        }
        counts.overall += 1;
        for (place, _) in places {
            *counts.by_place.entry(place).or_default() += 1;
        }
        Allowance::Yes(left_out)
    }
}

/// What an address counts for, and how often it may.
fn places(address: &str) -> Vec<(String, u32)> {
    match address.parse::<IpAddr>() {
        Ok(address) => {
            vec![(network(address), PER_ADDRESS), (format!("around {}", around(address, 24, 48)), PER_REGION)]
        }
        Err(_) => vec![(address.to_owned(), PER_ADDRESS)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::{Clock, from_millis};

    #[test]
    fn somebody_with_many_addresses_cannot_use_up_what_all_share() {
        for (network, limit) in [("2001:db8:0:1::", PER_ADDRESS), ("2001:db8:0:", PER_REGION), ("192.0.2.", PER_REGION)]
        {
            let (budget, now) = (Budget::default(), from_millis(1_000_000));
            let tail = |number: u32| match network {
                "192.0.2." => (number % 256).to_string(),
                "2001:db8:0:" => format!("{number:x}::1"),
                _ => format!("{number:x}"),
            };
            let taken =
                (0..OVERALL).filter(|number| budget.take(&format!("{network}{}", tail(*number)), now) != Allowance::No);
            assert_eq!(u32::try_from(taken.count()).unwrap(), limit, "{network}");
            assert_eq!(budget.take("198.51.100.1", now), Allowance::Yes(0));
        }
    }

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
    fn one_replay_that_comes_again_and_again_hides_no_other() {
        let (budget, now, clock) = (Budget::default(), from_millis(10_000_000), Clock::system());
        let about = (UserId::new(&clock), None, EventKind::Replay);
        let taken = (0..PER_USER * 2).filter(|_| budget.take_replay(about, "A", now)).count();
        assert_eq!(taken, usize::try_from(PER_USER).unwrap());
        assert!(budget.take_replay(about, "B", now));
        assert!(!budget.take_replay(about, "B", now) && !budget.take_replay(about, "A", now));
        let others = (0..REPLAYED_MAX * 2).filter(|number| budget.take_replay(about, &number.to_string(), now)).count();
        assert_eq!(others, REPLAYED_MAX - 2);
    }

    #[test]
    fn many_addresses_share_a_limit() {
        let (budget, now) = (Budget::default(), from_millis(1_000_000));
        let taken = (0..OVERALL * 2).filter(|number| budget.take(&number.to_string(), now) != Allowance::No).count();
        assert_eq!(taken, usize::try_from(OVERALL).unwrap());
    }
}
