//! Users and what a username may be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{id::UserId, problem::Problems};

/// Longest username, in characters: what NetBox and authentik keep.
pub const USERNAME_MAX: usize = 150;
/// Longest name, given name or family name, in characters.
pub const NAME_MAX: usize = 255;
/// Longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_MAX: usize = 254;
/// Largest attributes of a user or group, as JSON text, in bytes.
pub const ATTRIBUTES_MAX: usize = 16 * 1024;

/// What kind of account it is; the names are authentik's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserType {
    /// A person of the house.
    Internal,
    /// A person from outside.
    External,
    /// A machine. It never signs in through the form.
    ServiceAccount,
}

impl UserType {
    /// All of them, with the words people read.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Internal, "internal", "Internal: a person of the house"),
        (Self::External, "external", "External: a guest or customer"),
        (Self::ServiceAccount, "service_account", "Service account: a machine"),
    ];

    /// The name kept in the database and used by the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
            Self::ServiceAccount => "service_account",
        }
    }

    /// The type of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name, _)| *name == text).map(|(kind, ..)| kind)
    }
}

/// What an administrator may write about a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserProfile {
    /// The name to sign in with; unique, whatever the case of its letters.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// Given name, for applications that ask for it.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// E-mail address, or empty.
    pub email: String,
    /// Whether somebody made sure that the address is theirs.
    pub email_verified: bool,
    /// Whether the account may be used.
    pub is_active: bool,
    /// What kind of account it is.
    #[serde(rename = "type")]
    pub user_type: UserType,
    /// Free attributes.
    pub attributes: Map<String, Value>,
}

/// A user as kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct User {
    /// Identifier.
    pub id: UserId,
    /// Small number, counted up from 1 and never used twice (authentik's `pk`).
    pub pk: i64,
    /// Stable opaque identifier: the default `sub` (authentik's `uid`).
    pub uid: String,
    /// What can be edited.
    #[serde(flatten)]
    pub profile: UserProfile,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A name with one space where several stood: in a distinguished name they count as one (RFC 4518, section 2.6.1), so that
/// two names must not differ in that alone.
pub fn single_spaced(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl UserProfile {
    /// An active person with only a username.
    pub fn named(username: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            name: String::new(),
            given_name: String::new(),
            family_name: String::new(),
            email: String::new(),
            email_verified: false,
            is_active: true,
            user_type: UserType::Internal,
            attributes: Map::new(),
        }
    }

    /// Tidies the profile: trims, makes one space of several in the username, and fills given and family name from the name (and the name from them) where they
    /// were left empty.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        for field in [&mut self.username, &mut self.name, &mut self.given_name, &mut self.family_name, &mut self.email]
        {
            *field = field.trim().to_owned();
        }
        self.username = single_spaced(&self.username);
        if self.name.is_empty() {
            self.name = format!("{} {}", self.given_name, self.family_name).trim().to_owned();
        } else if self.given_name.is_empty() && self.family_name.is_empty() {
            let (given, family) = split_name(&self.name);
            (self.given_name, self.family_name) = (given.to_owned(), family.to_owned());
        }
        self
    }

    /// Checks the profile by itself; uniqueness is the directory's to check.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let visible = |text: &str| !text.chars().any(char::is_control);
        problems.require(!self.username.is_empty(), "username", "Give a username.");
        problems.require(
            self.username.chars().count() <= USERNAME_MAX,
            "username",
            "A username may have at most 150 characters.",
        );
        problems.require(visible(&self.username), "username", "A username cannot hold control characters.");
        for (field, value) in
            [("name", &self.name), ("given_name", &self.given_name), ("family_name", &self.family_name)]
        {
            problems.require(value.chars().count() <= NAME_MAX, field, "At most 255 characters.");
            problems.require(visible(value), field, "Control characters are not allowed.");
        }
        problems.require(
            self.email.is_empty() || plausible_email(&self.email),
            "email",
            "This is not an e-mail address; write it like alice@example.org.",
        );
        problems.require(
            !(self.email_verified && self.email.is_empty()),
            "email_verified",
            "There is no address that could be verified.",
        );
        problems.require(attributes_fit(&self.attributes), "attributes", "Attributes may take at most 16 KiB as JSON.");
        problems.or(())
    }
}

/// Splits a display name at its last space: NetBox shows given and family name, authentik keeps only one.
fn split_name(name: &str) -> (&str, &str) {
    name.rsplit_once(' ').map_or((name, ""), |(given, family)| (given.trim(), family))
}

/// Whether attributes keep their size limit.
pub fn attributes_fit(attributes: &Map<String, Value>) -> bool {
    serde_json::to_string(attributes).is_ok_and(|text| text.len() <= ATTRIBUTES_MAX)
}

/// The form in which usernames, group names and e-mail addresses are compared.
pub fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Whether applications such as NetBox keep the username as it is: they drop every character outside
/// `[A-Za-z0-9@+._-]` without a word.
pub fn is_portable_username(username: &str) -> bool {
    !username.is_empty() && username.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@+._-".contains(&byte))
}

/// What is left of a username in such an application.
pub fn portable_username(username: &str) -> String {
    username.chars().filter(|c| c.is_ascii_alphanumeric() || "@+._-".contains(*c)).collect()
}

fn plausible_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    let clean = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    email.len() <= EMAIL_MAX && clean(local) && clean(domain) && !domain.starts_with('.') && !domain.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_ldap_takes_for_one_are_one() {
        assert_eq!(UserProfile::named("  ann   lee ").tidied().username, "ann lee");
        assert_eq!(single_spaced("net  box\u{2003}admins"), "net box admins");
    }

    #[test]
    fn a_name_fills_its_parts_and_parts_fill_the_name() {
        let mut profile = UserProfile::named(" alice ");
        profile.name = "Alice Maria Example".into();
        let profile = profile.tidied();
        assert_eq!(profile.username, "alice");
        assert_eq!((profile.given_name.as_str(), profile.family_name.as_str()), ("Alice Maria", "Example"));
        let mut parts = UserProfile::named("bob");
        (parts.given_name, parts.family_name) = ("Bob".into(), "Builder".into());
        assert_eq!(parts.tidied().name, "Bob Builder");
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let mut profile = UserProfile::named("x".repeat(151));
        profile.email = "nobody".into();
        profile.name = "a\nb".into();
        let fields: Vec<_> = profile.check().unwrap_err().0.iter().map(|p| p.field).collect();
        assert_eq!(fields, ["username", "name", "email"]);
        assert!(UserProfile::named("").check().is_err());
    }

    #[test]
    fn a_missing_address_cannot_be_verified() {
        let mut profile = UserProfile::named("alice");
        profile.email_verified = true;
        assert!(profile.check().is_err());
    }

    #[test]
    fn names_that_applications_would_change_are_known() {
        assert!(is_portable_username("alice+lab@example.org"));
        for name in ["al ice", "Ålice", "a/b", "alice'; x", ""] {
            assert!(!is_portable_username(name), "{name}");
        }
        assert_eq!(portable_username("Ålice'; x"), "licex");
    }

    #[test]
    fn attributes_have_a_size_limit() {
        let mut profile = UserProfile::named("alice");
        profile.attributes.insert("note".into(), Value::String("x".repeat(ATTRIBUTES_MAX)));
        assert_eq!(profile.check().unwrap_err().0.first().map(|p| p.field), Some("attributes"));
    }
}
