//! `/sign-in/code`: the second step of signing in, for people with an authenticator app.

use axum::{extract::State, response::Response};
use serde_json::json;

use super::{
    password::SignInError,
    second_step::{self, Step},
    sign_in::{self, asking, client_card, finish, form, lost_page, refused, see_other},
};
use crate::{
    app::App,
    http::{
        error_page::ErrorPage,
        form::Form,
        headers::lead_out,
        pending::Pending,
        visitor::{CurrentVisitor, Visitor},
    },
    pages,
};

/// `GET /sign-in/code`: there is no code without a password before it.
pub async fn show() -> Response {
    see_other("/sign-in")
}

/// `POST /sign-in/code`.
pub async fn submit(State(app): State<App>, visitor: CurrentVisitor, fields: Form) -> Response {
    let pending = match Pending::open(&app, &visitor, fields.get("request")) {
        Ok(pending) => pending,
        Err(lost) => return lost_page(&app, &visitor, lost).await,
    };
    let again = |why: &str| form(&app, &visitor, &pending, "", Some(why.to_owned()));
    let Some(step) = Step::open(&app, &visitor, fields.get("step")) else {
        return again("More than five minutes went by since you gave your password. Please give it again.");
    };
    let trail = pending.trail(&app, &visitor);
    match second_step::verify(&app, &step, fields.get("code"), visitor.address, Some(trail)).await {
        Ok(Some(verified)) => finish(&app, &visitor, &pending, &verified).await,
        Ok(None) => again("Your account was changed meanwhile. Please give your password again."),
        Err(SignInError::Store(error)) => ErrorPage::store(&error).render(&app, Some(&visitor)),
        Err(error) => {
            // The step stays as old as it is.
            let sealed = fields.get("step").to_owned();
            let page = ask_sealed(&app, &visitor, &pending, &sealed, Some(sign_in::message(&error)));
            refused(page, &error)
        }
    }
}

/// The page that asks for the code.
pub(super) fn ask(app: &App, visitor: &Visitor, pending: &Pending, step: &Step) -> Response {
    ask_sealed(app, visitor, pending, &step.seal(app, visitor), None)
}

fn ask_sealed(app: &App, visitor: &Visitor, pending: &Pending, step: &str, error: Option<String>) -> Response {
    let snapshot = app.snapshot();
    let context = json!({
        "app": asking(&snapshot, pending).map(client_card),
        "request": pending.seal(app),
        "step": step,
        "error": error.map(|message| json!({ "message": message })),
        "help_text": app.config.help_text,
    });
    lead_out(pages::page(app, Some(visitor), "code.html", context))
}
