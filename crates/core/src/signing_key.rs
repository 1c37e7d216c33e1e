//! Signing keys, and which of their versions signs and which are published at a given moment.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    id::{KeyVersionId, SigningKeyId},
    lifetime::Lifetime,
    secret::Secret,
};

/// What a key can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// RSA of 2048 bits or more, signing with RS256.
    #[serde(rename = "rsa")]
    Rsa,
    /// RSA of 2048 bits or more, signing with PS256.
    #[serde(rename = "rsa-pss")]
    RsaPss,
    /// NIST P-256, signing with ES256.
    #[serde(rename = "ec-p256")]
    EcP256,
    /// NIST P-384, signing with ES384.
    #[serde(rename = "ec-p384")]
    EcP384,
    /// NIST P-521, signing with ES512.
    #[serde(rename = "ec-p521")]
    EcP521,
    /// Ed25519, signing with `EdDSA`.
    #[serde(rename = "ed25519")]
    Ed25519,
}

impl KeyAlgorithm {
    /// All of them, with the words people read.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Rsa, "rsa-2048", "RSA 2048: works with every application"),
        (Self::RsaPss, "rsa-2048-pss", "RSA 2048 with PSS (PS256): for applications that demand it"),
        (Self::EcP256, "ec-p256", "EC P-256: faster, not for NetBox's defaults"),
        (Self::EcP384, "ec-p384", "EC P-384"),
        (Self::EcP521, "ec-p521", "EC P-521: slowest, seldom supported"),
        (Self::Ed25519, "ed25519", "Ed25519: fastest, least supported"),
    ];

    /// The name kept in the database and used by commands.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(algorithm, ..)| *algorithm == self).map_or("rsa-2048", |(_, name, _)| name)
    }

    /// The algorithm of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name, _)| *name == text).map(|(algorithm, ..)| algorithm)
    }

    /// The JWS algorithm it signs with (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub fn jws_name(self) -> &'static str {
        match self {
            Self::Rsa => "RS256",
            Self::RsaPss => "PS256",
            Self::EcP256 => "ES256",
            Self::EcP384 => "ES384",
            Self::EcP521 => "ES512",
            Self::Ed25519 => "EdDSA",
        }
    }
}

/// A signing key: what applications are given. Rotation adds versions, the key stays the same.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Identifier.
    pub id: SigningKeyId,
    /// Name; unique.
    pub name: String,
    /// Its versions, oldest first by the time from which they sign.
    pub versions: Vec<KeyVersion>,
    /// How long a version signs before the next takes over by itself; zero means until somebody rotates the key.
    pub rotation_interval: Lifetime,
    /// How often it was rotated. Who rotates says which number was seen, so that of several at once one does it.
    pub rotations: i64,
}

/// Shortest interval of rotation, in seconds: a day. Clients keep keys for hours.
pub const ROTATION_INTERVAL_MIN: i64 = 86_400;
/// Most versions of a key at a time: every one stands in the JWKS until its last token has expired.
pub const VERSIONS_MAX: usize = 20;

/// One certificate and private key.
#[derive(Debug, Clone)]
pub struct KeyVersion {
    /// Identifier.
    pub id: KeyVersionId,
    /// The key's identifier in tokens and in the JWKS.
    pub kid: String,
    /// What it is.
    pub algorithm: KeyAlgorithm,
    /// The certificate, PEM.
    pub certificate: String,
    /// The private key, PKCS #8 DER.
    pub private_key: Secret<Vec<u8>>,
    /// When it was made, and published.
    pub created_at: Timestamp,
    /// From when it signs.
    pub activates_at: Timestamp,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    /// Published, not signing yet.
    Next,
    /// Signing.
    Active,
    /// Published while tokens signed with it may still be alive.
    Retired,
    /// No longer published.
    Expired,
}

/// Time added to the longest token lifetime before an old version disappears: clocks differ.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

impl SigningKey {
    /// The version that signs now: the latest whose time has come. The first version signs even before its time,
    /// so that there always is one.
    pub fn active(&self, now: Timestamp) -> Option<&KeyVersion> {
        self.versions.iter().rfind(|version| version.activates_at <= now).or(self.versions.first())
    }

    /// The version that signs later, if there is one.
    pub fn waiting(&self, now: Timestamp) -> Option<&KeyVersion> {
        self.versions.iter().find(|version| version.activates_at > now)
    }

    /// When the next version takes over by itself, as far as it is decided: that which waits, or that which the schedule
    /// will make. A time gone by means that it is overdue.
    pub fn next_rotation(&self, now: Timestamp) -> Option<Timestamp> {
        if let Some(waiting) = self.waiting(now) {
            return Some(waiting.activates_at);
        }
        let signing_since = self.active(now).filter(|_| self.rotation_interval > Lifetime::seconds(0))?.activates_at;
        signing_since.saturating_add(self.rotation_interval.duration()).ok()
    }

    /// Whether the schedule wants a new version now: `lead` before it signs, so that everybody can fetch it.
    pub fn is_rotation_due(&self, now: Timestamp, lead: SignedDuration) -> bool {
        self.waiting(now).is_none()
            && self.next_rotation(now).is_some_and(|next| next.saturating_sub(lead).is_ok_and(|publish| publish <= now))
    }

    /// Where each version stands; `longest` is the longest lifetime of a token signed with this key.
    pub fn states(&self, now: Timestamp, longest: SignedDuration) -> Vec<(&KeyVersion, VersionState)> {
        let active = self.active(now).map(|version| version.id);
        let followers = self.versions.iter().skip(1).map(Some).chain([None]);
        let state = |version: &KeyVersion, follower: Option<&KeyVersion>| {
            if Some(version.id) == active {
                VersionState::Active
            } else if version.activates_at > now {
                VersionState::Next
            } else if follower
                .is_some_and(|next| next.activates_at.saturating_add(longest + SLACK).is_ok_and(|end| end <= now))
            {
                VersionState::Expired
            } else {
                VersionState::Retired
            }
        };
        self.versions.iter().zip(followers).map(|(version, next)| (version, state(version, next))).collect()
    }

    /// The versions that stand in the JWKS.
    pub fn published(&self, now: Timestamp, longest: SignedDuration) -> Vec<&KeyVersion> {
        let states = self.states(now, longest).into_iter();
        states.filter(|(_, state)| *state != VersionState::Expired).map(|(version, _)| version).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_millis};

    fn version(activates_at_hour: i64) -> KeyVersion {
        KeyVersion {
            id: KeyVersionId::new(&Clock::system()),
            kid: format!("k{activates_at_hour}"),
            algorithm: KeyAlgorithm::Rsa,
            certificate: String::new(),
            private_key: Secret::new(Vec::new()),
            created_at: Timestamp::UNIX_EPOCH,
            activates_at: hour(activates_at_hour),
        }
    }

    fn key(versions: Vec<KeyVersion>) -> SigningKey {
        SigningKey {
            id: SigningKeyId::new(&Clock::system()),
            name: "default".into(),
            versions,
            rotation_interval: Lifetime::seconds(0),
            rotations: 0,
        }
    }

    fn hour(hours: i64) -> Timestamp {
        from_millis(hours * 3_600_000)
    }

    #[test]
    fn a_rotation_publishes_before_it_signs_and_keeps_the_old_key_while_its_tokens_live() {
        let key = key(vec![version(0), version(10)]);
        let longest = SignedDuration::from_hours(1);
        let kids = |at: i64| key.published(hour(at), longest).iter().map(|v| v.kid.clone()).collect::<Vec<_>>();
        let signs = |at: i64| key.active(hour(at)).unwrap().kid.clone();
        assert_eq!((signs(9), kids(9)), ("k0".into(), vec!["k0".into(), "k10".into()]));
        assert_eq!((signs(10), kids(11)), ("k10".into(), vec!["k0".into(), "k10".into()]));
        assert_eq!((signs(12), kids(12)), ("k10".into(), vec!["k10".to_owned()]));
        assert_eq!(key.states(hour(12), longest)[0].1, VersionState::Expired);
    }

    #[test]
    fn there_is_always_a_key_that_signs() {
        assert!(key(vec![version(5)]).active(hour(0)).is_some());
    }

    #[test]
    fn a_schedule_publishes_the_next_version_in_time_and_only_once() {
        let lead = SignedDuration::from_hours(1);
        let mut key = key(vec![version(0)]);
        assert_eq!((key.next_rotation(hour(9000)), key.is_rotation_due(hour(9000), lead)), (None, false));
        key.rotation_interval = Lifetime::seconds(ROTATION_INTERVAL_MIN);
        assert_eq!(key.next_rotation(hour(1)), Some(hour(24)));
        assert!(!key.is_rotation_due(hour(22), lead) && key.is_rotation_due(hour(23), lead));
        // The server was off for a while.
        assert!(key.is_rotation_due(hour(100), lead));
        key.versions.push(version(24));
        assert!(!key.is_rotation_due(hour(23), lead), "it waits already");
        assert_eq!(key.next_rotation(hour(23)), Some(hour(24)));
        assert_eq!(key.next_rotation(hour(24)), Some(hour(48)));
        assert!(!key.is_rotation_due(hour(46), lead) && key.is_rotation_due(hour(47), lead));
    }

    #[test]
    fn names_read_back_and_are_what_the_database_has() {
        let names = ["rsa-2048", "rsa-2048-pss", "ec-p256", "ec-p384", "ec-p521", "ed25519"];
        assert_eq!(KeyAlgorithm::ALL.map(|(algorithm, ..)| algorithm.as_str()), names);
        for (algorithm, name, _) in KeyAlgorithm::ALL {
            assert_eq!(KeyAlgorithm::parse(name), Some(algorithm));
        }
    }
}
