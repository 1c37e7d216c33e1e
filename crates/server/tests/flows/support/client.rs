//! The client side of OAuth, as NetBox plays it.

use axum::{Router, body::Body, extract::Request};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_server::{http::slashes, snapshot::Client};
use serde_json::{Map, Value};
use std::sync::Arc;
use tower::ServiceExt;

use super::{Browser, CALLBACK, Page};

#[derive(Clone)]
pub(crate) struct OAuthClient {
    pub router: Router,
    pub slug: String,
    pub client_id: String,
    pub secret: String,
    pub issuer: String,
}

/// What the token endpoint answered.
#[derive(Debug, Clone)]
pub(crate) struct TokenAnswer {
    pub status: u16,
    pub json: Value,
    pub page: Page,
}

impl TokenAnswer {
    pub(crate) fn text(&self, name: &str) -> String {
        self.json[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.json)).to_owned()
    }

    pub(crate) fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or("no error")
    }

    /// Claims of a token, not verified.
    pub(crate) fn claims(&self, token: &str) -> Map<String, Value> {
        claims_of(&self.text(token))
    }
}

/// Claims of a token, not verified.
pub(crate) fn claims_of(token: &str) -> Map<String, Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

impl OAuthClient {
    pub(crate) fn new(router: Router, client: &Arc<Client>) -> Self {
        Self {
            router,
            slug: client.application.profile.slug.clone(),
            client_id: client.provider.profile.client_id.clone(),
            secret: client.provider.client_secret.expose().clone(),
            issuer: client.issuer.clone(),
        }
    }

    /// The address of an authorization request, as NetBox makes it, with more parameters.
    pub(crate) fn authorize(&self, more: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
        ];
        fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        fields.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("/application/o/authorize/?{query}")
    }

    /// A code, from a browser that is signed in and needs no consent.
    pub(crate) async fn code(&self, browser: &mut Browser, more: &[(&str, &str)]) -> String {
        let page = browser.get(&self.authorize(more)).await;
        page.redirect_parameter("code")
            .unwrap_or_else(|| panic!("no code: {} {} {}", page.status, page.location(), page.body))
    }

    /// Sends a token request with HTTP Basic, as NetBox does.
    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> TokenAnswer {
        let basic = STANDARD.encode(format!("{}:{}", self.client_id, self.secret));
        self.send("/application/o/token/", Some(&format!("Basic {basic}")), fields).await
    }

    /// Exchanges a code.
    pub(crate) async fn exchange(&self, code: &str) -> TokenAnswer {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]).await
    }

    /// Exchanges a refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> TokenAnswer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Asks userinfo with a token in the header.
    pub(crate) async fn userinfo(&self, token: &str) -> Page {
        let request = Request::get("/application/o/userinfo/").header("authorization", format!("Bearer {token}"));
        Page::read(self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
    }

    /// GET without cookies.
    pub(crate) async fn get(&self, path: &str) -> Page {
        let request = slashes::merge(Request::get(path).body(Body::empty()).unwrap());
        Page::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub(crate) async fn send(&self, path: &str, authorization: Option<&str>, fields: &[(&str, &str)]) -> TokenAnswer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Body::from(body)).unwrap();
        let page = Page::read(self.router.clone().oneshot(request).await.unwrap()).await;
        TokenAnswer { status: page.status, json: page.json(), page }
    }
}
