//! Applications made from recipes.

use doorward_core::{
    access_rule::AccessRule,
    application::{ApplicationProfile, RecipeUse},
    claim_mapping::{ClaimMapping, MappingProfile},
    id::{MappingId, SigningKeyId},
    method::Method,
    provider::{ProviderProfile, new_client_secret},
    redirect_uri::RedirectUri,
    secret::Secret,
    user::key,
};
use doorward_protocols::oidc::claims::CompiledMapping;
use std::collections::BTreeSet;
use url::Url;

use super::{ApplicationEdit, Created, ldap, proxy, settings::refused};
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    recipes::{PlannedMapping, Recipe, RecipeInput, RecipePlan, UriKind},
    snapshot::Snapshot,
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct RecipeRequest {
    /// Which recipe.
    pub recipe: String,
    /// By which protocol people sign in; the recipe's usual one if nothing is said.
    pub method: Option<Method>,
    /// Slug of the application.
    pub slug: String,
    /// Name, if other than the recipe's.
    pub name: Option<String>,
    /// The application's own address, if it has one.
    pub url: Option<String>,
    /// Groups with full power there.
    pub superuser_groups: Vec<String>,
    /// Groups that follow Doorward there.
    pub managed_groups: Vec<String>,
    /// Prefix of groups that follow Doorward there.
    pub group_prefix: Option<String>,
    /// Where the application finds the LDAP server, if not at the host of the public URL.
    pub ldap_uri: Option<String>,
    /// Where the application listens behind the proxy, if not where its recipe says.
    pub upstream: Option<String>,
    /// Who may use it.
    pub access: AccessRule,
    /// Signing key, if other than the default.
    pub signing_key: Option<SigningKeyId>,
}

impl RecipeRequest {
    /// An application that a recipe makes without being told more.
    pub fn new(recipe: impl Into<String>, slug: impl Into<String>, access: AccessRule) -> Self {
        Self {
            recipe: recipe.into(),
            method: None,
            slug: slug.into(),
            name: None,
            url: None,
            superuser_groups: Vec::new(),
            managed_groups: Vec::new(),
            group_prefix: None,
            ldap_uri: None,
            upstream: None,
            access,
            signing_key: None,
        }
    }
}

/// What a recipe makes of a request. Nothing is created yet, and all of it can still be changed.
#[derive(Debug, Clone)]
pub struct RecipeDraft {
    /// The application.
    pub edit: ApplicationEdit,
    /// The client secret, if it is not to be a new one.
    pub client_secret: Option<Secret<String>>,
    mappings: Vec<ClaimMapping>,
}

/// What would be created from a recipe.
///
/// # Errors
/// What is wrong with the input.
pub fn draft(app: &App, request: RecipeRequest) -> OperationResult<RecipeDraft> {
    let recipe = Recipe::find(&request.recipe).map_err(|error| refused("recipe", &error))?;
    let url = request.url.as_deref().filter(|url| !url.is_empty()).map(read_url).transpose()?;
    let method = request.method.unwrap_or_else(|| recipe.usual_method());
    let input = RecipeInput {
        slug: request.slug.clone(),
        method,
        url: url.clone(),
        superuser_groups: request.superuser_groups,
        managed_groups: request.managed_groups,
        group_prefix: request.group_prefix,
        ldap_uri: request.ldap_uri,
        upstream: request.upstream,
    };
    let plan = recipe.plan(&input).map_err(|error| refused("url", &error))?;
    let name = request.name.unwrap_or_else(|| plan.name.clone());
    let url = url.map(|url| url.to_string()).unwrap_or_default();
    let profile = ApplicationProfile {
        launch_url: plan.launch_url.clone(),
        group_heading: plan.group_heading.clone(),
        description: plan.description.clone(),
        access: request.access,
        recipe: Some(RecipeUse { id: request.recipe, url, options: plan.options.clone() }),
        ..ApplicationProfile::new(request.slug, name)
    };
    let snapshot = app.snapshot();
    let edit = ApplicationEdit { profile, oauth: None, ldap: None, proxy: None };
    let mut draft = RecipeDraft { edit, client_secret: None, mappings: Vec::new() };
    if method == Method::Ldap {
        draft.edit.ldap = Some(ldap::default_profile(&snapshot, &draft.edit.profile));
        return Ok(draft);
    }
    let mut provider = match &plan.proxy {
        Some(proxy) => proxy::underneath(&snapshot, &draft.edit.profile.name, proxy)?,
        None => provider(&snapshot, &draft.edit.profile.name, &plan)?,
    };
    draft.edit.proxy.clone_from(&plan.proxy);
    provider.signing_key = request.signing_key.unwrap_or(provider.signing_key);
    draft.edit.oauth = Some(provider);
    for planned in plan.mappings {
        draft.mappings.push(mapping(app, &draft.edit.profile.slug, planned)?);
    }
    Ok(draft)
}

/// Creates what was drafted. Of the recipe's own claim mappings those are taken whose scopes may be asked for.
///
/// # Errors
/// What [`super::create`] says.
pub async fn create(app: &App, actor: &Actor, draft: RecipeDraft) -> OperationResult<Created> {
    let RecipeDraft { edit, client_secret, mut mappings } = draft;
    let snapshot = app.snapshot();
    let chosen = edit.oauth.iter().flat_map(|provider| &provider.mappings);
    let scopes: BTreeSet<&str> =
        chosen.filter_map(|id| snapshot.mapping(*id)).map(|mapping| mapping.profile.scope.as_str()).collect();
    mappings.retain(|mapping| scopes.contains(mapping.profile.scope.as_str()));
    super::create_with_secret(app, actor, edit, mappings, client_secret.unwrap_or_else(new_client_secret)).await
}

fn read_url(text: &str) -> OperationResult<Url> {
    Url::parse(text).map_err(|error| {
        OperationError::invalid(
            "url",
            format!("\"{text}\" is not an address ({error}); write it like https://netbox.example.org."),
        )
    })
}

fn provider(snapshot: &Snapshot, name: &str, plan: &RecipePlan) -> OperationResult<ProviderProfile> {
    let mut provider = super::default_provider(snapshot, name)?;
    let uris = plan.redirect_uris.iter().map(|(kind, uri)| match kind {
        UriKind::Authorization => RedirectUri::exact(uri),
        UriKind::Logout => RedirectUri::logout(uri),
    });
    provider.redirect_uris = uris.collect();
    provider.mappings.retain(|id| {
        snapshot.mapping(*id).is_some_and(|mapping| {
            plan.scopes.contains(&mapping.profile.scope) || mapping.profile.scope == "offline_access"
        })
    });
    Ok(provider)
}

/// A planned mapping, or that of the same name from an earlier application with this slug, to be rewritten.
fn mapping(app: &App, slug: &str, planned: PlannedMapping) -> OperationResult<ClaimMapping> {
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
    let snapshot = app.snapshot();
    let existing = snapshot.mappings.iter().find(|mapping| key(&mapping.profile.name) == key(&profile.name));
    let id = existing.map_or_else(|| MappingId::new(&app.clock), |mapping| mapping.id);
    Ok(ClaimMapping { id, profile, is_default: false })
}
