//! What a recipe creates in Doorward.

use doorward_core::{method::Method, proxy_provider::ProxyProfile};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    Recipe, RecipeError, RecipeInput,
    render::{Context, Renderer, context},
};

/// Type of a redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UriKind {
    /// Codes may be sent there.
    Authorization,
    /// People may be sent there after signing out.
    Logout,
}

/// Everything to create for one application. Nothing has been created yet.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipePlan {
    /// Name of the application.
    pub name: String,
    /// What it is, in one sentence.
    pub description: String,
    /// Short icon name.
    pub icon: String,
    /// Heading it stands under on the "my applications" page.
    pub group_heading: String,
    /// Where its tile leads; empty for what has no address of its own.
    pub launch_url: String,
    /// Redirect URIs, exact. None for LDAP, and so with scopes and mappings.
    pub redirect_uris: Vec<(UriKind, String)>,
    /// Scopes it may ask for.
    pub scopes: Vec<String>,
    /// Claim mappings to create for it.
    pub mappings: Vec<PlannedMapping>,
    /// The proxy provider, with method proxy.
    pub proxy: Option<ProxyProfile>,
    /// To be kept with the application: [`Options`] as JSON.
    pub options: serde_json::Value,
}

/// A claim mapping to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMapping {
    /// Name people see.
    pub name: String,
    /// Scope it belongs to.
    pub scope: String,
    /// Jinja expression whose value is a map of claims.
    pub expression: String,
    /// What it does, in one sentence.
    pub description: String,
}

impl Recipe {
    /// What to create for an application with this slug and address.
    ///
    /// # Errors
    /// A bad address, group name or prefix, a method or parameter the recipe does not have; each names what is allowed.
    pub fn plan(&self, input: &RecipeInput) -> Result<RecipePlan, RecipeError> {
        self.knows(input.method)?;
        let url = self.address(input.url.as_ref())?;
        let options = input.options(self)?;
        let mut values = context(url.as_deref(), &options);
        values.insert("slug", input.slug.as_str().into());
        let renderer = Renderer::new(&self.data.id);
        let launch_url = self.data.launch_url.as_ref().map(|source| renderer.text(source, &values)).transpose()?;
        let mut plan = RecipePlan {
            name: self.data.name.clone(),
            description: self.data.description.clone(),
            icon: self.data.icon.clone(),
            group_heading: self.data.group_heading.clone(),
            launch_url: launch_url.unwrap_or_default(),
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            mappings: Vec::new(),
            proxy: None,
            options: serde_json::to_value(&options).map_err(|error| self.broken(error.to_string()))?,
        };
        if input.method == Method::Oidc {
            self.plan_oidc(&mut plan, &renderer, &values)?;
        }
        if input.method == Method::Proxy {
            self.plan_proxy(&mut plan, input.url.as_ref())?;
        }
        Ok(plan)
    }

    fn plan_oidc(&self, plan: &mut RecipePlan, renderer: &Renderer<'_>, values: &Context) -> Result<(), RecipeError> {
        plan.scopes.clone_from(&self.data.scopes);
        for uri in &self.data.redirect_uris {
            plan.redirect_uris.push((uri.kind, renderer.text(&uri.uri, values)?));
        }
        for mapping in &self.data.mappings {
            plan.mappings.push(PlannedMapping {
                name: mapping.name.clone(),
                scope: mapping.scope.clone(),
                expression: renderer.text(&mapping.expression, values)?,
                description: mapping.description.clone(),
            });
        }
        Ok(())
    }

    /// The provider stands at the application's own address.
    fn plan_proxy(&self, plan: &mut RecipePlan, url: Option<&Url>) -> Result<(), RecipeError> {
        let data = self.data.proxy.as_ref().ok_or_else(|| self.broken("it has no section [proxy]"))?;
        let url = url.ok_or_else(|| self.broken("with method proxy it needs a launch_url"))?;
        let origin = url.origin().ascii_serialization();
        if url.path() != "/" {
            return Err(RecipeError::PathBehindProxy { example: origin });
        }
        plan.launch_url = format!("{origin}/");
        plan.proxy = Some(ProxyProfile {
            headers: data.headers.clone(),
            group_separator: data.group_separator.clone(),
            skip_path_regex: data.skip_paths.clone(),
            ..ProxyProfile::single(origin)
        });
        Ok(())
    }
}
