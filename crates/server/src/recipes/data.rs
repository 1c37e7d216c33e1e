//! The form of a recipe file. Unknown keys are errors, so that a slip of the pen is seen.

use std::collections::BTreeMap;

use doorward_core::{ldap_provider::UidSource, method::Method, proxy_provider::Identity};
use serde::{Deserialize, Serialize};

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
    /// Needed with the method proxy.
    pub proxy: Option<ProxyData>,
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

/// How the proxy provider is made, and what stands in the configuration of the web proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyData {
    /// The headers in which the application expects what.
    pub headers: BTreeMap<Identity, String>,
    pub group_separator: String,
    /// Where it listens behind the proxy, unless somebody says otherwise.
    pub upstream: String,
    /// Expressions for paths that need no sign-in.
    #[serde(default)]
    pub skip_paths: Vec<String>,
    pub tokens: Option<TokenPaths>,
    pub static_files: Option<StaticFiles>,
    /// Largest request body, as nginx writes it.
    pub max_body: Option<String>,
}

/// Where programs come with tokens that the application itself checks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenPaths {
    /// Beginnings of paths.
    pub paths: Vec<String>,
    /// Expression for the beginning of `Authorization`; letters of either case match.
    pub authorization: String,
}

impl TokenPaths {
    /// The paths as Traefik matches them.
    pub(super) fn traefik_rule(&self) -> String {
        let prefixes: Vec<String> = self.paths.iter().map(|path| format!("PathPrefix(`{path}`)")).collect();
        prefixes.join(" || ")
    }
}

/// Files that everybody may read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StaticFiles {
    /// Beginning of their addresses.
    pub path: String,
    /// Directory that holds that path.
    pub root: String,
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
    /// The methods it is for; all without.
    #[serde(default)]
    pub methods: Vec<Method>,
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
