//! `/application/o/<slug>/end-session/` (OpenID Connect RP-Initiated Logout 1.0), and `/application/o/end-session/` for the
//! applications that share their issuer: there the request itself has to say whose it is.

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_core::{
    event::EventKind,
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use doorward_protocols::{
    jose::verify::{VerifyError, alleged_audience, id_token_hint},
    oauth::{parameters::Parameters, redirect_uri},
    oidc::subject::subject,
};

use super::{authorize::BACK, response_mode::query::with_query};
use crate::{
    app::App,
    auth::{
        session, sign_in,
        sign_out::{self, Onward},
    },
    http::{
        error_page::{ErrorPage, Whose},
        form::is_urlencoded,
        pending::{ADDRESS_MAX, ReturnTo},
        visitor::{CurrentVisitor, SignedIn, Visitor},
    },
    snapshot::{Client, Snapshot},
};
use std::sync::Arc;

/// `GET`.
pub async fn get(
    State(app): State<App>,
    slug: Option<Path<String>>,
    visitor: CurrentVisitor,
    RawQuery(query): RawQuery,
) -> Response {
    match Place::of(&app.snapshot(), slug) {
        Some(place) => serve(&app, &place, &visitor, query.unwrap_or_default().as_bytes()).await,
        None => ErrorPage::not_found().render(&app, Some(&visitor)),
    }
}

/// `POST` with a form. It comes from the application's site and so without cookies: the browser is asked to come back by
/// itself, which brings them.
pub async fn post(
    State(app): State<App>,
    slug: Option<Path<String>>,
    visitor: CurrentVisitor,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = if is_urlencoded(&headers) { body } else { Bytes::new() };
    let Some(place) = Place::of(&app.snapshot(), slug) else {
        return ErrorPage::not_found().render(&app, Some(&visitor));
    };
    if query.as_deref() == Some(BACK) {
        return serve(&app, &place, &visitor, &body).await;
    }
    match Parameters::parse(&body) {
        Ok(parameters) => {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.iter()).finish();
            if query.len() <= ADDRESS_MAX {
                return sign_in::see_other(&format!("{}?{query}", place.path()));
            }
            let back = format!("{}?{BACK}", place.path());
            sign_in::carry(&app, &visitor, &back, parameters.iter(), "You are being taken on to sign out.")
        }
        Err(error) => refused(&app, &visitor, place.client(), error.detail).await,
    }
}

/// At whose address the request came.
enum Place {
    /// The application's own.
    Application(Arc<Client>),
    /// That of the applications which share their issuer.
    Global,
}

impl Place {
    /// `None` if nothing is there: no such application, or none that shares its issuer.
    fn of(snapshot: &Snapshot, slug: Option<Path<String>>) -> Option<Self> {
        match slug {
            Some(Path(slug)) => snapshot.by_slug(&slug).cloned().map(Self::Application),
            None => snapshot.global.is_some().then_some(Self::Global),
        }
    }

    fn client(&self) -> Option<&Client> {
        match self {
            Self::Application(client) => Some(client),
            Self::Global => None,
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Application(client) => format!("/application/o/{}/end-session/", client.application.profile.slug),
            Self::Global => "/application/o/end-session/".to_owned(),
        }
    }

    /// Whose request it is. At the shared address `client_id` says so, or the audience of the hint, which [`read`] then
    /// checks against each other; `None` if it says nothing.
    fn whose(&self, snapshot: &Snapshot, parameters: &Parameters) -> Result<Option<Arc<Client>>, String> {
        if let Self::Application(client) = self {
            return Ok(Some(client.clone()));
        }
        let known = |client_id: &str| snapshot.global_client(client_id).cloned();
        if let Some(client_id) = parameters.get("client_id") {
            let found = known(client_id);
            return found
                .map(Some)
                .ok_or_else(|| format!("no application of this issuer has the client_id {client_id:?}"));
        }
        let Some(hint) = parameters.get("id_token_hint") else { return Ok(None) };
        // Only to know who is asked for its keys: nothing is believed before the hint was checked with them.
        let alleged = alleged_audience(hint).map_err(|error| format!("id_token_hint: {error}"))?;
        let found = alleged.iter().find_map(|client_id| known(client_id));
        found.map(Some).ok_or_else(|| "id_token_hint: it is for no application of this issuer".to_owned())
    }
}

async fn serve(app: &App, place: &Place, visitor: &Visitor, encoded: &[u8]) -> Response {
    let parameters = match Parameters::parse(encoded) {
        Ok(parameters) => parameters,
        Err(error) => return refused(app, visitor, place.client(), error.detail).await,
    };
    let client = match place.whose(&app.snapshot(), &parameters) {
        Ok(Some(client)) => client,
        // Nobody can say whether an address to return to is right (section 2): none is offered.
        Ok(None) if visitor.signed_in.is_some() => return sign_out::ask(app, visitor, None, None),
        Ok(None) => return sign_out::signed_out(app, visitor, None, Onward::default()),
        Err(detail) => return refused(app, visitor, None, detail).await,
    };
    match read(&client, &parameters) {
        Err(detail) => refused(app, visitor, Some(&client), detail).await,
        Ok(request) => {
            let return_to = request.return_to.as_ref();
            match (&visitor.signed_in, &request.hint) {
                // A hint for the person and the session that are here stands for their "yes".
                (Some(signed_in), Some(hint)) if hint.is_of(&client, signed_in) => {
                    sign_out::finish(app, visitor, Some(&client), return_to).await
                }
                (Some(_), _) => sign_out::ask(app, visitor, Some(&client), request.return_to),
                // Nobody is here: only a hint makes the address to return to believable.
                (None, Some(_)) => sign_out::finish(app, visitor, Some(&client), return_to).await,
                (None, None) => sign_out::signed_out(app, visitor, Some(&client), Onward::default()),
            }
        }
    }
}

/// A valid `id_token_hint`.
struct Hint {
    subject: String,
    /// The session it was issued in; none if a device or a program was given it.
    sid: Option<String>,
}

impl Hint {
    /// Whether it was issued to this person in this session. One of an earlier session may have been found somewhere
    /// (OpenID Connect RP-Initiated Logout 1.0, section 4), and one of no session was never in this browser: they are asked.
    fn is_of(&self, client: &Client, signed_in: &SignedIn) -> bool {
        let is_session = self.sid.as_ref().is_some_and(|sid| *sid == session::sid(signed_in.session.id));
        is_session && self.subject == subject(client.provider.profile.sub_mode, &signed_in.user)
    }
}

/// What is asked for, checked.
struct Request {
    hint: Option<Hint>,
    return_to: Option<ReturnTo>,
}

fn read(client: &Client, parameters: &Parameters) -> Result<Request, String> {
    if parameters.get("client_id").is_some_and(|id| id != client.provider.profile.client_id) {
        return Err("client_id is another application's".to_owned());
    }
    let hint = parameters.get("id_token_hint").map(|hint| read_hint(client, hint)).transpose()?;
    let return_to = match parameters.get("post_logout_redirect_uri") {
        None => None,
        Some(uri) => {
            let allowed = redirect_uri::is_allowed(uri, &client.redirect_uris, RedirectKind::Logout)
                .map_err(|error| format!("post_logout_redirect_uri {uri:?}: {error}"))?;
            if !allowed {
                return Err(format!("post_logout_redirect_uri {uri:?} is not registered (type logout)"));
            }
            let uri_with_state = match parameters.raw("state") {
                Some(state) => with_query(uri, &[("state", state.to_owned())]),
                None => uri.to_owned(),
            };
            // Without a hint anybody may have made the request: only what is registered as it stands is even offered.
            let is_vouched = hint.is_some();
            (is_vouched || is_exact(client, uri)).then_some(ReturnTo { uri: uri_with_state, is_vouched })
        }
    };
    Ok(Request { hint, return_to })
}

/// Whether an address is registered as it stands, and not by a regex.
fn is_exact(client: &Client, uri: &str) -> bool {
    let is_same = |known: &RedirectUri| {
        known.kind == RedirectKind::Logout && known.matching_mode == MatchingMode::Strict && known.url == uri
    };
    client.redirect_uris.iter().any(is_same)
}

fn read_hint(client: &Client, hint: &str) -> Result<Hint, String> {
    let client_id = &client.provider.profile.client_id;
    let claims = id_token_hint(hint, &client.public_keys, &client.issuer, client_id).map_err(|error| match error {
        VerifyError::UnknownKey => format!(
            "id_token_hint: {error}, or it is so old that the key was rotated out meanwhile: the application should \
                 forget ID tokens when its own session ends"
        ),
        error => format!("id_token_hint: {error}"),
    })?;
    let text = |name: &str| claims.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    Ok(Hint { subject: text("sub").unwrap_or_default(), sid: text("sid") })
}

async fn refused(app: &App, visitor: &Visitor, client: Option<&Client>, detail: String) -> Response {
    let name = client.map_or("An application", |client| client.application.profile.name.as_str());
    ErrorPage::new(
        StatusCode::BAD_REQUEST,
        Whose::Application,
        "The sign-out request is not right",
        format!("{name} asked Doorward to sign you out, but its request is not right. You are still signed in."),
        "You can sign out of Doorward yourself under \"Sign out\". Tell whoever runs the application the reference code.",
    )
    .detail(detail)
    .restart("/sign-out")
    .record(app, visitor, EventKind::AuthorizationFailed, client)
    .await
}
