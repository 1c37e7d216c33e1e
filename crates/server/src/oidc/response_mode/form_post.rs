//! `response_mode=form_post`: as a form that the browser posts (OAuth 2.0 Form Post Response Mode).

use axum::response::Response;
use serde_json::json;

use crate::{
    app::App,
    http::{headers::lead_out, visitor::Visitor},
    pages,
};

/// The page. Its script presses the button; without scripts the person does.
///
/// The policy of the page does not name the address, since Chromium holds the redirects that follow a form against
/// `form-action` as well, and an application may send people on to another host. Where the form leads was checked like every
/// redirect URI (CVE-2024-21637).
pub(super) fn page(
    app: &App,
    visitor: Option<&Visitor>,
    action: &str,
    parameters: &[(&'static str, String)],
) -> Response {
    let fields: Vec<_> = parameters.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let context = json!({ "action": action, "fields": fields, "lead": "You are being taken back to the application." });
    lead_out(pages::page(app, visitor, "form_post.html", context))
}
