//! Applications with their providers: operations.

pub mod access;
pub mod changes;
pub mod claims_made;
pub mod client_account;
pub mod client_secret;
pub mod from_recipe;
pub mod ldap;
pub mod preview;
pub mod proxy;
pub mod service_account;
pub mod settings;

use doorward_core::{
    access_rule::AccessRule,
    application::{Application, ApplicationProfile, RESERVED_SLUGS},
    claim_mapping::ClaimMapping,
    id::{ApplicationId, LdapProviderId, ProviderId, ProxyProviderId},
    ldap_provider::{LdapProfile, LdapProvider},
    problem::Problems,
    provider::{Provider, ProviderProfile, check_client_secret, new_client_secret},
    proxy_provider::{ProxyProfile, ProxyProvider},
    redirect_uri::{MatchingMode, RedirectUri},
    secret::Secret,
};
use doorward_protocols::oauth::redirect_uri;
use doorward_store::{self as store, db::Tx};
use std::sync::Arc;

use crate::{
    actor::Actor,
    app::App,
    directory::users::name_conflict,
    error::{OperationError, OperationResult},
    events,
    snapshot::{ApplicationEntry, Client, Snapshot},
};
use service_account::{BindAccount, NewAccount};

/// What can be written about an application and the providers it has.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationEdit {
    /// The application.
    pub profile: ApplicationProfile,
    /// Its OAuth2/OpenID provider.
    pub oauth: Option<ProviderProfile>,
    /// Its LDAP provider.
    pub ldap: Option<LdapProfile>,
    /// Its proxy provider.
    pub proxy: Option<ProxyProfile>,
}

impl ApplicationEdit {
    /// An application as it is.
    pub fn of(entry: &ApplicationEntry) -> Self {
        Self {
            profile: entry.application.profile.clone(),
            oauth: entry.oauth.as_ref().map(|client| client.provider.profile.clone()),
            ldap: entry.ldap.as_ref().map(|client| client.provider.profile.clone()),
            proxy: entry.proxy.as_ref().map(|client| client.provider.profile.clone()),
        }
    }

    /// Checks it as it is checked when it is written. `own`: the application it is about, unless that is new.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self, snapshot: &Snapshot, own: Option<ApplicationId>) -> OperationResult<()> {
        let mut problems = self.profile.check().err().unwrap_or_default();
        let before = own.and_then(|id| snapshot.application_by_id(id)).map(|application| &application.profile.slug);
        if before == Some(&self.profile.slug) && RESERVED_SLUGS.contains(&self.profile.slug.as_str()) {
            // The slug became an address of Doorward after the application had it: it can still be changed in other ways.
            problems.0.retain(|problem| problem.field != "slug");
        }
        if let Some(other) = snapshot.application(&self.profile.slug)
            && Some(other.application.id) != own
        {
            problems.add("slug", SLUG_TAKEN);
        }
        if let AccessRule::Only { groups, .. } = &self.profile.access
            && groups.iter().any(|id| snapshot.groups.get(*id).is_none())
        {
            problems.add("allow_groups", "One of the groups does not exist.");
        }
        if let Some(provider) = &self.oauth {
            check_provider(snapshot, provider, &mut problems);
        }
        if let Some(provider) = &self.ldap {
            ldap::check(snapshot, provider, own, &mut problems);
        }
        if let Some(provider) = &self.proxy {
            proxy::check(snapshot, provider, own, &mut problems);
        }
        Ok(problems.or(())?)
    }
}

/// An application that was added.
#[derive(Debug)]
pub struct Created {
    /// The application.
    pub entry: Arc<ApplicationEntry>,
    /// The account with which it reads the directory, if it has an LDAP provider.
    pub bind: Option<BindAccount>,
}

/// A provider's profile with what a new application gets unless told otherwise: the first signing key, the default claim
/// mappings.
///
/// # Errors
/// That there is no signing key.
pub fn default_provider(snapshot: &Snapshot, name: &str) -> OperationResult<ProviderProfile> {
    let rs256 = snapshot.keys.iter().find(|key| key.name == crate::setup::DEFAULT_KEY);
    let key = rs256
        .or(snapshot.keys.first())
        .ok_or_else(|| OperationError::Denied("There is no signing key; add one first.".to_owned()))?;
    let mut profile = ProviderProfile::new(name, key.id);
    let defaults = snapshot.mappings.iter().filter(|mapping| mapping.is_for_new_applications());
    profile.mappings = defaults.map(|mapping| mapping.id).collect();
    Ok(profile)
}

/// Adds an application with its providers, all or nothing: an OAuth2/OpenID provider gets a new client secret, an LDAP
/// provider a service account, a proxy provider the OAuth2/OpenID provider underneath if there is none. `mappings` are claim mappings of its own; one that is there already is rewritten.
///
/// # Errors
/// Everything that is wrong with the input; that slug, client ID or base DN are taken.
pub async fn create(
    app: &App,
    actor: &Actor,
    edit: ApplicationEdit,
    mappings: Vec<ClaimMapping>,
) -> OperationResult<Created> {
    create_with_secret(app, actor, edit, mappings, new_client_secret()).await
}

/// As [`create`], with a client secret that somebody chose: that which the application has already.
///
/// # Errors
/// As [`create`]; what is wrong with the secret.
pub async fn create_with_secret(
    app: &App,
    actor: &Actor,
    mut edit: ApplicationEdit,
    mappings: Vec<ClaimMapping>,
    client_secret: Secret<String>,
) -> OperationResult<Created> {
    edit.check(&app.snapshot(), None)?;
    check_client_secret(&client_secret)?;
    if let (Some(proxy), None) = (&edit.proxy, &edit.oauth) {
        edit.oauth = Some(proxy::underneath(&app.snapshot(), &edit.profile.name, proxy)?);
    }
    let application =
        Application { id: ApplicationId::new(&app.clock), profile: edit.profile, created_at: app.clock.now() };
    let (slug, name) = (application.profile.slug.clone(), application.profile.name.clone());
    let oauth = edit.oauth.map(|mut profile| {
        profile.mappings.extend(mappings.iter().map(|mapping| mapping.id));
        let id = ProviderId::new(&app.clock);
        Provider { id, application: application.id, profile, client_secret, previous_secret: None }
    });
    let ldap = edit.ldap.map(|profile| {
        let provider = LdapProvider { id: LdapProviderId::new(&app.clock), application: application.id, profile };
        Ok::<_, OperationError>((provider, NewAccount::prepare(app, &application)?))
    });
    let proxy = edit.proxy.map(|profile| {
        let id = ProxyProviderId::new(&app.clock);
        ProxyProvider { id, application: application.id, profile }
    });
    let (ldap, cipher) = (ldap.transpose()?, app.cipher.clone());
    let bind = app
        .change(move |tx| {
            Box::pin(async move {
                store::application::insert(tx, &application).await?;
                if let Some(provider) = oauth {
                    keep_mappings(tx, mappings).await?;
                    store::provider::insert(tx, &cipher, &provider).await?;
                }
                if let Some(provider) = proxy {
                    proxy::insert(tx, provider).await?;
                }
                let Some((provider, account)) = ldap else { return Ok(None) };
                ldap::insert(tx, provider, account).await.map(Some)
            })
        })
        .await
        .map_err(explain)?;
    events::changed(app, actor, format!("added the application {name}")).await;
    Ok(Created { entry: find(app, &slug)?, bind })
}

async fn keep_mappings(tx: &mut Tx<'_>, mappings: Vec<ClaimMapping>) -> store::Result<()> {
    for mapping in mappings {
        if !store::claim_mapping::update(tx, mapping.id, &mapping.profile).await? {
            store::claim_mapping::insert(tx, &mapping).await?;
        }
    }
    Ok(())
}

/// Writes an application and the providers it has. None is added: that is [`ldap::add`] and
/// [`proxy::add`].
///
/// # Errors
/// As [`create`]; that there is no such application.
pub async fn update(
    app: &App,
    actor: &Actor,
    slug: &str,
    edit: ApplicationEdit,
) -> OperationResult<Arc<ApplicationEntry>> {
    let entry = find(app, slug)?;
    edit.check(&app.snapshot(), Some(entry.application.id))?;
    let (new_slug, name) = (edit.profile.slug.clone(), edit.profile.name.clone());
    app.change(move |tx| {
        Box::pin(async move {
            store::application::update(tx, entry.application.id, &edit.profile).await?;
            if let Some((client, profile)) = entry.oauth.as_ref().zip(edit.oauth) {
                store::provider::update(tx, client.provider.id, &profile).await?;
            }
            if let Some((client, profile)) = entry.ldap.as_ref().zip(edit.ldap) {
                ldap::write(tx, client.provider.id, profile).await?;
            }
            if let Some((client, profile)) = entry.proxy.as_ref().zip(edit.proxy) {
                proxy::write(tx, client.provider.id, profile).await?;
            }
            Ok(())
        })
    })
    .await
    .map_err(explain)?;
    events::changed(app, actor, format!("changed the application {name}")).await;
    find(app, &new_slug)
}

/// Adds a redirect URI to an application: what the error page offers to an administrator.
///
/// # Errors
/// What is wrong with the URI; that there is no such application.
pub async fn add_redirect_uri(app: &App, actor: &Actor, slug: &str, uri: &str) -> OperationResult<()> {
    let client = find_client(app, slug)?;
    let mut edit = ApplicationEdit::of(find(app, slug)?.as_ref());
    let mut provider = client.provider.profile.clone();
    let uri = RedirectUri::exact(uri);
    if !provider.redirect_uris.contains(&uri) {
        provider.redirect_uris.push(uri);
        edit.oauth = Some(provider);
        update(app, actor, slug, edit).await?;
    }
    Ok(())
}

/// Shows an application's client secret, and writes down who saw it.
///
/// # Errors
/// That there is no such application, or that the actor may not.
pub async fn reveal_secret(app: &App, actor: &Actor, slug: &str) -> OperationResult<Secret<String>> {
    let client = find_client(app, slug)?;
    if !actor.is_superuser {
        return Err(OperationError::Denied("Only administrators can see client secrets.".to_owned()));
    }
    events::changed(app, actor, format!("looked at the client secret of {}", client.application.profile.name)).await;
    Ok(client.provider.client_secret.clone())
}

/// Removes an application with its providers, grants, tokens and the service accounts that were made for it.
///
/// # Errors
/// That there is no such application.
pub async fn delete(app: &App, actor: &Actor, slug: &str) -> OperationResult<()> {
    let entry = find(app, slug)?;
    let (id, name) = (entry.application.id, entry.application.profile.name.clone());
    let others = app.snapshot();
    app.change(move |tx| {
        Box::pin(async move {
            if let Some(client) = &entry.oauth {
                client_account::delete_own(tx, client.provider.id).await?;
            }
            if let Some(client) = &entry.ldap {
                service_account::delete_own(tx, client, &others).await?;
            }
            store::application::delete(tx, id).await
        })
    })
    .await?;
    events::changed(app, actor, format!("deleted the application {name}")).await;
    Ok(())
}

/// An application by its slug.
///
/// # Errors
/// That there is no such application.
pub fn find(app: &App, slug: &str) -> OperationResult<Arc<ApplicationEntry>> {
    app.snapshot().application(slug).cloned().ok_or_else(|| OperationError::not_found("application", slug))
}

/// An application with its OAuth2/OpenID provider by its slug.
///
/// # Errors
/// That there is no such application, or that it has no such provider.
pub fn find_client(app: &App, slug: &str) -> OperationResult<Arc<Client>> {
    let client = find(app, slug)?.oauth.clone();
    client.ok_or_else(|| OperationError::not_found("OAuth2/OpenID provider of", slug))
}

fn check_provider(snapshot: &Snapshot, provider: &ProviderProfile, problems: &mut Problems) {
    problems.0.extend(provider.check().err().unwrap_or_default().0);
    for uri in &provider.redirect_uris {
        if let Err(error) = redirect_uri::check_registration(uri) {
            let what = if uri.matching_mode == MatchingMode::Regex { "expression" } else { "address" };
            problems.add("redirect_uris", format!("The {what} \"{}\" is refused: {error}.", uri.url));
        }
    }
    if !snapshot.keys.iter().any(|key| key.id == provider.signing_key) {
        problems.add("signing_key", "This signing key does not exist.");
    }
    if provider.mappings.iter().any(|id| snapshot.mapping(*id).is_none()) {
        problems.add("mappings", "One of the claim mappings does not exist.");
    }
}

const SLUG_TAKEN: &str = "There is an application with this slug.";

fn explain(error: OperationError) -> OperationError {
    match error {
        OperationError::Store(store::Error::Conflict(what)) if what.contains("slug") => {
            OperationError::invalid("slug", SLUG_TAKEN)
        }
        OperationError::Store(store::Error::Conflict(what)) if what.contains("client_id") => {
            OperationError::invalid("client_id", "Another application has this client ID.")
        }
        OperationError::Store(store::Error::Conflict(what)) if what.contains("base_dn") => {
            OperationError::invalid("base_dn", "Another application has this base DN.")
        }
        OperationError::Store(store::Error::Conflict(what)) if what.contains("external_host_key") => {
            OperationError::invalid("external_host", "Another application is at this host.")
        }
        OperationError::Store(store::Error::Conflict(what)) if what.contains("cookie_domain_key") => {
            OperationError::invalid("cookie_domain", "Another application has this domain.")
        }
        other => name_conflict(other),
    }
}
