//! The part of an application's form that is about its OAuth2/OpenID provider.

use doorward_core::{
    grant_type::GrantType,
    lifetime::Lifetime,
    problem::Problems,
    provider::{ClientType, IssuerMode, LogoutMethod, ProviderProfile, SubjectMode},
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::fields;
use crate::{app::App, http::form::Fields};

/// Fields that hold one text each.
const TEXTS: [&str; 11] = [
    "client_type",
    "client_id",
    "signing_key",
    "sub_mode",
    "issuer_mode",
    "access_code_validity",
    "access_token_validity",
    "refresh_token_validity",
    "refresh_token_threshold",
    "logout_uri",
    "logout_method",
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

/// The part as typed.
#[derive(Debug, Clone)]
pub(super) struct OauthDraft {
    texts: BTreeMap<&'static str, String>,
    grant_types: BTreeSet<String>,
    include_claims_in_id_token: bool,
    redirect_uris: Vec<UriRow>,
    mappings: BTreeSet<String>,
}

impl OauthDraft {
    /// A provider as kept.
    pub(super) fn from_profile(provider: &ProviderProfile) -> Self {
        let values = [
            provider.client_type.as_str().to_owned(),
            provider.client_id.clone(),
            provider.signing_key.to_string(),
            provider.sub_mode.as_str().to_owned(),
            provider.issuer_mode.as_str().to_owned(),
            provider.access_code_validity.to_string(),
            provider.access_token_validity.to_string(),
            provider.refresh_token_validity.to_string(),
            provider.refresh_token_threshold.to_string(),
            provider.logout_uri.clone(),
            provider.logout_method.as_str().to_owned(),
        ];
        Self {
            texts: TEXTS.into_iter().zip(values).collect(),
            grant_types: provider.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect(),
            include_claims_in_id_token: provider.include_claims_in_id_token,
            redirect_uris: provider.redirect_uris.iter().map(UriRow::from_uri).collect(),
            mappings: provider.mappings.iter().map(ToString::to_string).collect(),
        }
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).trim().to_owned())).collect(),
            grant_types: form.all("grant_types").map(str::to_owned).collect(),
            include_claims_in_id_token: form.is_ticked("include_claims_in_id_token"),
            redirect_uris: (1..=ROWS_MAX).filter_map(|row| UriRow::from_fields(form, row)).collect(),
            mappings: form.all("mappings").map(str::to_owned).collect(),
        }
    }

    /// Takes what a form with a part of the fields sent: some texts, the grant types and the claim mappings.
    pub(super) fn take_over(&mut self, form: &Fields, texts: &[&'static str]) {
        self.texts.extend(texts.iter().map(|name| (*name, form.get(name).trim().to_owned())));
        self.grant_types = form.all("grant_types").map(str::to_owned).collect();
        self.mappings = form.all("mappings").map(str::to_owned).collect();
    }

    /// Which of these texts, and of grant types and claim mappings, differ.
    pub(super) fn differences(&self, other: &Self, texts: &[&'static str]) -> Vec<&'static str> {
        let mut fields: Vec<_> = texts.iter().copied().filter(|name| self.text(name) != other.text(name)).collect();
        fields.extend((self.grant_types != other.grant_types).then_some("grant_types"));
        fields.extend((self.mappings != other.mappings).then_some("mappings"));
        fields
    }

    /// The profile that was typed; what the form does not hold stays as it is.
    pub(super) fn read(&self, was: &ProviderProfile, problems: &mut Problems) -> ProviderProfile {
        Reader { draft: self, problems }.provider(was)
    }

    /// Adds what the template shows of it.
    pub(super) fn show(&self, app: &App, context: &mut Map<String, Value>, form: &mut Map<String, Value>) {
        let snapshot = app.snapshot();
        form.extend(self.texts.iter().map(|(name, text)| ((*name).to_owned(), json!(text))));
        form.insert("include_claims_in_id_token".to_owned(), json!(self.include_claims_in_id_token));
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
        let grant_types = GrantType::ALL.iter().map(
            |(_, value, label)| json!({ "value": value, "label": label, "checked": self.grant_types.contains(*value) }),
        );
        context.insert("grant_types".to_owned(), grant_types.collect());
        context.insert("redirect_uris".to_owned(), json!(self.redirect_uris));
        context.insert("keys".to_owned(), keys.collect());
        context.insert("mappings".to_owned(), mappings.collect());
        context.insert(
            "oauth_choices".to_owned(),
            json!({
                "client_type": fields::choices(
                    ClientType::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("client_type")),
                "sub_mode": fields::choices(
                    SubjectMode::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("sub_mode")),
                "issuer_mode": fields::choices(
                    IssuerMode::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("issuer_mode")),
                "logout_method": fields::choices(
                    LogoutMethod::ALL.iter().map(|(_, value, label)| (*value, *label)), self.text("logout_method")),
            }),
        );
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
    draft: &'a OauthDraft,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn provider(&mut self, was: &ProviderProfile) -> ProviderProfile {
        ProviderProfile {
            name: was.name.clone(),
            client_type: self.choice("client_type", ClientType::parse, was.client_type),
            grant_types: self.grant_types(),
            client_id: self.draft.text("client_id").to_owned(),
            redirect_uris: self.draft.redirect_uris.iter().map(UriRow::read).collect(),
            logout_uri: self.draft.text("logout_uri").to_owned(),
            logout_method: self.choice("logout_method", LogoutMethod::parse, was.logout_method),
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

    fn grant_types(&mut self) -> BTreeSet<GrantType> {
        let chosen: Option<_> = self.draft.grant_types.iter().map(|text| GrantType::parse(text)).collect();
        self.problems.require(chosen.is_some(), "grant_types", "Choose among the entries.");
        chosen.unwrap_or_default()
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
