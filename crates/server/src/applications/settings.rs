//! The settings to paste into applications that were made from recipes.

use doorward_core::{
    application::{ApplicationProfile, RecipeUse},
    method::Method,
    secret::Secret,
};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use url::Url;

use super::service_account;
use crate::{
    app::App,
    error::{OperationError, OperationResult},
    proxy::client::ProxyClient,
    recipes::{
        self, AUTHENTIK_HEADERS, AppVersion, Connection, LdapConnection, LdapListeners, LdapServer, OidcConnection,
        ProxyConnection, Recipe, RecipeError, SettingsBlock, SettingsInput, Style, WebProxy,
    },
    snapshot::{ApplicationEntry, Client, LdapClient},
};

/// What stands in settings where the client secret belongs, until it is shown.
pub const SECRET_PLACEHOLDER: &str = "<client secret: press Reveal to see it here>";
/// What stands in settings where the password of the service account belongs: it was shown once.
pub const PASSWORD_PLACEHOLDER: &str = "<the LDAP password; only a new one can be shown>";

/// Which settings, and what is known for them.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// By which protocol people sign in.
    pub method: Method,
    /// How the application is installed.
    pub style: Style,
    /// Its version, if known.
    pub app_version: Option<AppVersion>,
    /// The client secret or the service account's password; a placeholder stands in the text without it.
    pub secret: Option<Secret<String>>,
    /// With a proxy: which one, if only one is wanted.
    pub web_proxy: Option<WebProxy>,
    /// With a proxy: where the application listens behind it, if not as it was said when it was added.
    pub upstream: Option<String>,
}

impl Wanted {
    /// Settings of a method and style, with placeholders for secrets.
    pub fn new(method: Method, style: Style) -> Self {
        Self { method, style, app_version: None, secret: None, web_proxy: None, upstream: None }
    }
}

/// The settings to paste into an application, and into the proxy before it; `None` if it was made without a recipe, or if
/// its recipe or the application itself does not know the method. A proxy's configuration needs no recipe.
///
/// # Errors
/// What the recipe says, for instance that it knows no such version.
pub async fn settings(
    app: &App,
    entry: &ApplicationEntry,
    wanted: Wanted,
) -> OperationResult<Option<Vec<SettingsBlock>>> {
    let known = entry.application.profile.recipe.as_ref().map(|recipe_use| {
        let recipe = Recipe::find(&recipe_use.id).map_err(|error| refused("recipe", &error))?;
        Ok::<_, OperationError>(recipe.has_method(wanted.method).then_some((recipe_use, recipe)))
    });
    let Some((recipe_use, recipe)) = known.transpose()?.flatten() else { return bare_proxy(app, entry, &wanted) };
    // The secret never comes near the text: a word that every format can hold stands in for it and is replaced.
    let word = doorward_core::random::alphanumeric(40);
    let secret = wanted.secret.as_ref().map_or(&word, Secret::expose).clone();
    let connection = match (wanted.method, &entry.oauth, &entry.ldap) {
        (Method::Oidc, Some(client), _) => Connection::Oidc(oidc(app, client, secret)),
        (Method::Ldap, _, Some(client)) => Connection::Ldap(ldap(app, client, secret).await?),
        (Method::Proxy, ..) if let Some(client) = &entry.proxy => Connection::Proxy(proxy(app, client, &wanted, true)),
        _ => return Ok(None),
    };
    let made = recipe.settings(&SettingsInput {
        connection,
        public_url: app.config.public_url.to_string(),
        url: url_of(recipe_use)?,
        options: recipe_use.options.clone(),
        style: wanted.style,
        app_version: wanted.app_version,
    });
    let mut blocks = made.map_err(|error| refused("style", &error))?;
    if wanted.secret.is_none() {
        let placeholder = if wanted.method == Method::Ldap { PASSWORD_PLACEHOLDER } else { SECRET_PLACEHOLDER };
        for block in &mut blocks {
            block.text = block.text.replace(&word, placeholder);
        }
    }
    Ok(Some(blocks))
}

fn oidc(app: &App, client: &Client, client_secret: String) -> OidcConnection {
    let slug = &client.application.profile.slug;
    OidcConnection {
        issuer: client.issuer.clone(),
        end_session_url: format!("{}application/o/{slug}/end-session/", app.config.public_url),
        client_id: client.provider.profile.client_id.clone(),
        client_secret,
    }
}

async fn ldap(app: &App, client: &LdapClient, bind_password: String) -> OperationResult<LdapConnection> {
    let base_dn = client.provider.profile.base_dn.clone();
    let account = service_account::find(app, client).await?;
    let username = account.map_or_else(|| "NO-SERVICE-ACCOUNT".to_owned(), |user| user.profile.username);
    Ok(LdapConnection {
        host: app.config.public_url.host().to_owned(),
        listeners: listeners(app),
        bind_dn: service_account::bind_dn(&username, &base_dn),
        base_dn,
        bind_password,
    })
}

/// What the proxy before an application without a recipe has to be told.
fn bare_proxy(app: &App, entry: &ApplicationEntry, wanted: &Wanted) -> OperationResult<Option<Vec<SettingsBlock>>> {
    let client = entry.proxy.as_ref().filter(|_| wanted.method == Method::Proxy);
    let Some(client) = client else { return Ok(None) };
    let made = recipes::web_proxy_settings(&proxy(app, client, wanted, false));
    made.map(Some).map_err(|error| refused("style", &error))
}

/// `has_recipe`: the application reads the provider's own headers and none of authentik's.
fn proxy(app: &App, client: &ProxyClient, wanted: &Wanted, has_recipe: bool) -> ProxyConnection {
    let profile = &client.provider.profile;
    let doorward = as_seen_from_here(app.config.http_address);
    let more_headers: &[&str] = if has_recipe { &[] } else { &AUTHENTIK_HEADERS };
    ProxyConnection {
        slug: client.application.profile.slug.clone(),
        external_host: profile.external_host.clone(),
        cookie_domain: client.cookie_domain().map(str::to_owned),
        doorward,
        upstream: wanted.upstream.clone(),
        headers: profile.headers.clone(),
        group_separator: profile.group_separator.clone(),
        more_headers: more_headers.iter().map(|&name| name.to_owned()).collect(),
        takes_authorization: profile.intercept_header_auth || profile.basic_auth.is_some(),
        sends_basic: profile.basic_auth.is_some(),
        web_proxy: wanted.web_proxy,
        doubts: proxy_doubt(app, doorward.ip()).into_iter().collect(),
    }
}

/// A listener's address for who is on the same machine.
fn as_seen_from_here(listener: SocketAddr) -> SocketAddr {
    match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listener.port()).into(),
        // On most machines a listener for all IPv6 addresses takes IPv4 as well.
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listener.port()).into(),
        _ => listener,
    }
}

/// Why Doorward would not believe a proxy that comes from an address.
fn proxy_doubt(app: &App, proxy: IpAddr) -> Option<String> {
    let doubt = format!(
        "Doorward answers proxies only that it was told of: set trusted_proxies = [\"{proxy}\"] in doorward.toml, or the \
         address of the proxy if it is on another machine, and restart it."
    );
    (!app.config.trusts(proxy)).then_some(doubt)
}

/// Where an application finds the LDAP server: as chosen for its recipe, or else at the host of the public URL.
pub fn ldap_server(app: &App, entry: &ApplicationEntry) -> LdapServer {
    let chosen = LdapServer::parse(chosen_ldap_server(&entry.application.profile)).ok();
    chosen.unwrap_or_else(|| listeners(app).server(app.config.public_url.host()))
}

/// Why the LDAP server may not answer where an application looks for it; `None` if nothing speaks against it.
pub fn ldap_server_doubt(app: &App, entry: &ApplicationEntry) -> Option<String> {
    entry.ldap.as_ref().and_then(|_| listeners(app).doubt(&ldap_server(app, entry)))
}

fn listeners(app: &App) -> LdapListeners {
    LdapListeners { ldap: app.config.ldap_address, ldaps: app.config.ldaps_address }
}

/// Chooses where an application finds the LDAP server, as its settings will say; `None` goes back to the host of the
/// public URL.
///
/// # Errors
/// That it is not the address of an LDAP server; that the application has no recipe, and so no settings.
pub fn choose_ldap_server(profile: &mut ApplicationProfile, uri: Option<&str>) -> OperationResult<()> {
    let server = uri.map(LdapServer::parse).transpose().map_err(|error| refused("ldap_uri", &error))?;
    let Some(Value::Object(options)) = profile.recipe.as_mut().map(|recipe| &mut recipe.options) else {
        return match server {
            None => Ok(()),
            Some(_) => Err(OperationError::invalid(
                "ldap_uri",
                "Only applications from recipes have settings that this address stands in.",
            )),
        };
    };
    match server {
        Some(server) => options.insert("ldap_uri".to_owned(), json!(server.uri())),
        None => options.remove("ldap_uri"),
    };
    Ok(())
}

/// The address that was chosen for an application's settings; empty if none was.
pub fn chosen_ldap_server(profile: &ApplicationProfile) -> &str {
    let recipe = profile.recipe.as_ref();
    recipe.and_then(|recipe| recipe.options.get("ldap_uri")?.as_str()).unwrap_or_default()
}

/// The address kept with a recipe; empty for what has none of its own.
fn url_of(recipe: &RecipeUse) -> OperationResult<Option<Url>> {
    if recipe.url.is_empty() {
        return Ok(None);
    }
    Url::parse(&recipe.url).map(Some).map_err(|error| OperationError::Internal(error.to_string()))
}

pub(super) fn refused(field: &'static str, error: &RecipeError) -> OperationError {
    OperationError::invalid(field, error.to_string())
}
