//! How authorization requests are refused: by an error to the application where that is safe, else on a page.

use axum::{http::StatusCode, response::Response};
use doorward_core::{
    application::ApplicationProfile,
    event::EventKind,
    redirect_uri::{MatchingMode, RedirectKind},
    timeline::{AttemptMethod, StepKind, detail},
};
use doorward_protocols::oauth::{
    error::{ErrorCode, OAuthError},
    redirect_uri::difference,
};
use doorward_store as store;

use super::response_mode::Destination;
use crate::{
    app::App,
    applications::access::NoAccess,
    events,
    http::{
        error_page::{ErrorPage, RedirectCheck, RegisteredUri, Whose},
        visitor::{SignedIn, Visitor},
    },
    snapshot::Client,
    timeline::{StepDraft, Trail, refusal_text},
};

/// Tells the client no, by redirect, and writes it down.
pub(super) async fn refuse(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    error: &OAuthError,
    trail: &Trail,
) -> Response {
    refuse_at(app, visitor, destination, error, (trail, StepKind::Refused)).await
}

/// The same, with the step at which it was refused.
pub(super) async fn refuse_at(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    error: &OAuthError,
    (trail, at): (&Trail, StepKind),
) -> Response {
    let name = &destination.client.application.profile.name;
    let mut entry = events::Entry::new(EventKind::AuthorizationFailed, format!("{name}: {error}"));
    entry.application = Some(destination.client.application.id);
    entry.user = visitor.signed_in.as_ref().map(|signed_in| signed_in.user.id);
    entry.address = visitor.address.to_string();
    let step = StepDraft::refused(at, &error.detail).with(detail::ERROR, error.code.as_str());
    let reference = events::write(app, entry.on(trail, step)).await;
    destination.error(app, Some(visitor), error, &reference)
}

/// The database is away: a page, or for `prompt=none` an error to the client.
pub(super) async fn store_failed(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    is_silent: bool,
    error: &store::Error,
    trail: &Trail,
) -> Response {
    if is_silent {
        return refuse(app, visitor, destination, &unavailable(error), trail).await;
    }
    ErrorPage::store(error).render(app, Some(visitor))
}

/// What a client is told of a failure of the database (RFC 6749, section 4.1.2.1).
pub(super) fn unavailable(error: &store::Error) -> OAuthError {
    match error {
        store::Error::Unavailable(_) => {
            OAuthError::new(ErrorCode::TemporarilyUnavailable, "Doorward cannot reach its database; try again later")
        }
        _ => OAuthError::new(ErrorCode::ServerError, "Doorward could not do this"),
    }
    .detail(error.to_string())
}

/// The access rule or the networks say no: a page, or for `prompt=none` an error to the client.
pub(super) async fn no_access(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    is_silent: bool,
    (signed_in, why): (&SignedIn, NoAccess),
    trail: &Trail,
) -> Response {
    let profile = &destination.client.application.profile;
    let username = &signed_in.user.profile.username;
    let detail = refusal_text(&app.snapshot(), &destination.client.application, &signed_in.person, why);
    if is_silent {
        let error = OAuthError::new(ErrorCode::AccessDenied, "The person may not use this application").detail(&detail);
        return refuse_at(app, visitor, destination, &error, (trail, StepKind::Access)).await;
    }
    let page = match why {
        NoAccess::Network(_) => ErrorPage::wrong_network(profile, visitor),
        NoAccess::Disabled | NoAccess::Rule => not_open(profile, username),
    };
    page.detail(&detail)
        .on(trail, StepDraft::refused(StepKind::Access, detail))
        .record(app, visitor, EventKind::AuthorizationFailed, Some(destination.client))
        .await
}

pub(super) fn not_open(profile: &ApplicationProfile, username: &str) -> ErrorPage {
    ErrorPage::new(
        StatusCode::FORBIDDEN,
        Whose::You,
        "No access",
        format!("You are signed in as {username}, but {} is not open to you.", profile.name),
        "Ask your administrator for access, and name the application and the reference code. Or sign out and sign in as \
         somebody else.",
    )
    .home(&profile.launch_url, format!("Back to {}", profile.name))
}

/// A request of which not even the application can be read.
pub(super) async fn unreadable(app: &App, visitor: &Visitor, error: &OAuthError) -> Response {
    let trail = Trail::begin(app, AttemptMethod::Oidc).in_browser(visitor);
    malformed(app, visitor, error, &trail).await
}

pub(super) async fn malformed(app: &App, visitor: &Visitor, error: &OAuthError, trail: &Trail) -> Response {
    ErrorPage::new(
        StatusCode::BAD_REQUEST,
        Whose::Application,
        "The application's request cannot be read",
        format!("An application asked you to sign in, but its request is not right: {}.", error.description),
        "Tell whoever runs the application, and name the reference code.",
    )
    .detail(error.to_string())
    .on(trail, StepDraft::refused(StepKind::Refused, &error.detail).with(detail::ERROR, error.code.as_str()))
    .record(app, visitor, EventKind::AuthorizationFailed, None)
    .await
}

/// Never a redirect, not even to a registered address: whoever made the request may not be the application.
pub(super) async fn wrong_redirect_uri(
    app: &App,
    visitor: &Visitor,
    client: &Client,
    (received, why): (&str, &str),
    trail: &Trail,
) -> Response {
    let profile = &client.application.profile;
    let what = if received.is_empty() {
        "the redirect URI is missing".to_owned()
    } else {
        format!("the redirect URI {received:?} {why}")
    };
    let detail = format!("{}: {what}", profile.name);
    let step = StepDraft::refused(StepKind::Refused, what).with(detail::REDIRECT_URI, received);
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
    .near_miss(received)
    .on(trail, step)
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

/// Nobody can be told but the person.
pub(super) async fn unknown_client(app: &App, visitor: &Visitor, client_id: &str, trail: &Trail) -> Response {
    ErrorPage::new(
        StatusCode::BAD_REQUEST,
        Whose::Application,
        "Unknown application",
        "An application asked you to sign in, but Doorward does not know it.",
        "Its client ID is wrong, or it was removed here. Tell whoever runs the application.",
    )
    .detail(format!("no application has the client ID {client_id:?}"))
    .on(trail, StepDraft::refused(StepKind::Refused, format!("no application has the client ID {client_id:?}")))
    .record(app, visitor, EventKind::AuthorizationFailed, None)
    .await
}
