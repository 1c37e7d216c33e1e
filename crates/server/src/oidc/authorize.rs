//! `/application/o/authorize/` (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2).

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_core::{
    event::EventKind,
    redirect_uri::{MatchingMode, RedirectKind},
};
use doorward_protocols::{
    jose::verify::id_token_hint,
    oauth::{
        authorize::{self, AuthorizeRequest},
        error::{ErrorCode, OAuthError},
        parameters::Parameters,
        redirect_uri::{self, difference},
        token::words,
    },
    oidc::{
        interaction::{Situation, Step, next_step},
        subject::subject,
    },
};
use doorward_store as store;
use jiff::Timestamp;
use std::sync::Arc;

use super::{answer::Destination, consent, issue};
use crate::{
    app::App,
    applications::access,
    auth::sign_in,
    events,
    http::{
        error_page::{ErrorPage, RedirectCheck, RegisteredUri, Whose},
        form::is_urlencoded,
        pending::{Goal, Pending},
        visitor::{CurrentVisitor, SignedIn, Visitor},
    },
    snapshot::Client,
};

/// `GET /application/o/authorize/`.
pub async fn get(State(app): State<App>, visitor: CurrentVisitor, RawQuery(query): RawQuery) -> Response {
    match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => begin(&app, &visitor, parameters, Progress::default()).await,
        Err(error) => malformed(&app, &visitor, &error).await,
    }
}

/// `POST /application/o/authorize/`. It may come from another site, without cookies: the browser is asked to come back
/// with GET, which brings them.
pub async fn post(State(app): State<App>, visitor: CurrentVisitor, headers: HeaderMap, body: Bytes) -> Response {
    if !is_urlencoded(&headers) {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "The request is not application/x-www-form-urlencoded");
        return malformed(&app, &visitor, &error).await;
    }
    match Parameters::parse(&body) {
        Ok(parameters) => {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.iter()).finish();
            sign_in::see_other(&format!("/application/o/authorize/?{query}"))
        }
        Err(error) => malformed(&app, &visitor, &error).await,
    }
}

/// Goes on with a request after signing in or after consent; everything is checked again.
pub async fn resume(app: &App, visitor: &Visitor, pending: &Pending, just_allowed: bool) -> Response {
    let Goal::Authorize(parameters) = &pending.goal else { return sign_in::see_other("/if/user/") };
    let progress = Progress { started_at: Some(pending.started_at()), just_allowed };
    begin(app, visitor, parameters.clone(), progress).await
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    started_at: Option<Timestamp>,
    just_allowed: bool,
}

async fn begin(app: &App, visitor: &Visitor, parameters: Parameters, progress: Progress) -> Response {
    let (client, redirect_uri) = match find_client(app, visitor, &parameters).await {
        Ok(found) => found,
        Err(page) => return page,
    };
    let destination = Destination {
        client: &client,
        redirect_uri: &redirect_uri,
        mode: authorize::error_response_mode(&parameters),
        state: parameters.get("state"),
    };
    let request =
        match authorize::parse(&parameters, &redirect_uri, client.provider.profile.client_type, &client.scopes) {
            Ok(request) => request,
            Err(error) => return refuse(app, visitor, &destination, &error).await,
        };
    proceed(app, visitor, &destination, &request, &parameters, progress).await
}

/// The client and its checked redirect URI. Without both, nothing is ever redirected (RFC 6749, section 4.1.2.1).
async fn find_client(app: &App, visitor: &Visitor, parameters: &Parameters) -> Result<(Arc<Client>, String), Response> {
    let Some(client_id) = parameters.get("client_id") else {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "client_id is missing");
        return Err(malformed(app, visitor, &error).await);
    };
    let Some(client) = app.snapshot().by_client_id(client_id).cloned() else {
        let page = ErrorPage::new(
            StatusCode::BAD_REQUEST,
            Whose::Application,
            "Unknown application",
            "An application asked you to sign in, but Doorward does not know it.",
            "Its client ID is wrong, or it was removed here. Tell whoever runs the application.",
        )
        .detail(format!("no application has the client ID {client_id:?}"));
        return Err(page.record(app, visitor, EventKind::AuthorizationFailed, None).await);
    };
    let received = parameters.get("redirect_uri").unwrap_or_default();
    let registered = &client.redirect_uris;
    match redirect_uri::is_allowed(received, registered, RedirectKind::Authorization) {
        Ok(true) => Ok((client, received.to_owned())),
        Ok(false) => Err(wrong_redirect_uri(app, visitor, &client, received, "it is not registered").await),
        Err(error) => Err(wrong_redirect_uri(app, visitor, &client, received, &error.to_string()).await),
    }
}

/// What comes next for a request that is sound: signing in, the access rule, consent, or the code.
async fn proceed(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    request: &AuthorizeRequest,
    parameters: &Parameters,
    progress: Progress,
) -> Response {
    let client = destination.client;
    let is_hinted = match hinted(client, visitor.signed_in.as_ref(), request) {
        Ok(is_hinted) => is_hinted,
        Err(error) => return refuse(app, visitor, destination, &error).await,
    };
    let consented = match consented(app, visitor, client).await {
        Ok(consented) => consented,
        Err(error) => return ErrorPage::store(&error).render(app, Some(visitor)),
    };
    let situation = Situation {
        authenticated_at: visitor.signed_in.as_ref().map(|signed_in| signed_in.session.authenticated_at),
        is_hinted,
        started_at: progress.started_at,
        consent_mode: client.application.profile.consent,
        consented: consented.as_ref(),
        just_allowed: progress.just_allowed,
        now: app.clock.now(),
    };
    let step = next_step(request, &situation);
    match (step, &visitor.signed_in) {
        (Step::Refuse(code), _) => {
            let error = OAuthError::new(code, refusal(code));
            refuse(app, visitor, destination, &error).await
        }
        (Step::SignIn { .. }, _) | (_, None) => {
            sign_in::redirect(app, &Pending::new(app, visitor, Goal::Authorize(parameters.clone())))
        }
        (_, Some(signed_in)) if !access::is_allowed(&client.application, &signed_in.person) => {
            no_access(app, visitor, destination, request, signed_in).await
        }
        (Step::Consent, Some(signed_in)) => {
            let pending = Pending::new(app, visitor, Goal::Authorize(parameters.clone()));
            let pending = pending.for_consent(signed_in.user.id, progress.started_at);
            consent::ask(app, visitor, signed_in, destination, request, &pending)
        }
        (Step::Answer, Some(signed_in)) => {
            match issue::code(app, client, request, signed_in, &visitor.address.to_string()).await {
                Ok(Some(code)) => destination.code(app, visitor, &code),
                Ok(None) => sign_in::redirect(app, &Pending::new(app, visitor, Goal::Authorize(parameters.clone()))),
                Err(error) => ErrorPage::store(&error).render(app, Some(visitor)),
            }
        }
    }
}

/// Whether the person signed in is the one of `id_token_hint`; `None` without a hint.
fn hinted(
    client: &Client,
    signed_in: Option<&SignedIn>,
    request: &AuthorizeRequest,
) -> Result<Option<bool>, OAuthError> {
    let Some(hint) = &request.id_token_hint else { return Ok(None) };
    let provider = &client.provider.profile;
    let claims = id_token_hint(hint, &client.public_keys, &client.issuer, &provider.client_id).map_err(|error| {
        OAuthError::new(ErrorCode::InvalidRequest, "id_token_hint is not valid").detail(error.to_string())
    })?;
    let expected = claims.get("sub").and_then(|sub| sub.as_str()).unwrap_or_default();
    Ok(signed_in.map(|signed_in| subject(provider.sub_mode, &signed_in.user) == expected))
}

async fn consented(
    app: &App,
    visitor: &Visitor,
    client: &Client,
) -> store::Result<Option<std::collections::BTreeSet<String>>> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(None) };
    let (user, application) = (signed_in.user.id, client.application.id);
    let scopes =
        app.db.read(move |tx| Box::pin(async move { store::consent::find(tx, user, application).await })).await?;
    Ok(scopes.map(|scopes| words(&scopes)))
}

fn refusal(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::LoginRequired => "Nobody is signed in who could be used without a sign-in page",
        ErrorCode::ConsentRequired => "The person has to be asked for consent",
        _ => "The request was refused",
    }
}

/// Tells the client no, by redirect, and writes it down.
pub async fn refuse(app: &App, visitor: &Visitor, destination: &Destination<'_>, error: &OAuthError) -> Response {
    let name = &destination.client.application.profile.name;
    let mut entry = events::Entry::new(EventKind::AuthorizationFailed, format!("{name}: {error}"));
    entry.application = Some(destination.client.application.id);
    entry.user = visitor.signed_in.as_ref().map(|signed_in| signed_in.user.id);
    entry.address = visitor.address.to_string();
    let reference = events::write(app, entry).await;
    destination.error(app, visitor, error, &reference)
}

/// The access rule says no: a page, or for `prompt=none` an error to the client.
async fn no_access(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    request: &AuthorizeRequest,
    signed_in: &SignedIn,
) -> Response {
    let profile = &destination.client.application.profile;
    let username = &signed_in.user.profile.username;
    if request.prompt.none {
        let error = OAuthError::new(ErrorCode::AccessDenied, "The person may not use this application")
            .detail(format!("the access rule does not let {username} in"));
        return refuse(app, visitor, destination, &error).await;
    }
    ErrorPage::new(
        StatusCode::FORBIDDEN,
        Whose::You,
        "No access",
        format!("You are signed in as {username}, but {} is not open to you.", profile.name),
        "Ask your administrator for access, and name the application and the reference code. Or sign out and sign in as \
         somebody else.",
    )
    .detail(format!("the access rule of {} does not let {username} in: neither the user nor one of their groups is listed", profile.name))
    .home(&profile.launch_url, format!("Back to {}", profile.name))
    .record(app, visitor, EventKind::AuthorizationFailed, Some(destination.client))
    .await
}

async fn malformed(app: &App, visitor: &Visitor, error: &OAuthError) -> Response {
    ErrorPage::new(
        StatusCode::BAD_REQUEST,
        Whose::Application,
        "The application's request cannot be read",
        format!("An application asked you to sign in, but its request is not right: {}.", error.description),
        "Tell whoever runs the application, and name the reference code.",
    )
    .detail(error.to_string())
    .record(app, visitor, EventKind::AuthorizationFailed, None)
    .await
}

/// Never a redirect, not even to a registered address: whoever made the request may not be the application.
async fn wrong_redirect_uri(app: &App, visitor: &Visitor, client: &Client, received: &str, why: &str) -> Response {
    let profile = &client.application.profile;
    let detail = if received.is_empty() {
        format!("{}: the redirect URI is missing", profile.name)
    } else {
        format!("{}: the redirect URI {received:?} is refused: {why}", profile.name)
    };
    ErrorPage::new(
        StatusCode::BAD_REQUEST,
        Whose::Application,
        "Wrong return address",
        format!("{} asked to send you back to an address that is not registered for it.", profile.name),
        "Tell whoever runs the application, and name the reference code. Administrators who sign in here and come back \
         see the two addresses side by side.",
    )
    .detail(detail)
    .redirect_check(redirect_check(client, received))
    .home(&profile.launch_url, format!("Back to {}", profile.name))
    .record(app, visitor, EventKind::AuthorizationFailed, Some(client))
    .await
}

fn redirect_check(client: &Client, received: &str) -> RedirectCheck {
    let uris = &client.redirect_uris;
    let registered: Vec<_> = uris.iter().filter(|uri| uri.kind == RedirectKind::Authorization).collect();
    let received_spans =
        registered.first().map_or_else(|| difference(received, received).0, |first| difference(received, &first.url).0);
    RedirectCheck {
        client_name: client.application.profile.name.clone(),
        received: received_spans,
        registered: registered
            .into_iter()
            .map(|uri| RegisteredUri {
                spans: difference(received, &uri.url).1,
                mode: if uri.matching_mode == MatchingMode::Strict { "exact" } else { "regex" },
            })
            .collect(),
        edit_href: format!("/if/admin/applications/{}/", client.application.profile.slug),
        add_uri: received.to_owned(),
    }
}
