//! `/application/o/authorize/` (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2).

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use doorward_core::{
    application::ConsentMode, grant_type::GrantType, id::AttemptId, network::Place, random, redirect_uri::RedirectKind,
    timeline::StepKind,
};
use doorward_protocols::{
    jose::verify::id_token_hint,
    oauth::{
        authorize::{self, AuthorizeRequest, ClientRules},
        error::{ErrorCode, OAuthError},
        parameters::Parameters,
        redirect_uri,
        response_mode::ResponseMode,
        token::words,
    },
    oidc::{
        interaction::{Consented, Said, Situation, Step, next_step},
        subject::subject,
    },
};
use doorward_store as store;
use jiff::Timestamp;
use std::sync::Arc;

use super::{
    asked_claims::{self, Asked},
    consent,
    grant::GrantError,
    issue,
    refusal::{
        malformed, no_access, refuse, store_failed, unavailable, unknown_client, unreadable, wrong_redirect_uri,
    },
    response_mode::Destination,
    session_state, trail,
};
use crate::{
    app::App,
    applications::access,
    auth::sign_in,
    http::{
        form::is_urlencoded,
        pending::{ADDRESS_MAX, Ask, Goal, Pending},
        visitor::{CurrentVisitor, SignedIn, Visitor},
    },
    snapshot::Client,
    timeline::{StepDraft, Trail},
};

const PATH: &str = "/application/o/authorize/";
/// Marks a request that came back by a form of ours, so that it is not sent round in circles where cookies are blocked.
pub(super) const BACK: &str = "back";

/// `GET /application/o/authorize/`.
pub async fn get(State(app): State<App>, visitor: CurrentVisitor, RawQuery(query): RawQuery) -> Response {
    match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => begin(&app, &visitor, parameters, Progress::first(&app)).await,
        Err(error) => unreadable(&app, &visitor, &error).await,
    }
}

/// `POST /application/o/authorize/`. From another site it comes without cookies, since those are `SameSite=Lax`: the browser
/// is asked to come back by itself, which brings them.
pub async fn post(
    State(app): State<App>,
    visitor: CurrentVisitor,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_urlencoded(&headers) {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "The request is not application/x-www-form-urlencoded");
        return unreadable(&app, &visitor, &error).await;
    }
    let parameters = match Parameters::parse(&body) {
        Ok(parameters) => parameters,
        Err(error) => return unreadable(&app, &visitor, &error).await,
    };
    let is_back = query.as_deref() == Some(BACK);
    if is_back || visitor.is_known() {
        return begin(&app, &visitor, parameters, Progress::first(&app)).await;
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.iter()).finish();
    if query.len() <= ADDRESS_MAX {
        return sign_in::see_other(&format!("{PATH}?{query}"));
    }
    sign_in::carry(&app, &visitor, &format!("{PATH}?{BACK}"), parameters.iter(), sign_in::ON_TO_SIGN_IN)
}

/// An answer for `prompt=none` although the database is away, so that not even the visitor is known: an application that
/// asks in the background is never sent a page. `None` where a page is right.
pub fn store_away(app: &App, method: &Method, uri: &Uri, error: &store::Error) -> Option<Response> {
    if *method != Method::GET || uri.path() != PATH {
        return None;
    }
    let parameters = Parameters::parse(uri.query().unwrap_or_default().as_bytes()).ok()?;
    if !words(parameters.get("prompt").unwrap_or_default()).contains("none") {
        return None;
    }
    let client = app.snapshot().by_client_id(parameters.get("client_id")?).cloned()?;
    let redirect_uri = parameters.get("redirect_uri")?;
    if redirect_uri::is_allowed(redirect_uri, &client.redirect_uris, RedirectKind::Authorization) != Ok(true) {
        return None;
    }
    let reference = random::reference();
    tracing::error!(reference, %error, "an authorization request with prompt=none could not be served");
    Some(destination(&client, redirect_uri, &parameters).error(app, None, &unavailable(error), &reference))
}

/// Goes on with a request after signing in or after a question; everything is checked again.
pub async fn resume(app: &App, visitor: &Visitor, pending: &Pending, said: Said) -> Response {
    let Goal::Authorize(parameters) = &pending.goal else { return sign_in::see_other("/if/user/") };
    let progress = Progress { started_at: Some(pending.started_at()), said, attempt: pending.attempt() };
    begin(app, visitor, parameters.clone(), progress).await
}

/// What a client may ask for at one of its redirect URIs. Forward auth signs in by code, whatever the application itself may
/// use.
pub(super) fn rules<'a>(client: &'a Client, redirect_uri: &str) -> ClientRules<'a> {
    let provider = &client.provider.profile;
    let mut grant_types = provider.grant_types.clone();
    let own = &provider.redirect_uris;
    let has_callback = client.redirect_uris.len() > own.len();
    if has_callback && redirect_uri::is_allowed(redirect_uri, own, RedirectKind::Authorization) != Ok(true) {
        grant_types.insert(GrantType::AuthorizationCode);
    }
    ClientRules { client_type: provider.client_type, grant_types, scopes: &client.scopes }
}

/// Where the answer goes if it is an error; a request that is sound says the same.
fn destination<'a>(client: &'a Client, redirect_uri: &'a str, parameters: &'a Parameters) -> Destination<'a> {
    let mode = ResponseMode::for_error(parameters);
    Destination { client, redirect_uri, mode, state: parameters.get("state") }
}

/// How far a request has come.
#[derive(Debug, Clone, Copy)]
struct Progress {
    started_at: Option<Timestamp>,
    said: Said,
    attempt: AttemptId,
}

impl Progress {
    /// A request that has just come.
    fn first(app: &App) -> Self {
        Self { started_at: None, said: Said::Nothing, attempt: AttemptId::new(&app.clock) }
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

    /// The same as a question to the person signed in, which only they can answer.
    fn question(&self, app: &App, visitor: &Visitor, signed_in: &SignedIn) -> Pending {
        self.pending(app, visitor).for_consent(signed_in.user.id, self.progress.started_at)
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
    let destination = destination(&client, &redirect_uri, parameters);
    let request = match authorize::parse(parameters, &redirect_uri, &rules(&client, &redirect_uri)) {
        Ok(request) => request,
        Err(error) => return refuse(app, visitor, &destination, &error, &course.trail).await,
    };
    let destination = Destination { mode: request.response_mode, ..destination };
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

/// What comes next for a request that is sound: signing in, a question, or the answer.
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
        Err(error) => return store_failed(app, visitor, destination, request.prompt.none, &error, trail).await,
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
        said: progress.said,
        now: app.clock.now(),
    };
    match (next_step(request, &situation), &visitor.signed_in) {
        (Step::Refuse(code), _) => {
            let error = OAuthError::new(code, refusal(code));
            refuse(app, visitor, destination, &error, trail).await
        }
        (Step::SignIn { again: true }, _) => {
            sign_in::redirect(app, visitor, &course.pending(app, visitor).asking(Ask::Confirm))
        }
        (Step::SignIn { again: false }, _) | (_, None) => {
            sign_in::redirect(app, visitor, &course.pending(app, visitor))
        }
        (Step::SelectAccount, Some(signed_in)) => {
            sign_in::redirect(app, visitor, &course.question(app, visitor, signed_in).asking(Ask::Account))
        }
        (step @ (Step::Consent | Step::Answer), Some(signed_in)) => {
            let place = Place::Browser(visitor.address);
            if let Err(why) = access::check(&client.application, &signed_in.person, place) {
                return no_access(app, visitor, destination, request.prompt.none, (signed_in, why), trail).await;
            }
            if step == Step::Answer {
                return answer(app, visitor, destination, request, course, signed_in).await;
            }
            let pending = course.question(app, visitor, signed_in).asking(Ask::Consent);
            let text = format!("{} was asked what the application may know", signed_in.user.profile.username);
            app.timeline.note(trail, StepDraft::good(StepKind::ConsentAsked, text));
            consent::ask(app, visitor, signed_in, destination, request, &pending)
        }
    }
}

/// The answer, unless the session has ended meanwhile.
async fn answer(
    app: &App,
    visitor: &Visitor,
    destination: &Destination<'_>,
    request: &AuthorizeRequest,
    course: &Course,
    signed_in: &SignedIn,
) -> Response {
    let (client, Course { parameters, trail, .. }) = (destination.client, course);
    match issue::answer(app, client, request, signed_in, trail).await {
        Ok(Some(issued)) => {
            trail::note_answer(app, trail, client, (request, parameters.get("scope")), signed_in);
            // All that the client is told is collected here; `state` and `iss` come with every answer.
            let mut parameters = issued.parameters();
            if request.scopes.contains("openid") {
                let state = session_state::of_answer(app, visitor, client, destination.redirect_uri);
                parameters.extend(state.map(|state| ("session_state", state)));
            }
            destination.answer(app, Some(visitor), parameters)
        }
        // Nobody is signed in any more; without a page that is all there is to say.
        Ok(None) if request.prompt.none => {
            let error = OAuthError::new(ErrorCode::LoginRequired, refusal(ErrorCode::LoginRequired));
            refuse(app, visitor, destination, &error, trail).await
        }
        Ok(None) => sign_in::redirect(app, visitor, &course.pending(app, visitor)),
        Err(GrantError::OAuth(error)) => refuse(app, visitor, destination, &error, trail).await,
        Err(GrantError::Store(error)) => {
            store_failed(app, visitor, destination, request.prompt.none, &error, trail).await
        }
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
        OAuthError::new(ErrorCode::InvalidRequest, "id_token_hint is not valid")
            .detail(format!("id_token_hint: {error}"))
    })?;
    let expected = claims.get("sub").and_then(|sub| sub.as_str()).unwrap_or_default();
    Ok(signed_in.map(|signed_in| subject(signed_in) == expected && taken != Some(false)))
}

/// What the person consented to before. Only applications that ask at the first sign-in need to know.
async fn consented(app: &App, visitor: &Visitor, client: &Client) -> store::Result<Option<Consented>> {
    let signed_in = visitor.signed_in.as_ref().filter(|_| client.application.profile.consent == ConsentMode::FirstTime);
    let Some(signed_in) = signed_in else { return Ok(None) };
    let (user, application) = (signed_in.user.id, client.application.id);
    let consent =
        app.db.read(move |tx| Box::pin(async move { store::consent::find(tx, user, application).await })).await?;
    Ok(consent.map(|consent| Consented { scopes: words(&consent.scopes), claims: consent.claims }))
}

fn refusal(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::LoginRequired => "Nobody is signed in who could be used without a sign-in page",
        ErrorCode::ConsentRequired => "The person has to be asked for consent",
        ErrorCode::AccountSelectionRequired => "The person has to choose an account",
        _ => "The request was refused",
    }
}
