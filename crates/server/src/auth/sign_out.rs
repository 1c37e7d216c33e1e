//! `/sign-out`: asking, and ending the session.

use axum::{extract::State, http::header, response::Response};
use doorward_core::event::EventKind;
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
        headers::lead_out,
        pending::{Goal, Pending},
        visitor::{CurrentVisitor, Visitor},
    },
    pages,
    snapshot::Client,
};

/// `GET /sign-out`.
pub async fn show(State(app): State<App>, visitor: CurrentVisitor) -> Response {
    if visitor.signed_in.is_none() {
        return signed_out(&app, &visitor, None);
    }
    ask(&app, &visitor, None, None)
}

/// The page that asks whether to sign out.
pub fn ask(app: &App, visitor: &Visitor, client: Option<&Client>, return_to: Option<String>) -> Response {
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
    finish(&app, &visitor, client.as_deref(), return_to.as_deref()).await
}

/// Ends the session and sends the browser on, or shows that it is done.
pub async fn finish(app: &App, visitor: &Visitor, client: Option<&Client>, return_to: Option<&str>) -> Response {
    if let Some(signed_in) = &visitor.signed_in {
        if let Err(error) = session::end(app, signed_in.session.id).await {
            return ErrorPage::store(&error).render(app, Some(visitor));
        }
        let mut entry =
            events::Entry::new(EventKind::SignOut, format!("{} signed out", signed_in.user.profile.username));
        entry.user = Some(signed_in.user.id);
        entry.application = client.map(|client| client.application.id);
        entry.address = visitor.address.to_string();
        events::write(app, entry).await;
    }
    let mut response = match return_to {
        Some(return_to) => see_other(return_to),
        None => signed_out(app, visitor, client),
    };
    if let Some(cookie) = Cookie::Session.clear(&app.config.public_url) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The page that says it is done, with a way back to the application.
pub fn signed_out(app: &App, visitor: &Visitor, client: Option<&Client>) -> Response {
    let visitor = visitor.clone().signed_out();
    let link = client.filter(|client| !client.application.profile.launch_url.is_empty()).map(|client| {
        json!({
            "href": client.application.profile.launch_url,
            "label": format!("Back to {}", client.application.profile.name),
        })
    });
    let context = json!({ "app": client.map(client_card), "return_link": link });
    pages::page(app, Some(&visitor), "signed_out.html", context)
}
