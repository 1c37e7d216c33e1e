//! The only place where time is read.

use jiff::{SignedDuration, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Where time comes from: the system, or a hand that tests move.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Milliseconds since the Unix epoch.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The computer's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it. Clones share the hand.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(at.as_millisecond()))))
    }

    /// The present moment, in whole milliseconds (what is kept is kept in milliseconds).
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            Source::System => from_millis(Timestamp::now().as_millisecond()),
            Source::Fixed(millis) => from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock. The system's clock is left alone.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Fixed(millis) = &self.0 {
            let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            millis.fetch_add(by, Ordering::SeqCst);
        }
    }
}

/// The time so long after another; the last there is if it lies beyond that.
pub fn after(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

/// A time from milliseconds since the Unix epoch; what lies outside jiff's range is clamped to it.
pub fn from_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_by_hand() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let copy = clock.clone();
        clock.advance(SignedDuration::from_secs(5));
        assert_eq!(copy.now().as_second(), 5);
    }

    #[test]
    fn nothing_comes_after_the_last_moment() {
        assert_eq!(after(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(5)).as_second(), 5);
        assert_eq!(after(Timestamp::MAX, SignedDuration::from_secs(5)), Timestamp::MAX);
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        assert_eq!(from_millis(i64::MAX), Timestamp::MAX);
        assert_eq!(from_millis(i64::MIN), Timestamp::MIN);
    }
}
