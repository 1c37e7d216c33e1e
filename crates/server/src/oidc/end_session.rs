//! `/application/o/<slug>/end-session/` (OpenID Connect RP-Initiated Logout 1.0).

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_core::{event::EventKind, redirect_uri::RedirectKind};
use doorward_protocols::{
    jose::verify::id_token_hint,
    oauth::{parameters::Parameters, redirect_uri},
    oidc::subject::subject,
};

use super::response_mode::query::with_query;
use crate::{
    app::App,
    auth::{sign_in, sign_out},
    http::{
        error_page::{ErrorPage, Whose},
        form::is_urlencoded,
        visitor::{CurrentVisitor, Visitor},
    },
    snapshot::Client,
};

/// `GET`.
pub async fn get(
    State(app): State<App>,
    Path(slug): Path<String>,
    visitor: CurrentVisitor,
    RawQuery(query): RawQuery,
) -> Response {
    serve(&app, &slug, &visitor, query.unwrap_or_default().as_bytes()).await
}

/// `POST` with a form. It comes from the application's site and so without cookies: the browser is asked to come back with
/// GET, which brings them.
pub async fn post(
    State(app): State<App>,
    Path(slug): Path<String>,
    visitor: CurrentVisitor,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = if is_urlencoded(&headers) { body } else { Bytes::new() };
    let Some(client) = app.snapshot().by_slug(&slug).cloned() else {
        return ErrorPage::not_found().render(&app, Some(&visitor));
    };
    match Parameters::parse(&body) {
        Ok(parameters) => {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.iter()).finish();
            sign_in::see_other(&format!("/application/o/{slug}/end-session/?{query}"))
        }
        Err(error) => refused(&app, &visitor, &client, error.detail).await,
    }
}

async fn serve(app: &App, slug: &str, visitor: &Visitor, encoded: &[u8]) -> Response {
    let Some(client) = app.snapshot().by_slug(slug).cloned() else {
        return ErrorPage::not_found().render(app, Some(visitor));
    };
    match read(&client, encoded) {
        Err(detail) => refused(app, visitor, &client, detail).await,
        Ok(request) => {
            let return_to = request.return_to.as_deref();
            match (&visitor.signed_in, &request.subject) {
                // A hint for the person who is here stands for their "yes".
                (Some(signed_in), Some(hint))
                    if *hint == subject(client.provider.profile.sub_mode, &signed_in.user) =>
                {
                    sign_out::finish(app, visitor, Some(&client), return_to).await
                }
                (Some(_), _) => sign_out::ask(app, visitor, Some(&client), request.return_to),
                // Nobody is here: only a hint makes the address to return to believable.
                (None, Some(_)) => sign_out::finish(app, visitor, Some(&client), return_to).await,
                (None, None) => sign_out::signed_out(app, visitor, Some(&client)),
            }
        }
    }
}

/// What is asked for, checked.
struct Request {
    /// `sub` of a valid hint.
    subject: Option<String>,
    /// Where to go, `state` included.
    return_to: Option<String>,
}

fn read(client: &Client, encoded: &[u8]) -> Result<Request, String> {
    let parameters = Parameters::parse(encoded).map_err(|error| error.detail)?;
    let provider = &client.provider.profile;
    if parameters.get("client_id").is_some_and(|id| id != provider.client_id) {
        return Err("client_id is another application's".to_owned());
    }
    let subject = match parameters.get("id_token_hint") {
        None => None,
        Some(hint) => {
            let claims = id_token_hint(hint, &client.public_keys, &client.issuer, &provider.client_id)
                .map_err(|error| format!("id_token_hint: {error}"))?;
            claims.get("sub").and_then(|sub| sub.as_str()).map(str::to_owned)
        }
    };
    let return_to = match parameters.get("post_logout_redirect_uri") {
        None => None,
        Some(uri) => {
            let allowed = redirect_uri::is_allowed(uri, &client.redirect_uris, RedirectKind::Logout)
                .map_err(|error| format!("post_logout_redirect_uri {uri:?}: {error}"))?;
            if !allowed {
                return Err(format!("post_logout_redirect_uri {uri:?} is not registered (type logout)"));
            }
            Some(match parameters.raw("state") {
                Some(state) => with_query(uri, &[("state", state.to_owned())]),
                None => uri.to_owned(),
            })
        }
    };
    Ok(Request { subject, return_to })
}

async fn refused(app: &App, visitor: &Visitor, client: &Client, detail: String) -> Response {
    let name = &client.application.profile.name;
    ErrorPage::new(
        StatusCode::BAD_REQUEST,
        Whose::Application,
        "The sign-out request is not right",
        format!("{name} asked Doorward to sign you out, but its request is not right. You are still signed in."),
        "You can sign out of Doorward yourself under \"Sign out\". Tell whoever runs the application the reference code.",
    )
    .detail(detail)
    .restart("/sign-out")
    .record(app, visitor, EventKind::AuthorizationFailed, Some(client))
    .await
}
