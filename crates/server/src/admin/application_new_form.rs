//! The form of a new application, between text and what is created.

use doorward_core::{
    application::{ApplicationProfile, SLUG_MAX},
    id::SigningKeyId,
    problem::Problems,
    provider::ClientType,
    redirect_uri::RedirectUri,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{access::AccessDraft, desk::Desk, fields};
use crate::{
    app::App,
    applications::{
        self,
        from_recipe::{self, RecipeRequest},
    },
    error::{OperationError, OperationResult},
    http::form::Fields,
    recipes::{self, Recipe},
    snapshot::{Client, Snapshot},
};

/// Fields that hold one text each.
const TEXTS: [&str; 7] = ["recipe", "name", "slug", "url", "redirect_uris", "client_type", "signing_key"];
/// The recipe of an application that has none.
const CUSTOM: &str = "custom";

/// The form as typed.
#[derive(Debug, Clone)]
pub(super) struct NewApplicationDraft {
    texts: BTreeMap<&'static str, String>,
    access: AccessDraft,
    superuser_groups: BTreeSet<String>,
}

/// What was typed, read.
struct Read {
    slug: String,
    access: doorward_core::access_rule::AccessRule,
    signing_key: SigningKeyId,
    client_type: ClientType,
}

impl NewApplicationDraft {
    /// The empty form, with a recipe chosen if the address names one.
    pub(super) fn empty(app: &App, recipe: &str) -> Self {
        let mut texts: BTreeMap<_, _> = TEXTS.into_iter().map(|name| (name, String::new())).collect();
        if recipes::all().iter().any(|known| known.id == recipe) {
            texts.insert("recipe", recipe.to_owned());
        }
        texts.insert("client_type", ClientType::Confidential.as_str().to_owned());
        let default = applications::default_provider(&app.snapshot(), "").map(|provider| provider.signing_key);
        texts.insert("signing_key", default.map(|key| key.to_string()).unwrap_or_default());
        Self { texts, access: AccessDraft::default(), superuser_groups: BTreeSet::new() }
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).trim().to_owned())).collect(),
            access: AccessDraft {
                access: form.get("access").to_owned(),
                groups: form.all("allow_groups").map(str::to_owned).collect(),
                users: String::new(),
            },
            superuser_groups: form.all("superuser_groups").map(str::to_owned).collect(),
        }
    }

    /// Creates what was typed.
    ///
    /// # Errors
    /// What is wrong, by field of this form; what the operations say.
    pub(super) async fn create(&self, desk: &Desk) -> OperationResult<Arc<Client>> {
        let read = self.read(&desk.app).await?;
        let created = if self.text("recipe") == CUSTOM {
            self.create_custom(desk, read).await
        } else {
            self.create_from_recipe(desk, read).await
        };
        created.map_err(renamed)
    }

    async fn read(&self, app: &App) -> OperationResult<Read> {
        let (mut problems, snapshot) = (Problems::default(), app.snapshot());
        let (recipe, is_custom) = (Recipe::find(self.text("recipe")).ok(), self.text("recipe") == CUSTOM);
        problems.require(recipe.is_some() || is_custom, "recipe", "Choose which application it is.");
        problems.require(!is_custom || !self.text("name").is_empty(), "name", "Give the application a name.");
        problems.require(!self.text("url").is_empty(), "url", "Give the address where people open it.");
        let client_type = ClientType::parse(self.text("client_type")).unwrap_or(ClientType::Confidential);
        problems.require(
            is_custom || client_type == ClientType::Confidential,
            "client_type",
            "The settings of a recipe need a client secret: choose confidential.",
        );
        let signing_key = snapshot.keys.iter().map(|key| key.id).find(|id| id.to_string() == self.text("signing_key"));
        problems.require(signing_key.is_some(), "signing_key", "Choose a signing key.");
        let access = self.access.read(app, &mut problems).await?;
        problems.require(
            self.access.access != "groups" || !self.access.groups.is_empty(),
            "allow_groups",
            "Choose at least one group; otherwise nobody could use the application.",
        );
        fields::group_ids(&snapshot, &self.superuser_groups, "superuser_groups", &mut problems);
        let signing_key = signing_key.ok_or_else(|| OperationError::Invalid(problems.clone()))?;
        Ok(problems.or(Read { slug: self.slug(&snapshot), access, signing_key, client_type })?)
    }

    /// The slug as typed, or one made from the name that is not taken.
    fn slug(&self, snapshot: &Snapshot) -> String {
        if !self.text("slug").is_empty() {
            return self.text("slug").to_owned();
        }
        let base = [slugified(self.text("name")), slugified(self.text("recipe"))];
        let base = base.into_iter().find(|slug| !slug.is_empty()).unwrap_or_default();
        let numbered = (2..100).map(|number| format!("{base}-{number}"));
        let mut candidates = std::iter::once(base.clone()).chain(numbered);
        candidates.find(|slug| snapshot.by_slug(slug).is_none()).unwrap_or(base)
    }

    async fn create_custom(&self, desk: &Desk, read: Read) -> OperationResult<Arc<Client>> {
        let name = self.text("name");
        let mut provider = applications::default_provider(&desk.app.snapshot(), name)?;
        provider.client_type = read.client_type;
        provider.signing_key = read.signing_key;
        provider.redirect_uris =
            fields::lines(self.text("redirect_uris")).into_iter().map(RedirectUri::exact).collect();
        let application = ApplicationProfile {
            launch_url: self.text("url").to_owned(),
            access: read.access,
            ..ApplicationProfile::new(read.slug, name)
        };
        applications::create(&desk.app, &desk.actor, application, provider).await
    }

    async fn create_from_recipe(&self, desk: &Desk, read: Read) -> OperationResult<Arc<Client>> {
        let recipe = self.text("recipe");
        // Ticked for another recipe, perhaps, before this one was chosen.
        let knows_superusers = Recipe::find(recipe)
            .is_ok_and(|recipe| recipe.parameters().iter().any(|(name, ..)| *name == "superuser_groups"));
        let superusers = self.superuser_groups.iter().filter(|_| knows_superusers);
        let request = RecipeRequest {
            recipe: recipe.to_owned(),
            slug: read.slug,
            name: Some(self.text("name").to_owned()).filter(|name| !name.is_empty()),
            url: self.text("url").to_owned(),
            superuser_groups: superusers.cloned().collect(),
            managed_groups: Vec::new(),
            group_prefix: None,
            access: read.access,
            signing_key: Some(read.signing_key),
        };
        from_recipe::create(&desk.app, &desk.actor, request).await
    }

    /// What the template shows.
    pub(super) fn context(&self, app: &App) -> Value {
        let snapshot = app.snapshot();
        let mut form = json!(self.texts);
        if let Value::Object(form) = &mut form {
            form.insert("access".to_owned(), json!(self.access.access));
        }
        let keys = snapshot.keys.iter().map(|key| fields::key_option(key, self.text("signing_key"), app));
        json!({
            "recipes": recipes::all(),
            "form": form,
            "all_groups": fields::group_ticks(&snapshot, &self.access.groups, None),
            "superuser_choices": fields::group_ticks(&snapshot, &self.superuser_groups, None),
            "keys": keys.collect::<Vec<_>>(),
        })
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

/// Operations name the fields of the whole profile; this form has one field for the address.
fn renamed(error: OperationError) -> OperationError {
    let OperationError::Invalid(mut problems) = error else { return error };
    for problem in &mut problems.0 {
        if problem.field == "launch_url" {
            problem.field = "url";
        }
    }
    OperationError::Invalid(problems)
}

/// Letters and digits of a name, everything else made into single hyphens.
fn slugified(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    // Room is left for a number.
    words.join("-").chars().take(SLUG_MAX - 4).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::slugified;

    #[test]
    fn slugs_come_from_names() {
        assert_eq!(slugified("  NetBox (Labor 2)  "), "netbox-labor-2");
        assert_eq!(slugified("Überwachung"), "berwachung");
        assert_eq!(slugified("日本"), "");
        assert_eq!(slugified(&"a-".repeat(60)).len(), 45);
    }
}
