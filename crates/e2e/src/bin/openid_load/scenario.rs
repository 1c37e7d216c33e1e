//! What is asked, and what must come back.

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use doorward_e2e::load::Connection;
use serde_json::Value;

use crate::checks::{claims, parameter, same, text};

/// PKCE's example (RFC 7636, appendix B): the server does the same work for one that is always the same.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Authorization request of somebody signed in, code, tokens (PKCE, client secret), userinfo.
    Code,
    /// A refresh token for new tokens, and another refresh token.
    Refresh,
    /// An access token for the client itself.
    ClientCredentials,
    /// Claims for an access token.
    Userinfo,
    /// Whether an access token is good.
    Introspection,
    /// A document that is always the same.
    Document,
}

/// The provider, and the client that asks it.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Address and port.
    #[arg(long)]
    address: String,
    /// Path of the scenario's endpoint; of the authorization endpoint for a code.
    #[arg(long)]
    path: String,
    /// Path of the token endpoint, for a code.
    #[arg(long, default_value = "")]
    token_path: String,
    /// Path of userinfo, for a code.
    #[arg(long, default_value = "")]
    userinfo_path: String,
    /// What `iss` must be.
    #[arg(long)]
    issuer: String,
    /// The client.
    #[arg(long)]
    client_id: String,
    /// The header Authorization of the client.
    #[arg(long)]
    authorization: String,
    /// Where codes go.
    #[arg(long)]
    redirect_uri: String,
    /// The header Cookie of somebody signed in.
    #[arg(long, default_value = "")]
    cookie: String,
    /// The algorithm that tokens must be signed with.
    #[arg(long)]
    algorithm: String,
    /// Whether access tokens must be signed as well.
    #[arg(long)]
    signed_access_tokens: bool,
    /// More parameters of a token request, encoded, beginning with "&".
    #[arg(long, default_value = "")]
    more: String,
    /// Tokens to use, one for each connection; fewer are shared.
    #[arg(long = "token")]
    tokens: Vec<String>,
}

/// One connection with what it needs to know.
#[derive(Debug)]
pub(crate) struct Worker<'a> {
    target: &'a Target,
    connection: Connection,
    number: usize,
    count: u64,
    token: String,
    document: Vec<u8>,
}

impl<'a> Worker<'a> {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) fn new(target: &'a Target, number: usize) -> Result<Self> {
        let connection = Connection::open(&target.address)?;
        let token = target.tokens.get(number % target.tokens.len().max(1)).cloned().unwrap_or_default();
        Ok(Self { target, connection, number, count: 0, token, document: Vec::new() })
    }

    /// Does the operation once.
    ///
    /// # Errors
    /// When an answer is not what it must be.
    pub(crate) fn operate(&mut self, scenario: Scenario) -> Result<()> {
        self.count += 1;
        match scenario {
            Scenario::Code => self.code(),
            Scenario::Refresh => self.refresh(),
            Scenario::ClientCredentials => self.client_credentials(),
            Scenario::Userinfo => self.userinfo(),
            Scenario::Introspection => self.introspection(),
            Scenario::Document => self.document(),
        }
    }

    fn get(&self, path: &str, header: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{header}\r\n", self.target.address).into_bytes()
    }

    fn post(&mut self, path: &str, body: &str) -> Result<Value> {
        let Target { address, authorization, .. } = self.target;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.connection.ask(request.as_bytes())?.with_status(200)?;
        serde_json::from_slice(answer.body).context("no JSON")
    }

    fn code(&mut self) -> Result<()> {
        let target = self.target;
        let mark = format!("{}-{}", self.number, self.count);
        let path = format!(
            "{}?response_type=code&client_id={}&redirect_uri={}&scope=openid%20profile%20email&state=s{mark}&nonce=n{mark}\
             &code_challenge={CHALLENGE}&code_challenge_method=S256",
            target.path, target.client_id, target.redirect_uri
        );
        let request = self.get(&path, &format!("Cookie: {}\r\n", target.cookie));
        let answer = self.connection.ask(&request)?.with_status(303)?;
        let location = answer.header("location").context("a redirect to nowhere")?;
        let state = parameter(location, &target.redirect_uri, "state")?;
        ensure!(state == format!("s{mark}"), "another request's state: {location}");
        let code = parameter(location, &target.redirect_uri, "code")?;
        let body = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={VERIFIER}",
            target.redirect_uri
        );
        let tokens = self.post(&target.token_path, &body)?;
        let claims = self.check(&tokens)?;
        same(&claims, "nonce", &format!("n{mark}"))?;
        let header = format!("Authorization: Bearer {}\r\n", text(&tokens, "access_token")?);
        let request = self.get(&target.userinfo_path, &header);
        let answer = self.connection.ask(&request)?.with_status(200)?;
        let person: Value = serde_json::from_slice(answer.body)?;
        same(&person, "sub", text(&claims, "sub")?)
    }

    /// A token response with an ID token; gives its claims.
    fn check(&self, tokens: &Value) -> Result<Value> {
        let target = self.target;
        if target.signed_access_tokens {
            same(&claims(text(tokens, "access_token")?, &target.algorithm)?, "iss", &target.issuer)?;
        }
        let claims = claims(text(tokens, "id_token")?, &target.algorithm)?;
        same(&claims, "iss", &target.issuer)?;
        same(&claims, "aud", &target.client_id)?;
        Ok(claims)
    }

    fn refresh(&mut self) -> Result<()> {
        let body = format!("grant_type=refresh_token&refresh_token={}{}", self.token, self.target.more);
        let tokens = self.post(&self.target.path, &body)?;
        self.check(&tokens)?;
        let next = text(&tokens, "refresh_token")?;
        ensure!(next != self.token, "the refresh token was not replaced");
        next.clone_into(&mut self.token);
        Ok(())
    }

    fn client_credentials(&mut self) -> Result<()> {
        let target = self.target;
        let tokens = self.post(&target.path, &format!("grant_type=client_credentials{}", target.more))?;
        let token = text(&tokens, "access_token")?;
        if target.signed_access_tokens {
            same(&claims(token, &target.algorithm)?, "iss", &target.issuer)?;
        }
        ensure!(tokens.get("expires_in").is_some_and(Value::is_u64), "no expires_in: {tokens}");
        Ok(())
    }

    fn userinfo(&mut self) -> Result<()> {
        let request = self.get(&self.target.path, &format!("Authorization: Bearer {}\r\n", self.token));
        let answer = self.connection.ask(&request)?.with_status(200)?;
        let person: Value = serde_json::from_slice(answer.body)?;
        text(&person, "sub")?;
        same(&person, "email", "alice@example.org")
    }

    fn introspection(&mut self) -> Result<()> {
        let told = self.post(&self.target.path, &format!("token={}", self.token))?;
        ensure!(told.get("active") == Some(&Value::Bool(true)), "not active: {told}");
        same(&told, "client_id", &self.target.client_id)
    }

    fn document(&mut self) -> Result<()> {
        let request = self.get(&self.target.path, "");
        let answer = self.connection.ask(&request)?.with_status(200)?;
        if self.document.is_empty() {
            let document: Value = serde_json::from_slice(answer.body)?;
            let keys = document.get("keys").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty());
            ensure!(keys || same(&document, "issuer", &self.target.issuer).is_ok(), "an odd document: {document}");
            self.document = answer.body.to_vec();
        }
        ensure!(answer.body == self.document, "the document is another one than before");
        Ok(())
    }
}
