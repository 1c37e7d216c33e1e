//! Forward auth: proxies ask here about every request to a protected host, and browsers come here to sign in to it.
//!
//! Each kind of proxy has an adapter ([`nginx`], [`traefik`], [`caddy`], [`envoy`]) that says where the original URL stands
//! and what shape an answer has. What the answer is, [`check`] decides for all of them.

mod answer;
pub mod caddy;
pub mod callback;
pub mod check;
pub mod client;
mod cookie;
mod diagnosis;
pub mod envoy;
mod forwarded;
mod header_auth;
mod identity;
pub mod left_out;
pub mod nginx;
mod page;
mod session;
pub mod sign_out;
pub mod start;
mod state;
pub mod traefik;
mod visit;

use axum::http::StatusCode;

/// `GET /outpost.goauthentik.io/ping`: Doorward answers at this host.
pub async fn ping() -> StatusCode {
    StatusCode::NO_CONTENT
}
