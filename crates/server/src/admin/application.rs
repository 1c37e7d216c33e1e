//! `/if/admin/applications/<slug>/`: one application with its provider.

use axum::{extract::Path, response::Response};
use doorward_core::problem::Problems;
use serde_json::{Value, json};

use super::{
    application_connect as connect,
    application_form::ApplicationDraft,
    desk::{Desk, Done, Page},
    fields,
};
use crate::{
    applications::{self, preview},
    directory::users,
    error::{OperationError, OperationResult},
    http::form::{Fields, Form},
    pages,
    snapshot::Client,
};

const PAGE: Page = Page { template: "admin_application.html", nav: "applications" };
const LIST: &str = "/if/admin/applications/";

/// `GET /if/admin/applications/<slug>/?preview_user=…`.
pub(super) async fn show(desk: Desk, Path(slug): Path<String>) -> Response {
    let answer = async {
        let client = applications::find(&desk.app, &slug)?;
        page(&desk, &client, None).await
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/`.
pub(super) async fn save(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = saved(&desk, &slug, &form).await;
    desk.settle(answer)
}

/// `POST /if/admin/applications/<slug>/reveal-secret/`: the page with the secret, which no other page holds.
pub(super) async fn reveal_secret(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        let secret = applications::reveal_secret(&desk.app, &desk.actor, &slug).await?;
        let client = applications::find(&desk.app, &slug)?;
        page(&desk, &client, Some(secret.expose())).await
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/rotate-secret/`.
pub(super) async fn rotate_secret(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        applications::rotate_secret(&desk.app, &desk.actor, &slug).await?;
        Ok(Desk::done(&address(&slug), Done::SecretRotated))
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/add-redirect-uri/`: the button of the error page.
pub(super) async fn add_redirect_uri(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        applications::add_redirect_uri(&desk.app, &desk.actor, &slug, form.get("uri")).await?;
        Ok(Desk::done(&address(&slug), Done::UriAdded))
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/delete/`.
pub(super) async fn delete(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        applications::delete(&desk.app, &desk.actor, &slug).await?;
        Ok(Desk::done(LIST, Done::Deleted))
    };
    desk.settle(answer.await)
}

async fn saved(desk: &Desk, slug: &str, form: &Fields) -> OperationResult<Response> {
    let client = applications::find(&desk.app, slug)?;
    let draft = ApplicationDraft::from_fields(form);
    match change(desk, &client, &draft).await {
        Ok(slug) => Ok(Desk::done(&address(&slug), Done::Saved)),
        Err(OperationError::Invalid(problems)) => {
            let view = View { draft, problems, secret: None, preview: Value::Null };
            Ok(render(desk, &client, view))
        }
        Err(error) => Err(error),
    }
}

async fn change(desk: &Desk, client: &Client, draft: &ApplicationDraft) -> OperationResult<String> {
    let (application, provider) = draft.read(&desk.app, client).await?;
    let slug = &client.application.profile.slug;
    let changed = applications::update(&desk.app, &desk.actor, slug, application, provider).await?;
    Ok(changed.application.profile.slug.clone())
}

/// What changes from one showing of the page to the next.
struct View<'a> {
    draft: ApplicationDraft,
    problems: Problems,
    secret: Option<&'a str>,
    preview: Value,
}

async fn page(desk: &Desk, client: &Client, secret: Option<&str>) -> OperationResult<Response> {
    let draft = ApplicationDraft::from_client(&desk.app, client).await?;
    let mut problems = Problems::default();
    let preview = tried(desk, client, &mut problems).await?;
    Ok(render(desk, client, View { draft, problems, secret, preview }))
}

fn render(desk: &Desk, client: &Client, mut view: View<'_>) -> Response {
    let profile = &client.application.profile;
    let settings = connect::blocks(&desk.app, client, view.secret.is_some()).unwrap_or_else(|error| {
        view.problems.add("", format!("There are no settings to paste: {error}."));
        Vec::new()
    });
    let mut context = view.draft.context(&desk.app);
    if let Value::Object(context) = &mut context {
        let own = json!({
            "application": {
                "slug": profile.slug,
                "name": profile.name,
                "icon_url": profile.icon_url,
                "monogram": pages::monogram(&profile.name),
                "launch_url": profile.launch_url,
            },
            "connect": connect::values(&desk.app, client),
            "settings": settings,
            "has_secret": connect::has_secret(client),
            "revealed_secret": view.secret.filter(|_| connect::has_secret(client)),
            "preview_user": desk.query("preview_user"),
            "preview": view.preview,
        });
        context.extend(own.as_object().cloned().unwrap_or_default());
    }
    desk.form(PAGE, context, &view.problems)
}

/// What the tokens of a person would hold, if somebody asked.
async fn tried(desk: &Desk, client: &Client, problems: &mut Problems) -> OperationResult<Value> {
    let username = desk.query("preview_user").trim();
    if username.is_empty() {
        return Ok(Value::Null);
    }
    let person = match users::find_person(&desk.app, username).await {
        Ok(person) => person,
        Err(OperationError::NotFound { .. }) => {
            problems.add("preview_user", format!("Nobody has the username \"{username}\"."));
            return Ok(Value::Null);
        }
        Err(error) => return Err(error),
    };
    let snapshot = desk.app.snapshot();
    let made = preview::userinfo(&snapshot, client, &person)
        .and_then(|userinfo| Ok((userinfo, preview::id_token(&snapshot, client, &person)?)));
    match made {
        Ok((userinfo, id_token)) => Ok(json!({
            "user": person.user.profile.username,
            "userinfo_json": fields::pretty(&userinfo),
            "id_token_json": fields::pretty(&id_token),
        })),
        Err(error) => {
            problems.add("mappings", fields::sentence(&error));
            Ok(Value::Null)
        }
    }
}

fn address(slug: &str) -> String {
    format!("{LIST}{slug}/")
}
