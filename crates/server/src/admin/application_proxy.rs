//! The proxy provider of an application: adding it, taking it away.

use axum::{extract::Path, response::Response};
use doorward_core::proxy_provider::ProxyProfile;

use super::{
    application::{self, Refused},
    desk::{Desk, Done},
};
use crate::{applications::proxy, error::OperationError, http::form::Form};

/// `POST /if/admin/applications/<slug>/add-proxy/`.
pub(super) async fn add(desk: Desk, Path(slug): Path<String>, form: Form) -> Response {
    let answer = async {
        let external_host = form.get("external_host").trim();
        match proxy::add(&desk.app, &desk.actor, &slug, ProxyProfile::single(external_host)).await {
            Ok(_) => Ok(Desk::done(&application::address(&slug), Done::ProxyAdded)),
            Err(OperationError::Invalid(problems)) => {
                let refused = Refused { problems, external_host: external_host.to_owned() };
                application::refused(&desk, &slug, refused).await
            }
            Err(error) => Err(error),
        }
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/remove-proxy/`.
pub(super) async fn remove(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        proxy::remove(&desk.app, &desk.actor, &slug).await?;
        Ok(Desk::done(&application::address(&slug), Done::ProxyRemoved))
    };
    desk.settle(answer.await)
}
