//! App passwords on pages: the list, the form, and what the form makes. Owners and administrators see the same.

use doorward_core::{
    app_password::{self, AppPassword},
    application::Application,
    id::{ApplicationId, UserId},
    problem::Problems,
    secret::Secret,
};
use serde_json::{Value, json};

use super::time;
use crate::{
    actor::Actor,
    app::App,
    directory::app_passwords::{self, NewAppPassword},
    error::{OperationError, OperationResult},
    http::form::Fields,
    snapshot::Snapshot,
};

/// When one may end: as [`app_password::parse_end`] reads it, with the words people read.
const ENDS: [(&str, &str); 4] = [("", "Never"), ("30d", "In 30 days"), ("90d", "In 90 days"), ("365d", "In a year")];

/// An application that one may be bound to.
#[derive(Debug)]
pub struct Choosable {
    id: ApplicationId,
    slug: String,
    name: String,
}

/// The applications that take a name and a password, as far as they are allowed, by name.
pub fn choosable(snapshot: &Snapshot, is_allowed: impl Fn(&Application) -> bool) -> Vec<Choosable> {
    let all = snapshot.ldap.iter().map(|client| &client.application).filter(|application| is_allowed(application));
    let mut found: Vec<_> = all
        .map(|application| Choosable {
            id: application.id,
            slug: application.profile.slug.clone(),
            name: application.profile.name.clone(),
        })
        .collect();
    found.sort_by_key(|choosable| (choosable.name.to_lowercase(), choosable.slug.clone()));
    found
}

/// Reads one that is to be made from the fields `purpose`, `application` and `expires`.
///
/// # Errors
/// What is wrong, by these fields.
pub fn read(app: &App, user: UserId, form: &Fields, choosable: &[Choosable]) -> OperationResult<NewAppPassword> {
    let (mut problems, now) = (Problems::default(), app.clock.now());
    let (slug, expires) = (form.get("application"), form.get("expires"));
    let application = choosable.iter().find(|choosable| choosable.slug == slug).map(|choosable| choosable.id);
    problems.require(slug.is_empty() || application.is_some(), "application", "This application cannot be chosen.");
    let expires_at = if expires.is_empty() {
        None
    } else {
        let end = app_password::parse_end(expires, now);
        end.inspect_err(|advice| problems.add("expires", *advice)).ok()
    };
    problems.or(())?;
    let new = NewAppPassword { user, name: form.get("purpose").to_owned(), application, expires_at };
    app_passwords::check(&new, now).map_err(|problems| with_fields(problems.into()))?;
    Ok(new)
}

/// Makes what [`read`] read.
///
/// # Errors
/// What is wrong, by the fields of the form.
pub async fn make(app: &App, actor: &Actor, new: NewAppPassword) -> OperationResult<(AppPassword, Secret<String>)> {
    app_passwords::create(app, actor, new).await.map_err(with_fields)
}

/// Problems at the fields of the form.
fn with_fields(error: OperationError) -> OperationError {
    let OperationError::Invalid(mut problems) = error else { return error };
    for problem in &mut problems.0 {
        problem.field = match problem.field {
            "name" => "purpose",
            "expires_at" => "expires",
            other => other,
        };
    }
    OperationError::Invalid(problems)
}

/// The form as it was typed: its text, and its choices.
pub fn form(typed: &Fields, choosable: &[Choosable]) -> Value {
    let option =
        |value: &str, label: &str, chosen: &str| json!({ "value": value, "label": label, "selected": value == chosen });
    let (application, expires) = (typed.get("application"), typed.get("expires"));
    let every = option("", "All applications", application);
    let own = choosable.iter().map(|choosable| option(&choosable.slug, &choosable.name, application));
    json!({
        "purpose": typed.get("purpose"),
        "application": std::iter::once(every).chain(own).collect::<Vec<_>>(),
        "expires": ENDS.iter().map(|(value, label)| option(value, label, expires)).collect::<Vec<_>>(),
    })
}

/// One of a list.
pub fn row(snapshot: &Snapshot, password: &AppPassword) -> Value {
    let name =
        |id| snapshot.application_by_id(id).map_or("A deleted one", |application| application.profile.name.as_str());
    json!({
        "id": password.id,
        "name": password.name,
        "application": password.application.map(name).unwrap_or_default(),
        "created": time(password.created_at),
        "expires": password.expires_at.map(time).unwrap_or_default(),
        "last_used": password.last_used_at.map(time).unwrap_or_default(),
    })
}

/// One just made, with its secret: shown this once.
pub fn shown(new: Option<&(AppPassword, Secret<String>)>) -> Value {
    new.map_or(Value::Null, |(password, secret)| json!({ "name": password.name, "secret": secret.expose() }))
}
