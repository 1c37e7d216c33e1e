//! A user as the directory keeps them: small, and ready to be written as an entry.

use doorward_core::{
    id::{GroupId, UserId},
    user::{User, UserType},
};
use doorward_protocols::ldap::dn;
use jiff::Timestamp;

use super::custom::{self, Custom};

/// A user in memory. Immutable: a change makes a new one.
#[derive(Debug)]
pub struct Person {
    /// Identifier.
    pub id: UserId,
    /// Number.
    pub pk: i64,
    /// Hashed identifier.
    pub uid: Box<str>,
    /// Login name.
    pub username: Box<str>,
    /// The login name as the value of a distinguished name (RFC 4514).
    pub rdn: Box<str>,
    /// Name to show, or empty.
    pub name: Box<str>,
    /// Given name, or empty.
    pub given_name: Box<str>,
    /// Family name, or empty.
    pub family_name: Box<str>,
    /// E-mail address, or empty.
    pub email: Box<str>,
    /// Whether the account may be used.
    pub is_active: bool,
    /// What kind of account it is.
    pub user_type: UserType,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Free attributes as LDAP can show them.
    pub custom: Box<[Custom]>,
    /// Groups they are a direct member of, sorted.
    pub direct: Box<[GroupId]>,
    /// The directory's revision when they were read: it moves with every change of theirs.
    pub revision: i64,
}

impl Person {
    /// From what is kept. `direct` is sorted.
    pub fn new(user: User, direct: Vec<GroupId>, revision: i64) -> Self {
        let profile = user.profile;
        Self {
            id: user.id,
            pk: user.pk,
            uid: user.uid.into(),
            rdn: dn::escape(&profile.username).into(),
            custom: custom::from_json(&profile.attributes, Some(&profile.username)),
            username: profile.username.into(),
            name: profile.name.into(),
            given_name: profile.given_name.into(),
            family_name: profile.family_name.into(),
            email: profile.email.into(),
            is_active: profile.is_active,
            user_type: profile.user_type,
            created_at: user.created_at,
            updated_at: user.updated_at,
            direct: direct.into(),
            revision,
        }
    }
}
