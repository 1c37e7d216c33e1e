//! How far two clocks are apart, from the `Date` header of answers.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// One answer: when the request left, when the answer was there, and the `Date` in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When the request was sent.
    pub sent: Timestamp,
    /// When the answer was there.
    pub received: Timestamp,
    /// What the other side thought it was, in whole seconds.
    pub date: Timestamp,
}

/// By how much the other clock is ahead of ours, in milliseconds: somewhere between the two. Negative: it is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// At least.
    pub least: i64,
    /// At most.
    pub most: i64,
}

impl Skew {
    /// What all samples together allow. A header holds whole seconds and was written at some moment between request and
    /// answer, so that one sample leaves more than a second open; several at different fractions of a second leave less.
    /// `None` without a sample, or if the clock jumped between them.
    pub fn of(samples: &[Sample]) -> Option<Self> {
        let bounds = samples.iter().map(|sample| Self {
            least: sample.date.as_millisecond() - sample.received.as_millisecond(),
            most: sample.date.as_millisecond() + 1000 - sample.sent.as_millisecond(),
        });
        bounds
            .reduce(|all, one| Self { least: all.least.max(one.least), most: all.most.min(one.most) })
            .filter(|skew| skew.least <= skew.most)
    }

    /// The difference that is certain, in milliseconds: 0 if the clocks may be the same.
    pub fn certain(self) -> i64 {
        match self {
            Self { least, .. } if least > 0 => least,
            Self { most, .. } if most < 0 => most,
            _ => 0,
        }
    }
}

/// Reads a `Date` header (RFC 9110, section 5.6.7): the one form that servers send.
pub fn http_date(text: &str) -> Option<Timestamp> {
    let rest = text.trim().strip_suffix(" GMT")?;
    let time = DateTime::strptime("%a, %d %b %Y %H:%M:%S", rest).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// A difference, for people: `3.2 s`, `4 min`, `2 h`.
pub fn said(milliseconds: i64) -> String {
    let whole = milliseconds.unsigned_abs();
    match whole {
        0..60_000 => format!("{}.{} s", whole / 1000, whole % 1000 / 100),
        60_000..7_200_000 => format!("{} min", whole / 60_000),
        _ => format!("{} h", whole / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    /// A server whose clock is ahead by so much, asked at a moment, answering after so long.
    fn sample(sent: i64, takes: i64, ahead: i64) -> Sample {
        let date = (sent + takes / 2 + ahead).div_euclid(1000) * 1000;
        Sample { sent: at(sent), received: at(sent + takes), date: at(date) }
    }

    #[test]
    fn more_answers_leave_less_open() {
        let one = Skew::of(&[sample(10_000, 40, 3000)]).unwrap();
        assert!(one.most - one.least > 1000);
        let several: Vec<_> = (0..4).map(|n| sample(10_000 + n * 1270, 40, 3000)).collect();
        let several = Skew::of(&several).unwrap();
        assert!(several.most - several.least < 900, "{several:?}");
        assert!(several.certain() > 2000);
    }

    #[test]
    fn no_answer_and_a_jumping_clock_say_nothing() {
        assert_eq!(Skew::of(&[]), None);
        assert_eq!(Skew::of(&[sample(0, 10, 0), sample(2000, 10, 60_000)]), None);
    }

    #[test]
    fn dates_are_read_as_servers_write_them() {
        assert_eq!(http_date("Mon, 23 Nov 2026 20:39:27 GMT"), Some(at(1_795_466_367_000)));
        for odd in ["", "now", "Mon, 23 Nov 2026 20:39:27", "Mon, 23 Nov 2026 20:39:27 CET", "99, 99 Foo 2026 GMT"] {
            assert_eq!(http_date(odd), None, "{odd}");
        }
    }

    #[test]
    fn differences_are_said_in_fitting_units() {
        assert_eq!([said(3210), said(-3210), said(240_000), said(7_200_000)], ["3.2 s", "3.2 s", "4 min", "2 h"]);
    }

    proptest! {
        #[test]
        fn the_true_difference_is_never_ruled_out(
            ahead in -1_000_000_i64..1_000_000, asked in proptest::collection::vec((0_i64..60_000, 0_i64..3000), 1..8)
        ) {
            let samples: Vec<_> = asked.into_iter().map(|(sent, takes)| sample(5_000_000 + sent, takes, ahead)).collect();
            let skew = Skew::of(&samples).unwrap();
            prop_assert!(skew.least <= ahead && ahead <= skew.most, "{:?} {}", skew, ahead);
            prop_assert!(skew.certain().abs() <= ahead.abs());
        }

        #[test]
        fn whatever_a_header_holds_is_read_or_not(text in ".{0,60}") {
            let _ = http_date(&text);
        }
    }
}
