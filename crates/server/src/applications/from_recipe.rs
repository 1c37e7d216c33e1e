//! Applications made from recipes, and their settings.

use doorward_core::{
    access_rule::AccessRule,
    application::{ApplicationProfile, RecipeUse},
    claim_mapping::{ClaimMapping, MappingProfile},
    id::MappingId,
    redirect_uri::RedirectUri,
    secret::Secret,
    user::key,
};
use doorward_protocols::oidc::claims::CompiledMapping;
use doorward_store as store;
use std::sync::Arc;
use url::Url;

use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    recipes::{
        AppVersion, PlannedMapping, Recipe, RecipeError, RecipeInput, SettingsBlock, SettingsInput, Style, UriKind,
    },
    snapshot::Client,
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct RecipeRequest {
    /// Which recipe.
    pub recipe: String,
    /// Slug of the application.
    pub slug: String,
    /// Name, if other than the recipe's.
    pub name: Option<String>,
    /// The application's own address.
    pub url: String,
    /// Groups with full power there.
    pub superuser_groups: Vec<String>,
    /// Groups that follow Doorward there.
    pub managed_groups: Vec<String>,
    /// Prefix of groups that follow Doorward there.
    pub group_prefix: Option<String>,
    /// Who may use it.
    pub access: AccessRule,
    /// Signing key, if other than the default.
    pub signing_key: Option<doorward_core::id::SigningKeyId>,
}

/// Makes an application from a recipe.
///
/// # Errors
/// What is wrong with the input, or what [`super::create`] says.
pub async fn create(app: &App, actor: &Actor, request: RecipeRequest) -> OperationResult<Arc<Client>> {
    let recipe = Recipe::find(&request.recipe).map_err(|error| refused("recipe", &error))?;
    let url = Url::parse(&request.url).map_err(|error| {
        OperationError::invalid(
            "url",
            format!("\"{}\" is not an address ({error}); write it like https://netbox.example.org.", request.url),
        )
    })?;
    let input = RecipeInput {
        slug: request.slug.clone(),
        url: url.clone(),
        superuser_groups: request.superuser_groups,
        managed_groups: request.managed_groups,
        group_prefix: request.group_prefix,
    };
    let plan = recipe.plan(&input).map_err(|error| refused("url", &error))?;
    if app.snapshot().by_slug(&request.slug).is_some() {
        return Err(OperationError::invalid("slug", "There is an application with this slug."));
    }
    let name = request.name.unwrap_or(plan.name);
    let profile = ApplicationProfile {
        launch_url: plan.launch_url,
        group_heading: plan.group_heading,
        description: plan.description,
        access: request.access,
        recipe: Some(RecipeUse { id: request.recipe, url: url.to_string(), options: plan.options }),
        ..ApplicationProfile::new(request.slug, name.clone())
    };
    let mut provider = super::default_provider(&app.snapshot(), &name)?;
    provider.signing_key = request.signing_key.unwrap_or(provider.signing_key);
    provider.redirect_uris = plan
        .redirect_uris
        .into_iter()
        .map(|(kind, uri)| match kind {
            UriKind::Authorization => RedirectUri::exact(uri),
            UriKind::Logout => RedirectUri::logout(uri),
        })
        .collect();
    let by_scope = app.snapshot();
    provider.mappings.retain(|id| {
        by_scope.mapping(*id).is_some_and(|mapping| {
            plan.scopes.contains(&mapping.profile.scope) || mapping.profile.scope == "offline_access"
        })
    });
    for mapping in plan.mappings {
        provider.mappings.insert(keep_mapping(app, &profile.slug, mapping).await?);
    }
    super::create(app, actor, profile, provider).await
}

/// Adds a planned mapping, or rewrites the one of that name from an earlier try.
async fn keep_mapping(app: &App, slug: &str, planned: PlannedMapping) -> OperationResult<MappingId> {
    let profile = MappingProfile {
        // Each application has its own: two of the same recipe may name other groups.
        name: format!("{} ({slug})", planned.name),
        scope: planned.scope,
        expression: planned.expression,
        description: planned.description,
    };
    CompiledMapping::from_parts(&profile.name, &profile.scope, &profile.expression)
        .check()
        .map_err(|error| OperationError::Internal(format!("the recipe's mapping {:?}: {error}", profile.name)))?;
    let existing =
        app.snapshot().mappings.iter().find(|mapping| key(&mapping.profile.name) == key(&profile.name)).map(|m| m.id);
    let id = existing.unwrap_or_else(|| MappingId::new(&app.clock));
    app.change(move |tx| {
        Box::pin(async move {
            if existing.is_some() {
                store::claim_mapping::update(tx, id, &profile).await?;
                return Ok(());
            }
            store::claim_mapping::insert(tx, &ClaimMapping { id, profile, is_default: false }).await
        })
    })
    .await?;
    Ok(id)
}

/// What stands in settings where the client secret belongs, until it is shown.
pub const SECRET_PLACEHOLDER: &str = "<client secret: press Reveal to see it here>";

/// The settings to paste into an application that was made from a recipe; `None` if it was not. They hold the client
/// secret.
///
/// # Errors
/// What the recipe says, for instance that it knows no such version.
pub fn settings(
    app: &App,
    client: &Client,
    style: Style,
    app_version: Option<AppVersion>,
) -> OperationResult<Option<Vec<SettingsBlock>>> {
    blocks(app, client, style, app_version, &client.provider.client_secret)
}

/// The same with [`SECRET_PLACEHOLDER`] where the client secret belongs.
///
/// # Errors
/// As [`settings`].
pub fn settings_without_secret(
    app: &App,
    client: &Client,
    style: Style,
) -> OperationResult<Option<Vec<SettingsBlock>>> {
    // The secret never comes near the text: a word that every format can hold stands in for it and is replaced.
    let word = doorward_core::random::alphanumeric(40);
    let made = blocks(app, client, style, None, &Secret::new(word.clone()))?;
    Ok(made.map(|mut blocks| {
        for block in &mut blocks {
            block.text = block.text.replace(&word, SECRET_PLACEHOLDER);
        }
        blocks
    }))
}

fn blocks(
    app: &App,
    client: &Client,
    style: Style,
    app_version: Option<AppVersion>,
    client_secret: &Secret<String>,
) -> OperationResult<Option<Vec<SettingsBlock>>> {
    let Some(recipe_use) = &client.application.profile.recipe else { return Ok(None) };
    let recipe = Recipe::find(&recipe_use.id).map_err(|error| refused("recipe", &error))?;
    let url = Url::parse(&recipe_use.url).map_err(|error| OperationError::Internal(error.to_string()))?;
    let slug = &client.application.profile.slug;
    let blocks = recipe.settings(&SettingsInput {
        issuer: client.issuer.clone(),
        end_session_url: format!("{}application/o/{slug}/end-session/", app.config.public_url),
        public_url: app.config.public_url.to_string(),
        client_id: client.provider.profile.client_id.clone(),
        client_secret: client_secret.expose().clone(),
        url,
        options: recipe_use.options.clone(),
        style,
        app_version,
    });
    Ok(Some(blocks.map_err(|error| refused("style", &error))?))
}

fn refused(field: &'static str, error: &RecipeError) -> OperationError {
    OperationError::invalid(field, error.to_string())
}
