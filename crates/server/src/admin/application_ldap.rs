//! The LDAP provider of an application: adding it, a new password for its service account, taking it away.

use axum::{extract::Path, response::Response};

use super::{
    application::{self, Revealed},
    desk::{Desk, Done},
};
use crate::{
    applications::{self, ldap, service_account},
    http::form::Form,
};

/// `POST /if/admin/applications/<slug>/add-ldap/`: the page with the password, which no other page holds.
pub(super) async fn add(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        let entry = applications::find(&desk.app, &slug)?;
        let profile = ldap::default_profile(&desk.app.snapshot(), &entry.application.profile);
        let bind = ldap::add(&desk.app, &desk.actor, &slug, profile).await?;
        application::page(&desk, &slug, Revealed { bind: Some(bind), client_secret: None }).await
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/rotate-ldap-password/`: likewise.
pub(super) async fn rotate_password(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        let bind = service_account::rotate_password(&desk.app, &desk.actor, &slug).await?;
        application::page(&desk, &slug, Revealed { bind: Some(bind), client_secret: None }).await
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/applications/<slug>/remove-ldap/`.
pub(super) async fn remove(desk: Desk, Path(slug): Path<String>, _form: Form) -> Response {
    let answer = async {
        ldap::remove(&desk.app, &desk.actor, &slug).await?;
        Ok(Desk::done(&application::address(&slug), Done::LdapRemoved))
    };
    desk.settle(answer.await)
}
