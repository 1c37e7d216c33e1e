//! How many failures are written down: anybody can cause them, and a full disk would stop every sign-in.

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

/// Counts failures of this process.
#[derive(Debug, Default)]
pub struct Budget(Mutex<Counts>);

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
    /// Asks for one more.
    pub fn take(&self, address: &str, now: Timestamp) -> Allowance {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    use doorward_core::clock::from_millis;

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
    fn many_addresses_share_a_limit() {
        let (budget, now) = (Budget::default(), from_millis(1_000_000));
        let taken = (0..OVERALL * 2).filter(|number| budget.take(&number.to_string(), now) != Allowance::No).count();
        assert_eq!(taken, usize::try_from(OVERALL).unwrap());
    }
}
