//! `/if/admin/applications/<slug>/provisioning/`: the connector of an application.

use axum::{extract::Path, response::Response};
use doorward_core::{problem::Problems, secret::Secret};
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    desk::{Desk, Done, Page},
    fields,
    provisioning_form::ConnectorDraft,
    provisioning_view as view,
};
use crate::{
    applications,
    connector::{defaults, people, queue, rights, run, settings},
    error::{OperationError, OperationResult},
    http::form::{Fields, Form},
    snapshot::ApplicationEntry,
};

const PAGE: Page = Page { template: "admin_provisioning.html", nav: "applications" };

/// `GET /if/admin/applications/<slug>/provisioning/`.
pub(super) async fn show(desk: Desk, Path(slug): Path<String>) -> Response {
    let answer = page(&desk, &slug, Extra::default()).await;
    desk.settle(answer)
}

/// `POST /if/admin/applications/<slug>/provisioning/`: gives it a connector, or changes the one it has.
pub(super) async fn save(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = saved(&desk, &slug, &form).await;
    desk.settle(answer)
}

/// `POST …/preview/`: what a run would change.
pub(super) async fn preview(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        let extra = match run::preview(&desk.app, &slug).await {
            Ok(preview) => Extra { preview: view::preview(&preview), ..Extra::default() },
            Err(error) => Extra::failed(error)?,
        };
        page(&desk, &slug, extra).await
    };
    desk.settle(answer.await)
}

/// `POST …/check/`: what the token may do.
pub(super) async fn check(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        let extra = match rights::check(&desk.app, &slug).await {
            Ok(report) => Extra { rights: view::rights(&report), ..Extra::default() },
            Err(error) => Extra::failed(error)?,
        };
        page(&desk, &slug, extra).await
    };
    desk.settle(answer.await)
}

/// `POST …/run/`: puts everybody into the queue.
pub(super) async fn start(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        match run::start(&desk.app, &desk.actor, &slug).await {
            Ok(_) => Ok(Desk::done(&address(&slug), Done::RunStarted)),
            Err(error) => page(&desk, &slug, Extra::failed(error)?).await,
        }
    };
    desk.settle(answer.await)
}

/// `POST …/retry/`: lets what failed run again.
pub(super) async fn retry(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        queue::retry(&desk.app, &desk.actor, &slug).await?;
        Ok(Desk::done(&address(&slug), Done::Retried))
    };
    desk.settle(answer.await)
}

/// `POST …/link/`: says which account is somebody's.
pub(super) async fn link(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        let (user, account) = (form.get("link_user").trim(), form.get("netbox_username").trim());
        match people::link(&desk.app, &desk.actor, &slug, user, account).await {
            Ok(()) => Ok(Desk::done(&address(&slug), Done::Linked)),
            Err(error) => {
                let problems = link_problems(error)?;
                let link = json!({ "user": user, "account": account });
                page(&desk, &slug, Extra { problems, link, ..Extra::default() }).await
            }
        }
    };
    desk.settle(answer.await)
}

/// `POST …/unlink/`: forgets which account is somebody's.
pub(super) async fn unlink(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        people::unlink(&desk.app, &desk.actor, &slug, form.get("user")).await?;
        Ok(Desk::done(&address(&slug), Done::Unlinked))
    };
    desk.settle(answer.await)
}

/// `POST …/remove/`: takes the connector away.
pub(super) async fn remove(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        settings::remove(&desk.app, &desk.actor, &slug).await?;
        Ok(Desk::done(&address(&slug), Done::ConnectorRemoved))
    };
    desk.settle(answer.await)
}

/// What one showing of the page has beside the connector as it is.
#[derive(Default)]
struct Extra {
    draft: Option<ConnectorDraft>,
    problems: Problems,
    link: Value,
    preview: Value,
    rights: Value,
}

impl Extra {
    /// What NetBox says belongs on the page; everything else does not.
    fn failed(error: OperationError) -> OperationResult<Self> {
        match error {
            OperationError::NetBox(error) => {
                Ok(Self { problems: Problems::one("", fields::sentence(&error)), ..Self::default() })
            }
            OperationError::Denied(text) => Ok(Self { problems: Problems::one("", text), ..Self::default() }),
            other => Err(other),
        }
    }
}

/// Problems with a link, by the fields of its form.
fn link_problems(error: OperationError) -> OperationResult<Problems> {
    match error {
        OperationError::NotFound { kind: "user", name } => {
            Ok(Problems::one("link_user", format!("Nobody has the username \"{name}\".")))
        }
        OperationError::NotFound { kind: "user in NetBox", name } => {
            Ok(Problems::one("netbox_username", format!("NetBox shows nobody with the username \"{name}\".")))
        }
        OperationError::Denied(text) => Ok(Problems::one("netbox_username", text)),
        OperationError::NetBox(error) => Ok(Problems::one("", fields::sentence(&error))),
        OperationError::Invalid(problems) => Ok(problems),
        other => Err(other),
    }
}

async fn saved(desk: &Desk, slug: &str, form: &Fields) -> OperationResult<Response> {
    let (app, actor) = (&desk.app, &desk.actor);
    let entry = applications::find(app, slug)?;
    let is_new = !has_connector(desk, &entry);
    let draft = ConnectorDraft::from_fields(form);
    let before = if is_new { defaults::profile(&entry) } else { settings::show(app, slug).await?.profile };
    let profile = draft.read(before);
    let token = Some(form.get("token").trim()).filter(|token| !token.is_empty()).map(Secret::from);
    let written = match (is_new, token) {
        (true, Some(token)) => settings::create(app, actor, slug, profile, token).await,
        (true, None) => Err(settings::check(&profile, None).err().map_or_else(no_token, |mut problems| {
            problems.add("token", NO_TOKEN);
            problems.into()
        })),
        (false, token) => settings::update(app, actor, slug, profile, token).await,
    };
    match written {
        Ok(()) => Ok(Desk::done(&address(slug), if is_new { Done::Added } else { Done::Saved })),
        Err(OperationError::Invalid(problems)) => {
            page(desk, slug, Extra { draft: Some(draft), problems, ..Extra::default() }).await
        }
        Err(error) => Err(error),
    }
}

const NO_TOKEN: &str = "Give an API token of NetBox. The permissions its account needs stand below.";

fn no_token() -> OperationError {
    OperationError::invalid("token", NO_TOKEN)
}

fn has_connector(desk: &Desk, entry: &ApplicationEntry) -> bool {
    desk.app.snapshot().connectors.contains_key(&entry.application.id)
}

async fn page(desk: &Desk, slug: &str, extra: Extra) -> OperationResult<Response> {
    let entry: Arc<ApplicationEntry> = applications::find(&desk.app, slug)?;
    let connector = if has_connector(desk, &entry) { Some(settings::show(&desk.app, slug).await?) } else { None };
    let profile = connector.as_ref().map_or_else(|| defaults::profile(&entry), |connector| connector.profile.clone());
    let draft = extra.draft.unwrap_or_else(|| ConnectorDraft::from_profile(&profile));
    let (people, jobs) = match &connector {
        Some(_) => (people::list(&desk.app, slug).await?, queue::jobs(&desk.app, slug).await?),
        None => (Vec::new(), Vec::new()),
    };
    let link = if extra.link.is_null() { json!({ "user": "", "account": "" }) } else { extra.link };
    let context = json!({
        "application": { "slug": slug, "name": entry.application.profile.name },
        "connector": connector.as_ref().map(|connector| view::state(connector, desk.app.clock.now())),
        "form": draft.context(),
        "people": view::people(&people),
        "jobs": jobs.iter().take(view::JOBS_SHOWN).map(view::job).collect::<Vec<_>>(),
        "more_jobs": jobs.len().saturating_sub(view::JOBS_SHOWN),
        "link": link,
        "preview": extra.preview,
        "rights": extra.rights,
        "permissions": view::permissions(&entry),
    });
    Ok(desk.form(PAGE, context, &extra.problems))
}

/// The address of the page.
pub(super) fn address(slug: &str) -> String {
    format!("{}provisioning/", super::application::address(slug))
}
