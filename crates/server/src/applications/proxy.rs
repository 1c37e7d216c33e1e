//! Proxy providers of applications.

use doorward_core::{
    id::{ApplicationId, ProviderId, ProxyProviderId},
    problem::Problems,
    provider::{Provider, ProviderProfile, new_client_secret},
    proxy_provider::{ProxyMode, ProxyProfile, ProxyProvider},
};
use doorward_protocols::forward_auth::{host::Origin, skip_path};
use doorward_store::{self as store, db::Tx};
use std::sync::Arc;

use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
    proxy::client::ProxyClient,
    snapshot::Snapshot,
};

/// The OAuth2/OpenID provider that is made underneath a new proxy provider: the defaults, with tokens that live as long as
/// sessions at the protected host.
///
/// # Errors
/// That there is no signing key.
pub fn underneath(snapshot: &Snapshot, name: &str, proxy: &ProxyProfile) -> OperationResult<ProviderProfile> {
    let mut provider = super::default_provider(snapshot, name)?;
    provider.access_token_validity = proxy.access_token_validity;
    Ok(provider)
}

/// Gives an application a proxy provider, and the OAuth2/OpenID provider underneath if it has none.
///
/// # Errors
/// Everything that is wrong with the profile; that there is no such application, or that it has a proxy provider.
pub async fn add(app: &App, actor: &Actor, slug: &str, profile: ProxyProfile) -> OperationResult<Arc<ProxyClient>> {
    let entry = super::find(app, slug)?;
    if entry.proxy.is_some() {
        return Err(OperationError::Denied(format!("{slug} has a proxy provider already.")));
    }
    let (application, snapshot) = (entry.application.clone(), app.snapshot());
    let mut problems = Problems::default();
    check(&snapshot, &profile, Some(application.id), &mut problems);
    problems.or(())?;
    let oauth = match entry.oauth {
        Some(_) => None,
        None => Some(Provider {
            id: ProviderId::new(&app.clock),
            application: application.id,
            profile: underneath(&snapshot, &application.profile.name, &profile)?,
            client_secret: new_client_secret(),
            previous_secret: None,
        }),
    };
    let provider = ProxyProvider { id: ProxyProviderId::new(&app.clock), application: application.id, profile };
    let cipher = app.cipher.clone();
    app.change(move |tx| {
        Box::pin(async move {
            if let Some(oauth) = oauth {
                store::provider::insert(tx, &cipher, &oauth).await?;
            }
            insert(tx, provider).await
        })
    })
    .await
    .map_err(super::explain)?;
    events::changed(app, actor, format!("added a proxy provider to {}", application.profile.name)).await;
    find(app, slug)
}

/// Takes the proxy provider from an application, and ends the sessions at its hosts. The OAuth2/OpenID provider stays.
///
/// # Errors
/// That there is no such application, or that it has no proxy provider.
pub async fn remove(app: &App, actor: &Actor, slug: &str) -> OperationResult<()> {
    let client = find(app, slug)?;
    let id = client.provider.id;
    app.change(move |tx| Box::pin(async move { store::proxy_provider::delete(tx, id).await })).await?;
    let name = &client.application.profile.name;
    events::changed(app, actor, format!("removed the proxy provider of {name}")).await;
    Ok(())
}

/// An application with its proxy provider by its slug.
///
/// # Errors
/// That there is no such application, or that it has no proxy provider.
pub fn find(app: &App, slug: &str) -> OperationResult<Arc<ProxyClient>> {
    let client = super::find(app, slug)?.proxy.clone();
    client.ok_or_else(|| OperationError::not_found("proxy provider of", slug))
}

/// Adds a provider.
pub(super) async fn insert(tx: &mut Tx<'_>, provider: ProxyProvider) -> store::Result<()> {
    let provider = ProxyProvider { profile: provider.profile.tidied(), ..provider };
    let key = key(&provider.profile)?;
    store::proxy_provider::insert(tx, &provider, &key).await
}

/// Writes a provider's profile.
pub(super) async fn write(tx: &mut Tx<'_>, id: ProxyProviderId, profile: ProxyProfile) -> store::Result<()> {
    let profile = profile.tidied();
    let key = key(&profile)?;
    store::proxy_provider::update(tx, id, &profile, &key).await?;
    Ok(())
}

fn key(profile: &ProxyProfile) -> store::Result<String> {
    // Checked before; what is wrong nonetheless is not written.
    let external = Origin::parse(&profile.external_host);
    let external = external.map_err(|_| store::Error::Query("the external host cannot be read".to_owned()))?;
    Ok(external.authority.to_string())
}

/// Checks a provider's profile. `own`: the application it belongs to, unless that is new.
pub(super) fn check(snapshot: &Snapshot, profile: &ProxyProfile, own: Option<ApplicationId>, problems: &mut Problems) {
    let profile = profile.clone().tidied();
    if let Err(found) = profile.check() {
        problems.0.extend(found.0);
        return;
    }
    for expression in &profile.skip_path_regex {
        if let Err(error) = skip_path::check(expression) {
            problems.add("skip_path_regex", format!("The expression \"{expression}\" is refused: {error}."));
        }
    }
    let others = || snapshot.proxies.iter().filter(|client| Some(client.application.id) != own);
    let external = match Origin::parse(&profile.external_host) {
        Ok(external) => external,
        Err(error) => {
            let text = &profile.external_host;
            problems.add(
                "external_host",
                format!("\"{text}\" is refused: {error}. Write it like https://netbox.example.org."),
            );
            return;
        }
    };
    if let Some(other) = others().find(|other| other.external.authority == external.authority) {
        problems.add("external_host", format!("{} is at this host.", other.application.profile.name));
    }
    if profile.mode == ProxyMode::ForwardDomain {
        let domain = &profile.cookie_domain;
        if !external.authority.is_within(domain) {
            problems.add("cookie_domain", format!("{} is not below {domain}.", external.authority.host()));
        }
        if let Some(other) = others().find(|other| other.cookie_domain() == Some(domain)) {
            problems.add("cookie_domain", format!("{} has this domain.", other.application.profile.name));
        }
    }
}
