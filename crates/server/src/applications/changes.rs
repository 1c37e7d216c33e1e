//! What an edit changes about an application, in words: before, after, and what a list lost.

use doorward_core::{
    access_rule::AccessRule,
    application::ApplicationProfile,
    id::UserId,
    ldap_provider::LdapProfile,
    provider::ProviderProfile,
    proxy_provider::ProxyProfile,
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use serde::Serialize;
use std::collections::BTreeSet;

use super::ApplicationEdit;
use crate::{
    app::App,
    directory::users,
    error::{OperationError, OperationResult},
    snapshot::Snapshot,
};

/// One thing that is different afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name for programs, as `doorward app show -o json` has it where that shows it.
    pub field: &'static str,
    /// Its name for people.
    #[serde(skip)]
    pub label: &'static str,
    /// What it was; one value, or those of a list.
    pub before: Vec<String>,
    /// What it is then.
    pub after: Vec<String>,
}

impl Change {
    /// What was there and is not any more, in the order in which it stood.
    pub fn taken_away(&self) -> Vec<&str> {
        missing(&self.before, &self.after)
    }

    /// What was not there before.
    pub fn added(&self) -> Vec<&str> {
        missing(&self.after, &self.before)
    }
}

fn missing<'a>(from: &'a [String], within: &[String]) -> Vec<&'a str> {
    from.iter().filter(|value| !within.contains(value)).map(String::as_str).collect()
}

/// What is different between two states of one application, in the order in which it is shown. Users who are no more have
/// no name and are left out.
///
/// # Errors
/// What the database says.
pub async fn between(app: &App, before: &ApplicationEdit, after: &ApplicationEdit) -> OperationResult<Vec<Change>> {
    let (before, after) = (described(app, before).await?, described(app, after).await?);
    Ok(differences(before, &after))
}

/// An attribute: name for programs, name for people, values.
type Attribute = (&'static str, &'static str, Vec<String>);

fn differences(before: Vec<Attribute>, after: &[Attribute]) -> Vec<Change> {
    let changed = before.into_iter().filter_map(|(field, label, before)| {
        let (.., after) = after.iter().find(|(found, ..)| *found == field)?;
        (before != *after).then(|| Change { field, label, before, after: after.clone() })
    });
    changed.collect()
}

async fn described(app: &App, edit: &ApplicationEdit) -> OperationResult<Vec<Attribute>> {
    let snapshot = app.snapshot();
    let mut all = application(app, &snapshot, &edit.profile).await?;
    all.extend(edit.oauth.iter().flat_map(|provider| oauth(&snapshot, provider)));
    if let Some(provider) = &edit.ldap {
        all.extend(ldap(app, provider).await?);
    }
    all.extend(edit.proxy.iter().flat_map(proxy));
    Ok(all)
}

// The profiles are taken apart completely, so that a new field cannot be forgotten here.

async fn application(app: &App, snapshot: &Snapshot, profile: &ApplicationProfile) -> OperationResult<Vec<Attribute>> {
    let ApplicationProfile {
        slug,
        name,
        launch_url,
        icon_url,
        group_heading,
        description,
        access,
        networks,
        consent,
        recipe: _, // what it was made from; no edit changes it
    } = profile;
    let (groups, people) = match access {
        AccessRule::Everyone => (vec!["everyone".to_owned()], Vec::new()),
        AccessRule::Only { groups, users } => {
            let groups = groups.iter().filter_map(|id| snapshot.groups.get(*id));
            (groups.map(|group| group.profile.name.clone()).collect(), usernames(app, users).await?)
        }
    };
    let networks = if networks.is_any() { one("any") } else { networks.iter().map(ToString::to_string).collect() };
    Ok(vec![
        ("slug", "Slug", one(slug)),
        ("name", "Name", one(name)),
        ("allow_groups", "Allowed", groups),
        ("allow_users", "Allowed users", people),
        ("networks", "From networks", networks),
        ("consent", "Consent", one(consent.as_str())),
        ("launch_url", "Launch URL", one(launch_url)),
        ("icon_url", "Icon", one(icon_url)),
        ("group_heading", "Heading", one(group_heading)),
        ("description", "Description", one(description)),
    ])
}

fn oauth(snapshot: &Snapshot, provider: &ProviderProfile) -> Vec<Attribute> {
    let ProviderProfile {
        name,
        client_type,
        grant_types,
        client_id,
        redirect_uris,
        logout_uri,
        logout_method,
        signing_key,
        sub_mode,
        issuer_mode,
        access_code_validity,
        access_token_validity,
        refresh_token_validity,
        refresh_token_threshold,
        include_claims_in_id_token,
        mappings,
    } = provider;
    let own: Vec<_> = snapshot.mappings.iter().filter(|mapping| mappings.contains(&mapping.id)).collect();
    let scopes: BTreeSet<_> = own.iter().map(|mapping| mapping.profile.scope.clone()).collect();
    let key = snapshot.keys.iter().find(|key| key.id == *signing_key).map(|key| key.name.clone());
    // Where nobody is told, how is of no interest.
    let told = if logout_uri.is_empty() { Vec::new() } else { one(logout_method.as_str()) };
    vec![
        ("provider_name", "Provider name", one(name)),
        ("client_id", "Client ID", one(client_id)),
        ("client_type", "Client type", one(client_type.as_str())),
        ("grant_types", "May use", grant_types.iter().map(|grant| grant.as_str().to_owned()).collect()),
        ("redirect_uris", "Redirect URIs", addresses(redirect_uris, RedirectKind::Authorization)),
        ("logout_uris", "Logout URIs", addresses(redirect_uris, RedirectKind::Logout)),
        ("logout_uri", "Told of sign-outs", one(logout_uri)),
        ("logout_method", "Told by", told),
        ("sub_mode", "Subject", one(sub_mode.as_str())),
        ("issuer_mode", "Issuer", one(issuer_mode.as_str())),
        ("signing_key", "Signing key", key.into_iter().collect()),
        ("scopes", "Scopes", scopes.into_iter().collect()),
        ("mappings", "Claim mappings", own.iter().map(|mapping| mapping.profile.name.clone()).collect()),
        ("access_code_validity", "Code lasts", one(access_code_validity)),
        ("access_token_validity", "Access token lasts", one(access_token_validity)),
        ("refresh_token_validity", "Refresh token lasts", one(refresh_token_validity)),
        ("refresh_token_threshold", "Refresh token replaced below", one(refresh_token_threshold)),
        ("include_claims_in_id_token", "Claims in ID token", one(include_claims_in_id_token)),
    ]
}

async fn ldap(app: &App, provider: &LdapProfile) -> OperationResult<Vec<Attribute>> {
    let LdapProfile {
        base_dn,
        uid_start_number,
        gid_start_number,
        nested_groups,
        uid_source,
        code_in_password,
        searchers,
    } = provider;
    Ok(vec![
        ("base_dn", "Base DN", one(base_dn)),
        ("searchers", "Reads everybody", usernames(app, searchers).await?),
        ("uid_source", "uid holds", one(uid_source.as_str())),
        ("uid_start_number", "Users from number", one(uid_start_number)),
        ("gid_start_number", "Groups from number", one(gid_start_number)),
        ("nested_groups", "Nested groups", one(nested_groups)),
        ("code_in_password", "Code in password", one(code_in_password)),
    ])
}

fn proxy(provider: &ProxyProfile) -> Vec<Attribute> {
    let ProxyProfile {
        mode,
        external_host,
        cookie_domain,
        skip_path_regex,
        intercept_header_auth,
        access_token_validity,
        headers,
        group_separator,
        basic_auth,
    } = provider;
    let headers = headers.iter().map(|(identity, name)| format!("{}={name}", identity.as_str()));
    let basic = basic_auth.iter().map(|basic| format!("{}, {}", basic.user_attribute, basic.password_attribute));
    vec![
        ("proxy_mode", "Mode", one(mode.as_str())),
        ("external_host", "External host", one(external_host)),
        ("cookie_domain", "Cookie domain", one(cookie_domain)),
        ("skip_path_regex", "Open paths", skip_path_regex.clone()),
        ("headers", "Own headers", headers.collect()),
        ("group_separator", "Between groups", one(group_separator)),
        ("intercept_header_auth", "Looks at Authorization", one(intercept_header_auth)),
        ("session_validity", "Sessions last", one(access_token_validity)),
        ("basic_auth", "HTTP Basic from", basic.collect()),
    ]
}

/// One value, or none if it is empty.
fn one(value: impl ToString) -> Vec<String> {
    Some(value.to_string()).filter(|text| !text.is_empty()).into_iter().collect()
}

fn addresses(uris: &[RedirectUri], kind: RedirectKind) -> Vec<String> {
    let of_kind = uris.iter().filter(|uri| uri.kind == kind);
    let marked = of_kind.map(|uri| match uri.matching_mode {
        MatchingMode::Strict => uri.url.clone(),
        MatchingMode::Regex => format!("{} (regular expression)", uri.url),
    });
    marked.collect()
}

async fn usernames(app: &App, ids: &BTreeSet<UserId>) -> OperationResult<Vec<String>> {
    let mut names = Vec::new();
    for id in ids {
        match users::find(app, *id).await {
            Ok((user, _)) => names.push(user.profile.username),
            Err(OperationError::NotFound { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn a_change_names_what_a_list_lost_and_won() {
        let before =
            vec![("name", "Name", list(&["Wiki"])), ("scopes", "Scopes", list(&["email", "openid", "profile"]))];
        let after = [("name", "Name", list(&["Wiki"])), ("scopes", "Scopes", list(&["openid", "roles"]))];
        let changes = differences(before, &after);
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].field, changes[0].taken_away()), ("scopes", vec!["email", "profile"]));
        assert_eq!(changes[0].added(), ["roles"]);
    }

    #[test]
    fn a_list_in_another_order_is_a_change_that_takes_nothing_away() {
        let before = vec![("redirect_uris", "Redirect URIs", list(&["a", "b"]))];
        let changes = differences(before, &[("redirect_uris", "Redirect URIs", list(&["b", "a"]))]);
        assert_eq!((changes.len(), changes[0].taken_away().len(), changes[0].added().len()), (1, 0, 0));
    }

    #[test]
    fn what_is_empty_has_no_value() {
        assert!(one("").is_empty());
        assert_eq!(one(false), ["false"]);
    }
}
