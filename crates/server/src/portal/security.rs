//! `/if/user/security/`: one's own account, and its app passwords.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use doorward_core::{app_password::AppPassword, problem::Problems, secret::Secret};
use doorward_protocols::oauth::parameters::Parameters;
use jiff::Timestamp;
use serde_json::json;

use super::account::{self, Done};
use crate::{
    app::App,
    auth::again,
    directory::{app_passwords, authenticators},
    error::{OperationError, OperationResult},
    http::{
        form::{Fields, Form},
        visitor::Member,
    },
    pages::{
        self,
        app_passwords::{self as rows, Choosable},
    },
};

/// `GET /if/user/security/`.
pub async fn show(State(app): State<App>, member: Member, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let view = View { done: parameters.get("done").and_then(Done::find), ..View::default() };
    let answer = render(&app, &member, view).await;
    account::settle(&app, &member, answer)
}

/// `POST /if/user/security/app-passwords/add/`: the one time the secret is shown. It outlives the session, so a stolen one
/// must not be enough to get it.
pub async fn add(State(app): State<App>, member: Member, form: Form) -> Response {
    let answer = async {
        match make(&app, &member, &form).await {
            Ok(new) => render(&app, &member, View { new: Some(new), ..View::default() }).await,
            Err(OperationError::Invalid(problems)) => {
                render(&app, &member, View { draft: form.0.clone(), problems, ..View::default() }).await
            }
            Err(error) => Err(error),
        }
    };
    account::settle(&app, &member, answer.await)
}

async fn make(app: &App, member: &Member, form: &Fields) -> OperationResult<(AppPassword, Secret<String>)> {
    // Looked at first: a code is used up by looking at it.
    let new = rows::read(app, member.signed_in.user.id, form, &choosable(app, member))?;
    again::verify(app, account::again(member, form)).await.map_err(account::not_again)?;
    rows::make(app, &member.visitor.actor(), new).await
}

/// `POST /if/user/security/app-passwords/<id>/delete/`.
pub async fn delete(State(app): State<App>, member: Member, Path(id): Path<String>, _form: Form) -> Response {
    let answer = async {
        let id = id.parse().map_err(|_| OperationError::not_found("app password", &id))?;
        app_passwords::delete(&app, &member.visitor.actor(), member.signed_in.user.id, id).await?;
        Ok(Done::AppPasswordRemoved.back())
    };
    account::settle(&app, &member, answer.await)
}

/// What changes from one showing of the page to the next.
#[derive(Default)]
struct View {
    draft: Fields,
    problems: Problems,
    new: Option<(AppPassword, Secret<String>)>,
    done: Option<Done>,
}

async fn render(app: &App, member: &Member, view: View) -> OperationResult<Response> {
    let (snapshot, user) = (app.snapshot(), member.signed_in.user.id);
    let since = authenticators::since(app, user).await?;
    let kept = app_passwords::of_user(app, user).await?;
    let context = json!({
        "authenticator": since.map(|since| json!({ "since": pages::time(since) })),
        "app_passwords": kept.iter().map(|password| rows::row(&snapshot, password)).collect::<Vec<_>>(),
        "new_app_password": rows::form(&view.draft, &choosable(app, member)),
        "new_secret": rows::shown(view.new.as_ref()),
        "notice": view.done.map(|done| notice(done, &kept, app.clock.now())),
    });
    Ok(account::page(app, member, "security.html", context, &view.problems))
}

/// What was done. App passwords outlive the password, which surprises whoever changed it because somebody knew it.
fn notice(done: Done, kept: &[AppPassword], now: Timestamp) -> String {
    let good = kept.iter().filter(|password| password.expires_at.is_none_or(|end| end > now)).count();
    let which = match (done, good) {
        (Done::PasswordChanged, 1) => "1 app password remains good",
        (Done::PasswordChanged, 2..) => &format!("{good} app passwords remain good"),
        _ => return done.sentence().to_owned(),
    };
    format!("{} {which}: remove what somebody else may know under App passwords below.", done.sentence())
}

/// The applications that somebody may use.
fn choosable(app: &App, member: &Member) -> Vec<Choosable> {
    let person = &member.signed_in.person;
    rows::choosable(&app.snapshot(), |application| application.profile.access.allows(person.user.id, &person.groups))
}
