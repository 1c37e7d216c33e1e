//! `/outpost.goauthentik.io/start?rd=<address>`: signing in to a protected host begins here.

use axum::{
    extract::{Request, State},
    http::header,
    response::Response,
};
use doorward_protocols::{
    forward_auth::{original::Original, return_address},
    oauth::pkce,
};

use super::{
    answer::{found, unavailable},
    check, page,
    session::{self, Found},
    state::{Trail, Waiting},
    visit::Visit,
};
use crate::app::App;

/// Scopes that the ID token is asked for.
const SCOPES: &str = "openid profile email";

/// `GET`.
pub async fn get(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let visit = match Visit::here(&app, &parts).await {
        Ok(visit) => visit,
        Err(page) => return page,
    };
    let asked = return_address::read(parts.uri.query().unwrap_or_default());
    serve(&app, &visit, asked.as_ref()).await
}

async fn serve(app: &App, visit: &Visit<'_>, asked: Option<&Original>) -> Response {
    let client = &visit.client;
    let target = return_address::target(asked, &client.external, client.cookie_domain());
    let session = match session::find(app, client, visit.headers).await {
        Ok(session) => session,
        Err(error) => return unavailable(&error),
    };
    let trail = Trail::read(app, visit).unwrap_or_else(Trail::new);
    if trail.is_loop(app.clock.now()) {
        let page = page::looping(app, visit, asked, &session, &target).await;
        // Whoever begins again gets another three.
        return with_trail(app, visit, page, &trail.cleared());
    }
    let Found::Living(current) = session else { return sign_in(app, visit, &trail, target) };
    match check::admit(app, visit, &current.person, &current.id_token).await {
        // Signed in already, in another tab; or the proxy does not ask with the cookie that is here.
        Ok(_) => with_trail(app, visit, found(&target), &trail.returned(app.clock.now())),
        Err(denial) => page::denied(app, visit, &current.person, denial).await.render(app),
    }
}

/// Sends the browser to sign in at Doorward's own address.
fn sign_in(app: &App, visit: &Visit<'_>, trail: &Trail, target: String) -> Response {
    let client = &visit.client;
    let waiting = Waiting::new(target);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &client.client.provider.profile.client_id)
        .append_pair("redirect_uri", &client.callback())
        .append_pair("response_type", "code")
        .append_pair("scope", SCOPES)
        .append_pair("state", &waiting.seal(app, client, trail))
        .append_pair("nonce", &waiting.nonce)
        .append_pair("code_challenge", &pkce::s256(&waiting.verifier))
        .append_pair("code_challenge_method", "S256")
        .finish();
    let location = format!("{}application/o/authorize/?{query}", app.config.public_url);
    with_trail(app, visit, found(&location), trail)
}

/// An answer with the cookie that marks the browser.
pub(super) fn with_trail(app: &App, visit: &Visit<'_>, mut response: Response, trail: &Trail) -> Response {
    if let Some(cookie) = trail.cookie(app, &visit.client) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
