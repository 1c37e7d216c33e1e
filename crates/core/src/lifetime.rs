//! Lifetimes in authentik's notation, `hours=1`, `days=30;minutes=5`, or in short: `1h`, `30d5m`.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The longest lifetime accepted: ten years of 365 days, in milliseconds.
const LONGEST_MILLIS: f64 = 10.0 * 365.0 * 86_400_000.0;

const UNITS: [(&str, f64); 7] = [
    ("weeks", 604_800_000.0),
    ("days", 86_400_000.0),
    ("hours", 3_600_000.0),
    ("minutes", 60_000.0),
    ("seconds", 1_000.0),
    ("milliseconds", 1.0),
    ("microseconds", 0.001),
];

/// The units of the short notation, from the longest to the shortest, in milliseconds.
const SHORT_UNITS: [(&str, i64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// A length of time, in whole milliseconds, from zero to ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lifetime(i64);

/// Why a lifetime was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// No pair had a unit that is known.
    #[error(
        "\"{0}\" names no unit that is known; write for instance 24h, 1h30m or 7d, or hours=1 or days=30;minutes=5"
    )]
    NoUnit(String),
    /// Units of the short notation in another order, or one of them twice.
    #[error("the units in \"{0}\" must stand from the longest to the shortest, each once, as in 1d12h or 1h30m")]
    Order(String),
    /// Both notations in one.
    #[error("\"{0}\" mixes two notations; write for instance 1h30m or hours=1;minutes=30")]
    Mixed(String),
    /// A unit's number could not be read.
    #[error("\"{0}\" is not a number")]
    NotANumber(String),
    /// Below zero or above ten years.
    #[error("\"{0}\" is outside what is allowed: from zero to ten years")]
    OutOfRange(String),
}

impl Lifetime {
    /// A lifetime of so many seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// A lifetime of so many milliseconds, clamped to what is allowed.
    pub fn millis(millis: i64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "ten years in milliseconds fit")]
        Self(millis.clamp(0, LONGEST_MILLIS as i64))
    }

    /// Length in milliseconds.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Length in whole seconds, rounded down; what `expires_in` carries.
    pub fn as_seconds(self) -> i64 {
        self.0 / 1000
    }

    /// The same as a duration.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_millis(self.0)
    }
}

impl FromStr for Lifetime {
    type Err = LifetimeError;

    /// Reads `unit=number` pairs joined by `;`. Units are case-insensitive; pairs with other units are ignored, as
    /// authentik ignores them, but one known unit is needed. Without any pair it is the short notation: whole numbers with the
    /// units w, d, h, m, s and ms, the longest first.
    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        if !text.contains('=') {
            return short(text.trim()).map(Self);
        }
        let mut total = None;
        for pair in text.split(';') {
            let Some((unit, number)) = pair.split_once('=') else {
                // "hours=1;30m" would otherwise be an hour without a word.
                if short(pair.trim()).is_ok() {
                    return Err(LifetimeError::Mixed(text.to_owned()));
                }
                continue;
            };
            let unit = unit.trim().to_ascii_lowercase();
            let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else { continue };
            let number: f64 = number.trim().parse().map_err(|_| LifetimeError::NotANumber(number.to_owned()))?;
            *total.get_or_insert(0.0) += number * millis;
        }
        let total = total.ok_or_else(|| LifetimeError::NoUnit(text.to_owned()))?;
        if !(0.0..=LONGEST_MILLIS).contains(&total) {
            return Err(LifetimeError::OutOfRange(text.to_owned()));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked to lie within ten years")]
        Ok(Self(total.round() as i64))
    }
}

/// Milliseconds of a text such as `1h30m`.
fn short(text: &str) -> Result<i64, LifetimeError> {
    let no_unit = || LifetimeError::NoUnit(text.to_owned());
    let out_of_range = || LifetimeError::OutOfRange(text.to_owned());
    if let Some(positive) = text.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
        // Said as what it is, if it is a length of time at all.
        return short(positive).and(Err(out_of_range()));
    }
    let (mut rest, mut total, mut next) = (text, 0_i64, 0);
    while !rest.is_empty() {
        let (number, unit) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(no_unit)?);
        let (unit, after) = unit.split_at(unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len()));
        let place = SHORT_UNITS.iter().position(|(name, _)| *name == unit).filter(|_| !number.is_empty());
        let place = place.ok_or_else(no_unit)?;
        if place < next {
            return Err(LifetimeError::Order(text.to_owned()));
        }
        let millis = SHORT_UNITS.get(place).map_or(0, |(_, millis)| *millis);
        // A number that does not even fit is too long whatever its unit.
        let number: i64 = number.parse().map_err(|_| out_of_range())?;
        let part = number.checked_mul(millis).ok_or_else(out_of_range)?;
        total = total.checked_add(part).ok_or_else(out_of_range)?;
        (rest, next) = (after, place + 1);
    }
    if next == 0 {
        return Err(no_unit());
    }
    #[expect(clippy::cast_possible_truncation, reason = "ten years in milliseconds fit")]
    let is_allowed = total <= LONGEST_MILLIS as i64;
    if is_allowed { Ok(total) } else { Err(out_of_range()) }
}

impl fmt::Display for Lifetime {
    /// The fewest units that give the same length: `hours=1`, `days=1;minutes=30`, `seconds=0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WHOLE: [(&str, i64); 5] =
            [("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1000), ("milliseconds", 1)];
        if self.0 == 0 {
            return f.write_str("seconds=0");
        }
        let mut rest = self.0;
        let mut separator = "";
        for (unit, millis) in WHOLE {
            if rest >= millis {
                write!(f, "{separator}{unit}={}", rest / millis)?;
                rest %= millis;
                separator = ";";
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Lifetime {
    type Error = LifetimeError;
    fn try_from(text: String) -> Result<Self, LifetimeError> {
        text.parse()
    }
}

impl From<Lifetime> for String {
    fn from(lifetime: Lifetime) -> Self {
        lifetime.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<i64, LifetimeError> {
        text.parse::<Lifetime>().map(Lifetime::as_millis)
    }

    #[test]
    fn reads_what_authentik_reads() {
        assert_eq!(parse("hours=1"), Ok(3_600_000));
        assert_eq!(parse("minutes=1;seconds=30"), Ok(90_000));
        assert_eq!(parse("HOURS=0.5"), Ok(1_800_000));
        assert_eq!(parse("days=1;fortnights=3"), Ok(86_400_000));
        assert_eq!(parse("seconds=0"), Ok(0));
        assert_eq!(parse("weeks=1; days=1"), Ok(691_200_000));
        assert_eq!(parse("microseconds=2500"), Ok(3));
    }

    #[test]
    fn refuses_what_means_nothing() {
        assert!(matches!(parse(""), Err(LifetimeError::NoUnit(_))));
        assert!(matches!(parse("3600"), Err(LifetimeError::NoUnit(_))));
        assert!(matches!(parse("hours=one"), Err(LifetimeError::NotANumber(_))));
        assert!(matches!(parse("hours=-1"), Err(LifetimeError::OutOfRange(_))));
        assert!(matches!(parse("days=NaN"), Err(LifetimeError::OutOfRange(_))));
        assert!(matches!(parse("weeks=inf"), Err(LifetimeError::OutOfRange(_))));
        assert!(matches!(parse("days=3651"), Err(LifetimeError::OutOfRange(_))));
    }

    #[test]
    fn reads_the_short_notation() {
        for (text, long) in [
            ("24h", "hours=24"),
            ("90m", "minutes=90"),
            ("7d", "days=7"),
            ("1h30m", "hours=1;minutes=30"),
            ("2w1d12h30m15s250ms", "weeks=2;days=1;hours=12;minutes=30;seconds=15;milliseconds=250"),
            (" 0s ", "seconds=0"),
            ("0h", "seconds=0"),
            ("007m", "minutes=7"),
        ] {
            assert_eq!(parse(text), parse(long), "{text}");
        }
        assert_eq!("24h".parse::<Lifetime>().unwrap().to_string(), "days=1");
    }

    #[test]
    fn refuses_what_the_short_notation_does_not_have() {
        for text in
            ["", " ", "24", "24x", "h", "1h30", "1.5h", "1H", "1 h", "1h 30m", "P1D", "1hour", "１h", "+1h", "--1h"]
        {
            assert!(matches!(parse(text), Err(LifetimeError::NoUnit(_))), "{text:?}: {:?}", parse(text));
        }
        for text in ["30m1h", "1h1h", "1ms1s", "-30m1h"] {
            assert!(matches!(parse(text), Err(LifetimeError::Order(_))), "{text:?}");
        }
        for text in
            ["-1h", "3651d", "999999999999999h", "99999999999999999999999h", "9223372036854775807ms", "3650d1ms"]
        {
            assert!(matches!(parse(text), Err(LifetimeError::OutOfRange(_))), "{text:?}");
        }
        assert!(matches!(parse("hours=1;30m"), Err(LifetimeError::Mixed(_))));
        assert_eq!(parse("hours=1;"), Ok(3_600_000));
        let said = parse("24").unwrap_err().to_string();
        assert!(said.contains("\"24\" names no unit") && said.contains("24h"), "{said}");
    }

    #[test]
    fn a_great_many_signs_are_refused_at_the_second() {
        assert!(matches!(parse(&"-".repeat(1_000_000)), Err(LifetimeError::NoUnit(_))));
    }

    proptest! {
        #[test]
        fn both_notations_mean_the_same(d in 0_i64..3000, h in 0_i64..99, m in 0_i64..999, s in 0_i64..9999) {
            let long = format!("days={d};hours={h};minutes={m};seconds={s}");
            let read: Lifetime = format!("{d}d{h}h{m}m{s}s").parse().unwrap();
            prop_assert_eq!(Ok(read), long.parse());
            // What is kept is authentik's notation, whichever was typed.
            prop_assert!(read.to_string().contains('='));
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }

        #[test]
        fn no_digits_and_units_panic(text in "-?([0-9]{0,22}(w|d|h|m|s|ms|x|)){0,5}") {
            if let Ok(millis) = parse(&text) {
                prop_assert!((0..=315_360_000_000).contains(&millis));
            }
        }

        #[test]
        fn what_is_written_reads_back(millis in 0_i64..315_360_000_000) {
            prop_assert_eq!(Lifetime(millis).to_string().parse(), Ok(Lifetime(millis)));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
