//! Recipes: the ready-made set-up of a known application, and the settings to paste into it.
//!
//! A recipe is data (`recipes/<id>.toml` and templates beside it, see `recipes/README.md`), built into the binary.
//! Everything here is pure: [`Recipe::plan`] says what is to be created, [`Recipe::settings`] what is to be pasted.

mod data;
mod error;
mod input;
mod plan;
mod quote;
mod render;
mod settings;
mod version;

#[cfg(test)]
mod tests;

use rust_embed::RustEmbed;

pub use error::RecipeError;
pub use input::{Options, RecipeInput};
pub use plan::{PlannedMapping, RecipePlan, UriKind};
pub use settings::{SettingsBlock, SettingsInput, Style};
pub use version::{AppVersion, parse_version};

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
        }
    }

    /// The version whose settings are printed when none is given.
    ///
    /// # Errors
    /// [`RecipeError::Broken`] if the recipe's file holds no version there.
    pub fn assumed_version(&self) -> Result<AppVersion, RecipeError> {
        self.version(&self.data.versions.assumed)
    }

    fn version(&self, text: &str) -> Result<AppVersion, RecipeError> {
        parse_version(text).map_err(|error| self.broken(error.to_string()))
    }

    fn broken(&self, detail: impl Into<String>) -> RecipeError {
        RecipeError::Broken { recipe: self.data.id.clone(), detail: detail.into() }
    }
}
