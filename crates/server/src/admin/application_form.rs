//! The form of an application and its provider, between text and profiles.

use doorward_core::{
    application::{ApplicationProfile, ConsentMode},
    lifetime::Lifetime,
    problem::Problems,
    provider::{ClientType, IssuerMode, ProviderProfile, SubjectMode},
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    access::{self, AccessDraft},
    fields,
};
use crate::{app::App, error::OperationResult, http::form::Fields, snapshot::Client};

/// Fields that hold one text each.
const TEXTS: [&str; 16] = [
    "name",
    "slug",
    "launch_url",
    "icon_url",
    "group_heading",
    "description",
    "client_type",
    "client_id",
    "signing_key",
    "sub_mode",
    "issuer_mode",
    "consent",
    "access_code_validity",
    "access_token_validity",
    "refresh_token_validity",
    "refresh_token_threshold",
];
/// Most rows of redirect URIs that are looked at: more than an application can have, so that too many are noticed.
const ROWS_MAX: usize = 100;

/// A row of the redirect URIs.
#[derive(Debug, Clone, Serialize)]
struct UriRow {
    uri: String,
    mode: &'static str,
    kind: &'static str,
}

/// The form as typed.
#[derive(Debug, Clone)]
pub(super) struct ApplicationDraft {
    texts: BTreeMap<&'static str, String>,
    access: AccessDraft,
    include_claims_in_id_token: bool,
    redirect_uris: Vec<UriRow>,
    mappings: BTreeSet<String>,
}

impl ApplicationDraft {
    /// An application as kept.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn from_client(app: &App, client: &Client) -> OperationResult<Self> {
        let (application, provider) = (&client.application.profile, &client.provider.profile);
        let values = [
            application.name.clone(),
            application.slug.clone(),
            application.launch_url.clone(),
            application.icon_url.clone(),
            application.group_heading.clone(),
            application.description.clone(),
            provider.client_type.as_str().to_owned(),
            provider.client_id.clone(),
            provider.signing_key.to_string(),
            provider.sub_mode.as_str().to_owned(),
            provider.issuer_mode.as_str().to_owned(),
            application.consent.as_str().to_owned(),
            provider.access_code_validity.to_string(),
            provider.access_token_validity.to_string(),
            provider.refresh_token_validity.to_string(),
            provider.refresh_token_threshold.to_string(),
        ];
        Ok(Self {
            texts: TEXTS.into_iter().zip(values).collect(),
            access: AccessDraft::from_rule(app, &application.access).await?,
            include_claims_in_id_token: provider.include_claims_in_id_token,
            redirect_uris: provider.redirect_uris.iter().map(UriRow::from_uri).collect(),
            mappings: provider.mappings.iter().map(ToString::to_string).collect(),
        })
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).trim().to_owned())).collect(),
            access: AccessDraft {
                access: form.get("access").to_owned(),
                groups: form.all("allow_groups").map(str::to_owned).collect(),
                users: form.get("allow_users").to_owned(),
            },
            include_claims_in_id_token: form.is_ticked("include_claims_in_id_token"),
            redirect_uris: (1..=ROWS_MAX).filter_map(|row| UriRow::from_fields(form, row)).collect(),
            mappings: form.all("mappings").map(str::to_owned).collect(),
        }
    }

    /// The profiles that were typed; what the form does not hold stays as it is.
    ///
    /// # Errors
    /// What is wrong, or what the database says.
    pub(super) async fn read(
        &self,
        app: &App,
        before: &Client,
    ) -> OperationResult<(ApplicationProfile, ProviderProfile)> {
        let mut problems = Problems::default();
        let mut reader = Reader { draft: self, problems: &mut problems };
        let was = &before.application.profile;
        let consent = reader.choice("consent", ConsentMode::parse, was.consent);
        let provider = reader.provider(&before.provider.profile);
        let application = ApplicationProfile {
            slug: self.text("slug").to_owned(),
            name: self.text("name").to_owned(),
            launch_url: self.text("launch_url").to_owned(),
            icon_url: self.text("icon_url").to_owned(),
            group_heading: self.text("group_heading").to_owned(),
            description: self.text("description").to_owned(),
            access: self.access.read(app, &mut problems).await?,
            consent,
            recipe: was.recipe.clone(),
        };
        Ok(problems.or((application, provider))?)
    }

    /// What the template shows of it.
    pub(super) fn context(&self, app: &App) -> Value {
        let snapshot = app.snapshot();
        let mut form = json!(self.texts);
        if let Value::Object(form) = &mut form {
            form.insert("access".to_owned(), json!(self.access.access));
            form.insert("allow_users".to_owned(), json!(self.access.users));
            form.insert("include_claims_in_id_token".to_owned(), json!(self.include_claims_in_id_token));
        }
        let keys = snapshot.keys.iter().map(|key| fields::key_option(key, self.text("signing_key"), app));
        let mappings = snapshot.mappings.iter().map(|mapping| {
            json!({
                "id": mapping.id,
                "name": mapping.profile.name,
                "scope": mapping.profile.scope,
                "selected": self.mappings.contains(&mapping.id.to_string()),
                "href": format!("/if/admin/mappings/{}/", mapping.id),
            })
        });
        json!({
            "form": form,
            "choices": self.choices(),
            "redirect_uris": self.redirect_uris,
            "keys": keys.collect::<Vec<_>>(),
            "all_groups": fields::group_ticks(&snapshot, &self.access.groups, None),
            "mappings": mappings.collect::<Vec<_>>(),
        })
    }

    fn choices(&self) -> Value {
        json!({
            "access": fields::choices(access::CHOICES, &self.access.access),
            "client_type": fields::choices(
                ClientType::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("client_type")),
            "sub_mode": fields::choices(
                SubjectMode::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("sub_mode")),
            "issuer_mode": fields::choices(
                IssuerMode::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("issuer_mode")),
            "consent": fields::choices(
                ConsentMode::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("consent")),
        })
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

impl UriRow {
    fn from_uri(uri: &RedirectUri) -> Self {
        Self {
            uri: uri.url.clone(),
            mode: if uri.matching_mode == MatchingMode::Regex { "regex" } else { "exact" },
            kind: if uri.kind == RedirectKind::Logout { "logout" } else { "authorization" },
        }
    }

    /// A row with an empty URI is no row. Exact is what counts unless something else was chosen.
    fn from_fields(form: &Fields, row: usize) -> Option<Self> {
        let uri = form.get(&format!("redirect_uri_{row}")).trim();
        let regex = form.get(&format!("redirect_mode_{row}")) == "regex";
        let logout = form.get(&format!("redirect_kind_{row}")) == "logout";
        (!uri.is_empty()).then(|| Self {
            uri: uri.to_owned(),
            mode: if regex { "regex" } else { "exact" },
            kind: if logout { "logout" } else { "authorization" },
        })
    }

    fn read(&self) -> RedirectUri {
        RedirectUri {
            url: self.uri.clone(),
            matching_mode: if self.mode == "regex" { MatchingMode::Regex } else { MatchingMode::Strict },
            kind: if self.kind == "logout" { RedirectKind::Logout } else { RedirectKind::Authorization },
        }
    }
}

/// Reads fields and notes what is wrong with them.
struct Reader<'a> {
    draft: &'a ApplicationDraft,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn provider(&mut self, was: &ProviderProfile) -> ProviderProfile {
        ProviderProfile {
            name: was.name.clone(),
            client_type: self.choice("client_type", ClientType::parse, was.client_type),
            client_id: self.draft.text("client_id").to_owned(),
            redirect_uris: self.draft.redirect_uris.iter().map(UriRow::read).collect(),
            signing_key: self.choice("signing_key", |text| text.parse().ok(), was.signing_key),
            sub_mode: self.choice("sub_mode", SubjectMode::parse, was.sub_mode),
            issuer_mode: self.choice("issuer_mode", IssuerMode::parse, was.issuer_mode),
            access_code_validity: self.lifetime("access_code_validity", was.access_code_validity),
            access_token_validity: self.lifetime("access_token_validity", was.access_token_validity),
            refresh_token_validity: self.lifetime("refresh_token_validity", was.refresh_token_validity),
            refresh_token_threshold: self.lifetime("refresh_token_threshold", was.refresh_token_threshold),
            include_claims_in_id_token: self.draft.include_claims_in_id_token,
            mappings: self.mappings(),
        }
    }

    fn choice<T>(&mut self, field: &'static str, parse: impl Fn(&str) -> Option<T>, was: T) -> T {
        parse(self.draft.text(field)).unwrap_or_else(|| {
            self.problems.add(field, "Choose one of the entries.");
            was
        })
    }

    fn lifetime(&mut self, field: &'static str, was: Lifetime) -> Lifetime {
        self.draft.text(field).parse().unwrap_or_else(|error| {
            self.problems.add(field, fields::sentence(&error));
            was
        })
    }

    fn mappings(&mut self) -> BTreeSet<doorward_core::id::MappingId> {
        let (mut ids, mut all) = (BTreeSet::new(), true);
        for text in &self.draft.mappings {
            match text.parse() {
                Ok(id) => all &= ids.insert(id),
                Err(_) => all = false,
            }
        }
        self.problems.require(all, "mappings", "One of the claim mappings does not exist.");
        ids
    }
}
