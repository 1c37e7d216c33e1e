//! `/if/admin/applications/<slug>/doctor/`: the doctor, asked from a page.

use axum::{extract::Path, response::Response};
use doorward_core::secret::Secret;
use serde_json::{Value, json};
use std::time::Duration;

use super::desk::{Desk, Page};
use crate::{
    applications,
    doctor::{self, Options, Report},
    error::OperationResult,
    http::form::{Fields, Form},
    pages,
};

/// How long all requests together may take: less than the server gives a page altogether.
const PATIENCE: Duration = Duration::from_secs(20);

const PAGE: Page = Page { template: "admin_doctor.html", nav: "applications" };

/// `GET /if/admin/applications/<slug>/doctor/`: asks what to look at. Looking is a form of its own: it makes requests to others.
pub(super) async fn show(desk: Desk, Path(slug): Path<String>) -> Response {
    let answer = page(&desk, &slug, None);
    desk.settle(answer)
}

/// `POST /if/admin/applications/<slug>/doctor/`: looks, and shows what was found.
pub(super) async fn run(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        let report = doctor::run(&desk.app, &slug, &options(&form), &|_| ()).await?;
        page(&desk, &slug, Some(&report))
    };
    let answer = answer.await;
    desk.settle(answer)
}

/// The token is used, and kept nowhere.
fn options(form: &Fields) -> Options {
    let token = form.get("token").trim();
    Options {
        token: (!token.is_empty()).then(|| Secret::from(token)),
        check_headers: form.is_ticked("check_headers"),
        patience: PATIENCE,
    }
}

fn page(desk: &Desk, slug: &str, report: Option<&Report>) -> OperationResult<Response> {
    let entry = applications::find(&desk.app, slug)?;
    let profile = &entry.application.profile;
    let context = json!({
        "application": { "slug": profile.slug, "name": profile.name },
        "is_netbox": profile.recipe.as_ref().is_some_and(|recipe| recipe.id == "netbox"),
        "patience": PATIENCE.as_secs(),
        "report": report.map_or(Value::Null, |report| json!({
            "checked_at": pages::time(report.checked_at),
            "problems": report.problems,
            "notes": report.notes,
            "findings": report.findings,
        })),
    });
    Ok(desk.page(PAGE, context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::REQUEST_TIMEOUT;

    #[test]
    fn the_page_comes_before_the_server_gives_up() {
        assert!(PATIENCE + Duration::from_secs(5) < REQUEST_TIMEOUT);
    }
}
