//! The settings to paste into the application.

use std::{fmt, str::FromStr};

use doorward_core::method::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    AppVersion, LdapListeners, LdapServer, Options, ProxyConnection, Recipe, RecipeError,
    data::{BlockData, NoteData},
    render::{Context, Renderer},
    version::show,
    web_proxy::Extras,
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

/// What the settings are made from. Holds secrets, so it cannot be printed.
#[derive(Clone)]
pub struct SettingsInput {
    /// How the application reaches Doorward.
    pub connection: Connection,
    /// Doorward's public URL.
    pub public_url: String,
    /// Address of the application, if it has one.
    pub url: Option<Url>,
    /// [`super::RecipePlan::options`] as kept with the application.
    pub options: serde_json::Value,
    /// How the application is installed.
    pub style: Style,
    /// Its version; the recipe's assumed version if unknown.
    pub app_version: Option<AppVersion>,
}

/// How an application reaches Doorward, and by which name and secret. Cannot be printed.
#[derive(Clone)]
pub enum Connection {
    /// By OpenID Connect.
    Oidc(OidcConnection),
    /// By LDAP.
    Ldap(LdapConnection),
    /// Through a web proxy that asks Doorward.
    Proxy(ProxyConnection),
}

/// What an application enters to use OpenID Connect.
#[derive(Clone)]
pub struct OidcConnection {
    /// Issuer of the application, byte for byte, slash at its end included.
    pub issuer: String,
    /// Its end-session address.
    pub end_session_url: String,
    /// Client ID.
    pub client_id: String,
    /// Client secret.
    pub client_secret: String,
}

/// What an application enters to use LDAP.
#[derive(Clone)]
pub struct LdapConnection {
    /// Doorward's host, where the server is unless the options say otherwise.
    pub host: String,
    /// Where Doorward listens.
    pub listeners: LdapListeners,
    /// Root of the tree.
    pub base_dn: String,
    /// DN of the service account.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: String,
}

impl LdapConnection {
    /// Where the server is.
    pub(super) fn server(&self, options: &Options) -> Result<LdapServer, RecipeError> {
        let chosen = options.ldap_uri.as_deref().map(LdapServer::parse).transpose()?;
        Ok(chosen.unwrap_or_else(|| self.listeners.server(&self.host)))
    }
}

impl Connection {
    /// The protocol.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Self::Oidc(_) => Method::Oidc,
            Self::Ldap(_) => Method::Ldap,
            Self::Proxy(_) => Method::Proxy,
        }
    }
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
        self.knows(input.connection.method())?;
        let version = self.version_or_assumed(input.app_version)?;
        let blocks = self.blocks(input, version)?;
        let values = self.values(input, version)?;
        let renderer = Renderer::new(&self.data.id);
        let mut notes = self.notes(input, version, &renderer, &values)?;
        let mut made = self.proxy_blocks(input, &renderer)?;
        if let Some(first) = made.first_mut() {
            first.notes = std::mem::take(&mut notes);
        }
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

    /// The configuration of the web proxies; none for other methods.
    fn proxy_blocks(&self, input: &SettingsInput, renderer: &Renderer<'_>) -> Result<Vec<SettingsBlock>, RecipeError> {
        let (Connection::Proxy(connection), Some(data)) = (&input.connection, &self.data.proxy) else {
            return Ok(Vec::new());
        };
        let options = Options::read(self, &input.options)?;
        let upstream = connection.upstream.clone().or(options.upstream).unwrap_or_else(|| data.upstream.clone());
        let connection = ProxyConnection { upstream: Some(upstream), ..connection.clone() };
        let (tokens, static_files, max_body) = (data.tokens.clone(), data.static_files.clone(), data.max_body.clone());
        connection.blocks(renderer, &Extras { tokens, static_files, max_body })
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

    /// The method of a block; needed in the file only where there are several.
    pub(super) fn method_of(&self, block: &BlockData) -> Method {
        block.method.unwrap_or_else(|| self.usual_method())
    }

    fn blocks(&self, input: &SettingsInput, version: AppVersion) -> Result<Vec<&BlockData>, RecipeError> {
        let mut blocks = Vec::new();
        let method = input.connection.method();
        for block in self.data.settings.iter().filter(|block| self.method_of(block) == method) {
            if block.style == input.style && self.covers(block.since.as_deref(), block.before.as_deref(), version)? {
                blocks.push(block);
            }
        }
        if blocks.is_empty() {
            return Err(RecipeError::StyleNotOffered {
                name: self.data.name.clone(),
                version: show(version),
                style: input.style.as_str(),
                offered: self.offered(method),
            });
        }
        Ok(blocks)
    }

    /// Styles there are, each with its limits: `file, helm (from 4.1.0)`.
    fn offered(&self, method: Method) -> String {
        let mut offered: Vec<String> = Vec::new();
        for block in self.data.settings.iter().filter(|block| self.method_of(block) == method) {
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
        input: &SettingsInput,
        version: AppVersion,
        renderer: &Renderer<'_>,
        values: &Context,
    ) -> Result<Vec<String>, RecipeError> {
        let mut notes = Vec::new();
        for note in &self.data.notes {
            let NoteData { method, styles, since, before, when, text } = note;
            let meant = (styles.is_empty() || styles.contains(&input.style))
                && method.is_none_or(|method| method == input.connection.method())
                && self.covers(since.as_deref(), before.as_deref(), version)?;
            let holds = meant && when.as_deref().map_or(Ok(true), |when| renderer.holds(when, values))?;
            if holds {
                notes.push(renderer.text(text, values)?);
            }
        }
        match &input.connection {
            Connection::Oidc(_) => {}
            Connection::Ldap(connection) => {
                let server = connection.server(&Options::read(self, &input.options)?)?;
                notes.extend(connection.listeners.doubt(&server));
            }
            Connection::Proxy(connection) => notes.extend(connection.doubts.iter().cloned()),
        }
        Ok(notes)
    }
}
