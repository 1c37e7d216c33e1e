//! `/if/admin/mappings/new/` and `/if/admin/mappings/<id>/`: one claim mapping.

use axum::{extract::Path, response::Response};
use doorward_core::{
    claim_mapping::{ClaimMapping, MappingProfile},
    id::MappingId,
    problem::Problems,
};
use serde_json::{Value, json};

use super::{
    desk::{Desk, Done, Page, id},
    fields,
};
use crate::{
    directory::users,
    error::{OperationError, OperationResult},
    http::form::{Fields, Form},
    mappings,
};

const PAGE: Page = Page { template: "admin_mapping.html", nav: "mappings" };
const LIST: &str = "/if/admin/mappings/";

/// `GET /if/admin/mappings/new/`.
pub(super) async fn new(desk: Desk) -> Response {
    page(&desk, None, &draft(&Fields::default()), &Problems::default())
}

/// `POST /if/admin/mappings/new/`.
pub(super) async fn create(desk: Desk, form: Form) -> Response {
    let draft = draft(&form);
    match mappings::create(&desk.app, &desk.actor, draft.clone()).await {
        Ok(mapping) => Desk::done(&address(mapping.id), Done::Added),
        Err(OperationError::Invalid(problems)) => page(&desk, None, &draft, &problems),
        Err(error) => desk.settle(Err(error)),
    }
}

/// `GET /if/admin/mappings/<id>/`.
pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Response {
    let found = find(&desk, &id);
    desk.settle(found.map(|mapping| page(&desk, Some(&mapping), &mapping.profile, &Problems::default())))
}

/// `POST /if/admin/mappings/<id>/`.
pub(super) async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Response {
    let answer = async {
        let (mapping, draft) = (find(&desk, &id)?, draft(&form));
        match mappings::update(&desk.app, &desk.actor, mapping.id, draft.clone()).await {
            Ok(()) => Ok(Desk::done(&address(mapping.id), Done::Saved)),
            Err(OperationError::Invalid(problems)) => Ok(page(&desk, Some(&mapping), &draft, &problems)),
            Err(error) => Err(error),
        }
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/mappings/new/preview/`.
pub(super) async fn preview_new(desk: Desk, form: Form) -> Response {
    let answer = tried(&desk, None, &form).await;
    desk.settle(answer)
}

/// `POST /if/admin/mappings/<id>/preview/`.
pub(super) async fn preview(desk: Desk, Path(id): Path<String>, form: Form) -> Response {
    let answer = async { tried(&desk, Some(&find(&desk, &id)?), &form).await };
    desk.settle(answer.await)
}

/// `POST /if/admin/mappings/<id>/delete/`.
pub(super) async fn delete(desk: Desk, Path(text): Path<String>, _form: Form) -> Response {
    let answer = async {
        mappings::delete(&desk.app, &desk.actor, id("claim mapping", &text)?).await?;
        Ok(Desk::done(LIST, Done::Deleted))
    };
    desk.settle(answer.await)
}

fn find(desk: &Desk, text: &str) -> OperationResult<ClaimMapping> {
    mappings::find(&desk.app, id("claim mapping", text)?)
}

/// What was sent.
fn draft(form: &Fields) -> MappingProfile {
    MappingProfile {
        name: form.get("name").trim().to_owned(),
        scope: form.get("scope").trim().to_owned(),
        // Browsers send line ends as CR LF (HTML, section 4.10.22.4); expressions are kept with LF.
        expression: form.get("expression").replace("\r\n", "\n"),
        description: form.get("description").trim().to_owned(),
    }
}

/// The expression as typed, tried for a person. Nothing is kept.
async fn tried(desk: &Desk, mapping: Option<&ClaimMapping>, form: &Fields) -> OperationResult<Response> {
    let (draft, username) = (draft(form), form.get("preview_user").trim());
    let refuse = |message: String| {
        let problems = Problems::one("preview_user", message);
        Ok(desk.form(PAGE, context(mapping, &draft, username, &Value::Null), &problems))
    };
    if username.is_empty() {
        return refuse("Give a username to try the expression with.".to_owned());
    }
    let person = match users::find_person(&desk.app, username).await {
        Ok(person) => person,
        Err(OperationError::NotFound { .. }) => return refuse(format!("Nobody has the username \"{username}\".")),
        Err(error) => return Err(error),
    };
    let (json, error) = match mappings::preview(&desk.app, &person, &draft.expression) {
        Ok(claims) => (fields::pretty(&claims), String::new()),
        Err(error) => (String::new(), error),
    };
    let preview = json!({ "user": person.user.profile.username, "json": json, "error": error });
    Ok(desk.page(PAGE, context(mapping, &draft, username, &preview)))
}

fn page(desk: &Desk, mapping: Option<&ClaimMapping>, draft: &MappingProfile, problems: &Problems) -> Response {
    desk.form(PAGE, context(mapping, draft, "", &Value::Null), problems)
}

fn context(mapping: Option<&ClaimMapping>, draft: &MappingProfile, preview_user: &str, preview: &Value) -> Value {
    json!({
        "is_new": mapping.is_none(),
        "mapping": mapping.map(|mapping| json!({ "id": mapping.id, "name": mapping.profile.name })),
        "form": {
            "name": draft.name,
            "scope": draft.scope,
            "description": draft.description,
            "expression": draft.expression,
        },
        "preview_user": preview_user,
        "preview": preview,
        "can_delete": mapping.is_some(),
    })
}

fn address(id: MappingId) -> String {
    format!("{LIST}{id}/")
}
