//! What can be done with claim mappings.

use doorward_core::{
    claim_mapping::{ClaimMapping, MappingProfile},
    id::MappingId,
};
use doorward_protocols::oidc::claims::{ClaimInput, CompiledMapping};
use doorward_store as store;
use serde_json::{Map, Value};

use crate::{
    actor::Actor,
    app::App,
    directory::person::Person,
    error::{OperationError, OperationResult},
    events,
};

/// Adds a mapping.
///
/// # Errors
/// What is wrong with it; that the name is taken.
pub async fn create(app: &App, actor: &Actor, profile: MappingProfile) -> OperationResult<ClaimMapping> {
    check(&profile)?;
    let mapping = ClaimMapping { id: MappingId::new(&app.clock), profile, is_default: false };
    let kept = mapping.clone();
    app.change(move |tx| Box::pin(async move { store::claim_mapping::insert(tx, &kept).await }))
        .await
        .map_err(name_conflict)?;
    events::changed(app, actor, format!("added the claim mapping {}", mapping.profile.name)).await;
    Ok(mapping)
}

/// Writes a mapping.
///
/// # Errors
/// As [`create`]; that there is no such mapping.
pub async fn update(app: &App, actor: &Actor, id: MappingId, profile: MappingProfile) -> OperationResult<()> {
    check(&profile)?;
    find(app, id)?;
    let name = profile.name.clone();
    app.change(move |tx| Box::pin(async move { store::claim_mapping::update(tx, id, &profile).await }))
        .await
        .map_err(name_conflict)?;
    events::changed(app, actor, format!("changed the claim mapping {name}")).await;
    Ok(())
}

/// Removes a mapping, also from applications that have it.
///
/// # Errors
/// That there is no such mapping.
pub async fn delete(app: &App, actor: &Actor, id: MappingId) -> OperationResult<()> {
    let mapping = find(app, id)?;
    app.change(move |tx| Box::pin(async move { store::claim_mapping::delete(tx, id).await })).await?;
    events::changed(app, actor, format!("deleted the claim mapping {}", mapping.profile.name)).await;
    Ok(())
}

/// A mapping by identifier.
///
/// # Errors
/// That there is no such mapping.
pub fn find(app: &App, id: MappingId) -> OperationResult<ClaimMapping> {
    app.snapshot().mapping(id).cloned().ok_or_else(|| OperationError::not_found("claim mapping", id))
}

/// The claims an expression would make for a person. Nothing is kept and nothing else is run.
///
/// # Errors
/// What is wrong with the expression, as text for the page.
pub fn preview(app: &App, person: &Person, expression: &str) -> Result<Map<String, Value>, String> {
    let snapshot = app.snapshot();
    let input = ClaimInput::new(&person.user, person.groups(&snapshot), person.is_superuser, "example", "Example");
    let mapping = CompiledMapping::from_parts("preview", "preview", expression);
    mapping.evaluate(&input).map_err(|error| error.to_string())
}

/// Checks a mapping as it is checked when it is written.
///
/// # Errors
/// What is wrong with it, by field.
pub fn check(profile: &MappingProfile) -> OperationResult<()> {
    profile.check()?;
    let compiled = CompiledMapping::from_parts(&profile.name, &profile.scope, &profile.expression);
    compiled.check().map_err(|error| OperationError::invalid("expression", error.to_string()))
}

fn name_conflict(error: OperationError) -> OperationError {
    match error {
        OperationError::Store(store::Error::Conflict(what)) if what.contains("name_key") => {
            OperationError::invalid("name", "There is a claim mapping of that name.")
        }
        other => other,
    }
}
