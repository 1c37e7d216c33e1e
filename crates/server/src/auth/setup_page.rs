//! `/setup`: where the first administrator is made, once, by whoever has the address that the first start prints.

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::Response,
};
use doorward_core::{problem::Problems, session::Method, user::UserProfile};
use doorward_protocols::oauth::parameters::Parameters;
use serde_json::json;

use super::{password::Verified, session, sign_in::see_other};
use crate::{
    app::App,
    error::OperationError,
    http::{
        cookies::Cookie,
        error_page::{ErrorPage, Whose},
        form::Form,
        visitor::{CurrentVisitor, Visitor},
    },
    pages, setup,
};

/// `GET /setup`.
pub async fn show(State(app): State<App>, visitor: CurrentVisitor, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let token = parameters.get("token").unwrap_or_default();
    match setup::is_setup_token(&app, token).await {
        Ok(true) => form(&app, &visitor, token, ["admin", "", ""], &Problems::default()),
        Ok(false) => closed(&app, &visitor),
        Err(error) => ErrorPage::store(&error).render(&app, Some(&visitor)),
    }
}

/// `POST /setup`.
pub async fn submit(State(app): State<App>, visitor: CurrentVisitor, fields: Form) -> Response {
    let token = fields.get("token");
    match setup::is_setup_token(&app, token).await {
        Ok(true) => {}
        Ok(false) => return closed(&app, &visitor),
        Err(error) => return ErrorPage::store(&error).render(&app, Some(&visitor)),
    }
    let typed = [fields.get("username"), fields.get("name"), fields.get("email")];
    if fields.get("password") != fields.get("password_repeat") {
        let problems = Problems::one("password_repeat", "The two passwords differ.");
        return form(&app, &visitor, token, typed, &problems);
    }
    let [username, name, email] = typed.map(str::to_owned);
    let email_verified = !email.trim().is_empty();
    let profile = UserProfile { name, email, email_verified, ..UserProfile::named(username) };
    match setup::create_first_administrator(&app, profile, fields.get("password")).await {
        Ok(user) => begin(&app, &visitor, &user).await,
        Err(OperationError::Invalid(problems)) => form(&app, &visitor, token, typed, &problems),
        Err(OperationError::Denied(_)) => closed(&app, &visitor),
        Err(error) => ErrorPage::operation(&error).render(&app, Some(&visitor)),
    }
}

async fn begin(app: &App, visitor: &Visitor, user: &doorward_core::user::User) -> Response {
    let verified = Verified { user: user.clone(), hash: None, methods: &[Method::Password] };
    match session::begin(app, visitor, &verified, None).await {
        Ok(Some(token)) => {
            let mut response = see_other("/if/admin/");
            if let Some(cookie) = Cookie::Session.set(&token, &app.config.public_url) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(None) => see_other("/sign-in"),
        Err(error) => ErrorPage::store(&error).render(app, Some(visitor)),
    }
}

fn form(app: &App, visitor: &Visitor, token: &str, typed: [&str; 3], problems: &Problems) -> Response {
    let [username, name, email] = typed;
    let context = json!({
        "token": token,
        "form": { "username": username, "name": name, "email": email },
        "errors": pages::errors(problems),
    });
    let mut response = pages::page(app, Some(visitor), "setup.html", context);
    if !problems.0.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

fn closed(app: &App, visitor: &Visitor) -> Response {
    ErrorPage::new(
        StatusCode::FORBIDDEN,
        Whose::You,
        "Setup is closed",
        "This setup address is wrong, or Doorward is set up already.",
        "Run \"doorward setup-url\" on the host to see the right address. If there is an administrator already, sign in.",
    )
    .restart("/sign-in")
    .render(app, Some(visitor))
}
