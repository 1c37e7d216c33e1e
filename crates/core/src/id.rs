//! Typed identifiers: one kind per entity, so that a user can never be passed for a group.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

use crate::clock::Clock;

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
}

fn uuid_v7(clock: &Clock) -> Uuid {
    let millis = clock.now().as_millisecond().max(0).unsigned_abs();
    uuid::Builder::from_unix_timestamp_millis(millis, &crate::random::bytes::<10>()).into_uuid()
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
}
