//! How answers to authorization requests travel back: by redirect or by form post, always with `iss` (RFC 9207).

use axum::response::Response;
use doorward_protocols::oauth::{authorize::ResponseMode, error::OAuthError};
use serde_json::json;
use url::Url;

use super::session_state;
use crate::{
    app::App,
    auth::sign_in::see_other,
    http::{headers::lead_out, visitor::Visitor},
    pages,
    snapshot::Client,
};

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
    /// Sends a code; to clients that speak OpenID Connect with the state of the browser's session.
    pub fn code(&self, app: &App, visitor: &Visitor, code: &str, is_openid: bool) -> Response {
        let mut parameters = vec![("code", code.to_owned())];
        let state = || session_state::of_answer(app, visitor, self.client, self.redirect_uri);
        parameters.extend(is_openid.then(state).flatten().map(|state| ("session_state", state)));
        self.send(app, visitor, parameters)
    }

    /// Sends an error (RFC 6749, section 4.1.2.1), with the code under which the log says more.
    pub fn error(&self, app: &App, visitor: &Visitor, error: &OAuthError, reference: &str) -> Response {
        let description = format!("{} (reference {reference})", error.description);
        self.send(app, visitor, vec![("error", error.code.as_str().to_owned()), ("error_description", description)])
    }

    fn send(&self, app: &App, visitor: &Visitor, mut parameters: Vec<(&'static str, String)>) -> Response {
        if let Some(state) = self.state {
            parameters.push(("state", state.to_owned()));
        }
        parameters.push(("iss", self.client.issuer.clone()));
        match self.mode {
            ResponseMode::Query => see_other(&with_query(self.redirect_uri, &parameters)),
            ResponseMode::FormPost => {
                let fields: Vec<_> =
                    parameters.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
                let context = json!({ "action": self.redirect_uri, "fields": fields });
                lead_out(pages::page(app, Some(visitor), "form_post.html", context))
            }
        }
    }
}

/// An address with parameters added to its query; what stands there already stays as it is.
pub fn with_query(uri: &str, parameters: &[(&'static str, String)]) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    url.query_pairs_mut().extend_pairs(parameters);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_queries_stay_and_values_are_encoded() {
        let parameters = [("state", "a b&c#d".to_owned())];
        assert_eq!(
            with_query("https://a.example/cb?x=1%2F2", &parameters),
            "https://a.example/cb?x=1%2F2&state=a+b%26c%23d"
        );
        assert_eq!(with_query("com.example.app:/cb", &parameters), "com.example.app:/cb?state=a+b%26c%23d");
    }
}
