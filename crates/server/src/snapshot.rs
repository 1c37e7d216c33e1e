//! What is read on every request and changes seldom, prepared once and kept in memory until its revision moves.

pub mod global_issuer;

use bytes::Bytes;
use doorward_core::{
    application::Application,
    cipher::Cipher,
    claim_mapping::ClaimMapping,
    clock::after,
    group::GroupGraph,
    id::{ApplicationId, ConnectorId, MappingId, ProviderId, SigningKeyId},
    ldap_provider::LdapProvider,
    lifetime::Lifetime,
    method::Method,
    provider::{IssuerMode, Provider},
    proxy_provider::ProxyProvider,
    redirect_uri::{MatchingMode, RedirectUri},
    signing_key::{KeyAlgorithm, KeyVersion, SigningKey, VersionState},
};
use doorward_protocols::{
    jose::{jwk::public_jwk, signer::Signer},
    oidc::{
        claims::{CompiledMapping, sample_names},
        discovery,
    },
};
use doorward_store::{self as store, db::Db};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use self::global_issuer::GlobalIssuer;
use crate::{
    applications::claims_made::ClaimsMade,
    ldap::{directory::group_tree::GroupTree, names::Names},
    proxy::client::{self as proxy_client, Proxies, ProxyClient},
    public_url::PublicUrl,
    web_address,
};

/// How long a prepared snapshot is good at most: key versions come and go by the clock.
const LONGEST: SignedDuration = SignedDuration::from_secs(30);

/// Everything in one picture. Immutable.
#[derive(Debug)]
pub struct Snapshot {
    /// The revision it shows.
    pub revision: i64,
    /// When it has to be made anew although the revision did not move.
    pub stale_at: Timestamp,
    /// All groups.
    pub groups: GroupGraph,
    /// All claim mappings, in merging order.
    pub mappings: Vec<ClaimMapping>,
    /// All signing keys, by name.
    pub keys: Vec<SigningKey>,
    /// All applications with the providers they have, by slug.
    pub applications: BTreeMap<String, Arc<ApplicationEntry>>,
    /// All LDAP providers with their applications.
    pub ldap: Vec<Arc<LdapClient>>,
    /// All proxy providers with their applications, by host.
    pub proxies: Proxies,
    /// The issuer that applications share, if any does.
    pub global: Option<GlobalIssuer>,
    /// Which applications have a connector.
    pub connectors: BTreeMap<ApplicationId, ConnectorId>,
    by_client_id: BTreeMap<String, Arc<Client>>,
    by_provider: BTreeMap<ProviderId, Arc<Client>>,
    group_tree: OnceLock<Arc<GroupTree>>,
}

/// An application and the providers it has: OAuth2/OpenID, LDAP, proxy.
#[derive(Debug)]
pub struct ApplicationEntry {
    /// The application.
    pub application: Application,
    /// With its OAuth2/OpenID provider.
    pub oauth: Option<Arc<Client>>,
    /// With its LDAP provider.
    pub ldap: Option<Arc<LdapClient>>,
    /// With its proxy provider. There is an OAuth2/OpenID provider underneath, always.
    pub proxy: Option<Arc<ProxyClient>>,
}

/// An application and its OAuth2/OpenID provider, ready to serve.
#[derive(Debug)]
pub struct Client {
    /// The application.
    pub application: Application,
    /// Its provider.
    pub provider: Provider,
    /// The issuer of its tokens.
    pub issuer: String,
    /// Where browsers may be sent: its own redirect URIs, and the callback of its proxy provider.
    pub redirect_uris: Vec<RedirectUri>,
    /// Scopes that may be asked for.
    pub scopes: BTreeSet<String>,
    /// Its claim mappings, compiled, in merging order.
    pub mappings: Vec<CompiledMapping>,
    /// What they made lately.
    pub claims_made: ClaimsMade,
    /// Names of the claims that its scopes make for somebody of whom everything is known.
    pub claim_names: BTreeMap<String, BTreeSet<String>>,
    /// The key that signs.
    pub signer: Arc<Signer>,
    /// The published keys, for tokens that come back.
    pub public_keys: Vec<(KeyAlgorithm, Value)>,
    /// The discovery document.
    pub discovery: Bytes,
    /// The JWKS.
    pub jwks: Bytes,
    /// Origins of its redirect URIs, for CORS.
    pub origins: BTreeSet<String>,
}

/// An application and its LDAP provider.
#[derive(Debug, Clone)]
pub struct LdapClient {
    /// The application.
    pub application: Application,
    /// Its provider.
    pub provider: LdapProvider,
    /// The names of its tree.
    pub names: Names,
}

impl LdapClient {
    /// An application with its provider.
    pub fn new(application: Application, provider: LdapProvider) -> Self {
        Self { names: Names::new(&provider.profile.base_dn), application, provider }
    }
}

impl ApplicationEntry {
    /// The protocols by which people sign in to it. An OAuth2/OpenID provider without redirect URIs of its own is only
    /// what another provider stands on.
    pub fn methods(&self) -> Vec<Method> {
        let is_alone = self.ldap.is_none() && self.proxy.is_none();
        let oauth = self.oauth.as_ref().filter(|client| is_alone || !client.provider.profile.redirect_uris.is_empty());
        let all = [
            oauth.map(|_| Method::Oidc),
            self.ldap.as_ref().map(|_| Method::Ldap),
            self.proxy.as_ref().map(|_| Method::Proxy),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Snapshot {
    /// Reads and prepares everything.
    ///
    /// # Errors
    /// What the database says, or that a key cannot be used.
    pub async fn load(db: &Db, cipher: &Arc<Cipher>, public_url: &PublicUrl, now: Timestamp) -> store::Result<Self> {
        let cipher = cipher.clone();
        let (revision, groups, mappings, keys, applications, providers, ldap, proxies, connectors) = db
            .read(move |tx| {
                Box::pin(async move {
                    // The revision first: what changes while the rest is read is read again.
                    Ok((
                        store::revision::snapshot(tx).await?,
                        store::group::all(tx).await?,
                        store::claim_mapping::all(tx).await?,
                        store::signing_key::all(tx, &cipher).await?,
                        store::application::all(tx).await?,
                        store::provider::all(tx, &cipher).await?,
                        store::ldap_provider::all(tx).await?,
                        store::proxy_provider::all(tx).await?,
                        store::connector::applications(tx).await?,
                    ))
                })
            })
            .await?;
        let prepared = prepare_keys(&keys, &providers, now)?;
        // What one application has. Read between two changes: the next look finds both or neither.
        let mut oauth: BTreeMap<ApplicationId, Provider> =
            providers.into_iter().map(|provider| (provider.application, provider)).collect();
        let mut ldap: BTreeMap<ApplicationId, LdapProvider> =
            ldap.into_iter().map(|provider| (provider.application, provider)).collect();
        let mut proxies: BTreeMap<ApplicationId, ProxyProvider> =
            proxies.into_iter().map(|provider| (provider.application, provider)).collect();
        let mut snapshot = Self {
            revision,
            stale_at: after(now, LONGEST),
            groups: GroupGraph::new(groups),
            mappings,
            keys,
            applications: BTreeMap::new(),
            ldap: Vec::new(),
            proxies: Proxies::default(),
            global: None,
            connectors: connectors.into_iter().collect(),
            by_client_id: BTreeMap::new(),
            by_provider: BTreeMap::new(),
            group_tree: OnceLock::new(),
        };
        let names = claim_names(&snapshot.mappings);
        for application in applications {
            let (provider, proxy) = (oauth.remove(&application.id), proxies.remove(&application.id));
            let client = provider.and_then(|provider| {
                let key = prepared.get(&provider.profile.signing_key)?;
                let mut client =
                    Client::new(application.clone(), provider, (&snapshot.mappings, &names), key, public_url);
                client.redirect_uris.extend(proxy.as_ref().and_then(proxy_client::redirect_uri));
                Some(Arc::new(client))
            });
            let ldap = ldap.remove(&application.id);
            let ldap = ldap.map(|provider| Arc::new(LdapClient::new(application.clone(), provider)));
            let proxy = proxy
                .zip(client.clone())
                .and_then(|(provider, client)| ProxyClient::new(application.clone(), provider, client).map(Arc::new));
            snapshot.add(ApplicationEntry { application, oauth: client, ldap, proxy });
        }
        snapshot.global = GlobalIssuer::new(public_url.as_str(), snapshot.clients());
        Ok(snapshot)
    }

    fn add(&mut self, entry: ApplicationEntry) {
        if let Some(client) = &entry.oauth {
            self.by_client_id.insert(client.provider.profile.client_id.clone(), client.clone());
            self.by_provider.insert(client.provider.id, client.clone());
        }
        self.ldap.extend(entry.ldap.clone());
        if let Some(client) = &entry.proxy {
            self.proxies.add(client.clone());
        }
        self.applications.insert(entry.application.profile.slug.clone(), Arc::new(entry));
    }

    /// The applications with an OAuth2/OpenID provider, sorted by slug.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.applications.values().filter_map(|entry| entry.oauth.as_ref())
    }

    /// The groups as LDAP asks about them; made when first asked for.
    pub fn group_tree(&self) -> Arc<GroupTree> {
        self.group_tree.get_or_init(|| Arc::new(GroupTree::new(&self.groups, self.revision))).clone()
    }

    /// An application by its slug.
    pub fn application(&self, slug: &str) -> Option<&Arc<ApplicationEntry>> {
        self.applications.get(slug)
    }

    /// An application by identifier.
    pub fn application_by_id(&self, id: ApplicationId) -> Option<&Application> {
        self.applications.values().map(|entry| &entry.application).find(|application| application.id == id)
    }

    /// An application with an OAuth2/OpenID provider by its slug.
    pub fn by_slug(&self, slug: &str) -> Option<&Arc<Client>> {
        self.application(slug)?.oauth.as_ref()
    }

    /// An application that shares its issuer, by its client ID.
    pub fn global_client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.by_client_id(client_id).filter(|client| client.has_global_issuer())
    }

    /// An application by its client ID.
    pub fn by_client_id(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.by_client_id.get(client_id)
    }

    /// An application by its provider.
    pub fn by_provider(&self, id: ProviderId) -> Option<&Arc<Client>> {
        self.by_provider.get(&id)
    }

    /// A signing key by name or identifier.
    pub fn key(&self, name: &str) -> Option<&SigningKey> {
        let lower = doorward_core::user::key(name);
        self.keys.iter().find(|key| doorward_core::user::key(&key.name) == lower || key.id.to_string() == name)
    }

    /// A claim mapping by identifier.
    pub fn mapping(&self, id: MappingId) -> Option<&ClaimMapping> {
        self.mappings.iter().find(|mapping| mapping.id == id)
    }

    /// The longest lifetime of a token signed with a key.
    pub fn longest_lifetime(&self, key: SigningKeyId) -> SignedDuration {
        longest_lifetime(self.clients().map(|client| &client.provider), key)
    }
}

fn longest_lifetime<'a>(providers: impl Iterator<Item = &'a Provider>, key: SigningKeyId) -> SignedDuration {
    let lifetimes = providers
        .filter(|provider| provider.profile.signing_key == key)
        .map(|provider| provider.profile.access_token_validity);
    lifetimes.max().map_or(SignedDuration::from_hours(1), Lifetime::duration)
}

/// A signing key as clients use it.
struct PreparedKey {
    signer: Arc<Signer>,
    public: Vec<(KeyAlgorithm, Value)>,
    jwks: Bytes,
}

fn prepare_keys(
    keys: &[SigningKey],
    providers: &[Provider],
    now: Timestamp,
) -> store::Result<BTreeMap<SigningKeyId, PreparedKey>> {
    let mut prepared = BTreeMap::new();
    for key in keys {
        let longest = longest_lifetime(providers.iter(), key.id);
        let Some(active) = key.active(now) else { continue };
        let broken = |error| store::Error::Corrupt(format!("signing key {:?}: {error}", key.name));
        let published: Vec<&KeyVersion> = key.published(now, longest);
        let public = published
            .into_iter()
            .map(|version| Ok((version.algorithm, public_jwk(version)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(broken)?;
        let jwks = json!({ "keys": public.iter().map(|(_, jwk)| jwk).collect::<Vec<_>>() });
        prepared.insert(
            key.id,
            PreparedKey {
                signer: Arc::new(Signer::new(active).map_err(broken)?),
                jwks: Bytes::from(jwks.to_string()),
                public,
            },
        );
    }
    Ok(prepared)
}

impl Client {
    /// Whether its issuer is the one that applications share.
    pub fn has_global_issuer(&self) -> bool {
        self.provider.profile.issuer_mode == IssuerMode::Global
    }

    /// Where the document of its issuer stands.
    pub fn discovery_url(&self) -> String {
        discovery::address(&self.issuer)
    }

    fn new(
        application: Application,
        provider: Provider,
        (mappings, names): (&[ClaimMapping], &BTreeMap<MappingId, BTreeSet<String>>),
        key: &PreparedKey,
        public_url: &PublicUrl,
    ) -> Self {
        let slug = &application.profile.slug;
        let issuer = match provider.profile.issuer_mode {
            IssuerMode::PerProvider => discovery::application_issuer(public_url.as_str(), slug),
            IssuerMode::Global => public_url.as_str().to_owned(),
        };
        let own: Vec<_> = mappings.iter().filter(|mapping| provider.profile.mappings.contains(&mapping.id)).collect();
        let scopes: BTreeSet<String> = own.iter().map(|mapping| mapping.profile.scope.clone()).collect();
        let mut claim_names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for mapping in &own {
            let made = names.get(&mapping.id).cloned().unwrap_or_default();
            claim_names.entry(mapping.profile.scope.clone()).or_default().extend(made);
        }
        let document = discovery::document(&discovery::Subject {
            public_url: public_url.as_str(),
            slug: Some(slug),
            issuer: &issuer,
            algorithms: &[key.signer.algorithm().jws_name()].into(),
            grant_types: &provider.profile.grant_types,
            scopes: &scopes,
            claims: &claim_names.values().flatten().cloned().collect(),
        });
        Self {
            origins: provider.profile.redirect_uris.iter().filter_map(origin).collect(),
            redirect_uris: provider.profile.redirect_uris.clone(),
            discovery: Bytes::from(format!("{document:#}")),
            mappings: own.into_iter().map(CompiledMapping::new).collect(),
            signer: key.signer.clone(),
            claim_names,
            claims_made: ClaimsMade::default(),
            public_keys: key.public.clone(),
            jwks: key.jwks.clone(),
            issuer,
            scopes,
            application,
            provider,
        }
    }
}

/// The origin of pages that may read what the client is answered.
fn origin(uri: &RedirectUri) -> Option<String> {
    match uri.matching_mode {
        MatchingMode::Strict => web_address::origin(&uri.url),
        MatchingMode::Regex => web_address::origin_of_regex(&uri.url),
    }
}

/// The claims that each mapping promises, once for all applications that have it.
fn claim_names(mappings: &[ClaimMapping]) -> BTreeMap<MappingId, BTreeSet<String>> {
    mappings.iter().map(|mapping| (mapping.id, sample_names(&CompiledMapping::new(mapping)))).collect()
}

/// State of every version of a key, with the words for it.
pub fn version_states(snapshot: &Snapshot, key: &SigningKey, now: Timestamp) -> Vec<(KeyVersion, VersionState)> {
    let states = key.states(now, snapshot.longest_lifetime(key.id)).into_iter();
    states.map(|(version, state)| (version.clone(), state)).collect()
}
