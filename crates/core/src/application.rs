//! Applications: what people sign in to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access_rule::AccessRule,
    id::ApplicationId,
    network::{NETWORKS_MAX, NetworkError, Networks},
    problem::Problems,
};

/// Longest slug, in characters.
pub const SLUG_MAX: usize = 50;
/// Longest URL kept with an application, in bytes.
pub const URL_MAX: usize = 2000;
/// Slugs whose addresses are taken by endpoints and pages.
pub const RESERVED_SLUGS: [&str; 11] = [
    "authorize",
    "token",
    "userinfo",
    "introspect",
    "revoke",
    "device",
    "par",
    "jwks",
    "end-session",
    "check-session",
    "new",
];

/// When people are asked whether an application may have their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentMode {
    /// Never: applications of the house.
    Never,
    /// At the first sign-in, and again when the application asks for more.
    FirstTime,
    /// At every sign-in.
    Always,
}

impl ConsentMode {
    /// All of them, with the words people read.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Never, "never", "Never ask"),
        (Self::FirstTime, "first_time", "Ask the first time"),
        (Self::Always, "always", "Ask every time"),
    ];

    /// The name kept in the database.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(mode, ..)| *mode == self).map_or("always", |(_, name, _)| name)
    }

    /// The mode of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name, _)| *name == text).map(|(mode, ..)| mode)
    }
}

/// Which recipe made the application, so that its settings can be printed again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeUse {
    /// The recipe's identifier.
    pub id: String,
    /// The application's own address.
    pub url: String,
    /// What the recipe was told, in the recipe's own shape.
    pub options: Value,
}

/// What an administrator may write about an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplicationProfile {
    /// Part of its addresses; unique.
    pub slug: String,
    /// Name to show.
    pub name: String,
    /// Where its tile leads, or empty.
    pub launch_url: String,
    /// Address of its icon, or empty.
    pub icon_url: String,
    /// Heading under which it stands among "my applications".
    pub group_heading: String,
    /// A sentence about it.
    pub description: String,
    /// Who may use it.
    pub access: AccessRule,
    /// From where: looked at wherever the person's own address is known.
    #[serde(default)]
    pub networks: Networks,
    /// When people are asked for their consent.
    pub consent: ConsentMode,
    /// The recipe it was made from.
    pub recipe: Option<RecipeUse>,
}

/// An application as kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Application {
    /// Identifier.
    pub id: ApplicationId,
    /// What can be edited.
    #[serde(flatten)]
    pub profile: ApplicationProfile,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApplicationProfile {
    /// A new application that nobody may use yet.
    pub fn new(slug: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            slug: slug.into(),
            name: name.into(),
            launch_url: String::new(),
            icon_url: String::new(),
            group_heading: String::new(),
            description: String::new(),
            access: AccessRule::nobody(),
            networks: Networks::default(),
            consent: ConsentMode::Never,
            recipe: None,
        }
    }

    /// Checks the profile by itself.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        if let Err(message) = check_slug(&self.slug) {
            problems.add("slug", message);
        }
        problems.require(!self.name.trim().is_empty(), "name", "Give the application a name.");
        for (field, text) in
            [("name", &self.name), ("group_heading", &self.group_heading), ("description", &self.description)]
        {
            problems.require(text.chars().count() <= 255, field, "At most 255 characters.");
            problems.require(!text.chars().any(char::is_control), field, "Control characters are not allowed.");
        }
        for (field, url) in [("launch_url", &self.launch_url), ("icon_url", &self.icon_url)] {
            problems.require(
                url.is_empty() || is_web_address(url),
                field,
                "This must be a web address that starts with https:// or http://.",
            );
        }
        if self.networks.len() > NETWORKS_MAX {
            problems.add("networks", format!("{}.", NetworkError::TooMany));
        }
        problems.or(())
    }
}

fn check_slug(slug: &str) -> Result<(), String> {
    let fits = !slug.is_empty()
        && slug.len() <= SLUG_MAX
        && slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !fits {
        return Err("A slug has 1 to 50 letters, digits, hyphens and underscores.".to_owned());
    }
    if RESERVED_SLUGS.contains(&slug) {
        return Err(format!("\"{slug}\" is taken by an address of Doorward itself; choose another slug."));
    }
    Ok(())
}

/// Whether an address may stand behind a link: `http` or `https` only, so that no script hides in it.
pub fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && url.len() <= URL_MAX
        && !url.chars().any(|c| c.is_control() || c.is_whitespace() || "\"<>\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_keep_clear_of_endpoints_and_odd_characters() {
        for slug in ["netbox-slug", "NetBox_1", "a"] {
            assert!(check_slug(slug).is_ok(), "{slug}");
        }
        for slug in ["", "token", "par", "jwks", "end-session", "check-session", "a/b", "a b", "é", &"x".repeat(51)] {
            assert!(check_slug(slug).is_err(), "{slug}");
        }
    }

    #[test]
    fn links_are_web_addresses_only() {
        assert!(is_web_address("https://netbox.example.org/login/?next=/"));
        for url in ["javascript:alert(1)", "//evil", "https://", "http:///x", "https://a b", "https://a\"b", "data:x"] {
            assert!(!is_web_address(url), "{url}");
        }
    }

    #[test]
    fn a_new_application_lets_nobody_in() {
        assert_eq!(ApplicationProfile::new("a", "A").access, AccessRule::nobody());
    }
}
