//! A whole sign-in with everything that the suite checks of every one of them.

use serde_json::{Map, Value};

use super::{
    Run,
    answer::Answer,
    browse::Visit,
    id_token::{Signed, half_hash},
    request::AuthorizationRequest,
    token::{Authentication, check_tokens},
};
use crate::support::{OAuthClient, TokenAnswer};

/// What a sign-in gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The sign-in form was shown.
    pub signed_in: bool,
    /// Consent was asked for.
    pub consented: bool,
    /// What came back to the redirect URI.
    pub answer: Answer,
    /// The ID token of the authorization endpoint.
    front: Option<Signed>,
    /// The ID token of the token endpoint.
    back: Option<Signed>,
    /// What the token endpoint answered.
    pub tokens: Option<TokenAnswer>,
    /// The last word of userinfo, if there was an access token.
    pub userinfo: Option<Map<String, Value>>,
}

impl Outcome {
    /// The ID token: that of the token endpoint, if there are two.
    pub(crate) fn id_token(&self) -> &Signed {
        self.back.as_ref().or(self.front.as_ref()).unwrap()
    }

    /// All ID tokens.
    pub(crate) fn id_tokens(&self) -> impl Iterator<Item = &Signed> {
        self.front.iter().chain(&self.back)
    }

    /// The access token: that of the token endpoint, if there are two.
    pub(crate) fn access_token(&self) -> Option<String> {
        let back = self.tokens.as_ref().map(|tokens| tokens.text("access_token"));
        back.or_else(|| self.answer.get("access_token").map(str::to_owned))
    }
}

impl Run {
    /// Signs in with the first client.
    pub(crate) async fn flow(&mut self, request: &AuthorizationRequest) -> Outcome {
        let client = self.client.clone();
        let visit = self.authorize(request).await;
        self.finish(&client, Authentication::Basic, request, visit, &[]).await
    }

    /// Checks the answer, exchanges the code and asks userinfo, as far as the response type gives something for it.
    pub(crate) async fn finish(
        &mut self,
        client: &OAuthClient,
        authentication: Authentication,
        request: &AuthorizationRequest,
        visit: Visit,
        more: &[(&str, &str)],
    ) -> Outcome {
        let (signed_in, consented) = (visit.signed_in, visit.consented);
        let answer = visit.answer();
        self.check_success(request, &answer);
        let mut outcome = Outcome {
            signed_in,
            consented,
            front: None,
            back: None,
            tokens: None,
            userinfo: None,
            answer: answer.clone(),
        };
        if self.response_type().has_id_token() {
            let token = self.check_id_token(client, answer.text("id_token"), request.get("nonce"));
            check_hashes(&token, &answer);
            outcome.front = Some(token);
        }
        if let Some(token) = answer.get("access_token") {
            outcome.userinfo = Some(self.userinfo("GET", token).await);
        }
        if let Some(code) = answer.get("code") {
            let tokens = self.exchange(client, authentication, code, more).await;
            check_tokens(&tokens);
            let id_token = self.check_id_token(client, &tokens.text("id_token"), request.get("nonce"));
            // Optional here, but right if they are there (section 3.3.3.6).
            let right = half_hash(&tokens.text("access_token"));
            assert!(id_token.claims.get("at_hash").is_none_or(|found| *found == right));
            assert!(id_token.claims.get("c_hash").is_none_or(|found| *found == half_hash(code)));
            outcome.userinfo = Some(self.userinfo("GET", &tokens.text("access_token")).await);
            outcome.back = Some(id_token);
            outcome.tokens = Some(tokens);
        }
        for token in outcome.id_tokens() {
            assert_eq!(
                (token.text("iss"), token.text("sub")),
                (outcome.id_token().text("iss"), outcome.id_token().text("sub"))
            );
            if let Some(userinfo) = &outcome.userinfo {
                assert_eq!(userinfo["sub"], token.text("sub"));
            }
        }
        outcome
    }
}

/// `at_hash` and `c_hash` stand in an ID token that came through the browser, beside what they are of, and are right
/// (OpenID Connect Core 1.0, sections 3.2.2.10 and 3.3.2.11).
#[track_caller]
fn check_hashes(token: &Signed, answer: &Answer) {
    match answer.get("access_token") {
        Some(access_token) => assert_eq!(token.text("at_hash"), half_hash(access_token)),
        None => token.has_none_of(&["at_hash"]),
    }
    match answer.get("code") {
        Some(code) => assert_eq!(token.text("c_hash"), half_hash(code)),
        None => token.has_none_of(&["c_hash"]),
    }
}
