//! `/sign-out`: asking, and ending the session.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use doorward_core::event::EventKind;
use doorward_protocols::oidc::front_channel::Frame;
use serde_json::json;

use super::{
    session,
    sign_in::{client_card, lost_page, see_other},
};
use crate::{
    app::App,
    events,
    http::{
        cookies::Cookie,
        error_page::ErrorPage,
        form::Form,
        headers::{lead_out, with_frames},
        pending::{Goal, Pending, ReturnTo},
        visitor::{CurrentVisitor, Visitor},
    },
    oidc::{
        logout::{back_channel, front_channel},
        session_state,
    },
    pages,
    snapshot::Client,
};

/// `GET /sign-out`.
pub async fn show(State(app): State<App>, visitor: CurrentVisitor) -> Response {
    if visitor.signed_in.is_none() {
        return signed_out(&app, &visitor, None, Onward::default());
    }
    ask(&app, &visitor, None, None)
}

/// The page that asks whether to sign out.
pub fn ask(app: &App, visitor: &Visitor, client: Option<&Client>, return_to: Option<ReturnTo>) -> Response {
    let slug = client.map(|client| client.application.profile.slug.clone());
    let pending = Pending::new(app, visitor, Goal::SignOut { slug, return_to });
    let context = json!({ "app": client.map(client_card), "request": pending.seal(app) });
    lead_out(pages::page(app, Some(visitor), "sign_out.html", context))
}

/// `POST /sign-out`.
pub async fn submit(State(app): State<App>, visitor: CurrentVisitor, form: Form) -> Response {
    let pending = match Pending::open(&app, &visitor, form.get("request")) {
        Ok(pending) => pending,
        Err(lost) => return lost_page(&app, &visitor, lost).await,
    };
    let Goal::SignOut { slug, return_to } = pending.goal else { return see_other("/sign-out") };
    let client = slug.and_then(|slug| app.snapshot().by_slug(&slug).cloned());
    finish(&app, &visitor, client.as_deref(), return_to.as_ref()).await
}

/// Ends the session, tells the applications it had signed in to, and sends the browser on, or shows that it is done.
pub async fn finish(app: &App, visitor: &Visitor, client: Option<&Client>, return_to: Option<&ReturnTo>) -> Response {
    let mut frames = Vec::new();
    if let Some(signed_in) = &visitor.signed_in {
        let ended = match session::end_here(app, signed_in.session.id).await {
            Ok(ended) => ended,
            Err(error) => return ErrorPage::store(&error).render(app, Some(visitor)),
        };
        frames = front_channel::frames(app, &ended);
        // Before the browser moves on: whoever comes back to an application finds themselves signed out there.
        back_channel::deliver_now(app, &ended.notices).await;
        let mut entry =
            events::Entry::new(EventKind::SignOut, format!("{} signed out", signed_in.user.profile.username));
        entry.user = Some(signed_in.user.id);
        entry.application = client.map(|client| client.application.id);
        entry.address = visitor.address.to_string();
        events::write(app, entry).await;
    }
    let mut response = match return_to {
        Some(return_to) if return_to.is_vouched && frames.is_empty() => see_other(&return_to.uri),
        _ => signed_out(app, visitor, client, Onward { return_to, frames: &frames }),
    };
    if let Some(cookie) = Cookie::Session.clear(&app.config.public_url) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if visitor.signed_in.is_some() {
        let state = session_state::of_browser(app, &visitor.clone().signed_out());
        session_state::set(app, &mut response, &state);
    }
    response
}

/// What the last page does besides saying that it is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Onward<'a> {
    /// Where it leads.
    pub return_to: Option<&'a ReturnTo>,
    /// What it loads first.
    pub frames: &'a [Frame],
}

/// The page that says it is done, with a way back to the application. Where a hint vouches for the way, it goes on by itself
/// once the frames are loaded.
pub fn signed_out(app: &App, visitor: &Visitor, client: Option<&Client>, onward: Onward<'_>) -> Response {
    let visitor = visitor.clone().signed_out();
    let launch_url = client.map(|client| client.application.profile.launch_url.as_str());
    let href = onward.return_to.map(|return_to| return_to.uri.as_str()).or(launch_url).filter(|url| !url.is_empty());
    let link = client
        .zip(href)
        .map(|(client, href)| json!({ "href": href, "label": format!("Back to {}", client.application.profile.name) }));
    let goes_on = onward.return_to.filter(|return_to| return_to.is_vouched);
    let urls: Vec<&str> = onward.frames.iter().map(|frame| frame.url.as_str()).collect();
    let context = json!({
        "app": client.map(client_card),
        "return_link": link,
        "frames": urls,
        "goes_on": goes_on.is_some(),
    });
    let mut response = pages::page(app, Some(&visitor), "signed_out.html", context);
    if let Some(return_to) = goes_on
        && let Ok(refresh) = HeaderValue::from_str(&format!("{};url={}", front_channel::PAUSE, return_to.uri))
    {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    if onward.frames.is_empty() {
        return response;
    }
    with_frames(response, &onward.frames.iter().map(|frame| frame.origin.clone()).collect())
}
