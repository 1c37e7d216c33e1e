//! The trail of an authorization request: what was asked for, and what let it through.

use doorward_core::{
    application::ConsentMode,
    id::AttemptId,
    timeline::{AttemptMethod, Details, StepKind, detail},
};
use doorward_protocols::oauth::{
    authorize::AuthorizeRequest, parameters::Parameters, response_type::ResponseType, token::join,
};

use crate::{
    app::App,
    http::visitor::{SignedIn, Visitor},
    pages,
    snapshot::Client,
    timeline::{StepDraft, Trail, access_text},
};

/// Recipes of applications that ask userinfo after every sign-in, so that its absence tells something.
const ASKING_USERINFO: [&str; 1] = ["netbox"];

/// The trail of a request; what was asked for is written with its first step.
pub fn of_request(app: &App, visitor: &Visitor, id: AttemptId, parameters: &Parameters) -> Trail {
    let trail = Trail::of(id, AttemptMethod::Oidc).in_browser(visitor);
    let client = parameters.get("client_id").and_then(|id| app.snapshot().by_client_id(id).cloned());
    match client {
        Some(client) => {
            let text = format!("{} asked for a sign-in", client.application.profile.name);
            trail.to(&client.application).asked(text, asked(parameters))
        }
        None => trail.asked("An application asked for a sign-in", asked(parameters)),
    }
}

/// What was asked for. Neither `state` and `nonce` nor hints, which may tell about people.
fn asked(parameters: &Parameters) -> Details {
    let mut details = Details::new();
    let shown =
        ["client_id", "redirect_uri", "scope", "prompt", "max_age", "response_type", "response_mode"].into_iter();
    for name in shown {
        if let Some(value) = parameters.get(name) {
            details.insert(name.to_owned(), value.to_owned());
        }
    }
    let pkce = match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (None, _) => "none",
        (Some(_), method) => method.unwrap_or("plain"),
    };
    details.insert("pkce".to_owned(), pkce.to_owned());
    details
}

/// Whether the application is known to ask userinfo after every sign-in.
pub fn asks_userinfo(client: &Client) -> bool {
    let recipe = client.application.profile.recipe.as_ref();
    recipe.is_some_and(|recipe| ASKING_USERINFO.contains(&recipe.id.as_str()))
}

/// Notes what let a request through, and what the browser was sent back with.
pub fn note_answer(app: &App, trail: &Trail, client: &Client, request: &AuthorizeRequest, signed_in: &SignedIn) {
    let profile = &client.application.profile;
    let username = &signed_in.user.profile.username;
    let since = signed_in.session.authenticated_at;
    if since < trail.id().began_at() {
        let text = format!("{username} was signed in already, since {}", pages::time(since));
        app.timeline.note(trail, StepDraft::good(StepKind::Session, text));
    }
    let rule = access_text(&app.snapshot(), &client.application, &signed_in.person, true);
    app.timeline.note(trail, StepDraft::good(StepKind::Access, rule));
    let scopes = join(&request.scopes);
    let consent = match profile.consent {
        ConsentMode::Never => "not asked for",
        ConsentMode::FirstTime | ConsentMode::Always => "given",
    };
    let (kind, with) = match request.response_type {
        ResponseType::Code => (StepKind::CodeSent, "a code"),
        ResponseType::IdToken => (StepKind::TokensSent, "an ID token"),
        ResponseType::IdTokenToken => (StepKind::TokensSent, "an ID token and an access token"),
        ResponseType::CodeToken => (StepKind::TokensSent, "a code and an access token"),
        ResponseType::CodeIdToken => (StepKind::TokensSent, "a code and an ID token"),
        ResponseType::CodeIdTokenToken => (StepKind::TokensSent, "a code, an ID token and an access token"),
    };
    let sent = StepDraft::good(kind, format!("The browser was sent back to {} with {with}", profile.name))
        .with("scopes", scopes)
        .with("consent", consent)
        .with(detail::REDIRECT_URI, &request.redirect_uri);
    app.timeline.note(trail, sent);
}
