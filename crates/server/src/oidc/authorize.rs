//! `/application/o/authorize/` (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2).

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use doorward_core::{id::AttemptId, network::Place, redirect_uri::RedirectKind, timeline::StepKind};
use doorward_protocols::{
    jose::verify::id_token_hint,
    oauth::{
        authorize::{self, AuthorizeRequest},
        error::{ErrorCode, OAuthError},
        parameters::Parameters,
        redirect_uri,
        token::words,
    },
    oidc::{
        interaction::{Consented, Situation, Step, next_step},
        subject::subject,
    },
};
use doorward_store as store;
use jiff::Timestamp;
use std::sync::Arc;

use super::{
    answer::Destination,
    asked_claims::{self, Asked},
    consent, issue,
    refusal::{malformed, no_access, refuse, unknown_client, unreadable, wrong_redirect_uri},
    trail,
};
use crate::{
    app::App,
    applications::access,
    auth::sign_in,
    http::{
        error_page::ErrorPage,
        form::is_urlencoded,
        pending::{Goal, Pending},
        visitor::{CurrentVisitor, SignedIn, Visitor},
    },
    snapshot::Client,
    timeline::{StepDraft, Trail},
};

/// `GET /application/o/authorize/`.
pub async fn get(State(app): State<App>, visitor: CurrentVisitor, RawQuery(query): RawQuery) -> Response {
    match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => begin(&app, &visitor, parameters, Progress::first(&app)).await,
        Err(error) => unreadable(&app, &visitor, &error).await,
    }
}

/// `POST /application/o/authorize/`. It may come from another site, without cookies: the browser is asked to come back
/// with GET, which brings them.
pub async fn post(State(app): State<App>, visitor: CurrentVisitor, headers: HeaderMap, body: Bytes) -> Response {
    if !is_urlencoded(&headers) {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "The request is not application/x-www-form-urlencoded");
        return unreadable(&app, &visitor, &error).await;
    }
    match Parameters::parse(&body) {
        Ok(parameters) => {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.iter()).finish();
            sign_in::see_other(&format!("/application/o/authorize/?{query}"))
        }
        Err(error) => unreadable(&app, &visitor, &error).await,
    }
}

/// Goes on with a request after signing in or after consent; everything is checked again.
pub async fn resume(app: &App, visitor: &Visitor, pending: &Pending, just_allowed: bool) -> Response {
    let Goal::Authorize(parameters) = &pending.goal else { return sign_in::see_other("/if/user/") };
    let progress = Progress { started_at: Some(pending.started_at()), just_allowed, attempt: pending.attempt() };
    begin(app, visitor, parameters.clone(), progress).await
}

/// How far a request has come.
#[derive(Debug, Clone, Copy)]
struct Progress {
    started_at: Option<Timestamp>,
    just_allowed: bool,
    attempt: AttemptId,
}

impl Progress {
    /// A request that has just come.
    fn first(app: &App) -> Self {
        Self { started_at: None, just_allowed: false, attempt: AttemptId::new(&app.clock) }
    }
}

/// A request on its way.
struct Course {
    parameters: Parameters,
    progress: Progress,
    trail: Trail,
}

impl Course {
    /// The request as something that waits for the person.
    fn pending(&self, app: &App, visitor: &Visitor) -> Pending {
        Pending::new(app, visitor, Goal::Authorize(self.parameters.clone())).of(self.progress.attempt)
    }
}

async fn begin(app: &App, visitor: &Visitor, parameters: Parameters, progress: Progress) -> Response {
    let trail = trail::of_request(app, visitor, progress.attempt, &parameters);
    let course = Course { parameters, progress, trail };
    let parameters = &course.parameters;
    let (client, redirect_uri) = match find_client(app, visitor, &course).await {
        Ok(found) => found,
        Err(page) => return page,
    };
    let destination = Destination {
        client: &client,
        redirect_uri: &redirect_uri,
        mode: authorize::error_response_mode(parameters),
        state: parameters.get("state"),
    };
    let request = match authorize::parse(parameters, &redirect_uri, client.provider.profile.client_type, &client.scopes)
    {
        Ok(request) => request,
        Err(error) => return refuse(app, visitor, &destination, &error, &course.trail).await,
    };
    proceed(app, visitor, &destination, &request, &course).await
}

/// The client and its checked redirect URI. Without both, nothing is ever redirected (RFC 6749, section 4.1.2.1).
async fn find_client(app: &App, visitor: &Visitor, course: &Course) -> Result<(Arc<Client>, String), Response> {
    let Course { parameters, trail, .. } = course;
    let Some(client_id) = parameters.get("client_id") else {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "client_id is missing");
        return Err(malformed(app, visitor, &error, trail).await);
    };
    let Some(client) = app.snapshot().by_client_id(client_id).cloned() else {
        return Err(unknown_client(app, visitor, client_id, trail).await);
    };
    let received = parameters.get("redirect_uri").unwrap_or_default();
    let registered = &client.redirect_uris;
    match redirect_uri::is_allowed(received, registered, RedirectKind::Authorization) {
        Ok(true) => Ok((client, received.to_owned())),
        Ok(false) => {
            Err(wrong_redirect_uri(app, visitor, &client, (received, "is not registered for it"), trail).await)
        }
        Err(error) => {
            Err(wrong_redirect_uri(app, visitor, &client, (received, &format!("cannot be used: {error}")), trail).await)
        }
    }
}

/// What comes next for a request that is sound: signing in, the access rule, consent, or the code.
async fn proceed(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    request: &AuthorizeRequest,
    course: &Course,
) -> Response {
    let (client, progress, trail) = (destination.client, course.progress, &course.trail);
    let is_hinted = match hinted(client, visitor.signed_in.as_ref(), request) {
        Ok(is_hinted) => is_hinted,
        Err(error) => return refuse(app, visitor, destination, &error, trail).await,
    };
    let consented = match consented(app, visitor, client).await {
        Ok(consented) => consented,
        Err(error) => return ErrorPage::store(&error).render(app, Some(visitor)),
    };
    let asked = visitor.signed_in.as_ref().map_or_else(
        || Ok(Asked::default()),
        |person| asked_claims::look(&app.snapshot(), client, &person.person, request, consented.as_ref()),
    );
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return refuse(app, visitor, destination, &issue::mapping_failed(&error), trail).await,
    };
    let request = &AuthorizeRequest { claims: asked.claims, ..request.clone() };
    let situation = Situation {
        authenticated_at: visitor.signed_in.as_ref().map(|signed_in| signed_in.session.authenticated_at),
        is_hinted,
        started_at: progress.started_at,
        consent_mode: client.application.profile.consent,
        consented: consented.as_ref(),
        claims: &asked.unconsented,
        just_allowed: progress.just_allowed,
        now: app.clock.now(),
    };
    let step = next_step(request, &situation);
    match (step, &visitor.signed_in) {
        (Step::Refuse(code), _) => {
            let error = OAuthError::new(code, refusal(code));
            refuse(app, visitor, destination, &error, trail).await
        }
        (Step::SignIn { .. }, _) | (_, None) => sign_in::redirect(app, &course.pending(app, visitor)),
        (Step::Consent | Step::Answer, Some(signed_in)) => {
            let place = Place::Browser(visitor.address);
            if let Err(why) = access::check(&client.application, &signed_in.person, place) {
                return no_access(app, visitor, destination, request.prompt.none, (signed_in, why), trail).await;
            }
            if step == Step::Answer {
                return answer(app, visitor, destination, request, course, signed_in).await;
            }
            let pending = course.pending(app, visitor).for_consent(signed_in.user.id, progress.started_at);
            let text = format!("{} was asked what the application may know", signed_in.user.profile.username);
            app.timeline.note(trail, StepDraft::good(StepKind::ConsentAsked, text));
            consent::ask(app, visitor, signed_in, destination, request, &pending)
        }
    }
}

/// The code, unless the session has ended meanwhile.
async fn answer(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    request: &AuthorizeRequest,
    course: &Course,
    signed_in: &SignedIn,
) -> Response {
    let (client, trail) = (destination.client, &course.trail);
    match issue::code(app, client, request, signed_in, trail).await {
        Ok(Some(code)) => {
            trail::note_code(app, trail, client, request, signed_in);
            destination.code(app, visitor, &code, request.scopes.contains("openid"))
        }
        Ok(None) => sign_in::redirect(app, &course.pending(app, visitor)),
        Err(error) => ErrorPage::store(&error).render(app, Some(visitor)),
    }
}

/// Whether the person signed in is the one of `id_token_hint` and of a `sub` in `claims`; `None` without either.
fn hinted(
    client: &Client,
    signed_in: Option<&SignedIn>,
    request: &AuthorizeRequest,
) -> Result<Option<bool>, OAuthError> {
    let subject = |signed_in: &SignedIn| subject(client.provider.profile.sub_mode, &signed_in.user);
    let taken = signed_in.and_then(|signed_in| request.claims.takes_subject(&subject(signed_in)));
    let Some(hint) = &request.id_token_hint else { return Ok(taken) };
    let provider = &client.provider.profile;
    let claims = id_token_hint(hint, &client.public_keys, &client.issuer, &provider.client_id).map_err(|error| {
        OAuthError::new(ErrorCode::InvalidRequest, "id_token_hint is not valid").detail(error.to_string())
    })?;
    let expected = claims.get("sub").and_then(|sub| sub.as_str()).unwrap_or_default();
    Ok(signed_in.map(|signed_in| subject(signed_in) == expected && taken != Some(false)))
}

async fn consented(app: &App, visitor: &Visitor, client: &Client) -> store::Result<Option<Consented>> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(None) };
    let (user, application) = (signed_in.user.id, client.application.id);
    let consent =
        app.db.read(move |tx| Box::pin(async move { store::consent::find(tx, user, application).await })).await?;
    Ok(consent.map(|consent| Consented { scopes: words(&consent.scopes), claims: consent.claims }))
}

fn refusal(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::LoginRequired => "Nobody is signed in who could be used without a sign-in page",
        ErrorCode::ConsentRequired => "The person has to be asked for consent",
        _ => "The request was refused",
    }
}
