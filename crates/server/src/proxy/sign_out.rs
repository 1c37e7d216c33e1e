//! `/outpost.goauthentik.io/sign_out`: ends the session at the protected host, then the one it came from.

use axum::{
    extract::{Request, State},
    http::header,
    response::Response,
};

use super::{
    answer::{found, unavailable},
    cookie,
    session::{self, Found},
    visit::Visit,
};
use crate::app::App;

/// Longest ID token that travels as a hint in an address, in bytes. Without a hint Doorward asks first.
const HINT_MAX: usize = 4 * 1024;

/// `GET`.
pub async fn get(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match Visit::here(&app, &parts).await {
        Ok(visit) => finish(&app, &visit).await,
        Err(page) => page,
    }
}

/// Ends the session here and sends the browser to end the one at Doorward, as the application's own sign-out would.
pub(super) async fn finish(app: &App, visit: &Visit<'_>) -> Response {
    let client = &visit.client;
    let ended = match session::find(app, client, visit.headers).await {
        Ok(Found::Living(current)) => {
            let current = *current;
            session::end(app, current.token_hash).await.map(|_| Some(current.id_token))
        }
        Ok(Found::None(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let hint = match ended {
        Ok(hint) => hint.filter(|hint| (1..=HINT_MAX).contains(&hint.len())),
        Err(error) => return unavailable(&error),
    };
    let slug = &client.application.profile.slug;
    let mut location = format!("{}application/o/{slug}/end-session/", app.config.public_url);
    if let Some(hint) = hint {
        // Letters, digits, hyphens, underscores and dots: nothing to encode.
        location = format!("{location}?id_token_hint={hint}");
    }
    let mut response = found(&location);
    if let Some(cookie) = cookie::clear_session(client) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
