//! The LDAP provider of an application, with authentik's fields and defaults.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{
    id::{ApplicationId, LdapProviderId, UserId},
    problem::Problems,
};

/// The base DN of authentik's LDAP provider, written as its guides write it.
pub const DEFAULT_BASE_DN: &str = "dc=ldap,dc=goauthentik,dc=io";
/// Longest base DN, in bytes.
pub const BASE_DN_MAX: usize = 255;
/// Smallest number that `uidNumber` and `gidNumber` may start from: those below belong to accounts of the system itself.
pub const START_NUMBER_MIN: i64 = 1000;
/// Largest number that `uidNumber` and `gidNumber` may start from; leaves room for a thousand million more in 32 bits.
pub const START_NUMBER_MAX: i64 = 1_000_000_000;

/// What a number to start from has to be.
pub const START_NUMBER: &str = "A number from 1000 to 1000000000; system accounts have those below 1000.";

/// What the LDAP attribute `uid` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UidSource {
    /// The user's hashed identifier, as authentik has it.
    HashedUserId,
    /// The login name, as RFC 4519, section 2.39, and most Unix clients mean it.
    Username,
}

impl UidSource {
    /// All of them: value, name in database and API, words people read.
    pub const ALL: [(Self, &'static str, &'static str); 2] = [
        (Self::HashedUserId, "hashed_user_id", "Hashed user ID, as authentik has it"),
        (Self::Username, "username", "Username, as SSSD, Dovecot and most others expect it"),
    ];

    /// The name kept in the database and used by the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HashedUserId => "hashed_user_id",
            Self::Username => "username",
        }
    }

    /// The source of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name, _)| *name == text).map(|(source, ..)| source)
    }
}

/// What an administrator may write about an LDAP provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LdapProfile {
    /// Root of its tree; unique.
    pub base_dn: String,
    /// Where the numbers of users start.
    pub uid_start_number: i64,
    /// Where the numbers of groups start.
    pub gid_start_number: i64,
    /// Whether members of a group below count as members.
    pub nested_groups: bool,
    /// What `uid` holds.
    pub uid_source: UidSource,
    /// Whether people with an authenticator app may append its code to their password (`password;123456`).
    pub code_in_password: bool,
    /// Who may read everybody, usually the application's service account.
    pub searchers: BTreeSet<UserId>,
}

/// An LDAP provider as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapProvider {
    /// Identifier.
    pub id: LdapProviderId,
    /// Whose it is.
    pub application: ApplicationId,
    /// What can be edited.
    pub profile: LdapProfile,
}

impl LdapProfile {
    /// authentik's defaults for a base DN, but with nested groups.
    pub fn new(base_dn: impl Into<String>) -> Self {
        Self {
            base_dn: base_dn.into(),
            uid_start_number: 2000,
            gid_start_number: 4000,
            nested_groups: true,
            uid_source: UidSource::HashedUserId,
            code_in_password: true,
            searchers: BTreeSet::new(),
        }
    }

    /// Checks the profile by itself; that the base DN is a DN is checked by the protocol's rules beside it.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        problems.require(!self.base_dn.trim().is_empty(), "base_dn", "Give the base DN, such as dc=example,dc=org.");
        problems.require(self.base_dn.len() <= BASE_DN_MAX, "base_dn", "A base DN has at most 255 bytes.");
        for (field, number) in
            [("uid_start_number", self.uid_start_number), ("gid_start_number", self.gid_start_number)]
        {
            let fits = (START_NUMBER_MIN..=START_NUMBER_MAX).contains(&number);
            problems.require(fits, field, START_NUMBER);
        }
        problems.require(
            self.uid_start_number != self.gid_start_number,
            "gid_start_number",
            "Users and groups must start at different numbers.",
        );
        problems.or(())
    }

    /// The numbers that users and groups get.
    pub fn numbers(&self) -> PosixNumbers {
        PosixNumbers { users: self.uid_start_number, groups: self.gid_start_number }
    }
}

/// Numbers for users and groups out of one line, so that no user's private group ever has the number of another group.
///
/// Users start at one number, groups at another. Where the lower of the two would run into the higher, it goes on beyond
/// it, and so do the other's when they reach that: users 2000 to 3999, groups 4000 to 5999, users 6000 to 7999 and so
/// on. The first of each are what authentik gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PosixNumbers {
    users: i64,
    groups: i64,
}

impl PosixNumbers {
    /// `uidNumber` of a user, and `gidNumber` of the group that is the user's own.
    pub fn of_user(self, pk: i64) -> i64 {
        self.spread(self.users, pk)
    }

    /// `gidNumber` of a group.
    pub fn of_group(self, pk: i64) -> i64 {
        self.spread(self.groups, pk)
    }

    /// The user with a number, if there could be one.
    pub fn user_of(self, number: i64) -> Option<i64> {
        self.gathered(self.users, number)
    }

    /// The group with a number, if there could be one.
    pub fn group_of(self, number: i64) -> Option<i64> {
        self.gathered(self.groups, number)
    }

    /// Length of a block. The starts differ ([`LdapProfile::check`]).
    fn block(self) -> i64 {
        (self.groups - self.users).abs().max(1)
    }

    fn spread(self, start: i64, pk: i64) -> i64 {
        let block = self.block();
        start + pk / block * 2 * block + pk % block
    }

    fn gathered(self, start: i64, number: i64) -> Option<i64> {
        let block = self.block();
        let distance = number.checked_sub(start).filter(|distance| *distance >= 0)?;
        let (round, offset) = (distance / (2 * block), distance % (2 * block));
        (offset < block).then_some(round * block + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_numbers_are_authentiks() {
        let numbers = LdapProfile::new(DEFAULT_BASE_DN).numbers();
        assert_eq!((numbers.of_user(7), numbers.of_group(7)), (2007, 4007));
        assert_eq!((numbers.of_user(1999), numbers.of_user(2000)), (3999, 6000));
        assert_eq!((numbers.of_group(1999), numbers.of_group(2000)), (5999, 8000));
    }

    #[test]
    fn starts_have_limits_and_differ() {
        let mut profile = LdapProfile::new("");
        profile.uid_start_number = START_NUMBER_MIN - 1;
        profile.gid_start_number = START_NUMBER_MAX + 1;
        let fields: Vec<_> = profile.check().unwrap_err().0.iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["base_dn", "uid_start_number", "gid_start_number"]);
        let mut profile = LdapProfile::new(DEFAULT_BASE_DN);
        assert!(profile.check().is_ok());
        profile.gid_start_number = 2000;
        assert!(profile.check().is_err());
    }

    proptest! {
        #[test]
        fn no_two_things_share_a_number(
            users in 0_i64..=20_000, groups in 0_i64..=20_000, a in 0_i64..100_000, b in 0_i64..100_000
        ) {
            prop_assume!(users != groups);
            let numbers = PosixNumbers { users, groups };
            prop_assert_ne!(numbers.of_user(a), numbers.of_group(b));
            prop_assert_eq!(numbers.of_user(a) == numbers.of_user(b), a == b);
            prop_assert_eq!(numbers.user_of(numbers.of_user(a)), Some(a));
            prop_assert_eq!(numbers.group_of(numbers.of_group(b)), Some(b));
            prop_assert_eq!(numbers.user_of(numbers.of_group(b)), None);
        }
    }
}
