//! Authorization requests.

use doorward_core::random;

use crate::{
    support::OAuthClient,
    variant::{ResponseMode, Variant},
};

/// Where the suite takes answers; its alias is `doorward`.
pub(crate) const CALLBACK: &str = "https://suite.example.org/test/a/doorward/callback";

/// The parameters of a request, in their order.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationRequest(pub Vec<(String, String)>);

impl AuthorizationRequest {
    /// What every module begins with: `openid`, a `state` and a `nonce` of ten characters, the variant's response type.
    pub(crate) fn new(client: &OAuthClient, variant: Variant) -> Self {
        let request = Self(Vec::new())
            .with("client_id", &client.client_id)
            .with("redirect_uri", CALLBACK)
            .with("scope", "openid")
            .with("state", &random::alphanumeric(10))
            .with("nonce", &random::alphanumeric(10))
            .with("response_type", variant.response_type.value());
        match variant.mode {
            ResponseMode::Default => request,
            ResponseMode::FormPost => request.with("response_mode", "form_post"),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Sets a parameter, in its place if it is there.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(found, _)| found == name) {
            Some(parameter) => parameter.1 = value.to_owned(),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(found, _)| found != name);
        self
    }

    /// The longest `state` the suite sends: everything that need not be encoded.
    pub(crate) fn with_long_state(self) -> Self {
        let state = random::alphanumeric(124) + "-._~";
        self.with("state", &state)
    }

    pub(crate) fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}
