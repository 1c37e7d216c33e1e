//! How answers to authorization requests travel back: one file per response mode, always with `state` and `iss`
//! (RFC 9207).

mod form_post;
mod fragment;
pub mod query;

use axum::response::Response;
use doorward_protocols::oauth::{error::OAuthError, response_mode::ResponseMode};

use crate::{app::App, auth::sign_in::see_other, http::visitor::Visitor, snapshot::Client};

/// What an answer says: names and values, in the order in which they are sent.
pub type AnswerParameters = Vec<(&'static str, String)>;

/// Where an answer goes. The redirect URI was checked before.
#[derive(Debug, Clone)]
pub struct Destination<'a> {
    /// The application.
    pub client: &'a Client,
    /// The checked redirect URI.
    pub redirect_uri: &'a str,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// Returned as it came.
    pub state: Option<&'a str>,
}

impl Destination<'_> {
    /// Sends an answer.
    pub fn answer(&self, app: &App, visitor: Option<&Visitor>, parameters: AnswerParameters) -> Response {
        self.send(app, visitor, parameters)
    }

    /// Sends an error (RFC 6749, section 4.1.2.1), with the code under which the log says more. Nothing else goes with it.
    pub fn error(&self, app: &App, visitor: Option<&Visitor>, error: &OAuthError, reference: &str) -> Response {
        let description = format!("{} (reference {reference})", error.description);
        self.send(app, visitor, vec![("error", error.code.as_str().to_owned()), ("error_description", description)])
    }

    fn send(&self, app: &App, visitor: Option<&Visitor>, mut parameters: AnswerParameters) -> Response {
        if let Some(state) = self.state {
            parameters.push(("state", state.to_owned()));
        }
        parameters.push(("iss", self.client.issuer.clone()));
        // 303 and never 307: the browser is not to post anywhere else what it posted here (RFC 9700, section 4.12).
        match self.mode {
            ResponseMode::Query => see_other(&query::with_query(self.redirect_uri, &parameters)),
            ResponseMode::Fragment => see_other(&fragment::with_fragment(self.redirect_uri, &parameters)),
            ResponseMode::FormPost => form_post::page(app, visitor, self.redirect_uri, &parameters),
        }
    }
}
