//! Whether a request to a protected host may pass: one decision for all proxies.

use doorward_core::network::Place;
use doorward_protocols::forward_auth::original::Original;
use doorward_store as store;

use super::{
    header_auth::{self, Challenge, Refusal},
    identity::{self, Headers, UnportableName},
    page::{self, Page},
    session::{self, Found},
    visit::Visit,
};
use crate::{app::App, applications::access, directory::person::Person};

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Decision {
    /// It may pass, with these headers.
    Let(Headers),
    /// Somebody has to sign in first, beginning there.
    SignIn(String),
    /// The credentials in `Authorization` are not right.
    Refuse(Challenge, String),
    /// Somebody is known and may not pass.
    Deny(Page),
}

/// Why somebody who is known may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denial {
    /// The access rule does not let them in, or they are disabled.
    NoAccess,
    /// Their name cannot be told to the application.
    UnportableName,
}

/// Decides. With a session it costs two reads by index and no write; without cookie and `Authorization` none.
///
/// # Errors
/// What the database says.
pub(super) async fn decide(app: &App, visit: &Visit<'_>, original: &Original) -> store::Result<Decision> {
    let client = &visit.client;
    let is_open = original.is_own() || client.skip_paths.matches(original);
    if let Found::Living(current) = session::find(app, client, visit.headers).await? {
        return match admit(app, visit, &current.person, &current.id_token).await {
            Ok(headers) => Ok(Decision::Let(headers)),
            Err(_) if is_open => Ok(Decision::Let(identity::nobody(client))),
            Err(denial) => Ok(Decision::Deny(page::denied(app, visit, &current.person, denial).await)),
        };
    }
    // Whatever an open path's Authorization says is for the application.
    if is_open {
        return Ok(Decision::Let(identity::nobody(client)));
    }
    if client.provider.profile.intercept_header_auth {
        match header_auth::find(app, client, visit.headers, visit.address).await {
            Ok(None) => {}
            Ok(Some(person)) => {
                return Ok(match admit(app, visit, &person, "").await {
                    Ok(headers) => Decision::Let(headers),
                    Err(denial) => Decision::Deny(page::denied(app, visit, &person, denial).await),
                });
            }
            Err(Refusal::Wrong(challenge, reference)) => return Ok(Decision::Refuse(challenge, reference)),
            Err(Refusal::NotAllowed(reference)) => return Ok(Decision::Deny(page::not_allowed(visit, reference))),
            Err(Refusal::Store(error)) => return Err(error),
        }
    }
    Ok(Decision::SignIn(client.start(original)))
}

/// The headers for somebody, if they may use the application now.
///
/// # Errors
/// Why not.
pub(super) async fn admit(app: &App, visit: &Visit<'_>, person: &Person, id_token: &str) -> Result<Headers, Denial> {
    if !access::is_allowed(&visit.client.application, person, Place::Browser(visit.address)) {
        return Err(Denial::NoAccess);
    }
    identity::of(app, &visit.client, person, id_token).await.map_err(|UnportableName| Denial::UnportableName)
}
