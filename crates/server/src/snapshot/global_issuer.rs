//! The issuer that applications share (authentik's `issuer_mode` `global`): the public URL itself. It has one document and one
//! JWKS for all of them (OpenID Connect Discovery 1.0, section 4).

use bytes::Bytes;
use doorward_protocols::oidc::discovery;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Client;

/// The documents of the shared issuer, ready to serve.
#[derive(Debug)]
pub struct GlobalIssuer {
    /// The discovery document: what any of the applications may use.
    pub discovery: Bytes,
    /// The JWKS: the published keys of all of them.
    pub jwks: Bytes,
}

impl GlobalIssuer {
    /// The documents about those of the applications that share their issuer; `None` if none does.
    pub fn new<'a>(public_url: &str, clients: impl Iterator<Item = &'a Arc<Client>>) -> Option<Self> {
        let clients: Vec<&Client> = clients.map(AsRef::as_ref).filter(|client| client.has_global_issuer()).collect();
        let first = clients.first()?;
        let document = discovery::document(&discovery::Subject {
            public_url,
            slug: None,
            issuer: &first.issuer,
            algorithms: &algorithms(&clients),
            grant_types: &clients.iter().flat_map(|client| client.provider.profile.grant_types.clone()).collect(),
            scopes: &clients.iter().flat_map(|client| client.scopes.clone()).collect(),
            claims: &clients.iter().flat_map(|client| client.claim_names.values().flatten().cloned()).collect(),
        });
        // Applications mostly have the same key: each stands here once.
        let keys: BTreeMap<String, _> = clients
            .iter()
            .flat_map(|client| &client.public_keys)
            .filter_map(|(_, jwk)| Some((jwk.get("kid")?.as_str()?.to_owned(), jwk)))
            .collect();
        let jwks = json!({ "keys": keys.values().collect::<Vec<_>>() });
        Some(Self { discovery: Bytes::from(format!("{document:#}")), jwks: Bytes::from(jwks.to_string()) })
    }
}

/// What their keys sign with.
fn algorithms(clients: &[&Client]) -> BTreeSet<&'static str> {
    clients.iter().map(|client| client.signer.algorithm().jws_name()).collect()
}
