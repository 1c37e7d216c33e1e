//! Applications as people and programs see them.

use doorward_core::{
    access_rule::AccessRule,
    id::UserId,
    method::Method,
    provider::ProviderProfile,
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use doorward_server::{
    app::App,
    applications::{
        client_account, client_secret,
        service_account::{self, BindAccount},
        settings::{Wanted, ldap_server, settings},
    },
    directory::users,
    error::OperationError,
    oidc::logout::{self, Undelivered},
    pages,
    proxy::client::ProxyClient,
    recipes::{SettingsBlock, Style},
    snapshot::{ApplicationEntry, Client, LdapClient},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::super::Work;
use crate::output::{joined, or_dash, yes_no};

/// What programs are told about an application, without secrets.
pub async fn json(work: &Work, entry: &ApplicationEntry) -> anyhow::Result<Value> {
    let profile = &entry.application.profile;
    let mut value = json!({
        "slug": profile.slug,
        "name": profile.name,
        "methods": entry.methods(),
        "launch_url": profile.launch_url,
    });
    if let Some(client) = &entry.oauth {
        let more = json!({
            "client_id": client.provider.profile.client_id,
            "issuer": client.issuer,
            "redirect_uris": uris(client, RedirectKind::Authorization),
            "signing_alg": client.signer.algorithm().jws_name(),
            "discovery_url": client.discovery_url(),
        });
        extend(&mut value, more);
    }
    if let Some(client) = &entry.proxy {
        let profile = &client.provider.profile;
        let more = json!({
            "external_host": profile.external_host,
            "cookie_domain": client.cookie_domain(),
            "headers": profile.headers,
            "callback_url": client.callback(),
            "cookie": client.cookie,
        });
        extend(&mut value, more);
    }
    if let Some(client) = &entry.ldap {
        let more = json!({
            "server_uri": ldap_server(&work.app, entry).uri(),
            "base_dn": client.provider.profile.base_dn,
            "bind_dn": bind_dn(work, client).await?,
        });
        extend(&mut value, more);
    }
    Ok(value)
}

/// Adds members to an object.
pub fn extend(value: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (value, more) {
        members.extend(more);
    }
}

/// Adds the client secret and, for applications from recipes, the settings that hold it.
pub async fn add_secret(
    work: &Work,
    entry: &ApplicationEntry,
    value: &mut Value,
) -> anyhow::Result<Option<Vec<SettingsBlock>>> {
    let Some(client) = &entry.oauth else { return Ok(None) };
    let secret = client.provider.client_secret.clone();
    extend(value, json!({ "client_secret": secret.expose() }));
    let wanted = Wanted { secret: Some(secret), ..Wanted::new(Method::Oidc, Style::File) };
    add_settings(work, entry, wanted, value).await
}

/// Adds the settings of an application behind a proxy, and of the proxy.
pub async fn add_proxy_settings(
    work: &Work,
    entry: &ApplicationEntry,
    value: &mut Value,
) -> anyhow::Result<Option<Vec<SettingsBlock>>> {
    add_settings(work, entry, Wanted::new(Method::Proxy, Style::File), value).await
}

/// Adds the password of the service account and, for applications from recipes, the settings that hold it.
pub async fn add_password(
    work: &Work,
    entry: &ApplicationEntry,
    bind: &BindAccount,
    value: &mut Value,
) -> anyhow::Result<Option<Vec<SettingsBlock>>> {
    extend(value, json!({ "bind_password": bind.password.expose() }));
    let wanted = Wanted { secret: Some(bind.password.clone()), ..Wanted::new(Method::Ldap, Style::File) };
    add_settings(work, entry, wanted, value).await
}

async fn add_settings(
    work: &Work,
    entry: &ApplicationEntry,
    wanted: Wanted,
    value: &mut Value,
) -> anyhow::Result<Option<Vec<SettingsBlock>>> {
    let blocks = settings(&work.app, entry, wanted).await?;
    if let Some(blocks) = &blocks {
        extend(value, json!({ "settings": joined_blocks(blocks) }));
    }
    Ok(blocks)
}

/// Everything about an application, without secrets.
pub async fn full_json(work: &Work, entry: &ApplicationEntry) -> anyhow::Result<Value> {
    let profile = &entry.application.profile;
    let (groups, usernames) = allowed(work, &profile.access).await?;
    let mut value = json(work, entry).await?;
    let more = json!({
        "recipe": profile.recipe.as_ref().map(|recipe| &recipe.id),
        "allow_everyone": profile.access == AccessRule::Everyone,
        "allow_groups": groups,
        "allow_users": usernames,
        "networks": profile.networks,
    });
    extend(&mut value, more);
    if let Some(client) = &entry.oauth {
        extend(&mut value, full_oidc(work, client));
        extend(&mut value, own_account(work, client).await?);
    }
    if let Some(client) = &entry.ldap {
        extend(&mut value, full_ldap(work, client).await?);
    }
    if let Some(client) = &entry.proxy {
        extend(&mut value, full_proxy(client));
    }
    Ok(value)
}

fn full_proxy(client: &ProxyClient) -> Value {
    let provider = &client.provider.profile;
    json!({
        "proxy_mode": provider.mode.as_str(),
        "skip_path_regex": provider.skip_path_regex,
        "group_separator": provider.group_separator,
        "intercept_header_auth": provider.intercept_header_auth,
        "session_validity": provider.access_token_validity.to_string(),
        "basic_auth": provider.basic_auth,
    })
}

fn full_oidc(work: &Work, client: &Client) -> Value {
    let provider = &client.provider.profile;
    json!({
        "logout_uris": uris(client, RedirectKind::Logout),
        "consent": client.application.profile.consent.as_str(),
        "client_type": provider.client_type.as_str(),
        "grant_types": provider.grant_types,
        "logout_uri": provider.logout_uri,
        "logout_method": provider.logout_method,
        "sub_mode": provider.sub_mode,
        "issuer_mode": provider.issuer_mode,
        "signing_key": signing_key(&work.app, client),
        "scopes": client.scopes,
        "mappings": mappings(&work.app, client),
        "access_code_validity": provider.access_code_validity.to_string(),
        "access_token_validity": provider.access_token_validity.to_string(),
        "refresh_token_validity": provider.refresh_token_validity.to_string(),
        "include_claims_in_id_token": provider.include_claims_in_id_token,
    })
}

async fn full_ldap(work: &Work, client: &LdapClient) -> anyhow::Result<Value> {
    let provider = &client.provider.profile;
    Ok(json!({
        "uid_source": provider.uid_source.as_str(),
        "nested_groups": provider.nested_groups,
        "code_in_password": provider.code_in_password,
        "uid_start_number": provider.uid_start_number,
        "gid_start_number": provider.gid_start_number,
        "searchers": usernames_of(work, &provider.searchers).await?,
    }))
}

/// Everything about an application, for people.
pub async fn fields(work: &Work, entry: &ApplicationEntry) -> anyhow::Result<Vec<(&'static str, String)>> {
    let profile = &entry.application.profile;
    let mut fields = vec![
        ("Slug", profile.slug.clone()),
        ("Name", profile.name.clone()),
        ("Recipe", recipe(entry).to_owned()),
        ("Methods", methods(entry)),
        ("Allowed", access(work, &profile.access).await?),
        ("From networks", profile.networks.to_string()),
        ("Launch URL", or_dash(&profile.launch_url)),
    ];
    // What a proxy provider stands on is its own affair.
    let is_spoken = entry.methods().contains(&Method::Oidc);
    fields.extend(entry.oauth.iter().filter(|_| is_spoken).flat_map(|client| oidc_fields(work, client)));
    if let Some(client) = &entry.oauth {
        fields.extend(old_secret_and_account(work, client).await?);
    }
    fields.extend(ldap_fields(work, entry).await?);
    fields.extend(proxy_fields(entry));
    Ok(fields)
}

/// The recipe of an application, as `app add` calls it.
pub fn recipe(entry: &ApplicationEntry) -> &str {
    entry.application.profile.recipe.as_ref().map_or("custom", |recipe| &recipe.id)
}

/// The methods of an application in a table.
pub fn methods(entry: &ApplicationEntry) -> String {
    joined(&entry.methods().into_iter().map(Method::as_str).collect::<Vec<_>>())
}

fn oidc_fields(work: &Work, client: &Client) -> Vec<(&'static str, String)> {
    let provider = &client.provider.profile;
    vec![
        ("Issuer", client.issuer.clone()),
        ("Discovery", client.discovery_url()),
        ("Client ID", provider.client_id.clone()),
        ("Client type", provider.client_type.as_str().to_owned()),
        ("May use", provider.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>().join("\n")),
        ("Redirect URIs", lines(&marked(client, RedirectKind::Authorization))),
        ("Logout URIs", lines(&marked(client, RedirectKind::Logout))),
        ("Told of sign-outs", told(provider)),
        ("Subject", provider.sub_mode.as_str().to_owned()),
        ("Signing key", format!("{} ({})", signing_key(&work.app, client), client.signer.algorithm().jws_name())),
        ("Scopes", client.scopes.iter().cloned().collect::<Vec<_>>().join(" ")),
        ("Claim mappings", joined(&mappings(&work.app, client))),
        ("Consent", client.application.profile.consent.as_str().to_owned()),
        ("Code lasts", provider.access_code_validity.to_string()),
        ("Access token lasts", provider.access_token_validity.to_string()),
        ("Refresh token lasts", provider.refresh_token_validity.to_string()),
        ("Claims in ID token", yes_no(provider.include_claims_in_id_token)),
    ]
}

/// The old client secret, while it is accepted, sign-outs it was told in vain, and the client's own service account, once it
/// has one.
async fn own_account(work: &Work, client: &Client) -> anyhow::Result<Value> {
    let mut value = json!({});
    if let Some(old) = client_secret::old(&work.app, client).await? {
        let old = json!({ "old_secret_until": old.expires_at, "old_secret_used": old.used_at });
        extend(&mut value, old);
    }
    let undelivered = logout::undelivered(&work.app, client.provider.id).await?;
    extend(&mut value, json!({ "undelivered_sign_outs": undelivered }));
    if let Some(user) = client_account::find(&work.app, client).await? {
        extend(&mut value, json!({ "service_account": user.profile.username }));
    }
    Ok(value)
}

/// The same for people.
async fn old_secret_and_account(work: &Work, client: &Client) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut fields = Vec::new();
    if let Some(old) = client_secret::old(&work.app, client).await? {
        let used = old.used_at.map_or_else(
            || "nobody has used it since".to_owned(),
            |at| format!("last used within the hour after {}", pages::time(at)),
        );
        fields.push(("Old client secret", format!("works until {}; {used}", pages::time(old.expires_at))));
    }
    if let Some(Undelivered { count, since, last_error }) = logout::undelivered(&work.app, client.provider.id).await? {
        let text = format!("{count} since {}; {last_error}. Tried again for a day", pages::time(since));
        fields.push(("Sign-outs not taken", text));
    }
    let account = client_account::find(&work.app, client).await?;
    fields.extend(account.map(|user| ("Service account", user.profile.username)));
    Ok(fields)
}

/// Everything about the LDAP provider of an application, for people; nothing if it has none.
pub async fn ldap_fields(work: &Work, entry: &ApplicationEntry) -> anyhow::Result<Vec<(&'static str, String)>> {
    let Some(client) = &entry.ldap else { return Ok(Vec::new()) };
    let provider = &client.provider.profile;
    let numbers = format!("users from {}, groups from {}", provider.uid_start_number, provider.gid_start_number);
    Ok(vec![
        ("LDAP server", ldap_server(&work.app, entry).uri()),
        ("Base DN", provider.base_dn.clone()),
        ("Bind DN", bind_dn(work, client).await?.unwrap_or_else(|| "-".to_owned())),
        ("Reads everybody", joined(&usernames_of(work, &provider.searchers).await?)),
        ("uid holds", provider.uid_source.as_str().to_owned()),
        ("Numbers", numbers),
        ("Nested groups", yes_no(provider.nested_groups)),
        ("Code in password", yes_no(provider.code_in_password)),
    ])
}

/// Everything about the proxy provider of an application, for people; nothing if it has none.
pub fn proxy_fields(entry: &ApplicationEntry) -> Vec<(&'static str, String)> {
    let Some(client) = &entry.proxy else { return Vec::new() };
    let provider = &client.provider.profile;
    let headers: Vec<_> =
        provider.headers.iter().map(|(identity, name)| format!("{}={name}", identity.as_str())).collect();
    let mut fields = vec![("External host", provider.external_host.clone())];
    fields.extend(client.cookie_domain().map(|domain| ("Cookie domain", domain.to_owned())));
    fields.extend([
        ("Callback", client.callback()),
        ("Cookie", client.cookie.clone()),
        ("Open paths", lines(&provider.skip_path_regex)),
        ("Own headers", lines(&headers)),
        ("Between groups", provider.group_separator.clone()),
        ("Looks at Authorization", yes_no(provider.intercept_header_auth)),
        ("Sessions last", provider.access_token_validity.to_string()),
    ]);
    let basic = provider.basic_auth.as_ref();
    fields.extend(
        basic.map(|basic| ("HTTP Basic from", format!("{}, {}", basic.user_attribute, basic.password_attribute))),
    );
    fields
}

/// The DN of the account with which an application reads the directory.
async fn bind_dn(work: &Work, client: &LdapClient) -> anyhow::Result<Option<String>> {
    let account = service_account::find(&work.app, client).await?;
    let base_dn = &client.provider.profile.base_dn;
    Ok(account.map(|user| service_account::bind_dn(&user.profile.username, base_dn)))
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
    Ok((groups.collect(), usernames_of(work, ids).await?))
}

async fn usernames_of(work: &Work, ids: &BTreeSet<UserId>) -> anyhow::Result<Vec<String>> {
    let mut usernames = Vec::new();
    for id in ids {
        match users::find(&work.app, *id).await {
            Ok((user, _)) => usernames.push(user.profile.username),
            // Removed since the list was read.
            Err(OperationError::NotFound { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(usernames)
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

/// Where and how an application learns that somebody signed out.
fn told(provider: &ProviderProfile) -> String {
    if provider.logout_uri.is_empty() {
        return "-".to_owned();
    }
    format!("{} ({})", provider.logout_uri, provider.logout_method.as_str())
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
