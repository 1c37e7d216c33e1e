//! Headers that tell an application who somebody is. All of a provider's are in every answer that lets somebody through,
//! empty where there is nothing to say, so that a proxy that copies them overwrites what the browser sent.

use axum::http::{HeaderName, HeaderValue, header};
use doorward_core::{
    event::EventKind,
    proxy_provider::{BasicAuth, Identity, ProxyProfile},
    user::{User, is_portable_username},
};
use doorward_protocols::{
    forward_auth::header::{ascii, basic, join, utf8},
    oidc::subject::subject,
};
use std::collections::BTreeSet;

use super::{client::ProxyClient, shown::Shown};
use crate::{app::App, directory::person::Person, events, snapshot::Snapshot};

/// authentik's headers, in its order.
const AUTHENTIK: [&str; 12] = [
    "x-authentik-username",
    "x-authentik-groups",
    "x-authentik-entitlements",
    "x-authentik-email",
    "x-authentik-name",
    "x-authentik-uid",
    "x-authentik-jwt",
    "x-authentik-meta-jwks",
    "x-authentik-meta-outpost",
    "x-authentik-meta-provider",
    "x-authentik-meta-app",
    "x-authentik-meta-version",
];
/// What stands between groups in authentik's header.
const SEPARATOR: &str = "|";

/// Headers with their values.
pub(super) type Headers = Vec<(HeaderName, HeaderValue)>;

/// The username cannot be told in a header of the provider's own: another name would be somebody else.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnportableName;

/// The headers for nobody: all empty.
pub(super) fn nobody(client: &ProxyClient) -> Headers {
    let profile = &client.provider.profile;
    let authentik = AUTHENTIK.into_iter().map(HeaderName::from_static);
    let own = profile.headers.values().filter_map(|name| own_name(name));
    let basic = profile.basic_auth.as_ref().map(|_| header::AUTHORIZATION);
    authentik.chain(own).chain(basic).map(|name| (name, HeaderValue::from_static(""))).collect()
}

/// The headers for somebody.
///
/// # Errors
/// That their name cannot be told.
pub(super) async fn of(
    app: &App,
    client: &ProxyClient,
    person: &Person,
    id_token: &str,
) -> Result<Headers, UnportableName> {
    let snapshot = app.snapshot();
    let groups = group_names(&snapshot, person);
    let headers = make(client, &person.user, &groups, &meta(app, client), id_token)?;
    if !headers.left_out.is_empty() {
        complain(app, client, &headers.left_out).await;
    }
    Ok(headers.headers)
}

/// The names of somebody's groups, in the order in which they are sent.
pub(super) fn group_names<'s>(snapshot: &'s Snapshot, person: &'s Person) -> Vec<&'s str> {
    let mut names: Vec<&str> = person.groups(snapshot).map(|group| group.profile.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// The headers for somebody, to be shown: without what is secret, and with what was left out.
///
/// # Errors
/// That their name cannot be told.
pub(super) fn shown(app: &App, client: &ProxyClient, user: &User, groups: &[&str]) -> Result<Shown, UnportableName> {
    let made = make(client, user, groups, &meta(app, client), "(made at sign-in)")?;
    let headers = made.headers.iter().map(|(name, value)| {
        let value = if value.is_sensitive() { "(hidden)".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        (name.as_str().to_owned(), value.into_owned())
    });
    let left_out: BTreeSet<String> = made.left_out.iter().map(|name| (*name).to_owned()).collect();
    Ok(Shown { headers: headers.collect(), left_out: left_out.into_iter().collect(), refusal: None })
}

/// What is made of somebody.
struct Made<'a> {
    headers: Headers,
    left_out: Vec<&'a str>,
}

fn make<'a>(
    client: &ProxyClient,
    user: &User,
    groups: &[&'a str],
    meta: &[String; 5],
    id_token: &str,
) -> Result<Made<'a>, UnportableName> {
    let (profile, about) = (&client.provider.profile, &user.profile);
    let uid = subject(client.client.provider.profile.sub_mode, user);
    let joined = join(groups.iter().copied(), SEPARATOR, utf8);
    let values = [about.username.as_str(), &joined.value, "", &about.email, &about.name, &uid, id_token];
    let values = values.into_iter().chain(meta.iter().map(String::as_str));
    let mut headers: Headers = AUTHENTIK
        .into_iter()
        .zip(values)
        .map(|(name, value)| (HeaderName::from_static(name), utf8(value).map_or(EMPTY, encode)))
        .collect();
    let mut left_out = joined.left_out;
    for (identity, name) in &profile.headers {
        let Some(name) = own_name(name) else { continue };
        let value = match identity {
            Identity::Username if !is_portable_username(&about.username) => return Err(UnportableName),
            Identity::Username => encode(&about.username),
            Identity::Groups => {
                let joined = join(groups.iter().copied(), &profile.group_separator, ascii);
                left_out.extend(joined.left_out);
                encode(&joined.value)
            }
            Identity::Email => plain(&about.email),
            Identity::FirstName => plain(&about.given_name),
            Identity::LastName => plain(&about.family_name),
            Identity::Name => plain(&about.name),
            Identity::Uid => plain(&uid),
        };
        headers.push((name, value));
    }
    headers.extend(profile.basic_auth.as_ref().map(|basic| (header::AUTHORIZATION, authorization(user, basic))));
    Ok(Made { headers, left_out })
}

const EMPTY: HeaderValue = HeaderValue::from_static("");

/// A value that is ASCII; empty if it is something else.
fn plain(text: &str) -> HeaderValue {
    ascii(text).map_or(EMPTY, encode)
}

/// The bytes as they are. What HTTP forbids was sorted out before; what were left of it would become nothing.
fn encode(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or(EMPTY)
}

fn own_name(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).ok()
}

/// HTTP Basic for the application, out of the user's attributes.
fn authorization(user: &User, attributes: &BasicAuth) -> HeaderValue {
    let attribute = |name: &str| user.profile.attributes.get(name).and_then(|value| value.as_str());
    let name = attribute(&attributes.user_attribute).unwrap_or(&user.profile.username);
    let credentials = attribute(&attributes.password_attribute).and_then(|password| basic(name, password));
    let mut value = credentials.map_or(EMPTY, |credentials| encode(&credentials));
    value.set_sensitive(true);
    value
}

fn meta(app: &App, client: &ProxyClient) -> [String; 5] {
    let slug = &client.application.profile.slug;
    [
        format!("{}application/o/{slug}/jwks/", app.config.public_url),
        "Doorward".to_owned(),
        client.client.provider.profile.name.clone(),
        slug.clone(),
        concat!("doorward/", env!("CARGO_PKG_VERSION")).to_owned(),
    ]
}

/// Says once of each group that an application is not told of it.
async fn complain(app: &App, client: &ProxyClient, left_out: &[&str]) {
    let (id, now) = (client.application.id, app.clock.now());
    let mut new: Vec<&str> = left_out.iter().copied().filter(|group| app.left_out.is_new(id, group, now)).collect();
    new.sort_unstable();
    new.dedup();
    if new.is_empty() {
        return;
    }
    let ProxyProfile { group_separator, headers, .. } = &client.provider.profile;
    let signs = if headers.contains_key(&Identity::Groups) { group_separator } else { SEPARATOR };
    let names: Vec<String> = new.iter().map(|name| format!("{name:?}")).collect();
    let text = format!(
        "{} is not told of the groups {}: a name in a header may hold neither {signs} nor spaces at its ends, and for names of \
         headers of its own only ASCII; or there were too many groups",
        client.application.profile.name,
        names.join(", ")
    );
    let mut entry = events::Entry::new(EventKind::AuthorizationFailed, text);
    entry.application = Some(id);
    events::write(app, entry).await;
}
