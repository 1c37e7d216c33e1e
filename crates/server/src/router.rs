//! Every route of the server, in one flat list.

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    middleware,
    response::Response,
    routing::{any, get, post},
};
use tower::ServiceBuilder;

use crate::{
    app::App,
    auth::{code_page, setup_page, sign_in, sign_out},
    http::{
        error_page::ErrorPage,
        form::FORM_MAX,
        headers,
        visitor::{self, CurrentVisitor},
    },
    oidc::{
        authorize, check_session, consent, device, device_authorization, discovery, end_session, introspect, revoke,
        token, userinfo, webfinger,
    },
    pages, portal, proxy, setup,
};
use doorward_store as store;

/// The routes, ready to serve. Paths must have their repeated slashes merged before they come here.
pub fn router(app: App) -> Router {
    // Who is asking is looked up for these.
    let people = Router::new()
        .route("/", get(home))
        .route("/setup", get(setup_page::show).post(setup_page::submit))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-in/code", get(code_page::show).post(code_page::submit))
        .route("/sign-in/continue", get(sign_in::go_on_with_request).post(sign_in::go_on_with_long_request))
        .route("/sign-out", get(sign_out::show).post(sign_out::submit))
        .route("/consent", post(consent::submit))
        .route("/device", get(device::show).post(device::submit))
        .route("/if/user/", get(portal::show))
        .route("/if/user/security/", get(portal::security::show))
        .route("/if/user/security/app-passwords/add/", post(portal::security::add))
        .route("/if/user/security/app-passwords/{id}/delete/", post(portal::security::delete))
        .route("/if/user/security/password/", get(portal::password::show).post(portal::password::submit))
        .route("/if/user/security/authenticator/", get(portal::authenticator::show).post(portal::authenticator::set_up))
        .route("/if/user/security/authenticator/remove/", post(portal::authenticator::remove))
        .route("/application/launch/{slug}/", get(portal::launch))
        .route("/application/o/authorize/", get(authorize::get).post(authorize::post))
        .route("/application/o/end-session/", get(end_session::get).post(end_session::post))
        .route("/application/o/{slug}/end-session/", get(end_session::get).post(end_session::post))
        .merge(crate::admin::routes())
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), visitor::attach));
    let document = get(discovery::document).options(discovery::options);
    let global_document = get(discovery::global_document).options(discovery::options);
    // Not for these: programs call them, or everybody gets the same.
    let programs = Router::new()
        .route("/application/o/token/", post(token::post).options(token::options))
        .route("/application/o/device/", post(device_authorization::post))
        .route("/application/o/userinfo/", get(userinfo::serve).post(userinfo::serve).options(userinfo::options))
        .route("/application/o/introspect/", post(introspect::post))
        .route("/application/o/revoke/", post(revoke::post).options(revoke::options))
        .route("/application/o/{slug}/", get(discovery::issuer))
        .route("/application/o/{slug}/.well-known/openid-configuration", document.clone())
        .route("/application/o/{slug}/.well-known/oauth-authorization-server", document.clone())
        .route("/.well-known/oauth-authorization-server/application/o/{slug}", document.clone())
        .route("/.well-known/oauth-authorization-server/application/o/{slug}/", document.clone())
        .route("/.well-known/openid-configuration/application/o/{slug}", document.clone())
        .route("/.well-known/openid-configuration/application/o/{slug}/", document.clone())
        .route("/.well-known/openid-configuration", global_document.clone())
        .route("/.well-known/oauth-authorization-server", global_document.clone())
        .route("/.well-known/webfinger", get(webfinger::get))
        .route("/application/o/jwks/", get(discovery::global_jwks).options(discovery::options))
        .route("/application/o/check-session/", get(check_session::serve))
        .route("/application/o/{slug}/jwks/", get(discovery::jwks).options(discovery::options))
        .route("/application/o/{slug}/check-session/", get(check_session::serve))
        .route("/outpost.goauthentik.io/auth/nginx", any(proxy::nginx::serve))
        .route("/outpost.goauthentik.io/auth/traefik", any(proxy::traefik::serve))
        .route("/outpost.goauthentik.io/auth/caddy", any(proxy::caddy::serve))
        .route("/outpost.goauthentik.io/auth/envoy", any(proxy::envoy::serve))
        .route("/outpost.goauthentik.io/auth/envoy/", any(proxy::envoy::serve))
        .route("/outpost.goauthentik.io/auth/envoy/{*original}", any(proxy::envoy::serve))
        .route("/outpost.goauthentik.io/start", get(proxy::start::get))
        .route("/outpost.goauthentik.io/callback", get(proxy::callback::get))
        .route("/outpost.goauthentik.io/sign_out", get(proxy::sign_out::get))
        .route("/outpost.goauthentik.io/ping", get(proxy::ping))
        .route("/assets/{name}", get(pages::serve_asset))
        .route("/-/health/live/", get(live))
        .route("/-/health/ready/", get(ready));
    people
        .merge(programs)
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn_with_state(app.clone(), headers::add))
                .layer(DefaultBodyLimit::max(FORM_MAX)),
        )
        .with_state(app)
}

/// `GET /`.
async fn home(State(app): State<App>, visitor: CurrentVisitor) -> Response {
    match setup::setup_url(&app).await {
        Ok(Some(_)) => ErrorPage::not_set_up().render(&app, Some(&visitor)),
        Ok(None) => sign_in::see_other("/if/user/"),
        Err(error) => ErrorPage::store(&error).render(&app, Some(&visitor)),
    }
}

async fn not_found(State(app): State<App>, visitor: CurrentVisitor) -> Response {
    ErrorPage::not_found().render(&app, Some(&visitor))
}

/// `GET /-/health/live/`: the process answers.
async fn live() -> StatusCode {
    StatusCode::OK
}

/// `GET /-/health/ready/`: the database answers, too.
async fn ready(State(app): State<App>) -> StatusCode {
    match app.db.read(|tx| Box::pin(store::revision::snapshot(tx))).await {
        Ok(_) => StatusCode::OK,
        Err(error) => {
            tracing::warn!(%error, "not ready");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
