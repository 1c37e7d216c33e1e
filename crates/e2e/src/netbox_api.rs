//! NetBox's REST API, as its administrator and its users use it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::environment;

/// Somebody with an API token.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    authorization: String,
    client: Client,
}

impl Api {
    /// Somebody with a token of either version.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: &str, token: &str) -> Result<Self> {
        environment::choose_crypto();
        let scheme = if token.starts_with("nbt_") { "Bearer" } else { "Token" };
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            authorization: format!("{scheme} {token}"),
            client: Client::builder().timeout(Duration::from_mins(1)).build()?,
        })
    }

    /// Any request; status and answer.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn request(&self, method: Method, path: &str, body: &Value) -> Result<(u16, Value)> {
        let mut request = self.client.request(method, format!("{}/api/{path}", self.base));
        request = request.header("authorization", &self.authorization).header("accept", "application/json");
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.unwrap_or(Value::Null)))
    }

    /// Reads.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let (status, answer) = self.request(Method::GET, path, &Value::Null).await?;
        ensure!(status == 200, "GET {path}: {status} {answer}");
        Ok(answer)
    }

    /// Adds something; its number.
    ///
    /// # Errors
    /// When it is not made.
    pub async fn add(&self, path: &str, body: &Value) -> Result<i64> {
        let (status, answer) = self.request(Method::POST, path, body).await?;
        ensure!(status == 201, "POST {path}: {status} {answer}");
        answer.get("id").and_then(Value::as_i64).context("what was made has no number")
    }

    /// Adds an account that nobody signs in with.
    ///
    /// # Errors
    /// When it is not made.
    pub async fn add_user(&self, username: &str) -> Result<i64> {
        self.add("users/users/", &json!({ "username": username, "password": "Never-Typed-By-Anybody-1" })).await
    }

    /// Adds an API token of version 2 for somebody; its number and the token.
    ///
    /// # Errors
    /// When it is not made.
    pub async fn add_token(&self, user: i64) -> Result<(i64, String)> {
        let (status, made) = self.request(Method::POST, "users/tokens/", &json!({ "user": user })).await?;
        ensure!(status == 201, "POST users/tokens/: {status} {made}");
        let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned);
        let (key, token) = (text("key").context("no key")?, text("token").context("no token")?);
        let whole = if token.starts_with("nbt_") { token } else { format!("nbt_{key}.{token}") };
        Ok((made.get("id").and_then(Value::as_i64).context("no number")?, whole))
    }
}
