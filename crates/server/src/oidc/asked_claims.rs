//! Claims that an application asks for by name (OpenID Connect Core 1.0, section 5.5): which of them it may have, and which
//! the person has to be asked about. What may be had at all, the application's mappings say.

use doorward_protocols::{
    oauth::authorize::AuthorizeRequest,
    oidc::{claims::MappingError, claims_request::ClaimsRequest, interaction::Consented},
};
use std::collections::BTreeSet;

use crate::{
    applications::preview,
    directory::person::Person,
    snapshot::{Client, Snapshot},
};

/// What a request asks for by name, for the person signed in.
#[derive(Debug, Default)]
pub struct Asked {
    /// The request without claims that the application cannot have. Only this is kept with the grant, so that nothing is
    /// ever given that could not be shown when it was allowed.
    pub claims: ClaimsRequest,
    /// What consent has to cover: neither the scopes of this request bring it, nor do those consented to before, and they
    /// alone.
    pub unconsented: BTreeSet<String>,
}

/// Looks at what a request asks for by name.
///
/// # Errors
/// The mapping that fails: what a person would be asked about is not known then.
pub fn look(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    request: &AuthorizeRequest,
    consented: Option<&Consented>,
) -> Result<Asked, MappingError> {
    if request.claims.names().is_empty() {
        return Ok(Asked::default());
    }
    let claims = request.claims.only(&names(snapshot, client, person, &client.scopes)?);
    let mut unconsented = beyond_scopes(snapshot, client, person, request)?;
    if let Some(consented) = consented {
        let given = names(snapshot, client, person, &consented.scopes)?;
        // By its name a claim is given as all scopes make it together: what one of them tells may not be known from the others.
        let rest: BTreeSet<String> = client.scopes.difference(&consented.scopes).cloned().collect();
        let told_elsewhere = names(snapshot, client, person, &rest)?;
        unconsented.retain(|name| !given.contains(name) || told_elsewhere.contains(name));
    }
    Ok(Asked { claims, unconsented })
}

/// Claims asked for by name that the application may have and that the request's scopes do not bring.
///
/// # Errors
/// The mapping that fails.
pub fn beyond_scopes(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    request: &AuthorizeRequest,
) -> Result<BTreeSet<String>, MappingError> {
    let asked = request.claims.names();
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let all = names(snapshot, client, person, &client.scopes)?;
    let given = names(snapshot, client, person, &request.scopes)?;
    let beyond = asked.into_iter().filter(|name| all.contains(*name) && !given.contains(*name));
    Ok(beyond.map(str::to_owned).collect())
}

/// Names of the claims that scopes bring: those they make for the person today, and those they would make once there is
/// something to tell.
fn names(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    scopes: &BTreeSet<String>,
) -> Result<BTreeSet<String>, MappingError> {
    let made = preview::claims(snapshot, client, person, scopes)?;
    let promised = client.claim_names.iter().filter(|(scope, _)| scopes.contains(*scope));
    let mut names: BTreeSet<String> = promised.flat_map(|(_, names)| names.iter().cloned()).collect();
    names.extend(made.into_iter().map(|(name, _)| name));
    Ok(names)
}
