//! What an application would be told about a person.

use doorward_protocols::oidc::{
    claims::{ClaimInput, MappingError, evaluate_all},
    claims_request::Wanted,
    subject::subject,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    directory::person::Person,
    snapshot::{Client, Snapshot},
};

/// The claims of the scopes for a person, without those that tokens stand on.
///
/// # Errors
/// The mapping that fails.
pub fn claims(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    scopes: &BTreeSet<String>,
) -> Result<Map<String, Value>, MappingError> {
    client.claims_made.get_or(snapshot.revision, person, scopes, || {
        evaluate_all(&client.mappings, |scope| scopes.contains(scope), &input(snapshot, client, person))
    })
}

/// What the expressions of an application's mappings see.
pub fn input(snapshot: &Snapshot, client: &Client, person: &Person) -> ClaimInput {
    let profile = &client.application.profile;
    ClaimInput::new(&person.user, person.groups(snapshot), person.is_superuser, &profile.slug, &profile.name)
}

/// Userinfo for all scopes the application may ask for.
///
/// # Errors
/// The mapping that fails.
pub fn userinfo(snapshot: &Snapshot, client: &Client, person: &Person) -> Result<Value, MappingError> {
    userinfo_of(snapshot, client, person, (&client.scopes, &client.scopes), &BTreeMap::new())
}

/// Claims, with those added that were asked for by name: of the scopes `granted`, or of any other that the application may
/// ask for (OpenID Connect Core 1.0, section 5.5). A claim that is there already stays as it is; one that has another value
/// than was asked for is not added. `granted`: those of the authorization request, however few a token was refreshed for.
///
/// # Errors
/// The mapping that fails.
pub fn with_asked(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    granted: &BTreeSet<String>,
    mut given: Map<String, Value>,
    asked: &BTreeMap<String, Wanted>,
) -> Result<Map<String, Value>, MappingError> {
    if asked.keys().all(|name| given.contains_key(name)) {
        return Ok(given);
    }
    let mut all = claims(snapshot, client, person, &client.scopes)?;
    // What the scopes make alone counts, where other mappings would have added to it: so it was shown when it was allowed.
    all.extend(claims(snapshot, client, person, granted)?);
    for (name, value) in all {
        if asked.get(&name).is_some_and(|wanted| wanted.takes(&value)) {
            given.entry(name).or_insert(value);
        }
    }
    Ok(given)
}

/// Userinfo for some of the scopes `granted`, and for claims asked for by name.
///
/// # Errors
/// The mapping that fails.
pub fn userinfo_of(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    (scopes, granted): (&BTreeSet<String>, &BTreeSet<String>),
    asked: &BTreeMap<String, Wanted>,
) -> Result<Value, MappingError> {
    let claims = claims(snapshot, client, person, scopes)?;
    let mut claims = with_asked(snapshot, client, person, granted, claims, asked)?;
    claims.insert("sub".to_owned(), json!(subject(client.provider.profile.sub_mode, &person.user)));
    Ok(Value::Object(claims))
}

/// The ID token for all scopes, with times left out: they are made at sign-in.
///
/// # Errors
/// The mapping that fails.
pub fn id_token(snapshot: &Snapshot, client: &Client, person: &Person) -> Result<Value, MappingError> {
    let provider = &client.provider.profile;
    let mut claims = if provider.include_claims_in_id_token {
        claims(snapshot, client, person, &client.scopes)?
    } else {
        Map::new()
    };
    claims.extend([
        ("iss".to_owned(), json!(client.issuer)),
        ("sub".to_owned(), json!(subject(provider.sub_mode, &person.user))),
        ("aud".to_owned(), json!(provider.client_id)),
    ]);
    Ok(Value::Object(claims))
}
