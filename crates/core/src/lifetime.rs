//! Lifetimes in authentik's notation: `hours=1`, `days=30;minutes=5`.

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

/// A length of time, in whole milliseconds, from zero to ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lifetime(i64);

/// Why a lifetime was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// No pair had a unit that is known.
    #[error("\"{0}\" names no unit; write for instance hours=1 or days=30;minutes=5")]
    NoUnit(String),
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
    /// authentik ignores them, but one known unit is needed.
    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let mut total = None;
        for pair in text.split(';') {
            let Some((unit, number)) = pair.split_once('=') else { continue };
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

    proptest! {
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
