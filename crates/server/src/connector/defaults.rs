//! What a new connector is, unless told otherwise: what the application's recipe was told.

use doorward_core::connector::{ConnectorProfile, ManagedGroups};

use crate::{recipes::Options, snapshot::ApplicationEntry};

/// The recipe whose applications can have a connector without being told where they are.
const RECIPE: &str = "netbox";

/// A new connector's profile: address and groups from the recipe. Without it the address is empty, and no group is managed.
pub fn profile(entry: &ApplicationEntry) -> ConnectorProfile {
    let recipe = entry.application.profile.recipe.as_ref().filter(|recipe| recipe.id == RECIPE);
    let Some(recipe) = recipe else { return ConnectorProfile::new("") };
    // What cannot be read is asked for.
    let options: Options = serde_json::from_value(recipe.options.clone()).unwrap_or_default();
    let groups = match options.group_prefix {
        Some(prefix) if options.managed_groups.is_empty() => ManagedGroups::Prefix(prefix),
        _ => ManagedGroups::Listed(options.managed_groups.into_iter().collect()),
    };
    ConnectorProfile { groups, ..ConnectorProfile::new(&recipe.url) }
}
