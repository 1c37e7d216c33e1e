//! Typed identifiers: one kind per entity, so that a user can never be passed for a group.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

use crate::{
    clock::{Clock, from_millis},
    random,
};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new UUIDv7 (RFC 9562, section 5.7) from the clock's time and fresh randomness.
            pub fn new(clock: &Clock) -> Self {
                Self(uuid_v7(clock))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(Uuid::try_parse(text)?))
            }
        }
    )* };
}

id! {
    /// A user.
    UserId,
    /// A group.
    GroupId,
    /// An application.
    ApplicationId,
    /// The OAuth2/OpenID provider of an application.
    ProviderId,
    /// The LDAP provider of an application.
    LdapProviderId,
    /// The proxy provider of an application.
    ProxyProviderId,
    /// An app password.
    AppPasswordId,
    /// A note to an application that somebody signed out.
    LogoutNoticeId,
    /// A signing key with all its versions.
    SigningKeyId,
    /// One version of a signing key.
    KeyVersionId,
    /// A claim mapping.
    MappingId,
    /// A signed-in browser.
    SessionId,
    /// What one authorization gave an application: its code and tokens.
    GrantId,
    /// A connector of an application.
    ConnectorId,
    /// A job of a connector.
    ConnectorJobId,
    /// An entry of the activity log.
    EventId,
    /// An attempt to sign in.
    AttemptId,
}

impl AttemptId {
    /// When the attempt began, in whole milliseconds: part of the identifier.
    pub fn began_at(self) -> Timestamp {
        let millis = self.0.as_u128() >> 80;
        from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// The reference code of the attempt, made of its randomness: whoever knows the attempt knows what error pages, errors
    /// sent to applications and the log call it.
    pub fn reference(self) -> String {
        let (_, random) = self.0.as_u64_pair();
        random::readable(random & (u64::MAX >> 2))
    }
}

fn uuid_v7(clock: &Clock) -> Uuid {
    let millis = clock.now().as_millisecond().max(0).unsigned_abs();
    uuid::Builder::from_unix_timestamp_millis(millis, &random::bytes::<10>()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_seven_and_parse_back() {
        let id = UserId::new(&Clock::system());
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        assert!("not-an-id".parse::<UserId>().is_err());
    }

    #[test]
    fn an_attempt_knows_when_it_began_and_what_it_is_called() {
        let clock = Clock::fixed(from_millis(1_767_323_045_678));
        let (one, other) = (AttemptId::new(&clock), AttemptId::new(&clock));
        assert_eq!(one.began_at(), clock.now());
        assert_eq!(one.reference(), one.to_string().parse::<AttemptId>().unwrap().reference());
        assert_eq!(one.reference().len(), random::REFERENCE_LENGTH);
        assert_ne!(one.reference(), other.reference());
    }
}
