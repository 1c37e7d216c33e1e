//! Answers to proxies.

use axum::{
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use doorward_protocols::forward_auth::{CALLBACK_SIGNATURE, LOGOUT_SIGNATURE, original::Original};
use doorward_store as store;

use super::{
    callback,
    check::{self, Decision},
    forwarded::Misread,
    header_auth::Challenge,
    page, sign_out,
    visit::Visit,
};
use crate::{
    app::App,
    http::visitor::{client_address, peer},
};

/// What an answer can look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Only its status counts.
    Status,
    /// The browser gets it as it is, unless it lets the request pass.
    Redirect,
}

/// Answers a proxy that asks about a request.
pub(super) async fn serve(app: &App, parts: &Parts, original: Result<Original, Misread>, shape: Shape) -> Response {
    let peer = peer(&parts.extensions);
    // Whoever can reach Doorward could otherwise ask in the name of any browser.
    if !app.config.trusts(peer) {
        return page::unlisted(app, peer).await;
    }
    let headers = &parts.headers;
    let address = client_address(app, headers, peer);
    let original = match original {
        Ok(original) => original,
        Err(misread) => return page::unreadable(app, &misread, address).await,
    };
    let authority = &original.origin.authority;
    let Some(client) = app.snapshot().proxies.find(authority).cloned() else {
        return page::unknown_host(app, &authority.to_string(), address).await;
    };
    let visit = Visit { client, headers, address, scheme: Some(original.origin.scheme) };
    if shape == Shape::Redirect
        && let Some(response) = by_signature(app, &visit, &original).await
    {
        return response;
    }
    match check::decide(app, &visit, &original).await {
        Ok(decision) => shaped(app, &visit, decision, shape),
        Err(error) => unavailable(&error),
    }
}

/// Callback and sign-out on any path, where the browser gets the answer.
async fn by_signature(app: &App, visit: &Visit<'_>, original: &Original) -> Option<Response> {
    let query = original.query()?;
    let has = |signature: &str| {
        form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == signature && value == "true")
    };
    if has(CALLBACK_SIGNATURE) {
        return Some(callback::finish(app, visit, query).await);
    }
    if has(LOGOUT_SIGNATURE) {
        return Some(sign_out::finish(app, visit).await);
    }
    None
}

fn shaped(app: &App, visit: &Visit<'_>, decision: Decision, shape: Shape) -> Response {
    match decision {
        Decision::Let(headers) => {
            let mut response = StatusCode::OK.into_response();
            response.headers_mut().extend(headers);
            response
        }
        Decision::SignIn(start) => match shape {
            Shape::Status => (StatusCode::UNAUTHORIZED, "Nobody is signed in.").into_response(),
            Shape::Redirect => found(&start),
        },
        Decision::Refuse(challenge, reference) => refused(visit, challenge, &reference),
        Decision::Deny(page) => page.render(app),
    }
}

/// 302: what proxies and their guides expect.
pub(super) fn found(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refused(visit: &Visit<'_>, challenge: Challenge, reference: &str) -> Response {
    let challenge = match challenge {
        // The slug: a name may hold what would end the quotes.
        Challenge::Basic => format!("Basic realm=\"{}\", charset=\"UTF-8\"", visit.client.application.profile.slug),
        Challenge::Bearer => "Bearer error=\"invalid_token\"".to_owned(),
    };
    let text = format!("The credentials are not right. (Reference {reference})\n");
    let mut response = (StatusCode::UNAUTHORIZED, text).into_response();
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The database is away: nobody passes.
pub(super) fn unavailable(error: &store::Error) -> Response {
    tracing::error!(%error, "forward auth could not be served");
    (StatusCode::SERVICE_UNAVAILABLE, "Doorward cannot reach its database. Try again in a moment.\n").into_response()
}
