//! What an application has to be told so that people can sign in to it: addresses, client ID, settings to paste.

use doorward_core::{method::Method, provider::ClientType};
use doorward_protocols::forward_auth::PREFIX;
use serde_json::{Value, json};

use super::{application::Revealed, fields};
use crate::{
    app::App,
    applications::{
        client_secret, service_account,
        settings::{self, Wanted},
    },
    error::{OperationError, OperationResult},
    pages,
    proxy::client::ProxyClient,
    recipes::{SettingsBlock, Style},
    snapshot::{ApplicationEntry, Client},
};

/// The single values for OpenID Connect: label, value, whether it can be copied, `id` in the page.
pub(super) fn oidc_values(client: &Client) -> Value {
    let document: Value = serde_json::from_slice(&client.discovery).unwrap_or_default();
    let endpoint = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let scopes: Vec<&str> = client.scopes.iter().map(String::as_str).collect();
    let algorithm = client.signer.algorithm().jws_name().to_owned();
    let values = [
        ("client-id", "Client ID", client.provider.profile.client_id.clone()),
        ("issuer", "Issuer", client.issuer.clone()),
        ("discovery-url", "Discovery URL", client.discovery_url()),
        ("authorization-url", "Authorization URL", endpoint("authorization_endpoint")),
        ("token-url", "Token URL", endpoint("token_endpoint")),
        ("userinfo-url", "UserInfo URL", endpoint("userinfo_endpoint")),
        ("jwks-url", "JWKS URL", endpoint("jwks_uri")),
        ("end-session-url", "End-session URL", endpoint("end_session_endpoint")),
        ("scopes", "Scopes", scopes.join(" ")),
        ("signing-algorithm", "Signing algorithm", algorithm),
    ];
    values.into_iter().map(|(id, label, value)| row(id, label, &value)).collect()
}

/// The single values for LDAP; none without such a provider.
///
/// # Errors
/// What the database says.
pub(super) async fn ldap_values(app: &App, entry: &ApplicationEntry) -> OperationResult<Value> {
    let Some(client) = &entry.ldap else { return Ok(Value::Null) };
    let base_dn = client.provider.profile.base_dn.as_str();
    let account = service_account::find(app, client).await?;
    let bind_dn = account.map(|user| service_account::bind_dn(&user.profile.username, base_dn));
    let values = [
        ("ldap-uri", "Server", settings::ldap_server(app, entry).uri()),
        ("ldap-base-dn", "Base DN", base_dn.to_owned()),
        ("ldap-users-dn", "People are under", format!("ou=users,{base_dn}")),
        ("ldap-groups-dn", "Groups are under", format!("ou=groups,{base_dn}")),
    ];
    let bind_dn = bind_dn.map(|dn| ("ldap-bind-dn", "Bind DN", dn));
    Ok(values.into_iter().chain(bind_dn).map(|(id, label, value)| row(id, label, &value)).collect())
}

/// What keeps the application from reading the directory, in sentences.
///
/// # Errors
/// What the database says.
pub(super) async fn ldap_warnings(app: &App, entry: &ApplicationEntry) -> OperationResult<Vec<String>> {
    let Some(client) = &entry.ldap else { return Ok(Vec::new()) };
    let account = service_account::warning(app, client).await?;
    // Settings to paste say it already.
    let has_recipe = entry.application.profile.recipe.is_some();
    Ok(account.into_iter().chain(settings::ldap_server_doubt(app, entry).filter(|_| !has_recipe)).collect())
}

/// The single values for a proxy.
pub(super) fn proxy_values(client: &ProxyClient) -> Value {
    let values = [
        ("proxy-external-host", "External host", client.external.to_string()),
        ("proxy-start", "Sign-in begins at", format!("{}{PREFIX}start?rd=", client.external)),
        ("proxy-callback", "Callback", client.callback()),
        ("proxy-sign-out", "Signing out", format!("{}{PREFIX}sign_out", client.external)),
        ("proxy-cookie", "Cookie", client.cookie.clone()),
    ];
    values.into_iter().map(|(id, label, value)| row(id, label, &value)).collect()
}

fn row(id: &str, label: &str, value: &str) -> Value {
    json!({ "id": id, "label": label, "value": value, "copy": true })
}

/// Whether there is a client secret to show.
pub(super) fn has_secret(client: &Client) -> bool {
    client.provider.profile.client_type == ClientType::Confidential
}

/// The client secret before the present one, while it is accepted: until when, and when somebody last came with it.
///
/// # Errors
/// What the database says.
pub(super) async fn old_secret(app: &App, entry: &ApplicationEntry) -> OperationResult<Value> {
    let Some(client) = entry.oauth.as_ref().filter(|client| has_secret(client)) else { return Ok(Value::Null) };
    let old = client_secret::old(app, client).await?;
    Ok(old.map_or(
        Value::Null,
        |old| json!({ "until": pages::time(old.expires_at), "used": old.used_at.map(pages::time) }),
    ))
}

/// The blocks to paste, of every method and style there are; for an application without a recipe only those of proxies. What
/// several styles share stands there once. A secret stands in them only if it was just revealed.
///
/// # Errors
/// [`OperationError::Invalid`] if the recipe cannot make settings in any style.
pub(super) async fn blocks(app: &App, entry: &ApplicationEntry, revealed: &Revealed) -> OperationResult<Vec<Value>> {
    let (mut shown, mut blocks, mut refusal) = (Vec::new(), Vec::new(), None);
    for method in entry.methods() {
        for style in Style::ALL {
            let mut wanted = Wanted::new(method, style);
            wanted.secret = match method {
                Method::Oidc => revealed.client_secret.clone(),
                Method::Ldap => revealed.bind.as_ref().map(|bind| bind.password.clone()),
                // There is none between a proxy and Doorward.
                Method::Proxy => None,
            };
            match settings::settings(app, entry, wanted).await {
                Ok(made) => {
                    let new = without_shown(made.unwrap_or_default(), &shown);
                    blocks.extend(new.iter().enumerate().map(|(index, made)| block(method, style, index, made)));
                    shown.extend(new);
                }
                // Not every recipe has every style.
                Err(OperationError::Invalid(problems)) => refusal = Some(problems),
                Err(error) => return Err(error),
            }
        }
    }
    match refusal {
        Some(problems) if blocks.is_empty() => Err(OperationError::Invalid(problems)),
        _ => Ok(blocks),
    }
}

/// The blocks that are not on the page yet. What was to be known before those that are there stands with the next.
fn without_shown(made: Vec<SettingsBlock>, shown: &[SettingsBlock]) -> Vec<SettingsBlock> {
    let (mut new, mut notes) = (Vec::new(), Vec::new());
    for mut block in made {
        block.notes.retain(|note| !shown.iter().any(|known| known.notes.contains(note)));
        notes.append(&mut block.notes);
        if !shown.iter().any(|known| (&known.filename, &known.text) == (&block.filename, &block.text)) {
            block.notes = std::mem::take(&mut notes);
            new.push(block);
        }
    }
    new
}

fn block(method: Method, style: Style, index: usize, made: &SettingsBlock) -> Value {
    let prefix = match method {
        Method::Oidc => "",
        Method::Ldap => "ldap-",
        Method::Proxy => "proxy-",
    };
    let number = if index == 0 { String::new() } else { format!("-{}", index + 1) };
    json!({
        "style": format!("{prefix}{style}{number}"),
        "title": made.title,
        "filename": made.filename,
        "text": made.text,
        "notes": made.notes.iter().map(fields::sentence).collect::<Vec<_>>(),
    })
}
