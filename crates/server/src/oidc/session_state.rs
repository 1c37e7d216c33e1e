//! The state of a browser that applications may ask after (OpenID Connect Session Management 1.0).

use axum::{
    http::{HeaderMap, header},
    response::Response,
};
use doorward_core::random;
use doorward_protocols::oidc::session_state::session_state;

use crate::{
    app::App,
    http::{cookies::Cookie, visitor::Visitor},
    snapshot::Client,
};

/// Length of the salt, in letters and digits.
const SALT: usize = 16;

/// The state of a browser: another one for every session, and one for nobody. Made from the session's identifier with a key
/// of ours, so that it tells nothing and need not be kept.
pub fn of_browser(app: &App, visitor: &Visitor) -> String {
    let what = match &visitor.signed_in {
        Some(signed_in) => format!("session {}", signed_in.session.id),
        None => format!("browser {}", visitor.browser),
    };
    let mac = app.cipher.mac("browser state", what.as_bytes());
    mac.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// `session_state` for an answer to an authentication request.
pub fn of_answer(app: &App, visitor: &Visitor, client: &Client, redirect_uri: &str) -> Option<String> {
    let client_id = &client.provider.profile.client_id;
    session_state(client_id, redirect_uri, &of_browser(app, visitor), &random::alphanumeric(SALT))
}

/// Gives the browser a state.
pub fn set(app: &App, response: &mut Response, state: &str) {
    if let Some(cookie) = Cookie::State.set(state, &app.config.public_url) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Whether an answer gives the browser a state already.
pub fn is_set(app: &App, headers: &HeaderMap) -> bool {
    let name = Cookie::State.name(&app.config.public_url);
    let mut cookies = headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.any(|cookie| cookie.split_once('=').is_some_and(|(found, _)| found == name))
}
