//! The form of a new application, between text and what is created.

use doorward_core::{
    access_rule::AccessRule,
    application::{ApplicationProfile, SLUG_MAX},
    id::SigningKeyId,
    ldap_provider::{LdapProfile, UidSource},
    method::Method,
    problem::Problems,
    provider::ClientType,
    proxy_provider::ProxyProfile,
    redirect_uri::RedirectUri,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::{access::AccessDraft, application_new_more::MoreDraft, desk::Desk, fields};
use crate::{
    app::App,
    applications::{
        self, ApplicationEdit, Created,
        from_recipe::{self, RecipeRequest},
        ldap, proxy,
    },
    error::{OperationError, OperationResult},
    http::form::Fields,
    recipes::{self, LdapServer, Recipe, RecipeSummary},
    snapshot::Snapshot,
};

/// Fields that hold one text each.
const TEXTS: [&str; 10] = [
    "recipe",
    "name",
    "slug",
    "url",
    "redirect_uris",
    "client_type",
    "signing_key",
    "base_dn",
    "uid_source",
    "ldap_uri",
];
/// The recipe of an application that has none.
const CUSTOM: &str = "custom";
/// What is said of a field that the choice has no use for.
const FOREIGN: &str = "The application chosen above has no use for this: empty it, or choose another.";

/// The form as typed.
#[derive(Debug, Clone)]
pub(super) struct NewApplicationDraft {
    texts: BTreeMap<&'static str, String>,
    access: AccessDraft,
    superuser_groups: BTreeSet<String>,
    more: Option<MoreDraft>,
}

/// What was chosen first: a recipe and a method. In the form it is `recipe`, or `recipe/method` for one that is not the
/// recipe's usual method.
struct Kind {
    recipe: Option<Recipe>,
    method: Method,
}

impl Kind {
    fn read(text: &str) -> Option<Self> {
        let (name, method) = text.split_once('/').map_or((text, None), |(name, method)| (name, Some(method)));
        let method = method.map(|method| Method::parse(method).ok_or(())).transpose().ok()?;
        if name == CUSTOM {
            return Some(Self { recipe: None, method: method.unwrap_or(Method::Oidc) });
        }
        let recipe = Recipe::find(name).ok()?;
        let method = method.unwrap_or_else(|| recipe.usual_method());
        recipe.has_method(method).then_some(Self { recipe: Some(recipe), method })
    }

    /// Whether the application has an address that must be given.
    fn needs_url(&self) -> bool {
        self.recipe.as_ref().map_or(self.method != Method::Ldap, |recipe| recipe.summary().has_url)
    }
}

/// What was typed, read.
struct Read {
    kind: Kind,
    slug: String,
    access: AccessRule,
    signing_key: Option<SigningKeyId>,
    client_type: ClientType,
    uid_source: Option<UidSource>,
}

impl NewApplicationDraft {
    /// The empty form, with a recipe chosen if the address names one.
    pub(super) fn empty(app: &App, recipe: &str) -> Self {
        let mut texts: BTreeMap<_, _> = TEXTS.into_iter().map(|name| (name, String::new())).collect();
        if recipes::all().iter().any(|known| known.id == recipe) {
            texts.insert("recipe", recipe.to_owned());
        }
        texts.insert("client_type", ClientType::Confidential.as_str().to_owned());
        texts.insert("uid_source", UidSource::HashedUserId.as_str().to_owned());
        let default = applications::default_provider(&app.snapshot(), "").map(|provider| provider.signing_key);
        texts.insert("signing_key", default.map(|key| key.to_string()).unwrap_or_default());
        let more = MoreDraft::untouched(app);
        Self { texts, access: AccessDraft::default(), superuser_groups: BTreeSet::new(), more }
    }

    /// What was sent.
    pub(super) fn from_fields(app: &App, form: &Fields) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).trim().to_owned())).collect(),
            access: AccessDraft {
                access: form.get("access").to_owned(),
                groups: form.all("allow_groups").map(str::to_owned).collect(),
                ..AccessDraft::default()
            },
            superuser_groups: form.all("superuser_groups").map(str::to_owned).collect(),
            more: MoreDraft::from_fields(app, form),
        }
    }

    /// Creates what was typed.
    ///
    /// # Errors
    /// What is wrong, by field of this form; what the operations say.
    pub(super) async fn create(&self, desk: &Desk) -> OperationResult<Created> {
        let read = self.read(&desk.app).await?;
        let created = match &read.kind.recipe {
            None => self.create_custom(desk, read).await,
            Some(_) => self.create_from_recipe(desk, read).await,
        };
        created.map_err(renamed)
    }

    async fn read(&self, app: &App) -> OperationResult<Read> {
        let (mut problems, snapshot) = (Problems::default(), app.snapshot());
        let kind = Kind::read(self.text("recipe"));
        problems.require(kind.is_some(), "recipe", "Choose which application it is.");
        let is_custom = kind.as_ref().is_some_and(|kind| kind.recipe.is_none());
        let is_ldap = kind.as_ref().is_some_and(|kind| kind.method == Method::Ldap);
        let needs_url = kind.as_ref().is_none_or(Kind::needs_url);
        problems.require(!is_custom || !self.text("name").is_empty(), "name", "Give the application a name.");
        problems.require(!needs_url || !self.text("url").is_empty(), "url", "Give the address where people open it.");
        let client_type = ClientType::parse(self.text("client_type")).unwrap_or(ClientType::Confidential);
        problems.require(
            is_custom || is_ldap || client_type == ClientType::Confidential,
            "client_type",
            "The settings of a recipe need a client secret: choose confidential.",
        );
        let uid_source = UidSource::parse(self.text("uid_source"));
        problems.require(!(is_custom && is_ldap) || uid_source.is_some(), "uid_source", "Choose one of the entries.");
        let signing_key = self.signing_key(&snapshot);
        problems.require(is_ldap || signing_key.is_some(), "signing_key", "Choose a signing key.");
        let access = self.access.read(app, &mut problems).await?;
        problems.require(
            self.access.access != "groups" || !self.access.groups.is_empty(),
            "allow_groups",
            "Choose at least one group; otherwise nobody could use the application.",
        );
        fields::group_ids(&snapshot, &self.superuser_groups, "superuser_groups", &mut problems);
        let Some(kind) = kind else { return Err(problems.into()) };
        self.refuse_foreign(&kind, &mut problems);
        Ok(problems.or(Read { slug: self.slug(&snapshot), kind, access, signing_key, client_type, uid_source })?)
    }

    /// Refuses what was typed for another choice: dropped in silence, it would be missed later.
    fn refuse_foreign(&self, kind: &Kind, problems: &mut Problems) {
        let is_ldap = kind.method == Method::Ldap;
        let has_address = kind.recipe.as_ref().is_none_or(|recipe| recipe.summary().has_url);
        let has_redirects = kind.recipe.is_none() && kind.method == Method::Oidc;
        let has_superusers = kind
            .recipe
            .as_ref()
            .is_some_and(|recipe| recipe.parameters().iter().any(|(name, ..)| *name == "superuser_groups"));
        for (field, belongs) in [
            ("url", has_address),
            ("redirect_uris", has_redirects),
            ("base_dn", is_ldap),
            ("ldap_uri", is_ldap && kind.recipe.is_some()),
        ] {
            problems.require(belongs || self.text(field).is_empty(), field, FOREIGN);
        }
        for field in self.more.iter().flat_map(MoreDraft::touched) {
            problems.require(has_redirects, field, FOREIGN);
        }
        problems.require(has_superusers || self.superuser_groups.is_empty(), "superuser_groups", FOREIGN);
    }

    /// The slug as typed, or one made from the name that is not taken.
    fn slug(&self, snapshot: &Snapshot) -> String {
        if !self.text("slug").is_empty() {
            return self.text("slug").to_owned();
        }
        let base = [slugified(self.text("name")), slugified(self.text("recipe").split('/').next().unwrap_or_default())];
        let base = base.into_iter().find(|slug| !slug.is_empty()).unwrap_or_default();
        let numbered = (2..100).map(|number| format!("{base}-{number}"));
        let mut candidates = std::iter::once(base.clone()).chain(numbered);
        candidates.find(|slug| snapshot.application(slug).is_none()).unwrap_or(base)
    }

    async fn create_custom(&self, desk: &Desk, read: Read) -> OperationResult<Created> {
        let (name, snapshot) = (self.text("name"), desk.app.snapshot());
        let profile = ApplicationProfile {
            launch_url: self.text("url").to_owned(),
            access: read.access,
            ..ApplicationProfile::new(read.slug, name)
        };
        let mut edit = ApplicationEdit { profile, oauth: None, ldap: None, proxy: None };
        if read.kind.method == Method::Proxy {
            let profile = ProxyProfile::single(origin_of(self.text("url")));
            let mut provider = proxy::underneath(&snapshot, name, &profile)?;
            provider.signing_key = read.signing_key.unwrap_or(provider.signing_key);
            (edit.oauth, edit.proxy) = (Some(provider), Some(profile));
        } else if read.kind.method == Method::Ldap {
            let mut provider = ldap::default_profile(&snapshot, &edit.profile);
            provider.uid_source = read.uid_source.unwrap_or(provider.uid_source);
            self.choose_base_dn(&mut provider);
            edit.ldap = Some(provider);
        } else {
            let mut provider = applications::default_provider(&snapshot, name)?;
            provider.client_type = read.client_type;
            provider.signing_key = read.signing_key.unwrap_or(provider.signing_key);
            provider.redirect_uris =
                fields::lines(self.text("redirect_uris")).into_iter().map(RedirectUri::exact).collect();
            if let Some(more) = &self.more {
                let mut problems = Problems::default();
                edit.profile.consent = more.read(&mut provider, &mut problems);
                problems.or(())?;
            }
            edit.oauth = Some(provider);
        }
        applications::create(&desk.app, &desk.actor, edit, Vec::new()).await
    }

    async fn create_from_recipe(&self, desk: &Desk, read: Read) -> OperationResult<Created> {
        let Some(recipe) = read.kind.recipe else { return Err(OperationError::not_found("recipe", CUSTOM)) };
        let RecipeSummary { id, has_url, .. } = recipe.summary();
        let request = RecipeRequest {
            method: Some(read.kind.method),
            name: Some(self.text("name").to_owned()).filter(|name| !name.is_empty()),
            url: Some(self.text("url").to_owned()).filter(|_| has_url),
            superuser_groups: self.superuser_groups.iter().cloned().collect(),
            ldap_uri: self.ldap_uri()?,
            signing_key: read.signing_key,
            ..RecipeRequest::new(id, read.slug, read.access)
        };
        let mut draft = from_recipe::draft(&desk.app, request)?;
        if let Some(provider) = &mut draft.edit.ldap {
            self.choose_base_dn(provider);
        }
        from_recipe::create(&desk.app, &desk.actor, draft).await
    }

    /// The address of the LDAP server as it is kept.
    fn ldap_uri(&self) -> OperationResult<Option<String>> {
        if self.text("ldap_uri").is_empty() {
            return Ok(None);
        }
        let server = LdapServer::parse(self.text("ldap_uri"));
        server.map(|server| Some(server.uri())).map_err(|error| OperationError::invalid("ldap_uri", error.to_string()))
    }

    fn choose_base_dn(&self, provider: &mut LdapProfile) {
        if !self.text("base_dn").is_empty() {
            self.text("base_dn").clone_into(&mut provider.base_dn);
        }
    }

    fn signing_key(&self, snapshot: &Snapshot) -> Option<SigningKeyId> {
        snapshot.keys.iter().map(|key| key.id).find(|id| id.to_string() == self.text("signing_key"))
    }

    /// What the template shows.
    pub(super) fn context(&self, app: &App) -> Value {
        let snapshot = app.snapshot();
        let mut form = json!(self.texts);
        if let Value::Object(form) = &mut form {
            form.insert("access".to_owned(), json!(self.access.access));
        }
        let keys = snapshot.keys.iter().map(|key| fields::key_option(key, self.text("signing_key"), app));
        let own = json!({
            "recipes": recipes::all().iter().flat_map(cards).collect::<Vec<_>>(),
            "form": form,
            "uid_sources": fields::choices(
                UidSource::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("uid_source")),
            "all_groups": fields::group_ticks(&snapshot, &self.access.groups, None),
            "superuser_choices": fields::group_ticks(&snapshot, &self.superuser_groups, None),
            "keys": keys.collect::<Vec<_>>(),
        });
        let mut context = Map::new();
        if let Some(more) = &self.more {
            more.show(app, &mut context);
        }
        // The key that was chosen here, not the default's.
        context.extend(own.as_object().cloned().unwrap_or_default());
        Value::Object(context)
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

/// A recipe as entries of the first choice: one for each method.
fn cards(recipe: &RecipeSummary) -> Vec<Value> {
    let usual = recipe.methods.first();
    let cards = recipe.methods.iter().map(|method| {
        let (value, name) = if Some(method) == usual {
            (recipe.id.clone(), recipe.name.clone())
        } else {
            let how = if *method == Method::Proxy { "behind a proxy" } else { "over LDAP" };
            (format!("{}/{method}", recipe.id), format!("{} {how}", recipe.name))
        };
        let how = match method {
            _ if recipe.methods.len() == 1 => "",
            Method::Oidc => " People sign in by a single sign-on button.",
            Method::Ldap => " People sign in by the application's own form.",
            Method::Proxy => " A proxy before the application asks people to sign in.",
        };
        json!({
            "value": value,
            "id": value.replace('/', "-"),
            "name": name,
            "description": format!("{}{how}", recipe.description),
            "method": method.as_str(),
            "has_url": recipe.has_url,
        })
    });
    cards.collect()
}

/// Scheme and host of an address; what cannot be read stays as it is, and is refused later.
fn origin_of(address: &str) -> String {
    url::Url::parse(address).map_or_else(|_| address.to_owned(), |url| url.origin().ascii_serialization())
}

/// Operations name the fields of the whole profile; this form has one field for the address.
fn renamed(error: OperationError) -> OperationError {
    let OperationError::Invalid(mut problems) = error else { return error };
    for problem in &mut problems.0 {
        if matches!(problem.field, "launch_url" | "external_host") {
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
