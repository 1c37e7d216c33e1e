//! The trail of an authorization request: what was asked for, and what let it through.

use doorward_core::{
    application::ConsentMode,
    id::AttemptId,
    timeline::{AttemptMethod, Details, StepKind, detail},
};
use doorward_protocols::oauth::{
    authorize::{AuthorizeRequest, left_out},
    parameters::Parameters,
    response_type::ResponseType,
    token::join,
};

use std::collections::BTreeSet;

use crate::{
    app::App,
    http::visitor::{SignedIn, Visitor},
    pages,
    snapshot::Client,
    timeline::{StepDraft, Trail, access_text},
};

/// Recipes of applications that ask userinfo after every sign-in, so that its absence tells something.
const ASKING_USERINFO: [&str; 1] = ["netbox"];

/// Most scopes that a step names as left out.
const NAMES_MAX: usize = 8;
/// Longest part of such a name, in characters.
const NAME_MAX: usize = 40;

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
/// `asked` is the parameter `scope` as it came.
pub fn note_answer(
    app: &App,
    trail: &Trail,
    client: &Client,
    (request, asked): (&AuthorizeRequest, Option<&str>),
    signed_in: &SignedIn,
) {
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
    let sent = match left_out_text(client, &left_out(asked, &request.scopes)) {
        Some(text) => sent.with("scopes_left_out", text),
        None => sent,
    };
    app.timeline.note(trail, sent);
}

/// Which scopes were asked for and not given, and what to change; nothing if all were given.
fn left_out_text(client: &Client, left_out: &BTreeSet<String>) -> Option<String> {
    let (without_code, unknown): (Vec<_>, Vec<_>) =
        left_out.iter().map(String::as_str).partition(|name| client.scopes.contains(*name));
    let mut parts = Vec::new();
    if !unknown.is_empty() {
        let (slug, name) = (&client.application.profile.slug, &client.application.profile.name);
        parts.push(format!(
            "{}: no claim mapping of {name} has {}; add one (under Claims on its page, or by \"doorward app edit {slug} \
             --add-mapping NAME\"), or change what {name} asks for",
            some_names(&unknown),
            if unknown.len() == 1 { "this scope" } else { "these scopes" },
        ));
    }
    if !without_code.is_empty() {
        // Only offline access depends on anything else than the claim mappings (OpenID Connect Core 1.0, section 11).
        parts.push(format!(
            "{}: given with a code only; ask for a response_type with \"code\" in it",
            some_names(&without_code)
        ));
    }
    Some(parts.join(". ")).filter(|text| !text.is_empty())
}

/// A few names; anybody can ask for a great many, and long ones.
fn some_names(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES_MAX).map(|name| name.chars().take(NAME_MAX).collect()).collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_great_many_long_names_leave_room_for_what_to_change() {
        let long = "x".repeat(5000);
        let text = some_names(&vec![long.as_str(); 90]);
        assert!(text.len() <= 8 * 42 + 12 && text.ends_with(" and 82 more"), "{text}");
        assert_eq!(some_names(&["roles", "admin"]), "roles, admin");
    }
}
