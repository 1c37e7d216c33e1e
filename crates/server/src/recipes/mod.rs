//! Recipes: the ready-made set-up of a known application, and the settings to paste into it.
//!
//! A recipe is data (`recipes/<id>.toml` and templates beside it, see `recipes/README.md`), built into the binary.
//! Everything here is pure: [`Recipe::plan`] says what is to be created, [`Recipe::settings`] what is to be pasted.

mod data;
mod error;
mod input;
mod ldap_server;
mod plan;
mod quote;
mod render;
mod settings;
mod values;
mod version;
mod web_proxy;

#[cfg(test)]
mod tests;

use doorward_core::{ldap_provider::UidSource, method::Method};
use rust_embed::RustEmbed;
use std::collections::BTreeMap;

pub use error::RecipeError;
pub use input::{Options, RecipeInput};
pub use ldap_server::{LdapListeners, LdapServer};
pub use plan::{PlannedMapping, RecipePlan, UriKind};
pub use settings::{Connection, LdapConnection, OidcConnection, SettingsBlock, SettingsInput, Style};
pub use version::{AppVersion, parse_version, show as show_version};
pub use web_proxy::{AUTHENTIK_HEADERS, ProxyConnection, WebProxy, settings as web_proxy_settings};

/// The files of `recipes/`.
#[derive(RustEmbed)]
#[folder = "../../recipes"]
struct Files;

/// One line of the list of recipes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RecipeSummary {
    /// The word in `doorward app add <id>`.
    pub id: String,
    /// Name of the application, as its makers write it.
    pub name: String,
    /// What the application is, in one sentence.
    pub description: String,
    /// Short icon name.
    pub icon: String,
    /// The protocols it has settings for, the usual one first.
    pub methods: Vec<Method>,
    /// Whether the application has an address of its own, which has to be given.
    pub has_url: bool,
}

/// A recipe, read from its file.
#[derive(Debug, Clone)]
pub struct Recipe {
    data: data::RecipeData,
}

/// All recipes, by id.
#[must_use]
pub fn all() -> Vec<RecipeSummary> {
    ids().iter().filter_map(|id| Recipe::find(id).ok()).map(|recipe| recipe.summary()).collect()
}

/// Whether the application of a recipe drops characters outside `[A-Za-z0-9@+._-]` from usernames.
#[must_use]
pub fn changes_usernames(id: &str) -> bool {
    Recipe::find(id).is_ok_and(|recipe| recipe.data.changes_usernames)
}

/// Ids of all recipe files, sorted.
fn ids() -> Vec<String> {
    let mut ids: Vec<String> = Files::iter()
        .filter_map(|path| path.strip_suffix(".toml").map(str::to_owned))
        .filter(|id| !id.contains('/'))
        .collect();
    ids.sort();
    ids
}

/// Text of one embedded file, by its path below `recipes/`.
fn file(path: &str) -> Option<String> {
    let file = Files::get(path)?;
    String::from_utf8(file.data.into_owned()).ok()
}

impl Recipe {
    /// The recipe with this id.
    ///
    /// # Errors
    /// [`RecipeError::UnknownRecipe`], naming those there are; [`RecipeError::Broken`] if its file does not parse.
    pub fn find(id: &str) -> Result<Self, RecipeError> {
        let known = ids();
        let text = known
            .iter()
            .find(|known| known.as_str() == id)
            .and_then(|id| file(&format!("{id}.toml")))
            .ok_or_else(|| RecipeError::UnknownRecipe { given: id.to_owned(), known: known.join(", ") })?;
        let data = toml::from_str(&text)
            .map_err(|error| RecipeError::Broken { recipe: id.to_owned(), detail: error.to_string() })?;
        Ok(Self { data })
    }

    /// Id, name, description and icon.
    #[must_use]
    pub fn summary(&self) -> RecipeSummary {
        RecipeSummary {
            id: self.data.id.clone(),
            name: self.data.name.clone(),
            description: self.data.description.clone(),
            icon: self.data.icon.clone(),
            methods: self.data.methods.clone(),
            has_url: self.data.launch_url.is_some(),
        }
    }

    /// The method that is meant when none is chosen.
    #[must_use]
    pub fn usual_method(&self) -> Method {
        self.data.methods.first().copied().unwrap_or(Method::Oidc)
    }

    /// Whether there are settings for a method.
    #[must_use]
    pub fn has_method(&self, method: Method) -> bool {
        self.data.methods.contains(&method)
    }

    /// What the LDAP attribute `uid` must hold for it, if it matters.
    #[must_use]
    pub fn uid_source(&self) -> Option<UidSource> {
        self.data.ldap.uid_source
    }

    fn knows(&self, method: Method) -> Result<(), RecipeError> {
        if self.has_method(method) {
            return Ok(());
        }
        let known: Vec<&str> = self.data.methods.iter().map(|method| method.as_str()).collect();
        let known = known.join(", ");
        Err(RecipeError::UnknownMethod { recipe: self.data.id.clone(), given: method.as_str(), known })
    }

    /// The version whose settings are printed when none is given.
    ///
    /// # Errors
    /// [`RecipeError::Broken`] if the recipe's file holds no version there.
    pub fn assumed_version(&self) -> Result<AppVersion, RecipeError> {
        self.version(&self.data.versions.assumed)
    }

    /// Since which version the application can do what.
    ///
    /// # Errors
    /// [`RecipeError::Broken`] if the recipe's file holds no version there.
    pub fn features(&self) -> Result<BTreeMap<String, AppVersion>, RecipeError> {
        let features = self.data.features.iter();
        features.map(|feature| Ok((feature.name.clone(), self.version(&feature.since)?))).collect()
    }

    /// What was kept with an application of this recipe.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn options(&self, kept: &serde_json::Value) -> Result<Options, RecipeError> {
        Options::read(self, kept)
    }

    fn version(&self, text: &str) -> Result<AppVersion, RecipeError> {
        parse_version(text).map_err(|error| self.broken(error.to_string()))
    }

    fn broken(&self, detail: impl Into<String>) -> RecipeError {
        RecipeError::Broken { recipe: self.data.id.clone(), detail: detail.into() }
    }
}
