//! `/if/user/security/`: one's own account, and its app passwords.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use doorward_core::{app_password::AppPassword, problem::Problems, secret::Secret};
use doorward_protocols::oauth::parameters::Parameters;
use serde_json::json;

use super::account::{self, Done};
use crate::{
    app::App,
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
    let view = View { done: parameters.get("done").and_then(Done::sentence), ..View::default() };
    let answer = render(&app, &member, view).await;
    account::settle(&app, &member, answer)
}

/// `POST /if/user/security/app-passwords/add/`: the one time the secret is shown.
pub async fn add(State(app): State<App>, member: Member, form: Form) -> Response {
    let answer = async {
        let (actor, user) = (member.visitor.actor(), member.signed_in.user.id);
        match rows::make(&app, &actor, user, &form, &choosable(&app, &member)).await {
            Ok(new) => render(&app, &member, View { new: Some(new), ..View::default() }).await,
            Err(OperationError::Invalid(problems)) => {
                render(&app, &member, View { draft: form.0.clone(), problems, ..View::default() }).await
            }
            Err(error) => Err(error),
        }
    };
    account::settle(&app, &member, answer.await)
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
    done: Option<&'static str>,
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
        "notice": view.done,
    });
    Ok(account::page(app, member, "security.html", context, &view.problems))
}

/// The applications that somebody may use.
fn choosable(app: &App, member: &Member) -> Vec<Choosable> {
    let person = &member.signed_in.person;
    rows::choosable(&app.snapshot(), |application| application.profile.access.allows(person.user.id, &person.groups))
}
