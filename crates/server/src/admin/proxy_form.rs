//! The part of an application's form that is about its proxy provider.

use doorward_core::{
    problem::Problems,
    proxy_provider::{BasicAuth, Identity, ProxyMode, ProxyProfile},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::fields;
use crate::http::form::Fields;

/// Fields that hold one text each.
const TEXTS: [&str; 8] = [
    "proxy_mode",
    "external_host",
    "cookie_domain",
    "skip_path_regex",
    "session_validity",
    "group_separator",
    "basic_auth_user_attribute",
    "basic_auth_password_attribute",
];

/// The part as typed.
#[derive(Debug, Clone)]
pub(super) struct ProxyDraft {
    texts: BTreeMap<&'static str, String>,
    /// Names of headers, as typed, by what they carry.
    headers: BTreeMap<Identity, String>,
    intercept_header_auth: bool,
}

impl ProxyDraft {
    /// A provider as kept.
    pub(super) fn from_profile(provider: &ProxyProfile) -> Self {
        let (user, password) = match &provider.basic_auth {
            Some(basic) => (basic.user_attribute.clone(), basic.password_attribute.clone()),
            None => (String::new(), String::new()),
        };
        let values = [
            provider.mode.as_str().to_owned(),
            provider.external_host.clone(),
            provider.cookie_domain.clone(),
            provider.skip_path_regex.join("\n"),
            provider.access_token_validity.to_string(),
            provider.group_separator.clone(),
            user,
            password,
        ];
        Self {
            texts: TEXTS.into_iter().zip(values).collect(),
            headers: provider.headers.clone(),
            intercept_header_auth: provider.intercept_header_auth,
        }
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).trim().to_owned())).collect(),
            headers: Identity::ALL
                .into_iter()
                .map(|(identity, name, _)| (identity, form.get(&field(name)).trim().to_owned()))
                .filter(|(_, name)| !name.is_empty())
                .collect(),
            intercept_header_auth: form.is_ticked("intercept_header_auth"),
        }
    }

    /// The profile that was typed.
    pub(super) fn read(&self, problems: &mut Problems) -> ProxyProfile {
        let mut profile = ProxyProfile::domain(self.text("external_host"), self.text("cookie_domain"));
        match ProxyMode::parse(self.text("proxy_mode")) {
            Some(mode) => profile.mode = mode,
            None => problems.add("proxy_mode", "Choose one of the entries."),
        }
        match self.text("session_validity").parse() {
            Ok(lifetime) => profile.access_token_validity = lifetime,
            Err(error) => problems.add("session_validity", fields::sentence(&error)),
        }
        profile.skip_path_regex = fields::lines(self.text("skip_path_regex"));
        self.text("group_separator").clone_into(&mut profile.group_separator);
        profile.headers.clone_from(&self.headers);
        profile.intercept_header_auth = self.intercept_header_auth;
        let (user, password) = (self.text("basic_auth_user_attribute"), self.text("basic_auth_password_attribute"));
        profile.basic_auth = (!user.is_empty() || !password.is_empty())
            .then(|| BasicAuth { user_attribute: user.to_owned(), password_attribute: password.to_owned() });
        profile
    }

    /// Adds what the template shows of it.
    pub(super) fn show(&self, context: &mut Map<String, Value>, form: &mut Map<String, Value>) {
        form.extend(self.texts.iter().map(|(name, text)| ((*name).to_owned(), json!(text))));
        form.insert("intercept_header_auth".to_owned(), json!(self.intercept_header_auth));
        let modes = ProxyMode::ALL.iter().map(|(_, value, label)| (*value, *label));
        context.insert("proxy_modes".to_owned(), fields::choices(modes, self.text("proxy_mode")));
        let headers = Identity::ALL.into_iter().map(|(identity, name, label)| {
            let value = self.headers.get(&identity).map_or("", String::as_str);
            json!({ "field": field(name), "label": label, "value": value })
        });
        context.insert("proxy_headers".to_owned(), headers.collect());
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

/// The field for the name of a header.
fn field(identity: &str) -> String {
    format!("header_{}", identity.replace('-', "_"))
}
