//! The settings to paste into the application.

use std::{collections::BTreeMap, fmt, str::FromStr};

use minijinja::Value;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{
    AppVersion, Options, Recipe, RecipeError, UriKind,
    data::{BlockData, NoteData},
    input::{base_url, writable},
    render::{Context, Renderer, context},
    version::show,
};

/// How the application is installed, and so where its settings go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Its configuration file.
    File,
    /// Files and environment of its container.
    Docker,
    /// Values of its Helm chart.
    Helm,
}

impl Style {
    /// All styles.
    pub const ALL: [Self; 3] = [Self::File, Self::Docker, Self::Helm];

    /// The word on the command line and in recipe files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Docker => "docker",
            Self::Helm => "helm",
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Style {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        Self::ALL
            .into_iter()
            .find(|style| style.as_str() == text)
            .ok_or_else(|| RecipeError::UnknownStyle { given: text.escape_debug().to_string() })
    }
}

/// What the settings are made from. Holds the client secret, so it cannot be printed.
#[derive(Clone)]
pub struct SettingsInput {
    /// Issuer of the application, byte for byte, slash at its end included.
    pub issuer: String,
    /// Its end-session address.
    pub end_session_url: String,
    /// Doorward's public URL.
    pub public_url: String,
    /// Client ID.
    pub client_id: String,
    /// Client secret.
    pub client_secret: String,
    /// Address of the application.
    pub url: Url,
    /// [`super::RecipePlan::options`] as kept with the application.
    pub options: serde_json::Value,
    /// How the application is installed.
    pub style: Style,
    /// Its version; the recipe's assumed version if unknown.
    pub app_version: Option<AppVersion>,
}

/// One piece of text to paste. Holds the client secret, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SettingsBlock {
    /// File it belongs in.
    pub filename: String,
    /// What to do with it, in one line.
    pub title: String,
    /// The text.
    pub text: String,
    /// What to know before pasting: limits of that version, things to install.
    pub notes: Vec<String>,
}

impl Recipe {
    /// The settings to paste, in order. Notes stand with the first block.
    ///
    /// # Errors
    /// A style or version that the recipe has no settings for, a bad address, options of another recipe, a value that the format
    /// cannot hold; each names what is allowed.
    pub fn settings(&self, input: &SettingsInput) -> Result<Vec<SettingsBlock>, RecipeError> {
        let version = self.version_or_assumed(input.app_version)?;
        let blocks = self.blocks(input.style, version)?;
        let values = self.values(input, version)?;
        let renderer = Renderer::new(self);
        let mut notes = self.notes(input.style, version, &renderer, &values)?;
        let mut made = Vec::new();
        for block in blocks {
            made.push(SettingsBlock {
                filename: block.filename.clone(),
                title: block.title.clone(),
                text: renderer.template(&block.template, &values)?,
                notes: std::mem::take(&mut notes),
            });
        }
        Ok(made)
    }

    fn version_or_assumed(&self, given: Option<AppVersion>) -> Result<AppVersion, RecipeError> {
        let oldest = self.version(&self.data.versions.oldest)?;
        match given {
            None => self.assumed_version(),
            Some(version) if version < oldest => Err(RecipeError::VersionTooOld {
                name: self.data.name.clone(),
                given: show(version),
                oldest: show(oldest),
            }),
            Some(version) => Ok(version),
        }
    }

    fn blocks(&self, style: Style, version: AppVersion) -> Result<Vec<&BlockData>, RecipeError> {
        let mut blocks = Vec::new();
        for block in self.data.settings.iter().filter(|block| block.style == style) {
            if self.covers(block.since.as_deref(), block.before.as_deref(), version)? {
                blocks.push(block);
            }
        }
        if blocks.is_empty() {
            return Err(RecipeError::StyleNotOffered {
                name: self.data.name.clone(),
                version: show(version),
                style: style.as_str(),
                offered: self.offered(),
            });
        }
        Ok(blocks)
    }

    /// Styles there are, each with its limits: `file, helm (from 4.1.0)`.
    fn offered(&self) -> String {
        let mut offered: Vec<String> = Vec::new();
        for block in &self.data.settings {
            let style = block.style;
            let text = match (&block.since, &block.before) {
                (None, None) => style.to_string(),
                (Some(since), None) => format!("{style} (from {since})"),
                (None, Some(before)) => format!("{style} (before {before})"),
                (Some(since), Some(before)) => format!("{style} (from {since}, before {before})"),
            };
            if !offered.contains(&text) {
                offered.push(text);
            }
        }
        offered.join(", ")
    }

    fn covers(&self, since: Option<&str>, before: Option<&str>, version: AppVersion) -> Result<bool, RecipeError> {
        let begun = since.map(|text| self.version(text)).transpose()?.is_none_or(|since| version >= since);
        let ended = before.map(|text| self.version(text)).transpose()?.is_some_and(|before| version >= before);
        Ok(begun && !ended)
    }

    fn notes(
        &self,
        style: Style,
        version: AppVersion,
        renderer: &Renderer<'_>,
        values: &Context,
    ) -> Result<Vec<String>, RecipeError> {
        let mut notes = Vec::new();
        for note in &self.data.notes {
            let NoteData { styles, since, before, when, text } = note;
            let meant = (styles.is_empty() || styles.contains(&style))
                && self.covers(since.as_deref(), before.as_deref(), version)?;
            let holds = meant && when.as_deref().map_or(Ok(true), |when| renderer.holds(when, values))?;
            if holds {
                notes.push(renderer.text(text, values)?);
            }
        }
        Ok(notes)
    }

    fn values(&self, input: &SettingsInput, version: AppVersion) -> Result<Context, RecipeError> {
        let url = base_url(&input.url)?;
        let options = Options::read(self, &input.options)?;
        let issuer = address("issuer", &input.issuer)?;
        let public_url = address("public URL", &input.public_url)?;
        let mut values = context(&url, &options);
        values.insert("sign_out_url", Value::from(self.sign_out_url(input, &values)?));
        values.insert("issuer", Value::from(input.issuer.as_str()));
        values.insert("issuer_is_loopback", Value::from(is_loopback(&issuer)));
        values.insert("public_url", Value::from(public_url.as_str().trim_end_matches('/')));
        values.insert("end_session_url", Value::from(input.end_session_url.as_str()));
        values.insert("client_id", Value::from(input.client_id.as_str()));
        values.insert("client_secret", Value::from(input.client_secret.as_str()));
        self.version_values(version, &mut values)?;
        Ok(values)
    }

    fn version_values(&self, version: AppVersion, values: &mut Context) -> Result<(), RecipeError> {
        let checked = self.data.versions.checked.as_deref().map(|text| self.version(text)).transpose()?;
        let newer = checked.is_some_and(|(major, minor, _)| (version.0, version.1) > (major, minor));
        let mut has = BTreeMap::new();
        for feature in &self.data.features {
            has.insert(feature.name.clone(), version >= self.version(&feature.since)?);
        }
        values.insert("version", Value::from(show(version)));
        values.insert("checked", Value::from(checked.map(show)));
        values.insert("newer_than_checked", Value::from(newer));
        values.insert("has", Value::from(has));
        Ok(())
    }

    /// End-session address that names the client and the first logout URI: applications that cannot add an `id_token_hint` need it
    /// whole (`OpenID` Connect RP-Initiated Logout 1.0, section 2).
    fn sign_out_url(&self, input: &SettingsInput, values: &Context) -> Result<String, RecipeError> {
        let mut address = address("end-session address", &input.end_session_url)?;
        let logout = self.data.redirect_uris.iter().find(|uri| uri.kind == UriKind::Logout);
        let logout = logout.map(|uri| Renderer::new(self).text(&uri.uri, values)).transpose()?;
        let mut query = address.query_pairs_mut();
        query.append_pair("client_id", &input.client_id);
        if let Some(logout) = logout {
            query.append_pair("post_logout_redirect_uri", &logout);
        }
        drop(query);
        Ok(address.into())
    }
}

fn address(what: &'static str, given: &str) -> Result<Url, RecipeError> {
    let bad = || RecipeError::BadAddress { what, given: given.escape_debug().to_string() };
    let url = Url::parse(given).map_err(|_| bad())?;
    if writable(given) && matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(bad()) }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
