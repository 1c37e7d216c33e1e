//! What NetBox does with what it is told, for applications made from its recipe: the settings that were printed, and what
//! NetBox has at present.

use doorward_core::method::Method;

use super::netbox_effect::{Effect, Present, Setup, Told, effect};
use crate::{
    app::App,
    directory::person::Person,
    error::{OperationError, OperationResult},
    recipes::{Options, Recipe},
    snapshot::ApplicationEntry,
};

/// The recipe this is about.
const RECIPE: &str = "netbox";

/// What each way of telling NetBox comes to; nothing for other applications.
///
/// # Errors
/// That what is kept of the recipe cannot be read; what the database says.
pub(super) async fn effects(
    app: &App,
    entry: &ApplicationEntry,
    person: &Person,
    told: Vec<(Method, Told)>,
) -> OperationResult<Vec<Effect>> {
    let Some(kept) = entry.application.profile.recipe.as_ref().filter(|recipe| recipe.id == RECIPE) else {
        return Ok(Vec::new());
    };
    let options: Options = serde_json::from_value(kept.options.clone())
        .map_err(|error| OperationError::Internal(format!("what is kept of the recipe cannot be read: {error}")))?;
    let present = present(app, entry, person).await;
    let (major, minor, _) = Recipe::find(RECIPE)
        .and_then(|recipe| recipe.assumed_version())
        .map_err(|error| OperationError::Internal(error.to_string()))?;
    let setup = |method| Setup {
        method,
        release: (major, minor),
        superuser_groups: options.superuser_groups.clone(),
        managed_groups: options.managed_groups.clone(),
        group_prefix: options.group_prefix.clone(),
    };
    Ok(told.iter().map(|(method, told)| effect(&setup(*method), told, present.as_ref())).collect())
}

/// What NetBox has at present, if there is a connector that can ask it.
async fn present(_app: &App, _entry: &ApplicationEntry, _person: &Person) -> Option<Present> {
    None
}
