//! `/sign-in`: the form, and what comes after.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use doorward_core::{event::EventKind, secret::Secret, timeline::StepKind};
use doorward_protocols::{oauth::parameters::Parameters, oidc::interaction::Said};
use serde_json::{Value, json};

use super::{
    code_page,
    password::{self, Attempt, Passed, SignInError, Verified},
    second_step::Step,
    session,
};
use crate::{
    app::App,
    http::{
        cookies::Cookie,
        error_page::{ErrorPage, Whose},
        form::Form,
        headers::lead_out,
        pending::{ADDRESS_MAX, Ask, Goal, Lost, Pending, is_local_path},
        visitor::{CurrentVisitor, Visitor},
    },
    oidc, pages,
    snapshot::{Client, Snapshot},
    timeline::StepDraft,
};

/// Where somebody goes who came for nothing in particular.
const HOME: &str = "/if/user/";
/// Where a request goes on that was carried by a form.
pub const ON_TO_SIGN_IN: &str = "You are being taken on to sign in.";

/// `GET /sign-in`, by itself or with what waits for it (`request`, or `next` for a page of ours).
pub async fn show(State(app): State<App>, visitor: CurrentVisitor, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse_long(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let pending = if let Some(sealed) = parameters.get("request") {
        match Pending::open(&app, &visitor, sealed) {
            Ok(pending) => pending,
            Err(lost) => return lost_page(&app, &visitor, lost).await,
        }
    } else {
        let next = parameters.get("next").filter(|next| is_local_path(next)).unwrap_or(HOME);
        Pending::new(&app, &visitor, Goal::Page(next.to_owned()))
    };
    form(&app, &visitor, &pending, "", None)
}

/// `POST /sign-in`.
pub async fn submit(State(app): State<App>, visitor: CurrentVisitor, form: Form) -> Response {
    let pending = match Pending::open(&app, &visitor, form.get("request")) {
        Ok(pending) => pending,
        Err(lost) => return lost_page(&app, &visitor, lost).await,
    };
    if form.get("choice") == "continue" {
        return go_on_as_oneself(&app, &visitor, &pending).await;
    }
    let username = form.get("username").to_owned();
    let attempt = Attempt {
        username: username.clone(),
        password: Secret::from(form.get("password")),
        address: visitor.address,
        trail: Some(pending.trail(&app, &visitor)),
    };
    match password::verify(&app, attempt).await {
        Ok(Passed::CodeNeeded(half)) => code_page::ask(&app, &visitor, &pending, &Step::after(&app, &half)),
        Ok(Passed::Verified(verified)) => finish(&app, &visitor, &pending, &verified).await,
        Err(SignInError::Store(error)) => ErrorPage::store(&error).render(&app, Some(&visitor)),
        Err(error) => refused(self::form(&app, &visitor, &pending, &username, Some(message(&error))), &error),
    }
}

/// Somebody chose to go on as the person signed in (`prompt=select_account`). The choice is theirs alone: in front of somebody
/// else it counts for nothing, and they are asked.
async fn go_on_as_oneself(app: &App, visitor: &Visitor, pending: &Pending) -> Response {
    let user = visitor.signed_in.as_ref().map(|signed_in| signed_in.user.id);
    let is_theirs = user.is_some_and(|user| pending.asks(Ask::Account, user));
    let said = if is_theirs { Said::GoOn } else { Said::Nothing };
    oidc::authorize::resume(app, visitor, pending, said).await
}

/// Begins the session of somebody who passed all steps, and sends the browser on.
pub(super) async fn finish(app: &App, visitor: &Visitor, pending: &Pending, verified: &Verified) -> Response {
    match session::begin(app, visitor, verified, Some(&pending.trail(app, visitor))).await {
        Ok(Some(token)) => go_on(app, visitor, pending, &token),
        Ok(None) => redirect(app, visitor, pending),
        Err(error) => ErrorPage::store(&error).render(app, Some(visitor)),
    }
}

/// Sends the browser on with its new cookie. The goal is looked at again there, with the session.
fn go_on(app: &App, visitor: &Visitor, pending: &Pending, token: &str) -> Response {
    let mut response = match &pending.goal {
        Goal::Page(path) => see_other(path),
        Goal::SignOut { .. } => see_other(HOME),
        Goal::Authorize(_) => {
            let sealed = pending.seal(app);
            if sealed.len() <= ADDRESS_MAX {
                see_other(&format!("/sign-in/continue?request={sealed}"))
            } else {
                let fields = [("csrf", visitor.csrf.as_str()), ("request", sealed.as_str())];
                carry(app, visitor, "/sign-in/continue", fields.into_iter(), ON_TO_SIGN_IN)
            }
        }
    };
    if let Some(cookie) = Cookie::Session.set(token, &app.config.public_url) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    lead_out(response)
}

/// `GET /sign-in/continue`: goes on with an authorization request after signing in.
pub async fn go_on_with_request(
    State(app): State<App>,
    visitor: CurrentVisitor,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse_long(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    continue_with(&app, &visitor, parameters.get("request").unwrap_or_default()).await
}

/// `POST /sign-in/continue`: the same for a request that is too long for an address.
pub async fn go_on_with_long_request(State(app): State<App>, visitor: CurrentVisitor, form: Form) -> Response {
    continue_with(&app, &visitor, form.get("request")).await
}

async fn continue_with(app: &App, visitor: &Visitor, sealed: &str) -> Response {
    match Pending::open(app, visitor, sealed) {
        Ok(Pending { goal: Goal::Page(path), .. }) => see_other(&path),
        Ok(Pending { goal: Goal::SignOut { .. }, .. }) => see_other(HOME),
        Ok(pending) => oidc::authorize::resume(app, visitor, &pending, Said::Nothing).await,
        Err(lost) => lost_page(app, visitor, lost).await,
    }
}

/// Sends somebody to sign in for something that waits; what is too long for an address waits in the form itself.
pub fn redirect(app: &App, visitor: &Visitor, pending: &Pending) -> Response {
    let sealed = pending.seal(app);
    if sealed.len() > ADDRESS_MAX {
        return form(app, visitor, pending, "", None);
    }
    see_other(&format!("/sign-in?request={sealed}"))
}

/// Lets the browser post what is too long for an address to one of our own: by itself, or by a button without scripts.
pub fn carry<'a>(
    app: &App,
    visitor: &Visitor,
    action: &str,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
    lead: &str,
) -> Response {
    let fields: Vec<_> = fields.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let context = json!({ "action": action, "fields": fields, "lead": lead });
    let mut response = lead_out(pages::page(app, Some(visitor), "form_post.html", context));
    // Without a referrer its form would be of no origin, as another site's can be, which is given no mark.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Sends somebody to sign in for the page they asked for. A form they sent is lost, the page it was on is not.
pub fn redirect_here(app: &App, visitor: &Visitor, method: &Method, uri: &Uri) -> Response {
    let path = uri.path_and_query().map_or(HOME, |path| path.as_str());
    let path = if method == Method::GET && is_local_path(path) { path } else { HOME };
    redirect(app, visitor, &Pending::new(app, visitor, Goal::Page(path.to_owned())))
}

/// The form, with what stood in the way before.
pub(super) fn form(app: &App, visitor: &Visitor, pending: &Pending, username: &str, error: Option<String>) -> Response {
    let snapshot = app.snapshot();
    let client = asking(&snapshot, pending);
    let hint = match &pending.goal {
        Goal::Authorize(parameters) => parameters.get("login_hint").unwrap_or_default(),
        _ => "",
    };
    let here = visitor.signed_in.as_ref();
    let (is_confirmation, offer) = match (pending.ask, here) {
        (Ask::Confirm, Some(_)) => (true, None),
        (Ask::Account, Some(signed_in)) => {
            (false, pending.asks(Ask::Account, signed_in.user.id).then_some(&signed_in.user.profile))
        }
        _ => (false, None),
    };
    // Whoever shall show again who they are is named; where somebody else may come, nobody is.
    let named = here.filter(|_| is_confirmation || client.is_none());
    let named = named.map_or("", |signed_in| signed_in.user.profile.username.as_str());
    let prefill = [username, named, hint].into_iter().find(|name| !name.is_empty());
    let context = json!({
        "app": client.map(client_card),
        "request": pending.seal(app),
        "username": prefill.unwrap_or_default(),
        "error": error.map(|message| json!({ "message": message })),
        "reauthenticate": is_confirmation && client.is_some(),
        "go_on_as": offer.map(|profile| json!({ "username": profile.username, "name": profile.name })),
        "help_text": app.config.help_text,
    });
    lead_out(pages::page(app, Some(visitor), "sign_in.html", context))
}

/// The application that waits for the sign-in, if it is one.
pub(super) fn asking<'s>(snapshot: &'s Snapshot, pending: &Pending) -> Option<&'s Client> {
    match &pending.goal {
        Goal::Authorize(parameters) => {
            parameters.get("client_id").and_then(|id| snapshot.by_client_id(id)).map(AsRef::as_ref)
        }
        _ => None,
    }
}

/// The status of a page that says why nobody was signed in.
pub(super) fn refused(mut response: Response, error: &SignInError) -> Response {
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    if let SignInError::Throttled { wait, .. } = error {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).unsigned_abs().into());
    }
    response
}

/// Why nobody was signed in, with the code under which the log says more.
pub fn message(error: &SignInError) -> String {
    error.reference().map_or_else(|| error.to_string(), |reference| format!("{error} (Reference {reference})"))
}

/// Name, host and icon of an application, for pages on which people decide about it.
pub fn client_card(client: &Client) -> Value {
    let profile = &client.application.profile;
    let address = client.redirect_uris.first().map_or("", |uri| uri.url.as_str());
    let host = url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    json!({
        "name": profile.name,
        "host": host.unwrap_or_default(),
        "icon_url": profile.icon_url,
        "monogram": pages::monogram(&profile.name),
    })
}

/// What waited cannot go on: says why, with a way to begin again.
pub async fn lost_page(app: &App, visitor: &Visitor, (lost, pending): (Lost, Option<Box<Pending>>)) -> Response {
    let (message, advice) = match lost {
        Lost::Malformed => {
            ("The sign-in could not be continued: its address is damaged.", "Begin again at the application.")
        }
        Lost::OtherBrowser => (
            "This sign-in was begun in another browser, or cookies are blocked.",
            "Begin again here. If this page comes back, allow cookies for this address.",
        ),
        Lost::Expired => ("This sign-in was begun more than an hour ago.", "Begin again; it takes a moment."),
    };
    let page = ErrorPage::new(StatusCode::BAD_REQUEST, Whose::You, "Begin again", message, advice).detail(lost.why());
    let Some(pending) = pending else { return page.restart(HOME).render(app, Some(visitor)) };
    let snapshot = app.snapshot();
    let client = asking(&snapshot, &pending);
    let launch_url = client.map(|client| client.application.profile.launch_url.clone());
    let back = match (&pending.goal, launch_url) {
        (Goal::Page(path), _) => path.clone(),
        (Goal::Authorize(_), Some(url)) if !url.is_empty() => url,
        _ => HOME.to_owned(),
    };
    let page = page.restart(back);
    if !matches!(pending.goal, Goal::Authorize(_)) {
        return page.render(app, Some(visitor));
    }
    let step = StepDraft::refused(StepKind::Refused, lost.why());
    let page = page.on(&pending.trail(app, visitor), step);
    page.record(app, visitor, EventKind::AuthorizationFailed, client).await
}

/// 303 to an address of ours or one that was checked.
pub fn see_other(target: &str) -> Response {
    Redirect::to(target).into_response()
}
