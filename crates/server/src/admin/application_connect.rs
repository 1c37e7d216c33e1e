//! What an application has to be told so that people can sign in to it: addresses, client ID, settings to paste.

use doorward_core::provider::ClientType;
use serde_json::{Value, json};

use super::fields;
use crate::{
    app::App,
    applications::from_recipe::{settings, settings_without_secret},
    error::{OperationError, OperationResult},
    recipes::Style,
    snapshot::Client,
};

/// The single values: label, value, whether it can be copied, `id` in the page.
pub(super) fn values(app: &App, client: &Client) -> Value {
    let document: Value = serde_json::from_slice(&client.discovery).unwrap_or_default();
    let endpoint = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let slug = &client.application.profile.slug;
    let discovery = format!("{}application/o/{slug}/.well-known/openid-configuration", app.config.public_url);
    let scopes: Vec<&str> = client.scopes.iter().map(String::as_str).collect();
    let algorithm = client.signer.algorithm().jws_name().to_owned();
    let values = [
        ("client-id", "Client ID", client.provider.profile.client_id.clone()),
        ("issuer", "Issuer", client.issuer.clone()),
        ("discovery-url", "Discovery URL", discovery),
        ("authorization-url", "Authorization URL", endpoint("authorization_endpoint")),
        ("token-url", "Token URL", endpoint("token_endpoint")),
        ("userinfo-url", "UserInfo URL", endpoint("userinfo_endpoint")),
        ("jwks-url", "JWKS URL", endpoint("jwks_uri")),
        ("end-session-url", "End-session URL", endpoint("end_session_endpoint")),
        ("scopes", "Scopes", scopes.join(" ")),
        ("signing-algorithm", "Signing algorithm", algorithm),
    ];
    let rows = values.into_iter();
    rows.map(|(id, label, value)| json!({ "id": id, "label": label, "value": value, "copy": true })).collect()
}

/// Whether there is a client secret to show.
pub(super) fn has_secret(client: &Client) -> bool {
    client.provider.profile.client_type == ClientType::Confidential
}

/// The blocks to paste, of every style the recipe has; none for an application without a recipe. The secret stands in
/// them only if it was just revealed.
///
/// # Errors
/// [`OperationError::Invalid`] if the recipe cannot make settings in any style.
pub(super) fn blocks(app: &App, client: &Client, revealed: bool) -> OperationResult<Vec<Value>> {
    let (mut blocks, mut refusal) = (Vec::new(), None);
    for style in Style::ALL {
        let made =
            if revealed { settings(app, client, style, None) } else { settings_without_secret(app, client, style) };
        match made {
            Ok(made) => {
                for (index, block) in made.unwrap_or_default().into_iter().enumerate() {
                    let number = if index == 0 { String::new() } else { format!("-{}", index + 1) };
                    blocks.push(json!({
                        "style": format!("{style}{number}"),
                        "title": block.title,
                        "filename": block.filename,
                        "text": block.text,
                        "notes": block.notes.iter().map(fields::sentence).collect::<Vec<_>>(),
                    }));
                }
            }
            // Not every recipe has every style.
            Err(OperationError::Invalid(problems)) => refusal = Some(problems),
            Err(error) => return Err(error),
        }
    }
    match refusal {
        Some(problems) if blocks.is_empty() => Err(OperationError::Invalid(problems)),
        _ => Ok(blocks),
    }
}
