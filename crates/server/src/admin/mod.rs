//! Administration pages: one file per page, all for administrators only. Forms end in the same operations as commands.

mod access;
mod activity;
mod application;
mod application_connect;
mod application_form;
mod application_ldap;
mod application_new;
mod application_new_form;
mod application_new_more;
mod application_proxy;
mod applications;
mod attempt;
mod attempt_rows;
mod desk;
mod doctor;
mod explain;
mod fields;
mod group;
mod group_form;
mod groups;
mod key_list;
mod ldap_form;
mod mapping;
mod mapping_list;
mod near_misses;
mod oauth_form;
mod overview;
mod paging;
mod provisioning;
mod provisioning_form;
mod provisioning_tokens;
mod provisioning_view;
mod proxy_form;
mod user;
mod user_credentials;
mod user_form;
mod users;

use axum::{
    Router,
    routing::{get, post},
};

use crate::app::App;

/// The routes below `/if/admin/`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/if/admin/", get(overview::show))
        .route("/if/admin/applications/", get(applications::list))
        .route("/if/admin/applications/new/", get(application_new::show).post(application_new::submit))
        .route("/if/admin/applications/{slug}/", get(application::show).post(application::save))
        .route("/if/admin/applications/{slug}/reveal-secret/", post(application::reveal_secret))
        .route("/if/admin/applications/{slug}/rotate-secret/", post(application::rotate_secret))
        .route("/if/admin/applications/{slug}/stop-old-secret/", post(application::stop_old_secret))
        .route("/if/admin/applications/{slug}/add-redirect-uri/", post(application::add_redirect_uri))
        .route("/if/admin/applications/{slug}/redirect-uris/allow/", post(near_misses::allow))
        .route("/if/admin/applications/{slug}/redirect-uris/dismiss/", post(near_misses::dismiss))
        .route("/if/admin/applications/{slug}/add-ldap/", post(application_ldap::add))
        .route("/if/admin/applications/{slug}/rotate-ldap-password/", post(application_ldap::rotate_password))
        .route("/if/admin/applications/{slug}/remove-ldap/", post(application_ldap::remove))
        .route("/if/admin/applications/{slug}/add-proxy/", post(application_proxy::add))
        .route("/if/admin/applications/{slug}/remove-proxy/", post(application_proxy::remove))
        .route("/if/admin/applications/{slug}/explain/", get(explain::show))
        .route("/if/admin/applications/{slug}/provisioning/", get(provisioning::show).post(provisioning::save))
        .route("/if/admin/applications/{slug}/provisioning/preview/", post(provisioning::preview))
        .route("/if/admin/applications/{slug}/provisioning/check/", post(provisioning::check))
        .route("/if/admin/applications/{slug}/provisioning/run/", post(provisioning::start))
        .route("/if/admin/applications/{slug}/provisioning/retry/", post(provisioning::retry))
        .route("/if/admin/applications/{slug}/provisioning/link/", post(provisioning::link))
        .route("/if/admin/applications/{slug}/provisioning/unlink/", post(provisioning::unlink))
        .route("/if/admin/applications/{slug}/provisioning/remove/", post(provisioning::remove))
        .route("/if/admin/applications/{slug}/provisioning/tokens/", get(provisioning_tokens::show))
        .route("/if/admin/applications/{slug}/provisioning/tokens/{id}/disable/", post(provisioning_tokens::disable))
        .route("/if/admin/applications/{slug}/provisioning/tokens/{id}/revoke/", post(provisioning_tokens::revoke))
        .route("/if/admin/applications/{slug}/delete/", post(application::delete))
        .route("/if/admin/applications/{slug}/doctor/", get(doctor::show).post(doctor::run))
        .route("/if/admin/users/", get(users::list))
        .route("/if/admin/users/new/", get(user::new).post(user::create))
        .route("/if/admin/users/{id}/", get(user::show).post(user::save))
        .route("/if/admin/users/{id}/delete/", post(user::delete))
        .route("/if/admin/users/{id}/sessions/{session}/end/", post(user::end_session))
        .route("/if/admin/users/{id}/authenticator/remove/", post(user_credentials::remove_authenticator))
        .route("/if/admin/users/{id}/app-passwords/add/", post(user_credentials::add_app_password))
        .route("/if/admin/users/{id}/app-passwords/{password}/delete/", post(user_credentials::delete_app_password))
        .route("/if/admin/groups/", get(groups::list))
        .route("/if/admin/groups/new/", get(group::new).post(group::create))
        .route("/if/admin/groups/{id}/", get(group::show).post(group::save))
        .route("/if/admin/groups/{id}/delete/", post(group::delete))
        .route("/if/admin/activity/", get(activity::list))
        .route("/if/admin/activity/{reference}/", get(attempt::show))
        .route("/if/admin/keys/", get(key_list::show))
        .route("/if/admin/keys/generate/", post(key_list::generate))
        .route("/if/admin/keys/import/", post(key_list::import))
        .route("/if/admin/keys/{id}/rotate/", post(key_list::rotate))
        .route("/if/admin/keys/{id}/replace/", post(key_list::replace))
        .route("/if/admin/keys/{id}/schedule/", post(key_list::schedule))
        .route("/if/admin/keys/{id}/delete/", post(key_list::delete))
        .route("/if/admin/mappings/", get(mapping_list::list))
        .route("/if/admin/mappings/new/", get(mapping::new).post(mapping::create))
        .route("/if/admin/mappings/new/preview/", post(mapping::preview_new))
        .route("/if/admin/mappings/{id}/", get(mapping::show).post(mapping::save))
        .route("/if/admin/mappings/{id}/preview/", post(mapping::preview))
        .route("/if/admin/mappings/{id}/delete/", post(mapping::delete))
}
