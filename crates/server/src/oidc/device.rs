//! `/device` (RFC 8628, section 3.3): people type the code that their device shows, see what asks, and allow or deny it.
//!
//! A code in the address only fills in the field: nothing is looked up, counted or allowed by opening a link.

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::Response,
};
use doorward_core::{event::EventKind, network::Place, timeline::StepKind};
use doorward_protocols::oauth::{
    device_code::{LIFETIME, grouped, read_user_code},
    parameters::Parameters,
};
use doorward_store as store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    consent::items,
    device_decision::{self, Decided, Typed, Waiting},
    refusal::not_open,
};
use crate::{
    app::App,
    applications::access::{self, NoAccess},
    auth::{
        sign_in::{self, client_card},
        throttle::{in_words, network},
    },
    http::{
        error_page::ErrorPage,
        form::Form,
        pending::{Goal, Pending},
        sealed,
        visitor::Member,
    },
    pages,
    timeline::{StepDraft, refusal_text},
};

/// The page's address.
const PATH: &str = "/device";
/// The kind of the sealed question.
const QUESTION: &str = "device question";
/// What is said of a code that no device waits with.
const WRONG: &str = "No device waits with this code. It may be mistyped, used already, or too old: a device shows a new one when \
                     you begin again there.";

/// What somebody was asked: about which device, and who.
#[derive(Serialize, Deserialize)]
struct Question {
    device: String,
    user_code: String,
    user: doorward_core::id::UserId,
}

/// `GET /device`, with a `code` to fill in or without.
pub async fn show(State(app): State<App>, member: Member, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let code = parameters.get("code").and_then(read_user_code).map(|code| grouped(&code));
    form(&app, &member, &code.unwrap_or_default(), None)
}

/// `POST /device`: a code that was typed, or the answer to the question that followed.
pub async fn submit(State(app): State<App>, member: Member, fields: Form) -> Response {
    let answered = match fields.get("request") {
        "" => typed(&app, &member, fields.get("code")).await,
        request => decide(&app, &member, request, fields.get("decision") == "allow").await,
    };
    answered.unwrap_or_else(|error| ErrorPage::store(&error).render(&app, Some(&member.visitor)))
}

/// The form for the code, with what stood in the way before.
fn form(app: &App, member: &Member, code: &str, error: Option<String>) -> Response {
    let is_refused = error.is_some();
    let context = json!({ "code": code, "error": error.map(|message| json!({ "message": message })) });
    let mut response = pages::page(app, Some(&member.visitor), "device.html", context);
    if is_refused {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

async fn typed(app: &App, member: &Member, typed: &str) -> store::Result<Response> {
    let again = |message: String| form(app, member, &typed.chars().take(64).collect::<String>(), Some(message));
    let found = device_decision::find(app, &member.visitor, &member.signed_in, typed).await?;
    Ok(match found {
        Typed::Found(waiting) => match check(member, &waiting) {
            Ok(()) => ask(app, member, &waiting, typed),
            Err(why) => no_access(app, member, &waiting, why).await,
        },
        Typed::NoCode => again("A code has nine digits.".to_owned()),
        Typed::Wrong => again(WRONG.to_owned()),
        Typed::TooMany(limit) => {
            let message = format!("There were too many {}. Try again in {}.", limit.what, in_words(limit.wait));
            let mut response = again(message);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert(header::RETRY_AFTER, limit.wait.as_secs().max(1).unsigned_abs().into());
            response
        }
    })
}

/// Whether the person may use the application from where they are: looked at before it is named to them, when they allow
/// it, and when the device fetches its tokens (CVE-2024-38371).
fn check(member: &Member, waiting: &Waiting) -> Result<(), NoAccess> {
    access::check(&waiting.client.application, &member.signed_in.person, Place::Browser(member.visitor.address))
}

/// The question. Whoever is talked into typing somebody else's code shall see it (RFC 8628, section 5.4): where the device
/// is, whether that is here, and what it will get.
fn ask(app: &App, member: &Member, waiting: &Waiting, typed: &str) -> Response {
    let (device, client, signed_in) = (&waiting.device, &waiting.client, &member.signed_in);
    let user_code = read_user_code(typed).unwrap_or_default();
    let question = Question { device: device.hash.clone(), user_code: user_code.clone(), user: signed_in.user.id };
    let scopes = waiting.scopes();
    let trail = waiting.trail(&member.visitor);
    let text = format!("{} typed the code and was asked", signed_in.user.profile.username);
    app.timeline.note(&trail, StepDraft::good(StepKind::ConsentAsked, text));
    let context = json!({
        "app": client_card(client),
        "code": grouped(&user_code),
        "device_address": device.address,
        "own_address": member.visitor.address.to_string(),
        "is_here": device.network == network(member.visitor.address),
        "asked_at": pages::time(device.created_at),
        "stays": scopes.contains("offline_access"),
        "items": items(app, signed_in, client, &scopes),
        "request": sealed::seal(app, &member.visitor.browser, QUESTION, question),
    });
    pages::page(app, Some(&member.visitor), "device_confirm.html", context)
}

async fn decide(app: &App, member: &Member, request: &str, is_allowed: bool) -> store::Result<Response> {
    let (visitor, signed_in) = (&member.visitor, &member.signed_in);
    let again = |message: &str| Ok(form(app, member, "", Some(message.to_owned())));
    let question: Option<Question> = sealed::open(app, &visitor.browser, QUESTION, LIFETIME, request);
    // Shown to one person, answered by another: asked anew.
    let Some(question) = question.filter(|question| question.user == signed_in.user.id) else {
        return again("The question was put to somebody else, or too long ago. Type the code again.");
    };
    let Some(waiting) = device_decision::find_again(app, &question.device).await? else { return again(WRONG) };
    let trail = waiting.trail(visitor);
    let decided = if is_allowed {
        if let Err(why) = check(member, &waiting) {
            return Ok(no_access(app, member, &waiting, why).await);
        }
        device_decision::allow(app, &waiting, signed_in, &trail).await?
    } else {
        device_decision::deny(app, &waiting, signed_in, &trail).await?
    };
    match decided {
        Decided::Done => Ok(done(app, member, &waiting, is_allowed)),
        Decided::TooLate => again(WRONG),
        Decided::SignedOut => {
            let page = Goal::Page(format!("{PATH}?code={}", question.user_code));
            Ok(sign_in::redirect(app, visitor, &Pending::new(app, visitor, page)))
        }
    }
}

fn done(app: &App, member: &Member, waiting: &Waiting, is_allowed: bool) -> Response {
    let context = json!({ "app": client_card(&waiting.client), "is_allowed": is_allowed });
    pages::page(app, Some(&member.visitor), "device_done.html", context)
}

/// The device goes on waiting: whoever typed its code may not be the one it is for.
async fn no_access(app: &App, member: &Member, waiting: &Waiting, why: NoAccess) -> Response {
    let (visitor, signed_in, client) = (&member.visitor, &member.signed_in, &waiting.client);
    let profile = &client.application.profile;
    let detail = refusal_text(&app.snapshot(), &client.application, &signed_in.person, why);
    let page = match why {
        NoAccess::Network(_) => ErrorPage::wrong_network(profile, visitor),
        NoAccess::Disabled | NoAccess::Rule => not_open(profile, &signed_in.user.profile.username),
    };
    page.detail(&detail)
        .on(&waiting.trail(visitor), StepDraft::refused(StepKind::Access, detail))
        .record(app, visitor, EventKind::AuthorizationFailed, Some(client))
        .await
}
