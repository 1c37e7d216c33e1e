//! What an application would be told about somebody, by the functions that tell it in earnest. Nothing is issued, and
//! nothing is signed.

use doorward_core::{method::Method, proxy_provider::Identity};
use doorward_protocols::{
    oauth::token::join,
    oidc::{claims::MappingError, id_token::Companions, subject::subject},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    netbox::{self, Forecast},
    netbox_effect::Told,
};
use crate::{
    app::App,
    applications::{self, preview},
    directory::{person::Person, users},
    error::OperationResult,
    ldap::shown::{self, Shown},
    oidc::issue::{self, SignInFacts},
    proxy::{self, client::ProxyClient, shown::Shown as Headers},
    snapshot::{ApplicationEntry, Client, Snapshot},
};

/// What stands in place of what is made anew at every sign-in.
const MADE_LATER: &str = "(made at sign-in)";
/// What stands in place of what the application sends.
const FROM_APPLICATION: &str = "(from the application)";
/// The scope that brings a refresh token, and no claims: asked for only by those who want one.
const OFFLINE: &str = "offline_access";

/// What an application would be told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimsReport {
    /// The person, by username.
    pub user: String,
    /// The application, by slug.
    pub application: String,
    /// Over OpenID Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcClaims>,
    /// Over LDAP: the person's entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<Shown>,
    /// Behind a proxy: the headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Headers>,
    /// What NetBox does with it; empty for other applications.
    pub netbox: Forecast,
}

/// Tokens and userinfo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OidcClaims {
    /// The scopes they are for.
    pub scopes: BTreeSet<String>,
    /// Scopes that were named and that the application may not ask for: they would be passed over.
    pub ignored_scopes: BTreeSet<String>,
    /// Claims of the ID token.
    pub id_token: Map<String, Value>,
    /// Claims of the access token.
    pub access_token: Map<String, Value>,
    /// The answer of userinfo.
    pub userinfo: Value,
    /// Why nothing would be issued, if a claim mapping fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Explains what an application would be told about somebody; without `scopes`, for all that it may ask for but
/// `offline_access`. Whether they may use it is not looked at here: that is [`super::access`].
///
/// # Errors
/// That there is no such user or application; what the database says.
pub async fn explain(
    app: &App,
    slug: &str,
    username: &str,
    scopes: Option<&BTreeSet<String>>,
) -> OperationResult<ClaimsReport> {
    let entry = applications::find(app, slug)?;
    let person = users::find_person(app, username).await?;
    let snapshot = app.snapshot();
    let oidc = entry.oauth.as_ref().map(|client| oidc(app, &snapshot, client, &person, scopes));
    let ldap = match &entry.ldap {
        Some(client) => shown::person(app, client, person.user.id).await?,
        None => None,
    };
    let proxy = entry.proxy.as_ref().map(|client| proxy::shown::person(app, &snapshot, client, &person));
    let mut told = told(&entry, oidc.as_ref(), ldap.as_ref());
    if let Some((client, shown)) = entry.proxy.as_ref().zip(proxy.as_ref()) {
        told.push((Method::Proxy, told_by_headers(client, shown)));
    }
    Ok(ClaimsReport {
        user: person.user.profile.username.clone(),
        application: entry.application.profile.slug.clone(),
        netbox: netbox::forecast(app, &entry, &person.user, &told).await?,
        oidc,
        ldap,
        proxy,
    })
}

fn oidc(
    app: &App,
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    asked: Option<&BTreeSet<String>>,
) -> OidcClaims {
    let all = || client.scopes.iter().filter(|scope| *scope != OFFLINE).cloned().collect();
    let asked: BTreeSet<String> = asked.cloned().unwrap_or_else(all);
    let (scopes, ignored_scopes): (BTreeSet<String>, BTreeSet<String>) =
        asked.into_iter().partition(|scope| client.scopes.contains(scope));
    let report = OidcClaims {
        scopes,
        ignored_scopes,
        id_token: Map::new(),
        access_token: Map::new(),
        userinfo: Value::Null,
        failure: None,
    };
    match fill(app, snapshot, client, person, report.clone()) {
        Ok(filled) => filled,
        Err(error) => OidcClaims { failure: Some(error.to_string()), ..report },
    }
}

fn fill(
    app: &App,
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    report: OidcClaims,
) -> Result<OidcClaims, MappingError> {
    let (now, subject) = (app.clock.now(), subject(client.provider.profile.sub_mode, &person.user));
    let sign_in = SignInFacts { authenticated_at: now, methods: "pwd", sid: MADE_LATER };
    let facts = issue::facts(client, &subject, sign_in, now);
    let extra = issue::extra(snapshot, client, person, &report.scopes)?;
    let access_token = facts.access_token(&extra, &join(&report.scopes), MADE_LATER);
    let mut id_token = Map::new();
    if report.scopes.contains("openid") {
        let companions = Companions { access_token: Some(MADE_LATER), code: None };
        id_token = facts.id_token(&extra, Some(FROM_APPLICATION), companions, client.signer.algorithm());
        id_token.insert("at_hash".to_owned(), json!(MADE_LATER));
    }
    let userinfo = if report.scopes.contains("openid") {
        preview::userinfo_of(snapshot, client, person, (&report.scopes, &report.scopes), &BTreeMap::new())?
    } else {
        Value::Null
    };
    Ok(OidcClaims { id_token, access_token, userinfo, ..report })
}

/// What NetBox reads of all that, way by way.
fn told(entry: &ApplicationEntry, oidc: Option<&OidcClaims>, ldap: Option<&Shown>) -> Vec<(Method, Told)> {
    let methods = entry.methods();
    let by_oidc = oidc.filter(|_| methods.contains(&Method::Oidc)).map(|oidc| (Method::Oidc, told_by_oidc(oidc)));
    let by_ldap = ldap.map(|shown| (Method::Ldap, told_by_ldap(shown)));
    by_oidc.into_iter().chain(by_ldap).collect()
}

/// NetBox looks into userinfo first, then into the ID token; groups and `netbox_superuser` it finds in userinfo alone.
fn told_by_oidc(oidc: &OidcClaims) -> Told {
    let find = |name: &str| oidc.userinfo.get(name).or_else(|| oidc.id_token.get(name));
    let text = |name: &str| find(name).and_then(Value::as_str).map(str::to_owned);
    let groups = oidc.userinfo.get("groups").and_then(Value::as_array);
    Told {
        username: text("preferred_username"),
        first_name: text("given_name"),
        last_name: text("family_name"),
        email: text("email"),
        groups: groups.map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        superuser: find("netbox_superuser").cloned(),
    }
}

/// The headers as NetBox reads them: groups joined by the provider's separator.
fn told_by_headers(client: &ProxyClient, shown: &Headers) -> Told {
    let profile = &client.provider.profile;
    let text = |identity| shown.value(client, identity).map(str::to_owned);
    let groups = text(Identity::Groups).unwrap_or_default();
    let groups = groups.split(profile.group_separator.as_str()).filter(|name| !name.is_empty());
    Told {
        username: text(Identity::Username),
        first_name: text(Identity::FirstName),
        last_name: text(Identity::LastName),
        email: text(Identity::Email),
        groups: Some(groups.map(str::to_owned).collect()),
        superuser: None,
    }
}

fn told_by_ldap(shown: &Shown) -> Told {
    let text = |name: &str| shown.first(name).map(str::to_owned);
    Told {
        username: text("cn"),
        first_name: text("givenName"),
        last_name: text("sn"),
        email: text("mail"),
        groups: Some(shown.groups.clone()),
        superuser: None,
    }
}
