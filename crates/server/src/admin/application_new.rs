//! `/if/admin/applications/new/`: an application and its provider in one form.

use axum::response::Response;
use doorward_core::problem::Problems;

use super::{
    application::{self, Revealed},
    application_new_form::NewApplicationDraft,
    desk::{Desk, Done, Page},
};
use crate::{applications::Created, error::OperationError, http::form::Form};

const PAGE: Page = Page { template: "admin_application_new.html", nav: "applications" };

/// `GET /if/admin/applications/new/?recipe=…`.
pub(super) async fn show(desk: Desk) -> Response {
    let draft = NewApplicationDraft::empty(&desk.app, desk.query("recipe"));
    desk.form(PAGE, draft.context(&desk.app), &Problems::default())
}

/// `POST /if/admin/applications/new/`.
pub(super) async fn submit(desk: Desk, form: Form) -> Response {
    let draft = NewApplicationDraft::from_fields(&desk.app, &form);
    let answer = match draft.create(&desk).await {
        Ok(Created { entry, bind }) => {
            let slug = &entry.application.profile.slug;
            match bind {
                // The password is shown now or never, so that the page is the answer itself.
                Some(bind) => application::page(&desk, slug, Revealed { bind: Some(bind), client_secret: None }).await,
                None => Ok(Desk::done(&application::address(slug), Done::Added)),
            }
        }
        Err(OperationError::Invalid(problems)) => Ok(desk.form(PAGE, draft.context(&desk.app), &problems)),
        Err(error) => Err(error),
    };
    desk.settle(answer)
}
