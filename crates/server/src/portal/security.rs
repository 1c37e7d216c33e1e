//! `/if/user/security/`: one's own account, and its app passwords.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use doorward_core::{
    app_password::{self, AppPassword},
    id::ApplicationId,
    problem::Problems,
    secret::Secret,
};
use doorward_protocols::oauth::parameters::Parameters;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{self, Done};
use crate::{
    app::App,
    directory::{
        app_passwords::{self, NewAppPassword},
        authenticators,
        person::Person,
    },
    error::{OperationError, OperationResult},
    http::{
        form::{Fields, Form},
        visitor::Member,
    },
    snapshot::Snapshot,
};

/// When an app password made in a form may end: as in [`app_password::parse_end`], with the words people read.
pub(crate) const ENDS: [(&str, &str); 4] =
    [("", "Never"), ("30d", "In 30 days"), ("90d", "In 90 days"), ("365d", "In a year")];

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
        match made(&app, &member, &form).await {
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

async fn made(app: &App, member: &Member, form: &Fields) -> OperationResult<(AppPassword, Secret<String>)> {
    let expires_at = end(form.get("expires"), app.clock.now())?;
    let slug = form.get("application");
    let application = if slug.is_empty() {
        None
    } else {
        let found =
            choosable(&app.snapshot(), &member.signed_in.person).into_iter().find(|(_, found, _)| found == slug);
        let (id, ..) =
            found.ok_or_else(|| OperationError::invalid("application", "You cannot use this application any more."))?;
        Some(id)
    };
    let new =
        NewAppPassword { user: member.signed_in.user.id, name: form.get("name").to_owned(), application, expires_at };
    app_passwords::create(app, &member.visitor.actor(), new).await
}

/// When it shall end, as chosen in a form.
///
/// # Errors
/// That it cannot be read.
pub(crate) fn end(text: &str, now: Timestamp) -> OperationResult<Option<Timestamp>> {
    if text.is_empty() {
        return Ok(None);
    }
    let end = app_password::parse_end(text, now).map_err(|advice| OperationError::invalid("expires", advice))?;
    Ok(Some(end))
}

/// The applications that take a name and a password, and that somebody may use: identifier, slug, name.
fn choosable(snapshot: &Snapshot, person: &Person) -> Vec<(ApplicationId, String, String)> {
    let mut found: Vec<_> = snapshot
        .ldap
        .iter()
        .map(|client| &client.application)
        .filter(|application| application.profile.access.allows(person.user.id, &person.groups))
        .map(|application| (application.id, application.profile.slug.clone(), application.profile.name.clone()))
        .collect();
    found.sort_by_key(|(_, slug, name)| (name.to_lowercase(), slug.clone()));
    found
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
    let (application, expires) = (view.draft.get("application"), view.draft.get("expires"));
    let mut applications = vec![(String::new(), "Every one".to_owned())];
    let own = choosable(&snapshot, &member.signed_in.person);
    applications.extend(own.into_iter().map(|(_, slug, name)| (slug, name)));
    let option =
        |value: &str, label: &str, chosen: &str| json!({ "value": value, "label": label, "selected": value == chosen });
    let context = json!({
        "authenticator": since.map(|since| json!({ "since": time(since) })),
        "app_passwords": kept.iter().map(|password| row(&snapshot, password)).collect::<Vec<_>>(),
        "form": { "name": view.draft.get("name") },
        "choices": {
            "application": applications.iter().map(|(slug, name)| option(slug, name, application)).collect::<Vec<_>>(),
            "expires": ENDS.iter().map(|(value, label)| option(value, label, expires)).collect::<Vec<_>>(),
        },
        "new_secret": view.new.map(|(password, secret)| json!({ "name": password.name, "secret": secret.expose() })),
        "notice": view.done,
    });
    Ok(account::page(app, member, "security.html", context, &view.problems))
}

/// An app password as the pages show it.
pub(crate) fn row(snapshot: &Snapshot, password: &AppPassword) -> Value {
    let application = password.application.map(|id| snapshot.application_name(id).unwrap_or("A deleted one"));
    json!({
        "id": password.id,
        "name": password.name,
        "application": application.unwrap_or_default(),
        "created": time(password.created_at),
        "expires": password.expires_at.map(time).unwrap_or_default(),
        "last_used": password.last_used_at.map(time).unwrap_or_default(),
    })
}

/// A moment, for people.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
