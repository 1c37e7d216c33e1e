//! `/outpost.goauthentik.io/callback`: the browser comes back with a code, and gets a session at the protected host.

use axum::{
    extract::{Request, State},
    http::header,
    response::Response,
};
use doorward_core::id::UserId;
use doorward_protocols::oauth::parameters::Parameters;

use super::{
    answer::{found, unavailable},
    check,
    client::ProxyClient,
    cookie, page,
    session::{self, Begun, Found},
    start::with_trail,
    state::{Trail, Waiting},
    visit::Visit,
};
use crate::{
    app::App,
    connector,
    directory::person,
    oidc::grant::{GrantError, authorization_code},
};

/// `GET`.
pub async fn get(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match Visit::here(&app, &parts).await {
        Ok(visit) => finish(&app, &visit, parts.uri.query().unwrap_or_default()).await,
        Err(page) => page,
    }
}

/// Finishes a sign-in with the query of the callback.
pub(super) async fn finish(app: &App, visit: &Visit<'_>, query: &str) -> Response {
    let client = &visit.client;
    let parameters = Parameters::parse(query.as_bytes()).unwrap_or_default();
    let session = match session::find(app, client, visit.headers).await {
        Ok(session) => session,
        Err(error) => return unavailable(&error),
    };
    // The state is good in the browser it was made for, and nowhere else.
    let trail = Trail::read(app, visit);
    let state = parameters.get("state").unwrap_or_default();
    let waiting = trail.as_ref().and_then(|trail| Waiting::open(app, client, trail, state));
    let (Some(trail), Some(waiting)) = (trail.clone(), waiting) else {
        return page::lost(app, visit, &session, trail.is_some()).await;
    };
    if let Found::Living(current) = &session
        && check::admit(app, visit, &current.person, &current.id_token).await.is_ok()
    {
        // Another tab was faster.
        return back(app, visit, trail, &waiting.target, None);
    }
    match (parameters.get("code"), parameters.get("error")) {
        (Some(code), None) => exchange(app, visit, trail, &waiting, code).await,
        (code, error) => page::unfinished(app, visit, code, error.unwrap_or("no code"), &waiting.target).await,
    }
}

async fn exchange(app: &App, visit: &Visit<'_>, trail: Trail, waiting: &Waiting, code: &str) -> Response {
    let client = &visit.client;
    let redeemed = authorization_code::redeem(app, &client.client, code, &client.callback(), &waiting.verifier).await;
    let redemption = match redeemed {
        Ok(redemption) => redemption,
        Err(GrantError::Store(error)) => return unavailable(&error),
        Err(GrantError::OAuth(error)) => {
            return page::unfinished(app, visit, Some(code), &error.to_string(), &waiting.target).await;
        }
    };
    if redemption.nonce.as_deref() != Some(waiting.nonce.as_str()) {
        return page::unfinished(app, visit, Some(code), "the code is another sign-in's", &waiting.target).await;
    }
    let user = redemption.grant.user;
    match session::begin(app, client, redemption, visit.address).await {
        Ok(Begun::Session(token)) => {
            tell_connector(app, client, user).await;
            back(app, visit, trail, &waiting.target, Some(&token))
        }
        Ok(Begun::Already) => back(app, visit, trail, &waiting.target, None),
        Ok(Begun::Ended) => {
            page::unfinished(app, visit, Some(code), "the session has ended meanwhile", &waiting.target).await
        }
        Err(error) => unavailable(&error),
    }
}

/// Whoever comes through is about to have an account there.
async fn tell_connector(app: &App, client: &ProxyClient, user: UserId) {
    let snapshot = app.snapshot();
    if !snapshot.connectors.contains_key(&client.application.id) {
        return;
    }
    if let Ok(Some(person)) = person::find(app, &snapshot, user).await {
        connector::queue::seen(app, client.application.id, &person.user).await;
    }
}

/// Sends the browser back to what it asked for.
fn back(app: &App, visit: &Visit<'_>, trail: Trail, target: &str, token: Option<&str>) -> Response {
    let mut response = found(target);
    if let Some(cookie) = token.and_then(|token| cookie::set_session(&visit.client, token)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    with_trail(app, visit, response, &trail.returned(app.clock.now()))
}
