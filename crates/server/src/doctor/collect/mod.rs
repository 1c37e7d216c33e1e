//! Collecting what the checks judge.

mod inventory;
mod people;

use doorward_core::{event::Event, method::Method, proxy_provider::Identity};
use doorward_protocols::forward_auth::{PREFIX, original::Original};
use doorward_protocols::oidc::discovery::application_issuer;
use doorward_store as store;
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeSet, time::Duration};
use url::Url;

use super::{
    Options,
    checks::is_loopback,
    clock,
    evidence::{
        Activity, ApplicationEnd, Evidence, Failure, Fetched, HeaderTrial, House, LdapEnd, OurClient, ProxyEnd,
        PublicEnd, Seen,
    },
    ldap_probe,
    probe::{Probe, at},
    tls::{self, TlsSeen},
};
use crate::{
    app::App,
    applications::{service_account, settings},
    error::OperationResult,
    proxy::client::ProxyClient,
    recipes::Recipe,
    snapshot::{ApplicationEntry, Client, Snapshot},
};

/// Most people whose claims are looked at.
pub const PEOPLE_MAX: usize = 500;
/// How far back failures are looked at.
pub const FAILURES_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Most failures that are looked at.
const FAILURES_MAX: i64 = 50;
/// The header that NetBox reads when nothing else is said.
const USUAL_HEADER: &str = "Remote-User";
/// Most hosts of redirect URIs that are looked up.
const HOSTS_MAX: usize = 5;
/// How long to wait between two looks at the other clock: its header holds whole seconds, so that looks at other fractions of a
/// second tell more.
const BETWEEN_LOOKS: Duration = Duration::from_millis(370);
/// How often the other clock is looked at once more.
const LOOKS: usize = 2;

/// Collects everything. `step` is told what comes next.
///
/// # Errors
/// What the database says.
pub async fn collect(
    app: &App,
    entry: &ApplicationEntry,
    options: &Options,
    step: &(dyn Fn(&str) + Sync),
) -> OperationResult<Evidence> {
    let snapshot = app.snapshot();
    let house = house(app, &snapshot, entry);
    step("the people who may use it");
    let people = people::people(app, &snapshot, entry).await?;
    let activity = activity(app, entry).await?;
    let mut probe = Probe::new(&app.outbound, &app.clock, options.patience);
    let (mut public, mut unknown_hosts) = (None, Vec::new());
    if let Some(client) = &entry.oauth {
        step("Doorward through its public URL");
        public = Some(public_end(app, &mut probe, client).await);
        unknown_hosts = hosts(&probe, client).await;
    }
    let end = match &house.url {
        Some(url) => {
            step("the application at its own address");
            Some(application_end(app, &mut probe, &house, url).await)
        }
        None => None,
    };
    let proxy = match &entry.proxy {
        Some(client) => {
            step("the proxy in front of it");
            proxy_end(&mut probe, client).await
        }
        None => None,
    };
    let headers = if options.check_headers { headers(&mut probe, &house).await } else { Vec::new() };
    let ldap = match &entry.ldap {
        Some(_) => {
            step("the LDAP server");
            Some(ldap_end(app, &probe, entry).await?)
        }
        None => None,
    };
    let inventory = if house.is_netbox {
        step("NetBox's users and groups");
        inventory::read(app, &probe, &house, options.token.clone()).await?
    } else {
        None
    };
    Ok(Evidence { house, public, end, unknown_hosts, people, activity, ldap, proxy, headers, inventory })
}

fn house(app: &App, snapshot: &Snapshot, entry: &ApplicationEntry) -> House {
    let profile = &entry.application.profile;
    let recipe_use = profile.recipe.as_ref();
    let recipe = recipe_use.and_then(|recipe_use| Recipe::find(&recipe_use.id).ok());
    let kept = recipe_use.zip(recipe.as_ref()).and_then(|(kept, recipe)| recipe.options(&kept.options).ok());
    let own = recipe_use.map(|recipe| recipe.url.as_str()).filter(|url| !url.is_empty());
    let others = snapshot.clients().filter(|client| client.application.id != entry.application.id);
    let by_oidc = entry.methods().contains(&Method::Oidc);
    let upstream = kept.as_ref().and_then(|kept| Url::parse(kept.upstream.as_deref()?).ok());
    let now = app.clock.now();
    let rsa = snapshot.keys.iter().find(|key| key.active(now).is_some_and(|key| key.algorithm.jws_name() == "RS256"));
    House {
        slug: profile.slug.clone(),
        name: profile.name.clone(),
        is_netbox: recipe_use.is_some_and(|recipe| recipe.id == "netbox"),
        identity_headers: entry.proxy.as_ref().map(|client| identity_headers(client)).unwrap_or_default(),
        upstream: upstream.filter(|url| !is_loopback(url)),
        has_trusted_proxies: !app.config.trusted_proxies.is_empty(),
        url: own.or(Some(&profile.launch_url)).and_then(|url| Url::parse(url).ok()).filter(Url::has_host),
        launch_url: profile.launch_url.clone(),
        options: kept.unwrap_or_default(),
        public_url: app.config.public_url.to_string(),
        oauth: entry.oauth.as_ref().filter(|_| by_oidc).map(|client| our_client(client)),
        other_clients: others
            .map(|client| (client.provider.profile.client_id.clone(), client.application.profile.slug.clone()))
            .collect(),
        groups: snapshot.groups.iter().map(|group| group.profile.name.clone()).collect(),
        features: recipe.and_then(|recipe| recipe.features().ok()).unwrap_or_default(),
        rsa_key: rsa.map(|key| key.name.clone()),
    }
}

/// The header that carries the username, and authentik's.
fn identity_headers(client: &ProxyClient) -> Vec<String> {
    let own = client.provider.profile.headers.get(&Identity::Username).cloned();
    own.into_iter().chain(["X-authentik-username".to_owned()]).collect()
}

fn our_client(client: &Client) -> OurClient {
    let provider = &client.provider.profile;
    OurClient {
        client_id: provider.client_id.clone(),
        client_type: provider.client_type,
        issuer: client.issuer.clone(),
        issuer_mode: provider.issuer_mode,
        algorithm: client.signer.algorithm().jws_name().to_owned(),
        redirect_uris: provider.redirect_uris.clone(),
        scopes: client.scopes.clone(),
        discovery: serde_json::from_slice(&client.discovery).unwrap_or_default(),
    }
}

/// Where NetBox looks for discovery: its setting, which ends in a slash, another slash, and the rest.
pub fn discovery_url(public_url: &str, slug: &str, slashes: &str) -> Option<Url> {
    let issuer = application_issuer(public_url, slug);
    Url::parse(&format!("{}{slashes}.well-known/openid-configuration", issuer.trim_end_matches('/'))).ok()
}

async fn public_end(app: &App, probe: &mut Probe<'_>, client: &Client) -> PublicEnd {
    let (base, slug) = (app.config.public_url.as_str(), &client.application.profile.slug);
    let before = probe.samples.len();
    let nothing = || Fetched { url: base.to_owned(), outcome: Ok(Seen::default()) };
    let discovery = match discovery_url(base, slug, "//") {
        Some(url) => probe.fetch(url).await,
        None => nothing(),
    };
    let is_good = discovery.outcome.as_ref().is_ok_and(|seen| seen.status == 200);
    let single_slash = match discovery_url(base, slug, "/") {
        Some(url) if !is_good => Some(probe.fetch(url).await),
        _ => None,
    };
    // Doorward's own clock is not the other one.
    probe.samples.truncate(before);
    PublicEnd { discovery, single_slash, tls: certificates(app, probe, Url::parse(base).ok().as_ref()).await }
}

async fn certificates(app: &App, probe: &Probe<'_>, url: Option<&Url>) -> Option<TlsSeen> {
    let url = url.filter(|url| url.scheme() == "https")?;
    let (host, port) = (url.host_str()?, url.port_or_known_default()?);
    Some(tls::look(&app.clock, host, port, probe.patience()).await)
}

async fn application_end(app: &App, probe: &mut Probe<'_>, house: &House, url: &Url) -> ApplicationEnd {
    // Behind Doorward's own gate a stranger sees no page of NetBox.
    let shows_itself = house.is_netbox && (house.oauth.is_some() || house.identity_headers.is_empty());
    let (front, netbox) = if shows_itself { probe.netbox(url).await } else { (probe.fetch(url.clone()).await, None) };
    let is_there = front.outcome.is_ok();
    for _ in 0..LOOKS {
        if is_there {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            drop(probe.fetch(at(url, "/login/")).await);
        }
    }
    let skew = clock::Skew::of(&probe.samples);
    ApplicationEnd { front, tls: certificates(app, probe, Some(url)).await, skew, netbox }
}

/// The guarded host as a stranger sees it.
async fn proxy_end(probe: &mut Probe<'_>, client: &ProxyClient) -> Option<ProxyEnd> {
    let external = Url::parse(&client.provider.profile.external_host).ok()?;
    let first = Original::parse(at(&external, "/").as_str()).ok();
    let ping = probe.fetch(at(&external, &format!("{PREFIX}ping"))).await;
    let entry = probe.fetch(at(&external, "/")).await;
    Some(ProxyEnd { ping, entry, is_skipped: first.is_some_and(|first| client.skip_paths.matches(&first)) })
}

/// Says to be somebody at every address at which that must not be believed.
async fn headers(probe: &mut Probe<'_>, house: &House) -> Vec<HeaderTrial> {
    let mut names = house.identity_headers.clone();
    if names.is_empty() && house.is_netbox {
        names.push(USUAL_HEADER.to_owned());
    }
    let mut trials = Vec::new();
    for url in house.url.iter().chain(&house.upstream).filter(|_| !names.is_empty()) {
        let username = format!("doorward-doctor-{}", doorward_core::random::reference().to_lowercase());
        trials.push(probe.headers(url, &names, &username).await);
    }
    trials
}

/// Hosts of redirect URIs that have no address here.
async fn hosts(probe: &Probe<'_>, client: &Client) -> Vec<String> {
    let uris = client.provider.profile.redirect_uris.iter().filter_map(|uri| Url::parse(&uri.url).ok());
    let hosts: BTreeSet<String> = uris.filter_map(|url| url.host_str().map(str::to_owned)).collect();
    let mut unknown = Vec::new();
    for host in hosts.into_iter().take(HOSTS_MAX) {
        let bare = host.trim_matches(['[', ']']).to_owned();
        let looked_up = tokio::time::timeout(probe.patience(), tokio::net::lookup_host((bare, 443))).await;
        if matches!(looked_up, Ok(Err(_))) {
            unknown.push(host);
        }
    }
    unknown
}

async fn activity(app: &App, entry: &ApplicationEntry) -> OperationResult<Activity> {
    let since = app.clock.now().saturating_sub(FAILURES_WITHIN).unwrap_or(Timestamp::MIN);
    let (application, provider) = (entry.application.id, entry.oauth.as_ref().map(|client| client.provider.id));
    let validity = entry.oauth.as_ref().map(|client| client.provider.profile.access_token_validity.duration());
    let (failures, strangers, expiry) = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let expiry = match provider {
                    Some(provider) => store::access_token::last_expiry(tx, provider).await?,
                    None => None,
                };
                Ok((
                    store::event::failures(tx, Some(application), since, FAILURES_MAX).await?,
                    store::event::failures(tx, None, since, FAILURES_MAX).await?,
                    expiry,
                ))
            })
        })
        .await?;
    let told = |events: Vec<Event>| events.into_iter().map(failure).collect();
    Ok(Activity {
        failures: told(failures),
        strangers: told(strangers),
        last_token_at: expiry.zip(validity).and_then(|(expiry, validity)| expiry.checked_sub(validity).ok()),
    })
}

fn failure(event: Event) -> Failure {
    Failure { at: event.at, kind: event.kind, text: event.text, reference: event.reference }
}

async fn ldap_end(app: &App, probe: &Probe<'_>, entry: &ApplicationEntry) -> OperationResult<LdapEnd> {
    let Some(client) = &entry.ldap else { return Ok(LdapEnd::default()) };
    let server = settings::ldap_server(app, entry);
    let tls = if server.is_ldaps {
        Some(tls::look(&app.clock, &server.host, server.port, probe.patience()).await)
    } else {
        None
    };
    let contexts = if server.is_ldaps {
        None
    } else {
        Some(ldap_probe::naming_contexts(&server.host, server.port, probe.patience()).await)
    };
    Ok(LdapEnd {
        uri: server.uri(),
        base_dn: client.provider.profile.base_dn.clone(),
        doubt: settings::ldap_server_doubt(app, entry),
        account: service_account::warning(app, client).await?,
        naming_contexts: contexts,
        tls,
    })
}
