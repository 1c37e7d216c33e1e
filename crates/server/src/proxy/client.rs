//! Applications behind proxies, ready to serve.

use doorward_core::{
    application::Application,
    cipher::sha256_hex,
    proxy_provider::{ProxyMode, ProxyProvider},
    redirect_uri::RedirectUri,
};
use doorward_protocols::forward_auth::{
    CALLBACK_SIGNATURE, PREFIX,
    host::{Authority, Origin},
    original::Original,
    return_address,
    skip_path::SkipPaths,
};
use std::{collections::BTreeMap, sync::Arc};

use crate::snapshot::Client;

/// An application and its proxy provider.
#[derive(Debug, Clone)]
pub struct ProxyClient {
    /// The application.
    pub application: Application,
    /// Its provider.
    pub provider: ProxyProvider,
    /// The same application with the OAuth2/OpenID provider underneath.
    pub client: Arc<Client>,
    /// Where browsers reach it.
    pub external: Origin,
    /// What is let through without signing in.
    pub skip_paths: SkipPaths,
    /// Name of the cookie at the protected host.
    pub cookie: String,
}

impl ProxyClient {
    /// An application with its providers; nothing if the external host cannot be read. Nobody is let in there then.
    pub fn new(application: Application, provider: ProxyProvider, client: Arc<Client>) -> Option<Self> {
        let external = Origin::parse(&provider.profile.external_host).ok()?;
        let skip_paths = SkipPaths::new(&provider.profile).unwrap_or_else(|error| {
            tracing::error!(
                application = application.profile.slug,
                error,
                "skip paths cannot be used; none is skipped"
            );
            SkipPaths::none()
        });
        let cookie = cookie_name(&client.provider.profile.client_id);
        Some(Self { application, provider, client, external, skip_paths, cookie })
    }

    /// Where browsers come back to after signing in.
    pub fn callback(&self) -> String {
        callback(&self.external)
    }

    /// Where signing in begins for somebody who asked for something.
    pub fn start(&self, original: &Original) -> String {
        let back = return_address::target(Some(original), &self.external, self.cookie_domain());
        let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
        format!("{}{PREFIX}start?rd={back}", self.external)
    }

    /// The cookie's domain, in domain mode.
    pub fn cookie_domain(&self) -> Option<&str> {
        let profile = &self.provider.profile;
        (profile.mode == ProxyMode::ForwardDomain).then_some(profile.cookie_domain.as_str())
    }

    /// Whether a host is one of those it guards.
    pub fn guards(&self, host: &Authority) -> bool {
        *host == self.external.authority || self.cookie_domain().is_some_and(|domain| host.is_within(domain))
    }
}

/// The redirect URI that a proxy provider brings with it; nothing if its external host cannot be read.
pub fn redirect_uri(provider: &ProxyProvider) -> Option<RedirectUri> {
    let external = Origin::parse(&provider.profile.external_host).ok()?;
    Some(RedirectUri::exact(callback(&external)))
}

fn callback(external: &Origin) -> String {
    format!("{external}{PREFIX}callback?{CALLBACK_SIGNATURE}=true")
}

/// The name that authentik gives the cookie.
fn cookie_name(client_id: &str) -> String {
    let hash = sha256_hex(client_id.as_bytes());
    format!("authentik_proxy_{}", hash.get(..8).unwrap_or(&hash))
}

/// All applications behind proxies, by their hosts.
#[derive(Debug, Default)]
pub struct Proxies {
    by_host: BTreeMap<String, Arc<ProxyClient>>,
    /// Those of domains, the longest domain first.
    domains: Vec<Arc<ProxyClient>>,
}

impl Proxies {
    /// Adds one.
    pub fn add(&mut self, client: Arc<ProxyClient>) {
        self.by_host.insert(client.external.authority.to_string(), client.clone());
        if client.cookie_domain().is_some() {
            self.domains.push(client);
            self.domains.sort_by_key(|client| std::cmp::Reverse(client.provider.profile.cookie_domain.len()));
        }
    }

    /// Which one guards a host: the one whose external host it is, or else that of the nearest domain.
    pub fn find(&self, host: &Authority) -> Option<&Arc<ProxyClient>> {
        let exact = self.by_host.get(&host.to_string());
        exact.or_else(|| self.domains.iter().find(|client| client.guards(host)))
    }

    /// All of them, by external host.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ProxyClient>> {
        self.by_host.values()
    }
}
