//! LDAP providers of applications.

use doorward_core::{
    application::ApplicationProfile,
    id::{ApplicationId, LdapProviderId},
    ldap_provider::{DEFAULT_BASE_DN, LdapProfile, LdapProvider},
    problem::Problems,
};
use doorward_protocols::ldap::dn;
use doorward_store::{self as store, db::Tx};
use std::sync::Arc;

use super::service_account::{self, BindAccount, NewAccount};
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
    recipes::Recipe,
    snapshot::{LdapClient, Snapshot},
};

/// What a new LDAP provider gets unless told otherwise: authentik's base DN for the first application, one with the
/// slug before it for all others, and what the application's recipe needs.
pub fn default_profile(snapshot: &Snapshot, application: &ApplicationProfile) -> LdapProfile {
    let is_taken = holder(snapshot, DEFAULT_BASE_DN, None).is_some();
    let mut profile = LdapProfile::new(DEFAULT_BASE_DN);
    if is_taken {
        profile.base_dn = format!("dc={},{DEFAULT_BASE_DN}", dn::escape(&application.slug));
    }
    let recipe = application.recipe.as_ref().and_then(|recipe| Recipe::find(&recipe.id).ok());
    profile.uid_source = recipe.and_then(|recipe| recipe.uid_source()).unwrap_or(profile.uid_source);
    profile
}

/// Gives an application an LDAP provider, with a service account that reads the directory through it.
///
/// # Errors
/// Everything that is wrong with the profile; that there is no such application, or that it has an LDAP provider.
pub async fn add(app: &App, actor: &Actor, slug: &str, profile: LdapProfile) -> OperationResult<BindAccount> {
    let entry = super::find(app, slug)?;
    if entry.ldap.is_some() {
        return Err(OperationError::Denied(format!("{slug} has an LDAP provider already.")));
    }
    let application = &entry.application;
    let mut problems = Problems::default();
    check(&app.snapshot(), &profile, Some(application.id), &mut problems);
    problems.or(())?;
    let provider = LdapProvider { id: LdapProviderId::new(&app.clock), application: application.id, profile };
    let account = NewAccount::prepare(app, application)?;
    let bind = app.change(move |tx| Box::pin(insert(tx, provider, account))).await.map_err(super::explain)?;
    let name = &application.profile.name;
    events::changed(
        app,
        actor,
        format!("added an LDAP provider to {name}, with the service account {}", bind.username),
    )
    .await;
    Ok(bind)
}

/// Takes the LDAP provider from an application, and the service account that was made for it.
///
/// # Errors
/// That there is no such application, or that it has no LDAP provider.
pub async fn remove(app: &App, actor: &Actor, slug: &str) -> OperationResult<()> {
    let client = find(app, slug)?;
    let (id, others) = (client.provider.id, app.snapshot());
    let name = client.application.profile.name.clone();
    app.change(move |tx| {
        Box::pin(async move {
            service_account::delete_own(tx, &client, &others).await?;
            store::ldap_provider::delete(tx, id).await
        })
    })
    .await?;
    events::changed(app, actor, format!("removed the LDAP provider of {name}")).await;
    Ok(())
}

/// An application with its LDAP provider by its slug.
///
/// # Errors
/// That there is no such application, or that it has no LDAP provider.
pub fn find(app: &App, slug: &str) -> OperationResult<Arc<LdapClient>> {
    let client = super::find(app, slug)?.ldap.clone();
    client.ok_or_else(|| OperationError::not_found("LDAP provider of", slug))
}

/// Adds a provider and its service account, which becomes one of its searchers.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    mut provider: LdapProvider,
    account: NewAccount,
) -> store::Result<BindAccount> {
    let bind = account.insert(tx, &provider.profile.base_dn).await?;
    provider.profile.searchers.insert(bind.user);
    let key = key(&provider.profile)?;
    store::ldap_provider::insert(tx, &tidied(provider), &key).await?;
    Ok(bind)
}

/// Writes a provider's profile.
pub(super) async fn write(tx: &mut Tx<'_>, id: LdapProviderId, mut profile: LdapProfile) -> store::Result<()> {
    profile.base_dn = profile.base_dn.trim().to_owned();
    let key = key(&profile)?;
    store::ldap_provider::update(tx, id, &profile, &key).await?;
    Ok(())
}

fn tidied(mut provider: LdapProvider) -> LdapProvider {
    provider.profile.base_dn = provider.profile.base_dn.trim().to_owned();
    provider
}

fn key(profile: &LdapProfile) -> store::Result<String> {
    // Checked before; what is wrong nonetheless is not written.
    base_dn_key(&profile.base_dn).ok_or_else(|| store::Error::Query("the base DN is not a DN".to_owned()))
}

/// Checks a provider's profile. `own`: the application it belongs to, unless that is new.
pub(super) fn check(snapshot: &Snapshot, profile: &LdapProfile, own: Option<ApplicationId>, problems: &mut Problems) {
    if let Err(found) = profile.check() {
        problems.0.extend(found.0);
        return;
    }
    if base_dn_key(&profile.base_dn).is_none() {
        problems.add("base_dn", "This is not a DN; write it like dc=example,dc=org.");
    } else if let Some(holder) = holder(snapshot, &profile.base_dn, own) {
        let name = &holder.application.profile.name;
        problems.add("base_dn", format!("{name} has this base DN; put something before it, such as dc=lab."));
    }
}

/// The application other than `own` that has a base DN.
fn holder<'a>(snapshot: &'a Snapshot, base_dn: &str, own: Option<ApplicationId>) -> Option<&'a Arc<LdapClient>> {
    let key = base_dn_key(base_dn)?;
    let mut others = snapshot.ldap.iter().filter(|client| Some(client.application.id) != own);
    others.find(|client| base_dn_key(&client.provider.profile.base_dn).as_ref() == Some(&key))
}

/// A base DN in the form in which DNs are compared (RFC 4514); `None` if it is not one.
fn base_dn_key(text: &str) -> Option<String> {
    dn::parse(text.as_bytes()).ok().map(|dn| dn.normalized())
}
