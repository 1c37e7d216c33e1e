//! `/if/user/security/password/`: changing one's own password.

use axum::{extract::State, http::header, response::Response};
use doorward_core::problem::Problems;
use serde_json::json;

use super::account::{self, Done};
use crate::{
    app::App,
    auth::{again, password::Verified, session, sign_in::see_other},
    directory::{authenticators, users},
    error::{OperationError, OperationResult},
    http::{
        cookies::Cookie,
        form::{Fields, Form},
        visitor::Member,
    },
};

/// `GET /if/user/security/password/`.
pub async fn show(State(app): State<App>, member: Member) -> Response {
    let answer = page(&app, &member, &Problems::default()).await;
    account::settle(&app, &member, answer)
}

/// `POST /if/user/security/password/`.
pub async fn submit(State(app): State<App>, member: Member, form: Form) -> Response {
    let answer = async {
        match change(&app, &member, &form).await {
            Ok(verified) => stay(&app, &member, &verified).await,
            Err(OperationError::Invalid(problems)) => page(&app, &member, &problems).await,
            Err(error) => Err(error),
        }
    };
    account::settle(&app, &member, answer.await)
}

async fn change(app: &App, member: &Member, form: &Fields) -> OperationResult<Verified> {
    let password = form.get("password");
    // Looked at first: a code is used up by looking at it.
    users::check_new_password(password)?;
    if password != form.get("password_repeat") {
        return Err(OperationError::invalid("password_repeat", "The two passwords differ."));
    }
    let user = member.signed_in.user.id;
    let verified = again::verify(app, account::again(member, form)).await.map_err(account::not_again)?;
    users::set_password(app, &member.visitor.actor(), user, password).await?;
    Ok(verified)
}

/// All sessions have ended, this one included; whoever just showed twice who they are gets a new one.
async fn stay(app: &App, member: &Member, verified: &Verified) -> OperationResult<Response> {
    let verified = Verified { hash: None, ..verified.clone() };
    let Some(token) = session::begin(app, &member.visitor, &verified, None).await? else {
        return Ok(see_other("/sign-in"));
    };
    let mut response = Done::PasswordChanged.back();
    if let Some(cookie) = Cookie::Session.set(&token, &app.config.public_url) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn page(app: &App, member: &Member, problems: &Problems) -> OperationResult<Response> {
    let since = authenticators::since(app, member.signed_in.user.id).await?;
    let context = json!({ "has_authenticator": since.is_some() });
    Ok(account::page(app, member, "security_password.html", context, problems))
}
