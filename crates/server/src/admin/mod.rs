//! Administration pages: one file per page, all for administrators only.

use axum::Router;

use crate::app::App;

/// The routes below `/if/admin/`.
pub fn routes() -> Router<App> {
    Router::new()
}
