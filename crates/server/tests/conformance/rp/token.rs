//! The token and userinfo endpoints.

use axum::{body::Body, extract::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use tower::ServiceExt;

use super::{CALLBACK, Run, answer::check_description, claims::check_standard_claims, entropy};
use crate::support::{OAuthClient, Page, TokenAnswer};

/// How a client says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authentication {
    Basic,
    Post,
}

impl Run {
    /// A token request, authenticated.
    pub(crate) async fn token(
        &self,
        client: &OAuthClient,
        authentication: Authentication,
        fields: &[(&str, &str)],
    ) -> TokenAnswer {
        let endpoint = self.endpoint("token_endpoint");
        match authentication {
            Authentication::Basic => {
                let (id, secret) = (form_encoded(&client.client_id), form_encoded(&client.secret));
                let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
                client.send(&endpoint, Some(&basic), fields).await
            }
            Authentication::Post => {
                let mut all = fields.to_vec();
                all.extend([("client_id", client.client_id.as_str()), ("client_secret", &client.secret)]);
                client.send(&endpoint, None, &all).await
            }
        }
    }

    /// Exchanges a code.
    pub(crate) async fn exchange(
        &self,
        client: &OAuthClient,
        authentication: Authentication,
        code: &str,
        more: &[(&str, &str)],
    ) -> TokenAnswer {
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        fields.extend(more);
        self.token(client, authentication, &fields).await
    }

    /// Asks userinfo with the token in the header; it must answer.
    pub(crate) async fn userinfo(&self, method: &str, token: &str) -> Map<String, Value> {
        let request = Request::builder()
            .method(method)
            .uri(self.endpoint("userinfo_endpoint"))
            .header("authorization", format!("Bearer {token}"));
        check_userinfo(&self.send(request.body(Body::empty()).unwrap()).await)
    }

    /// Asks userinfo with the token in the form.
    pub(crate) async fn userinfo_by_form(&self, token: &str) -> Map<String, Value> {
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("access_token", token).finish();
        let request = Request::post(self.endpoint("userinfo_endpoint"))
            .header("content-type", "application/x-www-form-urlencoded");
        check_userinfo(&self.send(request.body(Body::from(body)).unwrap()).await)
    }

    /// A token that is dead: 401, and why, not a page (RFC 6750, section 3.1).
    pub(crate) async fn check_token_is_dead(&self, token: &str) {
        let request =
            Request::get(self.endpoint("userinfo_endpoint")).header("authorization", format!("Bearer {token}"));
        let page = self.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, 401, "{}", page.body);
        assert!(page.header("www-authenticate").contains("error=\"invalid_token\""), "{:?}", page.headers);
    }

    async fn send(&self, request: Request) -> Page {
        Page::read(self.op.router.clone().oneshot(request).await.unwrap()).await
    }
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A good answer of the token endpoint (RFC 6749, section 5.1).
#[track_caller]
pub(crate) fn check_tokens(answer: &TokenAnswer) {
    assert_eq!(answer.status, 200, "{}", answer.json);
    check_headers(&answer.page);
    check_access_token(&answer.text("access_token"));
    assert!(answer.text("token_type").eq_ignore_ascii_case("bearer"));
    assert!(answer.json["expires_in"].as_i64().is_some_and(|seconds| seconds > 0), "{}", answer.json);
    if let Some(token) = answer.json.get("refresh_token") {
        let token = token.as_str().unwrap();
        assert!(token.len() * 8 >= 128 && entropy(token) > 96.0, "weak refresh token");
        check_token_characters(token);
    }
}

/// A refusal of the token endpoint: its code (RFC 6749, section 5.2).
#[track_caller]
pub(crate) fn check_token_error(answer: &TokenAnswer) -> &str {
    assert_eq!(answer.status, 400, "{}", answer.json);
    check_headers(&answer.page);
    if let Some(description) = answer.json.get("error_description") {
        check_description(description.as_str().unwrap());
    }
    answer.error()
}

#[track_caller]
fn check_headers(page: &Page) {
    assert!(page.header("content-type").starts_with("application/json"));
    assert!(page.header("cache-control").contains("no-store"));
    assert_eq!(page.header("pragma"), "no-cache");
}

#[track_caller]
pub(crate) fn check_access_token(token: &str) {
    assert!(token.len() * 8 >= 128 && entropy(token) > 96.0, "weak access token");
    check_token_characters(token);
}

/// RFC 6749, appendices A.12 and A.17.
#[track_caller]
fn check_token_characters(token: &str) {
    assert!(token.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{token:?}");
}

#[track_caller]
fn check_userinfo(page: &Page) -> Map<String, Value> {
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.header("content-type").starts_with("application/json"));
    let Value::Object(claims) = page.json() else { panic!("{}", page.body) };
    assert!(claims.get("sub").is_some_and(Value::is_string), "{claims:?}");
    check_standard_claims(&claims);
    claims
}
