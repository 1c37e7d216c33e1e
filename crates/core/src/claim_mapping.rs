//! Claim mappings: Jinja expressions that make the claims of a scope.

use serde::{Deserialize, Serialize};

use crate::{id::MappingId, problem::Problems};

/// Longest expression, in bytes.
pub const EXPRESSION_MAX: usize = 8 * 1024;

/// What an administrator may write about a claim mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingProfile {
    /// Name; unique.
    pub name: String,
    /// The scope that brings the claims.
    pub scope: String,
    /// A Jinja expression whose value is a map of claims.
    pub expression: String,
    /// What consent pages say about the scope, or empty.
    pub description: String,
}

/// A claim mapping as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimMapping {
    /// Identifier.
    pub id: MappingId,
    /// What can be edited.
    #[serde(flatten)]
    pub profile: MappingProfile,
    /// Whether it came with Doorward.
    pub is_default: bool,
}

impl ClaimMapping {
    /// Whether a new application gets it unless told otherwise: an address or a telephone number is nothing that an
    /// application should get without somebody having thought of it.
    pub fn is_for_new_applications(&self) -> bool {
        self.is_default && !CHOSEN_BY_HAND.contains(&self.profile.scope.as_str())
    }
}

impl MappingProfile {
    /// Checks what needs no evaluation; that the expression compiles is checked where expressions are known.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let name_fits = (1..=150).contains(&self.name.trim().chars().count());
        problems.require(name_fits, "name", "Give the mapping a name of at most 150 characters.");
        problems.require(
            is_scope_token(&self.scope),
            "scope",
            "A scope is one word of at most 100 visible ASCII characters, without quotes and backslashes.",
        );
        problems.require(
            self.expression.len() <= EXPRESSION_MAX,
            "expression",
            "An expression may take at most 8 KiB.",
        );
        problems.or(())
    }
}

/// A scope token as RFC 6749, appendix A.4, has it, of at most 100 characters.
pub fn is_scope_token(scope: &str) -> bool {
    let legal = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=100).contains(&scope.len()) && scope.bytes().all(legal)
}

/// Scopes whose default mappings new applications do not get by themselves.
pub const CHOSEN_BY_HAND: [&str; 2] = ["address", "phone"];

/// A mapping that every installation has.
#[derive(Debug, Clone, Copy)]
pub struct DefaultMapping {
    /// Its scope.
    pub scope: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What consent pages say.
    pub description: &'static str,
    /// Its expression. Nodes of the version before may have to evaluate it while an installation is upgraded node by node.
    pub expression: &'static str,
    /// Expressions that it had in earlier versions.
    pub superseded: &'static [&'static str],
}

/// The mappings that every installation has, after authentik's defaults.
pub const DEFAULTS: [DefaultMapping; 6] = [
    DefaultMapping {
        scope: "openid",
        name: "OpenID 'openid'",
        description: "Know who you are",
        expression: "{}",
        superseded: &[],
    },
    DefaultMapping {
        scope: "email",
        name: "OpenID 'email'",
        description: "See your e-mail address",
        expression: "{\"email\": user.email, \"email_verified\": user.email_verified} if user.email else {}",
        superseded: &[],
    },
    DefaultMapping {
        scope: "profile",
        name: "OpenID 'profile'",
        description: "See your name and your groups",
        expression: PROFILE,
        superseded: &[PROFILE_1],
    },
    DefaultMapping {
        scope: "address",
        name: "OpenID 'address'",
        description: "See your postal address",
        expression: ADDRESS,
        superseded: &[],
    },
    DefaultMapping {
        scope: "phone",
        name: "OpenID 'phone'",
        description: "See your telephone number",
        expression: PHONE,
        superseded: &[],
    },
    DefaultMapping {
        scope: "offline_access",
        name: "OpenID 'offline_access'",
        description: "Stay signed in while you are away",
        expression: "{}",
        superseded: &[],
    },
];

/// The first versions' `profile`.
const PROFILE_1: &str = "{\n  \"name\": user.name or user.username,\n  \"given_name\": user.given_name,\n  \"family_name\": user.family_name,\n  \
     \"preferred_username\": user.username,\n  \"nickname\": user.username,\n  \
     \"updated_at\": user.updated_at,\n  \"groups\": user.groups | map(attribute=\"name\") | list\n}";

/// Attributes of another type than the claim has (OpenID Connect Core 1.0, section 5.1) count as not there.
const PROFILE: &str = r#"{
  "name": user.name or user.username,
  "given_name": user.given_name,
  "family_name": user.family_name,
  "middle_name": user.attributes.middle_name if user.attributes.middle_name is string else none,
  "nickname": user.attributes.nickname if user.attributes.nickname is string and user.attributes.nickname else user.username,
  "preferred_username": user.username,
  "profile": user.attributes.profile if user.attributes.profile is string else none,
  "picture": user.attributes.picture if user.attributes.picture is string else none,
  "website": user.attributes.website if user.attributes.website is string else none,
  "gender": user.attributes.gender if user.attributes.gender is string else none,
  "birthdate": user.attributes.birthdate if user.attributes.birthdate is string else none,
  "zoneinfo": user.attributes.zoneinfo if user.attributes.zoneinfo is string else none,
  "locale": user.attributes.locale if user.attributes.locale is string else none,
  "updated_at": user.updated_at,
  "groups": user.groups | map(attribute="name") | list
}"#;

/// A map has the members of OpenID Connect Core 1.0, section 5.1.1; a text is the whole address.
const ADDRESS: &str = r#"{
  "address": {
    "formatted": user.attributes.address.formatted | default("", true) | string,
    "street_address": user.attributes.address.street_address | default("", true) | string,
    "locality": user.attributes.address.locality | default("", true) | string,
    "region": user.attributes.address.region | default("", true) | string,
    "postal_code": user.attributes.address.postal_code | default("", true) | string,
    "country": user.attributes.address.country | default("", true) | string
  } if user.attributes.address is mapping else {
    "formatted": user.attributes.address if user.attributes.address is string else none
  }
}"#;

/// A number that nobody verified says so, as e-mail addresses do.
const PHONE: &str = r#"{
  "phone_number": user.attributes.phone_number,
  "phone_number_verified": user.attributes.phone_number_verified | default(false) is true
} if user.attributes.phone_number is string and user.attributes.phone_number else {}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_single_words() {
        for scope in ["openid", "goauthentik.io/api", "read:user"] {
            assert!(is_scope_token(scope), "{scope}");
        }
        for scope in ["", "two words", "quo\"te", "back\\slash", "é", &"x".repeat(101)] {
            assert!(!is_scope_token(scope), "{scope}");
        }
    }

    #[test]
    fn expressions_have_a_size_limit() {
        let mapping = MappingProfile {
            name: "big".into(),
            scope: "openid".into(),
            expression: "x".repeat(EXPRESSION_MAX + 1),
            description: String::new(),
        };
        assert!(mapping.check().is_err());
    }
}
