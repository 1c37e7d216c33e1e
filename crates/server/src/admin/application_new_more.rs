//! "More settings" of a new application: what the edit page has about its OAuth2/OpenID provider, with the defaults chosen.

use doorward_core::{
    application::ConsentMode, problem::Problems, provider::ProviderProfile, redirect_uri::RedirectUri,
};
use serde_json::{Map, Value, json};

use super::{fields, oauth_form::OauthDraft};
use crate::{app::App, applications, http::form::Fields};

/// Fields that hold one text each.
const TEXTS: [&str; 3] = ["logout_uri", "logout_method", "sub_mode"];

/// The part as typed.
#[derive(Debug, Clone)]
pub(super) struct MoreDraft {
    oauth: OauthDraft,
    /// How it is if nobody touches it.
    untouched: OauthDraft,
    logout_uris: String,
    consent: String,
}

impl MoreDraft {
    /// With the defaults of new applications. None without a signing key: then no such provider can be made.
    pub(super) fn untouched(app: &App) -> Option<Self> {
        let default = applications::default_provider(&app.snapshot(), "").ok()?;
        let oauth = OauthDraft::from_profile(&default);
        let consent = ConsentMode::Never.as_str().to_owned();
        Some(Self { untouched: oauth.clone(), oauth, logout_uris: String::new(), consent })
    }

    /// What was sent. A form without this part, as programs send it, means the defaults.
    pub(super) fn from_fields(app: &App, form: &Fields) -> Option<Self> {
        let mut draft = Self::untouched(app)?;
        if form.is_ticked("more_settings") {
            draft.oauth.take_over(form, &TEXTS);
            form.get("logout_uris").trim().clone_into(&mut draft.logout_uris);
            form.get("consent").clone_into(&mut draft.consent);
        }
        Some(draft)
    }

    /// Fields that are not as they were offered.
    pub(super) fn touched(&self) -> Vec<&'static str> {
        let mut touched = self.oauth.differences(&self.untouched, &TEXTS);
        touched.extend((!self.logout_uris.is_empty()).then_some("logout_uris"));
        touched.extend((self.consent != ConsentMode::Never.as_str()).then_some("consent"));
        touched
    }

    /// Writes it into a provider, and says when people are asked for consent. Redirect URIs are added to those there.
    pub(super) fn read(&self, provider: &mut ProviderProfile, problems: &mut Problems) -> ConsentMode {
        let read = self.oauth.read(provider, problems);
        provider.grant_types = read.grant_types;
        provider.mappings = read.mappings;
        provider.logout_uri = read.logout_uri;
        provider.logout_method = read.logout_method;
        provider.sub_mode = read.sub_mode;
        provider.redirect_uris.extend(fields::lines(&self.logout_uris).into_iter().map(RedirectUri::logout));
        ConsentMode::parse(&self.consent).unwrap_or_else(|| {
            problems.add("consent", "Choose one of the entries.");
            ConsentMode::Always
        })
    }

    /// Adds what the template shows of it.
    pub(super) fn show(&self, app: &App, context: &mut Map<String, Value>) {
        let mut texts = Map::new();
        self.oauth.show(app, context, &mut texts);
        let consents = ConsentMode::ALL.iter().map(|(_, value, label)| (*value, *label));
        let more = json!({
            "logout_uri": texts.get("logout_uri"),
            "logout_uris": self.logout_uris,
            "consent": fields::choices(consents, &self.consent),
            "is_touched": !self.touched().is_empty(),
        });
        context.insert("more".to_owned(), more);
    }
}
