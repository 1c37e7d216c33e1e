//! Answers, brought down to what two servers can have in common.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use doorward_e2e::html;
use reqwest::{Response, Url, header};
use serde_json::Value;

use crate::request::Request;

/// What is compared, by name.
pub(crate) type Facets = BTreeMap<&'static str, String>;

/// An answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) facets: Facets,
    /// The button of a page that asks for something, and its form.
    pub(crate) asks: Option<&'static str>,
    pub(crate) form: Option<html::Form>,
}

impl Answer {
    fn insert(&mut self, name: &'static str, value: String) {
        self.facets.insert(name, value);
    }
}

/// What only Doorward has: OpenID Connect Session Management 1.0, section 2.
const LEFT_OUT: [&str; 2] = ["error_description", "session_state"];

/// Values that stand in an answer as they were asked for, so that they are compared and not only named.
const COMPARED: [&str; 4] = ["error", "state", "token_type", "active"];

/// What both servers' answers are measured by.
#[derive(Debug)]
pub(crate) struct Measure<'a> {
    pub(crate) request: &'a Request,
    pub(crate) issuer: &'a str,
}

impl Measure<'_> {
    /// An answer that ends the way of a request.
    ///
    /// # Errors
    /// When its body cannot be read.
    pub(crate) async fn take(&self, response: Response) -> Result<Answer> {
        let mut answer = Answer::default();
        answer.insert("status", response.status().as_u16().to_string());
        self.take_headers(&response, &mut answer);
        let (url, location) = (response.url().clone(), location(&response)?);
        let kind = answer.facets.get("type").cloned().unwrap_or_default();
        let body = response.text().await?;
        if ["404", "405"].contains(&answer.facets.get("status").map_or("", String::as_str)) {
            // Frameworks say this, not what is compared.
            answer.facets = Facets::from([("status", "no such method".to_owned())]);
            return Ok(answer);
        }
        if let Some(location) = location {
            self.take_redirect(&url, &location, &mut answer);
        } else if kind == "text/html" {
            self.take_page(&body, &mut answer);
        } else if let Ok(json) = serde_json::from_str::<Value>(&body) {
            self.take_json(&json, &mut answer);
        } else if !body.is_empty() {
            answer.insert("body", kind);
        }
        Ok(answer)
    }

    fn take_headers(&self, response: &Response, answer: &mut Answer) {
        let value = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let kind = value(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
        // A redirect's body is nobody's to read.
        if !response.status().is_redirection() && response.content_length() != Some(0) {
            answer.insert("type", kind.to_owned());
        }
        if value(header::CACHE_CONTROL).is_some_and(|value| value.contains("no-store")) {
            answer.insert("cache", "no-store".to_owned());
        }
        if let Some(challenge) = value(header::WWW_AUTHENTICATE) {
            answer.insert("challenge", challenge_of(challenge));
        }
        if self.request.headers.iter().any(|(name, _)| name == "origin") {
            answer.insert("cors", value(header::ACCESS_CONTROL_ALLOW_ORIGIN).unwrap_or("closed").to_owned());
        }
    }

    fn take_redirect(&self, from: &Url, to: &Url, answer: &mut Answer) {
        let mut place = to.clone();
        place.set_query(None);
        place.set_fragment(None);
        let is_own = place.origin() == from.origin();
        answer.insert("leads to", if is_own { place.path().to_owned() } else { place.to_string() });
        let fragment = to.fragment().unwrap_or_default();
        let by = if fragment.is_empty() { "query" } else { "fragment" };
        let pairs = if fragment.is_empty() { to.query().unwrap_or_default() } else { fragment };
        answer.insert("by", by.to_owned());
        let pairs = Url::parse(&format!("x:?{pairs}")).map(|url| url.query_pairs().into_owned().collect::<Vec<_>>());
        self.take_pairs(&pairs.unwrap_or_default(), answer);
    }

    fn take_page(&self, body: &str, answer: &mut Answer) {
        let forms = html::forms(body);
        if let Some(form) = forms.iter().find(|form| form.action.starts_with("https://client.example")) {
            answer.insert("by", "form_post".to_owned());
            answer.insert("leads to", form.action.clone());
            return self.take_pairs(&form.fields, answer);
        }
        for asks in ["sign-in", "allow", "confirm-sign-out"] {
            if let Some(form) = html::form_with_button(body, asks) {
                answer.insert("asks", asks.to_owned());
                (answer.asks, answer.form) = (Some(asks), Some(form));
                // The page itself is the test's own at oidc-provider.
                answer.facets.remove("cache");
                return;
            }
        }
    }

    fn take_pairs(&self, pairs: &[(String, String)], answer: &mut Answer) {
        let kept = pairs.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        let mut names: Vec<_> = kept.map(|(name, value)| self.shown(name, value)).collect();
        names.sort();
        answer.insert("parameters", names.join(" "));
    }

    fn take_json(&self, json: &Value, answer: &mut Answer) {
        if let Some(member) = &self.request.member {
            let mut value = json.get(member).cloned().unwrap_or_default();
            if let Some(list) = value.as_array_mut() {
                list.sort_by_key(Value::to_string);
            }
            answer.insert("member", value.to_string());
            return;
        }
        let Some(object) = json.as_object() else { return };
        if object.is_empty() {
            // As good as nothing.
            answer.facets.remove("type");
            return;
        }
        let kept = object.iter().filter(|(name, _)| !["error_description", "scope"].contains(&name.as_str()));
        let mut names: Vec<_> = kept
            .map(|(name, value)| self.shown(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        names.sort();
        answer.insert("members", names.join(" "));
    }

    fn shown(&self, name: &str, value: &str) -> String {
        if name == "iss" && value != self.issuer {
            format!("iss={value}")
        } else if COMPARED.contains(&name) {
            format!("{name}={value}")
        } else {
            name.to_owned()
        }
    }
}

/// Where a redirect leads.
///
/// # Errors
/// When that is no address.
pub(crate) fn location(response: &Response) -> Result<Option<Url>> {
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).context("a redirect to nowhere")?.to_str()?;
    Ok(Some(response.url().join(location)?))
}

/// Scheme and error of a challenge, which Basic does not have (RFC 7617); realms and descriptions are each server's own.
fn challenge_of(challenge: &str) -> String {
    let scheme = challenge.split(' ').next().unwrap_or_default();
    let error = challenge.split_once("error=\"").and_then(|(_, rest)| rest.split('"').next());
    let error = error.filter(|_| !scheme.eq_ignore_ascii_case("basic"));
    error.map_or_else(|| scheme.to_owned(), |error| format!("{scheme} {error}"))
}
