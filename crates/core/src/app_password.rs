//! App passwords: long random secrets for clients that can only send a name and a password.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use crate::{
    cipher::sha256_hex,
    id::{AppPasswordId, ApplicationId, UserId},
    random,
    secret::Secret,
};

/// Letters and digits of an app password: 238 bits, so that one SHA-256 keeps it.
pub const LENGTH: usize = 40;
/// Most app passwords of one user.
pub const PER_USER_MAX: i64 = 50;
/// Longest name, in characters.
pub const NAME_MAX: usize = 150;

/// An app password as kept. The secret is shown once and then kept as a hash only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppPassword {
    /// Identifier.
    pub id: AppPasswordId,
    /// Whose it is.
    pub user: UserId,
    /// The only application it is good for; `None` for all.
    pub application: Option<ApplicationId>,
    /// What it is for, in its owner's words.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, within an hour.
    pub last_used_at: Option<Timestamp>,
}

impl AppPassword {
    /// Whether it is good for an application now.
    pub fn is_good_for(&self, application: ApplicationId, now: Timestamp) -> bool {
        self.application.is_none_or(|only| only == application) && self.expires_at.is_none_or(|end| now < end)
    }
}

/// When an app password ends, as people write it: in so many days (`90d`), or the last day (`2027-01-31`, UTC) on which
/// it is good.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_end(text: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    let advice = "Write it like 90d, or like 2027-01-31 for the last day.";
    let end = if let Some(days) = text.strip_suffix('d') {
        let days: u32 = days.parse().map_err(|_| advice)?;
        now.checked_add(SignedDuration::from_hours(i64::from(days) * 24))
    } else {
        let day: Date = text.parse().map_err(|_| advice)?;
        day.tomorrow().and_then(|next| TimeZone::UTC.to_timestamp(next.at(0, 0, 0, 0)))
    };
    end.map_err(|_| advice)
}

/// A new secret: letters and digits only, so that no configuration file needs quotes around it.
pub fn new_secret() -> Secret<String> {
    Secret::new(random::alphanumeric(LENGTH))
}

/// Whether a text could be one of these secrets at all: only then is it looked up.
pub fn is_plausible(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What is kept of a secret.
pub fn hash(secret: &str) -> String {
    sha256_hex(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_millis};

    #[test]
    fn new_secrets_are_plausible_and_others_are_not() {
        assert!(is_plausible(new_secret().expose()));
        for text in ["", &"a".repeat(39), &"a".repeat(41), &format!("{};", "a".repeat(39)), &"é".repeat(20)] {
            assert!(!is_plausible(text), "{text}");
        }
    }

    #[test]
    fn an_end_is_days_or_a_last_day() {
        let now: Timestamp = "2026-12-31T12:00:00Z".parse().unwrap();
        assert_eq!(parse_end("90d", now).unwrap().to_string(), "2027-03-31T12:00:00Z");
        assert_eq!(parse_end("2027-01-31", now).unwrap().to_string(), "2027-02-01T00:00:00Z");
        for text in ["", "d", "-1d", "90", "4294967295d", "31.01.2027", "9999-12-31", "2027-02-30"] {
            assert!(parse_end(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_good_for_its_application_until_it_ends() {
        let clock = Clock::system();
        let (here, there) = (ApplicationId::new(&clock), ApplicationId::new(&clock));
        let mut password = AppPassword {
            id: AppPasswordId::new(&clock),
            user: UserId::new(&clock),
            application: None,
            name: "laptop".into(),
            created_at: from_millis(0),
            expires_at: Some(from_millis(10)),
            last_used_at: None,
        };
        assert!(password.is_good_for(here, from_millis(9)) && !password.is_good_for(here, from_millis(10)));
        password.application = Some(here);
        assert!(password.is_good_for(here, from_millis(9)) && !password.is_good_for(there, from_millis(9)));
        password.expires_at = None;
        assert!(password.is_good_for(here, Timestamp::MAX));
    }
}
