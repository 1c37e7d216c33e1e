//! The rounds: from Doorward's own address to the application, its proxy and its directory, with a few requests at each.

use doorward_core::{redirect_uri::RedirectUri, secret::Secret};
use doorward_protocols::forward_auth::{PREFIX, original::Original};
use std::{collections::BTreeSet, time::Duration};
use url::Url;

use super::inventory;
use crate::{
    app::App,
    applications::{service_account, settings},
    doctor::{
        clock,
        evidence::{ApplicationEnd, HeaderTrial, House, Inventory, InventoryError, LdapEnd, ProxyEnd, PublicEnd},
        ldap_probe,
        probe::{Probe, at},
        tls::{self, TlsSeen},
    },
    error::OperationResult,
    snapshot::ApplicationEntry,
};

/// Most hosts of redirect URIs that are looked up.
const HOSTS_MAX: usize = 5;
/// How long to wait between two looks at the other clock: its header holds whole seconds, so that looks at other fractions of
/// a second tell more.
const BETWEEN_LOOKS: Duration = Duration::from_millis(370);
/// How often the other clock is looked at once more.
const LOOKS: usize = 2;
/// The header that NetBox reads when nothing else is said.
const USUAL_HEADER: &str = "Remote-User";

/// Who goes round.
pub(super) struct Rounds<'a> {
    pub(super) app: &'a App,
    pub(super) entry: &'a ApplicationEntry,
    pub(super) house: &'a House,
    pub(super) probe: Probe<'a>,
    /// Is told where it goes next.
    pub(super) step: &'a (dyn Fn(&str) + Sync),
}

impl Rounds<'_> {
    /// Doorward through its public URL: discovery as NetBox asks for it, with its setting, which ends in a slash, another
    /// slash, and the rest.
    pub(super) async fn public(&mut self) -> Option<PublicEnd> {
        let client = self.entry.oauth.as_ref()?;
        (self.step)("Doorward through its public URL");
        let (base, issuer) = (self.app.config.public_url.as_str(), client.issuer.as_str());
        let before = self.probe.samples.len();
        let discovery = self.probe.fetch(discovery_url(issuer, "//")?).await;
        let is_good = discovery.outcome.as_ref().is_ok_and(|seen| seen.status == 200);
        let single_slash = match discovery_url(issuer, "/") {
            Some(url) if !is_good => Some(self.probe.fetch(url).await),
            _ => None,
        };
        // Doorward's own clock is not the other one.
        self.probe.samples.truncate(before);
        Some(PublicEnd { discovery, single_slash, tls: self.certificates(&Url::parse(base).ok()?).await })
    }

    async fn certificates(&self, url: &Url) -> Option<TlsSeen> {
        if url.scheme() != "https" {
            return None;
        }
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        Some(tls::look(&self.app.clock, host, port, self.probe.patience()).await)
    }

    /// Hosts of redirect URIs that have no address here.
    pub(super) async fn unknown_hosts(&self) -> Vec<String> {
        let uris = self.house.oauth.iter().flat_map(|ours| &ours.redirect_uris);
        let host = |uri: &RedirectUri| Url::parse(&uri.url).ok()?.host_str().map(str::to_owned);
        let hosts: BTreeSet<String> = uris.filter_map(host).collect();
        let mut unknown = Vec::new();
        for host in hosts.into_iter().take(HOSTS_MAX) {
            let bare = host.trim_matches(['[', ']']).to_owned();
            let looked_up = tokio::time::timeout(self.probe.patience(), tokio::net::lookup_host((bare, 443))).await;
            if matches!(looked_up, Ok(Err(_))) {
                unknown.push(host);
            }
        }
        unknown
    }

    /// The application at its own address.
    pub(super) async fn application(&mut self) -> Option<ApplicationEnd> {
        let url = self.house.url.as_ref()?;
        (self.step)("the application at its own address");
        // Behind Doorward's own gate a stranger sees no page of NetBox.
        let shows_itself = self.house.oauth.is_some() || self.house.identity_headers.is_empty();
        let (front, netbox) = if self.house.is_netbox && shows_itself {
            self.probe.netbox(url).await
        } else {
            (self.probe.fetch(url.clone()).await, None)
        };
        if front.outcome.is_ok() {
            for _ in 0..LOOKS {
                tokio::time::sleep(BETWEEN_LOOKS).await;
                // Only its time counts.
                self.probe.fetch(at(url, "/login/")).await;
            }
        }
        let skew = clock::Skew::of(&self.probe.samples);
        Some(ApplicationEnd { front, tls: self.certificates(url).await, skew, netbox })
    }

    /// The guarded host as a stranger sees it.
    pub(super) async fn proxy(&mut self) -> Option<ProxyEnd> {
        let client = self.entry.proxy.as_ref()?;
        (self.step)("the proxy in front of it");
        let external = Url::parse(&client.provider.profile.external_host).ok()?;
        let first = Original::parse(at(&external, "/").as_str()).ok();
        let ping = self.probe.fetch(at(&external, &format!("{PREFIX}ping"))).await;
        let entry = self.probe.fetch(at(&external, "/")).await;
        Some(ProxyEnd { ping, entry, is_skipped: first.is_some_and(|first| client.skip_paths.matches(&first)) })
    }

    /// Says to be somebody at every address at which that must not be believed.
    pub(super) async fn headers(&mut self) -> Vec<HeaderTrial> {
        let mut names = self.house.identity_headers.clone();
        if names.is_empty() && self.house.is_netbox {
            names.push(USUAL_HEADER.to_owned());
        }
        let mut trials = Vec::new();
        for url in self.house.url.iter().chain(&self.house.upstream).filter(|_| !names.is_empty()) {
            let username = format!("doorward-doctor-{}", doorward_core::random::reference().to_lowercase());
            trials.push(self.probe.headers(url, &names, &username).await);
        }
        trials
    }

    /// The LDAP server where the application looks for it.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn ldap(&self) -> OperationResult<Option<LdapEnd>> {
        let Some(client) = &self.entry.ldap else { return Ok(None) };
        (self.step)("the LDAP server");
        let server = settings::ldap_server(self.app, self.entry);
        let (mut tls, mut naming_contexts) = (None, None);
        let patience = self.probe.patience();
        if server.is_ldaps {
            tls = Some(tls::look(&self.app.clock, &server.host, server.port, patience).await);
        } else {
            naming_contexts = Some(ldap_probe::naming_contexts(&server.host, server.port, patience).await);
        }
        Ok(Some(LdapEnd {
            uri: server.uri(),
            base_dn: client.provider.profile.base_dn.clone(),
            doubt: settings::ldap_server_doubt(self.app, self.entry),
            account: service_account::warning(self.app, client).await?,
            naming_contexts,
            tls,
        }))
    }

    /// NetBox's users and groups, with a token or that of the connector.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn inventory(
        &self,
        token: Option<Secret<String>>,
    ) -> OperationResult<Option<Result<Inventory, InventoryError>>> {
        if !self.house.is_netbox {
            return Ok(None);
        }
        (self.step)("NetBox's users and groups");
        inventory::read(self.app, &self.probe, self.house, token).await
    }
}

/// The address of discovery, with so many slashes before its last part.
fn discovery_url(issuer: &str, slashes: &str) -> Option<Url> {
    Url::parse(&format!("{}{slashes}.well-known/openid-configuration", issuer.trim_end_matches('/'))).ok()
}
