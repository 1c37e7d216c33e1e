//! Rendering pages from the templates that are part of the binary.

pub mod app_passwords;
mod assets;

pub use assets::serve as serve_asset;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::problem::Problems;
use jiff::Timestamp;
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use rust_embed::RustEmbed;
use serde_json::{Value, json};

use crate::{app::App, http::visitor::Visitor};

#[derive(RustEmbed)]
#[folder = "../../templates"]
struct Templates;

/// The templates, read and checked once.
pub struct Pages {
    environment: Environment<'static>,
    asset_version: String,
}

impl Pages {
    /// Reads all templates. One that cannot be read is missing, which a test notices.
    pub fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for name in Templates::iter() {
            let source = Templates::get(&name).and_then(|file| String::from_utf8(file.data.into_owned()).ok());
            if let Some(source) = source
                && let Err(error) = environment.add_template_owned(name.to_string(), source)
            {
                tracing::error!(%name, %error, "a template cannot be read");
            }
        }
        Self { environment, asset_version: assets::version() }
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self::new()
    }
}

/// Renders a page. `context` is a map; what every page needs is added to it.
pub fn page(app: &App, visitor: Option<&Visitor>, template: &str, context: Value) -> Response {
    let mut common = json!({
        "asset_version": app.pages.asset_version,
        "csrf": visitor.map(|visitor| visitor.csrf.as_str()).unwrap_or_default(),
        "viewer": visitor.and_then(|visitor| visitor.signed_in.as_ref()).map(|signed_in| json!({
            "username": signed_in.user.profile.username,
            "name": if signed_in.user.profile.name.is_empty() { &signed_in.user.profile.username } else { &signed_in.user.profile.name },
            "is_admin": signed_in.person.is_superuser,
        })),
        "public_url": app.config.public_url.as_str(),
        "insecure": app.config.public_url.is_insecure(),
        "base": "",
        "nav": "",
        "notice": null,
        "errors": [],
    });
    if let (Value::Object(common), Value::Object(own)) = (&mut common, context) {
        common.extend(own);
    }
    match render(&app.pages, template, common) {
        Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => {
            tracing::error!(template, %error, "a page cannot be rendered");
            let text = "Doorward could not show this page. The log says why.";
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

fn render(pages: &Pages, template: &str, context: Value) -> Result<String, minijinja::Error> {
    pages.environment.get_template(template)?.render(minijinja::Value::from(Serde(context)))
}

/// Problems as the templates show them.
pub fn errors(problems: &Problems) -> Value {
    json!(problems.0)
}

/// A moment, for people.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The letter shown where an application has no icon.
pub fn monogram(name: &str) -> String {
    name.trim().chars().next().map_or_else(|| "?".to_owned(), |c| c.to_uppercase().to_string())
}
