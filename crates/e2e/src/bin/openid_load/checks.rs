//! What must stand in answers. Signatures are not verified: that would cost the load more than the server.

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use serde_json::Value;

/// A text member of JSON.
///
/// # Errors
/// When there is none.
pub(crate) fn text<'a>(json: &'a Value, name: &str) -> Result<&'a str> {
    json.get(name).and_then(Value::as_str).with_context(|| format!("no text {name:?} in {json}"))
}

/// Makes sure that a member is what it must be.
///
/// # Errors
/// When it is something else.
pub(crate) fn same(json: &Value, name: &str, wanted: &str) -> Result<()> {
    let came = text(json, name)?;
    ensure!(came == wanted, "{name} must be {wanted:?}, but it is {came:?}");
    Ok(())
}

/// The claims of a signed token whose header names the algorithm.
///
/// # Errors
/// When it is none.
pub(crate) fn claims(token: &str, algorithm: &str) -> Result<Value> {
    let mut parts = token.split('.');
    let mut part = || -> Result<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next().context("a token of less than three parts")?)?;
        Ok(serde_json::from_slice(&bytes)?)
    };
    same(&part()?, "alg", algorithm)?;
    let claims = part()?;
    ensure!(parts.next().is_some_and(|signature| !signature.is_empty()), "a token without signature");
    Ok(claims)
}

/// A parameter of an answer that came by redirect.
///
/// # Errors
/// When it leads elsewhere, or has no such parameter.
pub(crate) fn parameter(location: &str, redirect_uri: &str, name: &str) -> Result<String> {
    ensure!(location.starts_with(redirect_uri), "the redirect leads to {location}");
    let url = Url::parse(location)?;
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned()).with_context(|| format!("no {name} in {location}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiLDpCJ9.AA";
        assert_eq!(claims(token, "ES256").unwrap(), serde_json::json!({ "sub": "ä" }));
        assert!(claims(token, "RS256").is_err());
    }
}
