//! `/if/admin/users/new/` and `/if/admin/users/<id>/`: one person.

use axum::{extract::Path, response::Response};
use doorward_core::{
    app_password::AppPassword,
    id::{SessionId, UserId},
    problem::Problems,
    secret::Secret,
    session::Session,
    user::User,
};
use serde_json::{Value, json};

use super::{
    attempt_rows,
    desk::{Desk, Done, Page, id},
    fields, user_credentials,
    user_form::{UserDraft, password},
};
use crate::{
    directory::{
        sessions,
        users::{self, NewUser},
    },
    error::{OperationError, OperationResult},
    http::form::{Fields, Form},
};

const PAGE: Page = Page { template: "admin_user.html", nav: "users" };
const LIST: &str = "/if/admin/users/";

/// `GET /if/admin/users/new/`.
pub(super) async fn new(desk: Desk) -> Response {
    let answer = page(&desk, None, &UserDraft::empty(), &Problems::default()).await;
    desk.settle(answer)
}

/// `POST /if/admin/users/new/`.
pub(super) async fn create(desk: Desk, form: Form) -> Response {
    let draft = UserDraft::from_fields(&form);
    let answer = match add(&desk, &draft, &form).await {
        Ok(user) => Ok(Desk::done(&address(user.id), Done::Added)),
        Err(OperationError::Invalid(problems)) => page(&desk, None, &draft, &problems).await,
        Err(error) => Err(error),
    };
    desk.settle(answer)
}

/// `GET /if/admin/users/<id>/`.
pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Response {
    let answer = shown(&desk, &id).await;
    desk.settle(answer)
}

/// `POST /if/admin/users/<id>/`.
pub(super) async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Response {
    let answer = saved(&desk, &id, &form).await;
    desk.settle(answer)
}

/// `POST /if/admin/users/<id>/delete/`.
pub(super) async fn delete(desk: Desk, Path(text): Path<String>, _form: Form) -> Response {
    let answer = async {
        users::delete(&desk.app, &desk.actor, id("user", &text)?).await?;
        Ok(Desk::done(LIST, Done::Deleted))
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/users/<id>/sessions/<session>/end/`.
pub(super) async fn end_session(desk: Desk, Path((user, session)): Path<(String, String)>, _form: Form) -> Response {
    let answer = async {
        let user: UserId = id("user", &user)?;
        let session: SessionId = id("session", &session)?;
        sessions::end(&desk.app, &desk.actor, user, session).await?;
        Ok(Desk::done(&address(user), Done::SessionEnded))
    };
    desk.settle(answer.await)
}

async fn shown(desk: &Desk, text: &str) -> OperationResult<Response> {
    let (user, groups) = users::find(&desk.app, id("user", text)?).await?;
    let draft = UserDraft::from_user(&user, &groups, &desk.app.snapshot());
    page(desk, Some(&user), &draft, &Problems::default()).await
}

async fn add(desk: &Desk, draft: &UserDraft, form: &Fields) -> OperationResult<User> {
    let mut problems = Problems::default();
    let (profile, groups) = draft.read(&desk.app.snapshot(), &mut problems);
    let password = password(form, &mut problems);
    problems.or(())?;
    users::create(&desk.app, &desk.actor, NewUser { profile, password, groups }).await
}

async fn saved(desk: &Desk, text: &str, form: &Fields) -> OperationResult<Response> {
    let (user, _) = users::find(&desk.app, id("user", text)?).await?;
    let draft = UserDraft::from_fields(form);
    match change(desk, user.id, &draft, form).await {
        Ok(()) => Ok(Desk::done(&address(user.id), Done::Saved)),
        Err(OperationError::Invalid(problems)) => page(desk, Some(&user), &draft, &problems).await,
        Err(error) => Err(error),
    }
}

async fn change(desk: &Desk, id: UserId, draft: &UserDraft, form: &Fields) -> OperationResult<()> {
    let mut problems = Problems::default();
    let (profile, groups) = draft.read(&desk.app.snapshot(), &mut problems);
    // Checked before anything is written: the form is saved as a whole or not at all.
    let password = password(form, &mut problems);
    problems.or(())?;
    users::update(&desk.app, &desk.actor, id, profile, Some(groups)).await?;
    match password {
        Some(password) => users::set_password(&desk.app, &desk.actor, id, &password).await,
        None => Ok(()),
    }
}

/// What a form below the page made, or why it did not.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) typed: Fields,
    pub(super) problems: Problems,
    pub(super) new: Option<(AppPassword, Secret<String>)>,
}

/// The page as it is kept, with what a form below it made.
pub(super) async fn show_again(desk: &Desk, user: &User, shown: Shown) -> OperationResult<Response> {
    let (user, groups) = users::find(&desk.app, user.id).await?;
    let draft = UserDraft::from_user(&user, &groups, &desk.app.snapshot());
    let credentials = user_credentials::context(desk, Some(&user), &shown.typed, shown.new.as_ref()).await?;
    whole(desk, Some(&user), &draft, &shown.problems, credentials).await
}

async fn page(desk: &Desk, user: Option<&User>, draft: &UserDraft, problems: &Problems) -> OperationResult<Response> {
    let credentials = user_credentials::context(desk, user, &Fields::default(), None).await?;
    whole(desk, user, draft, problems, credentials).await
}

async fn whole(
    desk: &Desk,
    user: Option<&User>,
    draft: &UserDraft,
    problems: &Problems,
    credentials: Value,
) -> OperationResult<Response> {
    let snapshot = desk.app.snapshot();
    let mut context = draft.context(&snapshot);
    let sessions = match user {
        Some(user) => sessions::of_user(&desk.app, user.id).await?,
        None => Vec::new(),
    };
    let attempts = match user {
        Some(user) => attempt_rows::of_user(desk, user.id).await?,
        None => Value::Null,
    };
    if let Value::Object(context) = &mut context {
        let own = json!({
            "is_new": user.is_none(),
            "user": user.map(|user| json!({
                "id": user.id, "username": user.profile.username, "name": user.profile.name,
            })),
            "warnings": user.map(|user| users::username_warnings(&snapshot, &user.profile.username)).unwrap_or_default(),
            "sessions": sessions.iter().map(session_row).collect::<Vec<_>>(),
            "attempts": attempts,
            "can_delete": user.is_some_and(|user| desk.actor.user != Some(user.id)),
        });
        context.extend(own.as_object().cloned().unwrap_or_default());
        context.extend(credentials.as_object().cloned().unwrap_or_default());
    }
    Ok(desk.form(PAGE, context, problems))
}

pub(super) fn address(id: UserId) -> String {
    format!("{LIST}{id}/")
}

fn session_row(session: &Session) -> Value {
    json!({
        "id": session.id,
        "started": fields::time(session.created_at),
        "ends": fields::time(session.expires_at),
        "address": session.address,
        "browser": browser(&session.user_agent),
    })
}

/// What people call their browser. More specific marks come first: most browsers also claim to be others.
pub(super) fn browser(user_agent: &str) -> String {
    let find = |marks: &[(&str, &'static str)]| {
        marks.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let program = find(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        _ if user_agent.trim().is_empty() => "Unknown browser".to_owned(),
        _ => user_agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_called_by_their_names() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0";
        assert_eq!(browser(edge), "Edge on Windows");
        assert_eq!(
            browser("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
            "Firefox on Linux"
        );
        assert_eq!(browser("curl/8.0"), "curl/8.0");
        assert_eq!(browser(""), "Unknown browser");
    }
}
