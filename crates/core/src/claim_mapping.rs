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
    /// Whether it came with Doorward and is chosen for new applications.
    pub is_default: bool,
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

/// The mappings that a new installation has, after authentik's defaults: scope, name, description, expression.
pub const DEFAULTS: [(&str, &str, &str, &str); 4] = [
    ("openid", "OpenID 'openid'", "Know who you are", "{}"),
    (
        "email",
        "OpenID 'email'",
        "See your e-mail address",
        "{\"email\": user.email, \"email_verified\": user.email_verified} if user.email else {}",
    ),
    (
        "profile",
        "OpenID 'profile'",
        "See your name and your groups",
        "{\n  \"name\": user.name or user.username,\n  \"given_name\": user.given_name,\n  \"family_name\": user.family_name,\n  \
         \"preferred_username\": user.username,\n  \"nickname\": user.username,\n  \
         \"updated_at\": user.updated_at,\n  \"groups\": user.groups | map(attribute=\"name\") | list\n}",
    ),
    ("offline_access", "OpenID 'offline_access'", "Stay signed in while you are away", "{}"),
];

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
