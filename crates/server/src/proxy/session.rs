//! Sessions of browsers at protected hosts.

use axum::http::HeaderMap;
use doorward_core::{
    cipher::sha256_hex,
    clock::after,
    event::{Event, EventKind},
    id::GroupId,
    random,
};
use doorward_store::{
    self as store,
    grant::Grant,
    proxy_session::{Living, ProxySession},
};
use jiff::SignedDuration;
use std::{collections::BTreeSet, net::IpAddr};

use super::{
    client::ProxyClient,
    cookie::{self, Sent},
};
use crate::{app::App, directory::person::Person, events, oidc::grant::authorization_code::Redemption, timeline};

/// How long a grant is kept past the end of its session.
const GRANT_MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// What a request's cookie stands for.
#[derive(Debug)]
pub(super) enum Found {
    /// No session: what the cookie said, and why it is none.
    None(Sent),
    /// A session of somebody, who may not be allowed any more.
    Living(Box<Current>),
}

/// Somebody at a protected host.
#[derive(Debug)]
pub(super) struct Current {
    /// Who, with their groups as they are now.
    pub(super) person: Person,
    /// The ID token.
    pub(super) id_token: String,
    /// Hash of the cookie.
    pub(super) token_hash: String,
}

/// Looks up the session of a request: two reads by index, no write.
///
/// # Errors
/// What the database says.
pub(super) async fn find(app: &App, client: &ProxyClient, headers: &HeaderMap) -> store::Result<Found> {
    let sent = cookie::session(client, headers);
    let Sent::One(token) = &sent else { return Ok(Found::None(sent)) };
    let hash = sha256_hex(token.as_bytes());
    let found = read(app, hash.clone()).await?;
    // The cookie of another application is none here.
    let Some((living, groups)) = found.filter(|(living, _)| living.provider == client.provider.id) else {
        return Ok(Found::None(sent));
    };
    let id_token = app.cipher.open(&place(&hash), &living.id_token).ok().and_then(|text| String::from_utf8(text).ok());
    let person = Person::new(living.user, groups, &app.snapshot());
    Ok(Found::Living(Box::new(Current { person, id_token: id_token.unwrap_or_default(), token_hash: hash })))
}

async fn read(app: &App, hash: String) -> store::Result<Option<(Living, BTreeSet<GroupId>)>> {
    let now = app.clock.now();
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let Some(living) = store::proxy_session::find(tx, &hash, now).await? else { return Ok(None) };
                let groups = store::group::of_user(tx, living.user.id).await?;
                Ok(Some((living, groups)))
            })
        })
        .await
}

/// What became of a code that came back.
#[derive(Debug)]
pub(super) enum Begun {
    /// A session, with its new cookie.
    Session(String),
    /// The code was used already: the page was loaded twice.
    Already,
    /// The session it came from has ended, or the grant was revoked.
    Ended,
}

/// Uses up a code and begins a session, in one transaction: of several who try at once, one gets it.
///
/// # Errors
/// What the database says.
pub(super) async fn begin(
    app: &App,
    client: &ProxyClient,
    redemption: Redemption,
    address: IpAddr,
) -> store::Result<Begun> {
    let Redemption { hash, grant, tokens, .. } = redemption;
    let Some(session) = grant.session else { return Ok(Begun::Ended) };
    let noted = grant.clone();
    let (now, token) = (app.clock.now(), random::alphanumeric(43));
    let token_hash = sha256_hex(token.as_bytes());
    let id_token = tokens.response.id_token.unwrap_or_default();
    let session = ProxySession {
        provider: client.provider.id,
        user: grant.user,
        session,
        grant: grant.id,
        id_token: app.cipher.seal(&place(&token_hash), id_token.as_bytes()),
        created_at: now,
        expires_at: after(now, client.provider.profile.access_token_validity.duration()),
    };
    let event = event(app, client, &grant, address);
    let begun = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                // The grant must not be forgotten before the session ends. It is locked before its code, as by whoever
                // forgets grants.
                let until = after(session.expires_at, GRANT_MEMORY);
                let stands = store::session::is_still_alive(tx, session.session, now).await?
                    && store::grant::extend_living(tx, session.grant, until).await?;
                if store::authorization_code::consume(tx, &hash, now).await?.is_none() {
                    return Ok(Begun::Already);
                }
                if !stands {
                    return Ok(Begun::Ended);
                }
                store::proxy_session::insert(tx, &session, &token_hash).await?;
                store::event::insert_any(tx, event.as_ref()).await?;
                Ok(Begun::Session(token))
            })
        })
        .await?;
    if matches!(begun, Begun::Session(_)) {
        timeline::note_proxy_session(app, &client.client, &noted, &client.external.authority.to_string());
    }
    Ok(begun)
}

/// Ends a session.
///
/// # Errors
/// What the database says.
pub(super) async fn end(app: &App, token_hash: String) -> store::Result<bool> {
    app.db.write(move |tx| Box::pin(async move { store::proxy_session::delete(tx, &token_hash).await })).await
}

fn event(app: &App, client: &ProxyClient, grant: &Grant, address: IpAddr) -> Option<Event> {
    let name = &client.application.profile.name;
    let text = format!("a session at {} began for {name}", client.external.authority);
    let mut entry = events::Entry::new(EventKind::SignIn, text);
    entry.user = Some(grant.user);
    entry.application = Some(client.application.id);
    entry.address = address.to_string();
    if let Some(attempt) = grant.attempt {
        entry.reference = attempt.reference();
    }
    entry.bounded_event(app)
}

fn place(token_hash: &str) -> String {
    format!("proxy_sessions.id_token.{token_hash}")
}
