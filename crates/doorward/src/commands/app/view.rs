//! Applications as people and programs see them.

use doorward_core::{
    access_rule::AccessRule,
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use doorward_server::{
    app::App,
    applications::from_recipe,
    directory::users,
    error::OperationError,
    recipes::{SettingsBlock, Style},
    snapshot::Client,
};
use serde_json::{Map, Value, json};

use super::super::Work;
use crate::output::{joined, or_dash, yes_no};

/// What programs are told about an application, without secrets.
pub fn json(work: &Work, client: &Client) -> Value {
    let profile = &client.application.profile;
    json!({
        "slug": profile.slug,
        "name": profile.name,
        "client_id": client.provider.profile.client_id,
        "issuer": client.issuer,
        "redirect_uris": uris(client, RedirectKind::Authorization),
        "signing_alg": client.signer.algorithm().jws_name(),
        "launch_url": profile.launch_url,
        "discovery_url": discovery_url(&work.app, client),
    })
}

/// Adds the client secret and, for applications from recipes, the settings that hold it.
pub fn add_secret(work: &Work, client: &Client, value: &mut Value) -> anyhow::Result<()> {
    let Value::Object(members) = value else { return Ok(()) };
    members.insert("client_secret".into(), json!(client.provider.client_secret.expose()));
    if let Some(blocks) = from_recipe::settings(&work.app, client, Style::File, None)? {
        members.insert("settings".into(), json!(joined_blocks(&blocks)));
    }
    Ok(())
}

/// Everything about an application, without secrets.
pub async fn full_json(work: &Work, client: &Client) -> anyhow::Result<Value> {
    let (profile, provider) = (&client.application.profile, &client.provider.profile);
    let (groups, usernames) = allowed(work, &profile.access).await?;
    let more: Map<String, Value> = [
        ("recipe", json!(profile.recipe.as_ref().map(|recipe| &recipe.id))),
        ("allow_everyone", json!(profile.access == AccessRule::Everyone)),
        ("allow_groups", json!(groups)),
        ("allow_users", json!(usernames)),
        ("logout_uris", json!(uris(client, RedirectKind::Logout))),
        ("consent", json!(profile.consent.as_str())),
        ("client_type", json!(provider.client_type.as_str())),
        ("signing_key", json!(signing_key(&work.app, client))),
        ("scopes", json!(client.scopes)),
        ("mappings", json!(mappings(&work.app, client))),
        ("access_code_validity", json!(provider.access_code_validity.to_string())),
        ("access_token_validity", json!(provider.access_token_validity.to_string())),
        ("refresh_token_validity", json!(provider.refresh_token_validity.to_string())),
        ("include_claims_in_id_token", json!(provider.include_claims_in_id_token)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let mut value = json(work, client);
    if let Value::Object(members) = &mut value {
        members.extend(more);
    }
    Ok(value)
}

/// Everything about an application, for people.
pub async fn fields(work: &Work, client: &Client) -> anyhow::Result<Vec<(&'static str, String)>> {
    let (profile, provider) = (&client.application.profile, &client.provider.profile);
    Ok(vec![
        ("Slug", profile.slug.clone()),
        ("Name", profile.name.clone()),
        ("Recipe", profile.recipe.as_ref().map_or("-".to_owned(), |recipe| recipe.id.clone())),
        ("Allowed", access(work, &profile.access).await?),
        ("Launch URL", or_dash(&profile.launch_url)),
        ("Issuer", client.issuer.clone()),
        ("Discovery", discovery_url(&work.app, client)),
        ("Client ID", provider.client_id.clone()),
        ("Client type", provider.client_type.as_str().to_owned()),
        ("Redirect URIs", lines(&marked(client, RedirectKind::Authorization))),
        ("Logout URIs", lines(&marked(client, RedirectKind::Logout))),
        ("Signing key", format!("{} ({})", signing_key(&work.app, client), client.signer.algorithm().jws_name())),
        ("Scopes", client.scopes.iter().cloned().collect::<Vec<_>>().join(" ")),
        ("Claim mappings", joined(&mappings(&work.app, client))),
        ("Consent", profile.consent.as_str().to_owned()),
        ("Code lasts", provider.access_code_validity.to_string()),
        ("Access token lasts", provider.access_token_validity.to_string()),
        ("Refresh token lasts", provider.refresh_token_validity.to_string()),
        ("Claims in ID token", yes_no(provider.include_claims_in_id_token)),
    ])
}

/// Who may use an application, in words.
pub async fn access(work: &Work, rule: &AccessRule) -> anyhow::Result<String> {
    if *rule == AccessRule::Everyone {
        return Ok("everyone".to_owned());
    }
    let (groups, usernames) = allowed(work, rule).await?;
    let mut parts = groups;
    parts.extend(usernames.iter().map(|username| format!("user {username}")));
    Ok(if parts.is_empty() { "nobody".to_owned() } else { parts.join(", ") })
}

/// Names of the groups and users of a rule.
async fn allowed(work: &Work, rule: &AccessRule) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let AccessRule::Only { groups, users: ids } = rule else { return Ok((Vec::new(), Vec::new())) };
    let snapshot = work.app.snapshot();
    let groups = groups.iter().filter_map(|id| snapshot.groups.get(*id)).map(|group| group.profile.name.clone());
    let mut usernames = Vec::new();
    for id in ids {
        match users::find(&work.app, *id).await {
            Ok((user, _)) => usernames.push(user.profile.username),
            // Removed since the rule was read.
            Err(OperationError::NotFound { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok((groups.collect(), usernames))
}

/// Blocks of settings as one text. A single block stays as it is; of several, each says where it belongs.
pub fn joined_blocks(blocks: &[SettingsBlock]) -> String {
    if let [only] = blocks {
        return only.text.clone();
    }
    let with_heading = |block: &SettingsBlock| {
        let end = if block.text.ends_with('\n') { "" } else { "\n" };
        format!("# ==== {} ====\n# {}\n\n{}{end}", block.filename, block.title, block.text)
    };
    blocks.iter().map(with_heading).collect::<Vec<_>>().join("\n")
}

fn of_kind(client: &Client, kind: RedirectKind) -> impl Iterator<Item = &RedirectUri> {
    client.provider.profile.redirect_uris.iter().filter(move |uri| uri.kind == kind)
}

fn uris(client: &Client, kind: RedirectKind) -> Vec<&str> {
    of_kind(client, kind).map(|uri| uri.url.as_str()).collect()
}

fn marked(client: &Client, kind: RedirectKind) -> Vec<String> {
    let mark = |uri: &RedirectUri| match uri.matching_mode {
        MatchingMode::Strict => uri.url.clone(),
        MatchingMode::Regex => format!("{} (regular expression)", uri.url),
    };
    of_kind(client, kind).map(mark).collect()
}

fn lines(items: &[String]) -> String {
    if items.is_empty() { "-".to_owned() } else { items.join("\n") }
}

fn discovery_url(app: &App, client: &Client) -> String {
    let slug = &client.application.profile.slug;
    format!("{}application/o/{slug}/.well-known/openid-configuration", app.config.public_url)
}

fn signing_key(app: &App, client: &Client) -> String {
    let snapshot = app.snapshot();
    let key = snapshot.keys.iter().find(|key| key.id == client.provider.profile.signing_key);
    key.map(|key| key.name.clone()).unwrap_or_default()
}

fn mappings(app: &App, client: &Client) -> Vec<String> {
    let snapshot = app.snapshot();
    let own = snapshot.mappings.iter().filter(|mapping| client.provider.profile.mappings.contains(&mapping.id));
    own.map(|mapping| mapping.profile.name.clone()).collect()
}
