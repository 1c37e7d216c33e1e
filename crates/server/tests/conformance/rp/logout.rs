//! The end session endpoint.

use doorward_core::random;

use super::{
    Run,
    answer::{Answer, Carried},
    html,
};
use crate::support::Page;

/// Where the suite wants to be after signing out.
pub(crate) const POST_LOGOUT: &str = "https://suite.example.org/test/a/doorward/post_logout_redirect";

/// A request to sign out.
#[derive(Debug, Clone)]
pub(crate) struct EndSession {
    pub id_token_hint: Option<String>,
    pub post_logout_redirect_uri: Option<String>,
    pub state: Option<String>,
}

impl EndSession {
    /// All that the suite sends unless a module leaves something out.
    pub(crate) fn new(id_token: &str) -> Self {
        Self {
            id_token_hint: Some(id_token.to_owned()),
            post_logout_redirect_uri: Some(POST_LOGOUT.to_owned()),
            state: Some(random::alphanumeric(124) + "-._~"),
        }
    }

    fn query(&self) -> String {
        let fields = [
            ("id_token_hint", &self.id_token_hint),
            ("post_logout_redirect_uri", &self.post_logout_redirect_uri),
            ("state", &self.state),
        ];
        let sent = fields.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish()
    }
}

impl Run {
    /// Opens the end session endpoint; what is shown, or where the browser was sent.
    pub(crate) async fn end_session(&mut self, request: &EndSession) -> Page {
        let target = format!("{}?{}", self.endpoint("end_session_endpoint"), request.query());
        self.browser.get(target.trim_end_matches('?')).await
    }

    /// Presses the button of the page that asks, if the page asks.
    pub(crate) async fn confirm(&mut self, page: Page) -> Page {
        match html::form_with(&page.body, "confirm-sign-out") {
            Some(form) => self.submit(&form, "confirm-sign-out").await,
            None => page,
        }
    }

    /// Whether a silent sign-in still works; if not, it is refused as it should be.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        let request = self.request().with_long_state().with("prompt", "none");
        let answer = self.authorize(&request).await.answer();
        if answer.get("error").is_none() {
            return true;
        }
        let error = self.check_error(&request, &answer);
        assert!(NEEDS_A_PAGE.contains(&error), "{error}");
        false
    }
}

/// Back at the suite: `state` as it was sent or not at all, and nothing else.
#[track_caller]
pub(crate) fn check_returned(location: &str, request: &EndSession) {
    let answer = Answer::of_redirect(location);
    assert_eq!((answer.carried, answer.target.as_str()), (Carried::Query, POST_LOGOUT));
    answer.has_only(&["state"]);
    assert_eq!(answer.get("state"), request.state.as_deref());
}

/// A page, whatever is on it, and no redirect to anywhere.
#[track_caller]
pub(crate) fn check_stays(page: &Page) {
    assert_eq!((page.location(), page.header("refresh")), ("", ""));
    assert!(page.header("content-type").starts_with("text/html") && !page.body.contains("id=\"form-post\""));
}

/// What `prompt=none` may be refused with (OpenID Connect Core 1.0, section 3.1.2.6).
pub(crate) const NEEDS_A_PAGE: [&str; 4] =
    ["login_required", "interaction_required", "consent_required", "account_selection_required"];
