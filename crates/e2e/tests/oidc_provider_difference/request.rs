//! Requests, written as lines: a usual request, and what is changed in it.
//!
//! `authorize prompt=none -state @as=nobody` is the usual authorization request with another `prompt`, without `state`, by
//! somebody who is not signed in. `+name=value` gives a parameter once more. Values are encoded already, `~` in an option is a
//! space; what stands in braces is put in by [`crate::side::Side`], which makes codes and tokens as they are needed.

use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// A request that is still to be filled in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) endpoint: String,
    /// Name and encoded value; a parameter without `=` has no value.
    pub(crate) parameters: Vec<(String, Option<String>)>,
    /// Who asks: `alice`, `nobody`, or `leaver`, who is signed in for this request only.
    pub(crate) visitor: String,
    /// How a client says who it is: `basic:web`, `none`, or the header itself.
    pub(crate) authorization: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The member of a JSON document to compare, and no other.
    pub(crate) member: Option<String>,
}

/// Usual requests: method, endpoint, authorization and parameters.
const USUAL: [(&str, [&str; 4]); 11] = [
    (
        "authorize",
        [
            "GET",
            "authorize",
            "none",
            "response_type=code&client_id={web}&redirect_uri={callback}&scope=openid%20profile%20email&state=a-state\
             &nonce=a-nonce",
        ],
    ),
    ("code", ["POST", "token", "basic:web", "grant_type=authorization_code&code={code}&redirect_uri={callback}"]),
    ("refresh", ["POST", "token", "basic:web", "grant_type=refresh_token&refresh_token={refresh}"]),
    ("client_credentials", ["POST", "token", "basic:web", "grant_type=client_credentials"]),
    ("userinfo", ["GET", "userinfo", "Bearer {access}", ""]),
    ("introspect", ["POST", "introspect", "basic:web", "token={access}"]),
    ("revoke", ["POST", "revoke", "basic:web", "token={access}"]),
    ("device", ["POST", "device", "basic:web", "scope=openid%20profile"]),
    ("device_token", ["POST", "token", "basic:web", "grant_type={device_grant}&device_code={device_code}"]),
    (
        "end_session",
        ["GET", "end_session", "none", "id_token_hint={id_token}&post_logout_redirect_uri={goodbye}&state=a-state"],
    ),
    ("discovery", ["GET", "discovery", "none", ""]),
];

impl FromStr for Request {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        let mut request = Self::usual(name);
        for word in words {
            request.change(word).with_context(|| format!("{word:?} in {line:?}"))?;
        }
        Ok(request)
    }
}

impl Request {
    fn usual(name: &str) -> Self {
        let usual = USUAL.iter().find(|(usual, _)| *usual == name).map(|(_, usual)| *usual);
        let [method, endpoint, authorization, parameters] = usual.unwrap_or(["GET", name, "none", ""]);
        let mut request = Self {
            method: method.to_owned(),
            endpoint: endpoint.to_owned(),
            parameters: Vec::new(),
            visitor: "alice".to_owned(),
            authorization: authorization.to_owned(),
            headers: Vec::new(),
            member: None,
        };
        parameters.split('&').filter(|pair| !pair.is_empty()).for_each(|pair| request.add(pair));
        request
    }

    fn add(&mut self, pair: &str) {
        let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value.to_owned())));
        self.parameters.push((name.to_owned(), value));
    }

    fn remove(&mut self, name: &str) {
        self.parameters.retain(|(other, _)| other != name);
    }

    fn change(&mut self, word: &str) -> Result<()> {
        if let Some(option) = word.strip_prefix('@') {
            let (name, value) = option.split_once('=').context("an option without value")?;
            let value = value.replace('~', " ");
            match name {
                "method" => self.method = value,
                "as" => self.visitor = value,
                "auth" => self.authorization = value,
                "member" => self.member = Some(value),
                header => self.headers.push((header.to_owned(), value)),
            }
        } else if let Some(name) = word.strip_prefix('-') {
            if self.parameters.iter().all(|(other, _)| other != name) {
                bail!("there is no such parameter to leave out");
            }
            self.remove(name);
        } else if let Some(pair) = word.strip_prefix('+') {
            self.add(pair);
        } else {
            self.remove(word.split('=').next().unwrap_or_default());
            self.add(word);
        }
        Ok(())
    }
}
