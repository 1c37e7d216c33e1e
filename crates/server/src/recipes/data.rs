//! The form of a recipe file. Unknown keys are errors, so that a slip of the pen is seen.

use doorward_core::{ldap_provider::UidSource, method::Method};
use serde::Deserialize;

use super::plan::UriKind;
use super::settings::Style;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecipeData {
    pub id: String,
    pub name: String,
    pub description: String,
    pub icon: String,
    pub group_heading: String,
    /// The protocols there are settings for; the first is meant unless another is chosen.
    #[serde(default = "oidc")]
    pub methods: Vec<Method>,
    /// Where its tile leads. Without it the application has no address of its own, and none is asked for.
    pub launch_url: Option<String>,
    /// Whether the application drops characters outside `[A-Za-z0-9@+._-]` from usernames.
    #[serde(default)]
    pub changes_usernames: bool,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub redirect_uris: Vec<UriData>,
    #[serde(default)]
    pub ldap: LdapData,
    #[serde(default)]
    pub parameters: Parameters,
    pub versions: Versions,
    #[serde(default)]
    pub features: Vec<Feature>,
    #[serde(default)]
    pub mappings: Vec<MappingData>,
    pub settings: Vec<BlockData>,
    #[serde(default)]
    pub notes: Vec<NoteData>,
}

fn oidc() -> Vec<Method> {
    vec![Method::Oidc]
}

/// How the LDAP provider is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LdapData {
    pub uid_source: Option<UidSource>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UriData {
    pub kind: UriKind,
    pub uri: String,
}

/// Parameters the recipe accepts; one that is absent is refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    pub superuser_groups: Option<Parameter>,
    pub managed_groups: Option<Parameter>,
    pub group_prefix: Option<Parameter>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    pub label: String,
    pub help: String,
    pub default: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Versions {
    pub oldest: String,
    pub assumed: String,
    pub checked: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    pub name: String,
    pub since: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingData {
    pub name: String,
    pub scope: String,
    pub description: String,
    pub expression: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockData {
    /// Needed only in recipes with several.
    pub method: Option<Method>,
    pub style: Style,
    pub since: Option<String>,
    pub before: Option<String>,
    pub filename: String,
    pub title: String,
    pub template: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteData {
    pub method: Option<Method>,
    #[serde(default)]
    pub styles: Vec<Style>,
    pub since: Option<String>,
    pub before: Option<String>,
    pub when: Option<String>,
    pub text: String,
}
