//! `/if/admin/applications/<slug>/`: one application with its providers.

use axum::{extract::Path, response::Response};
use doorward_core::{lifetime::Lifetime, method::Method, problem::Problems, secret::Secret};
use serde_json::{Value, json};

use super::{
    application_connect as connect,
    application_form::ApplicationDraft,
    attempt_rows,
    desk::{Desk, Done, Page},
    fields, near_misses,
};
use crate::{
    applications::{self, ApplicationEdit, client_secret, preview, service_account::BindAccount},
    directory::users,
    error::{OperationError, OperationResult},
    http::form::{Fields, Form},
    oidc::logout::{self, Undelivered},
    pages,
    snapshot::{ApplicationEntry, Client},
};

const PAGE: Page = Page { template: "admin_application.html", nav: "applications" };
const LIST: &str = "/if/admin/applications/";

/// A secret that one showing of the page holds, and no other.
#[derive(Debug, Clone, Default)]
pub(super) struct Revealed {
    /// The client secret.
    pub(super) client_secret: Option<Secret<String>>,
    /// The service account with its new password.
    pub(super) bind: Option<BindAccount>,
}

/// `GET /if/admin/applications/<slug>/?preview_user=…`.
pub(super) async fn show(desk: Desk, Path(slug): Path<String>) -> Response {
    let answer = page(&desk, &slug, Revealed::default()).await;
    desk.settle(answer)
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
        page(&desk, &slug, Revealed { client_secret: Some(secret), bind: None }).await
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/rotate-secret/`.
pub(super) async fn rotate_secret(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        let keep = form.get("keep_old_for");
        let keep = if keep.is_empty() { Ok(Lifetime::seconds(0)) } else { keep.parse::<Lifetime>() };
        let keep = keep.map_err(|error| OperationError::invalid("keep_old_for", error.to_string()))?;
        client_secret::rotate(&desk.app, &desk.actor, &slug, keep).await?;
        let done = if keep.duration().is_zero() { Done::SecretRotated } else { Done::SecretRotatedKept };
        Ok(Desk::done(&address(&slug), done))
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/stop-old-secret/`.
pub(super) async fn stop_old_secret(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        client_secret::stop_old(&desk.app, &desk.actor, &slug).await?;
        Ok(Desk::done(&address(&slug), Done::OldSecretStopped))
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

/// Why something could not be added to an application, and what was typed.
#[derive(Debug)]
pub(super) struct Refused {
    /// What is wrong.
    pub(super) problems: Problems,
    /// The external host of a proxy provider.
    pub(super) external_host: String,
}

/// The page of an application to which something could not be added.
pub(super) async fn refused(desk: &Desk, slug: &str, refused: Refused) -> OperationResult<Response> {
    let entry = applications::find(&desk.app, slug)?;
    let Refused { problems, external_host } = refused;
    let draft = ApplicationDraft::from_entry(&desk.app, &entry).await?;
    let view = View { draft, problems, revealed: Revealed::default(), preview: Value::Null, external_host };
    render(desk, &entry, view).await
}

async fn saved(desk: &Desk, slug: &str, form: &Fields) -> OperationResult<Response> {
    let entry = applications::find(&desk.app, slug)?;
    let draft = ApplicationDraft::from_fields(form, &entry);
    let changed = async {
        let edit: ApplicationEdit = draft.read(&desk.app, &entry).await?;
        applications::update(&desk.app, &desk.actor, slug, edit).await
    };
    match changed.await {
        Ok(changed) => Ok(Desk::done(&address(&changed.application.profile.slug), Done::Saved)),
        Err(OperationError::Invalid(problems)) => {
            let revealed = Revealed::default();
            let view = View { draft, problems, revealed, preview: Value::Null, external_host: String::new() };
            render(desk, &entry, view).await
        }
        Err(error) => Err(error),
    }
}

/// What changes from one showing of the page to the next.
struct View {
    draft: ApplicationDraft,
    problems: Problems,
    revealed: Revealed,
    preview: Value,
    /// The external host of a proxy provider about to be added.
    external_host: String,
}

/// The page of an application, with a secret if one was just made or asked for.
pub(super) async fn page(desk: &Desk, slug: &str, revealed: Revealed) -> OperationResult<Response> {
    let entry = applications::find(&desk.app, slug)?;
    let draft = ApplicationDraft::from_entry(&desk.app, &entry).await?;
    let mut problems = Problems::default();
    let preview = match &entry.oauth {
        Some(client) => tried(desk, client, &mut problems).await?,
        None => Value::Null,
    };
    render(desk, &entry, View { draft, problems, revealed, preview, external_host: String::new() }).await
}

async fn render(desk: &Desk, entry: &ApplicationEntry, mut view: View) -> OperationResult<Response> {
    let profile = &entry.application.profile;
    let settings = match connect::blocks(&desk.app, entry, &view.revealed).await {
        Ok(settings) => settings,
        Err(error) => {
            view.problems.add("", format!("There are no settings to paste: {error}."));
            Vec::new()
        }
    };
    let has_secret = entry.oauth.as_ref().is_some_and(|client| connect::has_secret(client));
    let client_secret = view.revealed.client_secret.as_ref().map(Secret::expose);
    let bind_password = view.revealed.bind.as_ref().map(|bind| bind.password.expose());
    let mut context = view.draft.context(&desk.app);
    let own = json!({
        "application": {
            "slug": profile.slug,
            "name": profile.name,
            "icon_url": profile.icon_url,
            "monogram": pages::monogram(&profile.name),
            "launch_url": profile.launch_url,
        },
        "has_recipe": profile.recipe.is_some(),
        "has_oauth": entry.oauth.is_some(),
        "has_ldap": entry.ldap.is_some(),
        "has_proxy": entry.proxy.is_some(),
        "speaks_oidc": entry.methods().contains(&Method::Oidc),
        "new_external_host": view.external_host,
        "connect": entry.oauth.as_ref().map(|client| connect::oidc_values(client)),
        "connect_proxy": entry.proxy.as_ref().map(|client| connect::proxy_values(client)),
        "connect_ldap": connect::ldap_values(&desk.app, entry).await?,
        "ldap_warnings": connect::ldap_warnings(&desk.app, entry).await?,
        "settings": settings,
        "has_secret": has_secret,
        "old_secret": connect::old_secret(&desk.app, entry).await?,
        "revealed_secret": client_secret.filter(|_| has_secret),
        "revealed_password": bind_password,
        "untold": untold(desk, entry).await?,
        "near_misses": near_misses::rows(desk, Some(&profile.slug)).await?,
        "attempts": attempt_rows::of_application(desk, entry.application.id).await?,
        "preview_user": desk.query("preview_user"),
        "preview": view.preview,
    });
    context.extend(own.as_object().cloned().unwrap_or_default());
    Ok(desk.form(PAGE, Value::Object(context), &view.problems))
}

/// Sign-outs that the application was told in vain, if there are any.
async fn untold(desk: &Desk, entry: &ApplicationEntry) -> OperationResult<Value> {
    let Some(client) = &entry.oauth else { return Ok(Value::Null) };
    let undelivered = logout::undelivered(&desk.app, client.provider.id).await?;
    let Some(Undelivered { count, since, last_error }) = undelivered else { return Ok(Value::Null) };
    Ok(json!({
        "count": count,
        "since": pages::time(since),
        "reason": last_error,
        "logout_uri": client.provider.profile.logout_uri,
    }))
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

/// The address of an application's page.
pub(super) fn address(slug: &str) -> String {
    format!("{LIST}{slug}/")
}
