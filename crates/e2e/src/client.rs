//! A plain OpenID Connect client: the requests themselves, with nothing checked on the way.

use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;
use serde_json::Value;

use crate::application::Application;
use crate::doorward::{Doorward, PASSWORD};
use crate::visitor::{Page, Visitor};

/// A client of one application.
#[derive(Debug, Clone)]
pub struct Client {
    application: Application,
    authorize: String,
    token: String,
    redirect_uri: String,
}

/// What the token endpoint gave.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token, if there was one.
    pub refresh: Option<String>,
}

impl Client {
    /// A client whose redirect URI leads nowhere: nobody goes there.
    #[must_use]
    pub fn new(doorward: &Doorward, application: &Application, redirect_uri: &str) -> Self {
        Self {
            application: application.clone(),
            authorize: doorward.url("/application/o/authorize/"),
            token: doorward.url("/application/o/token/"),
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// An authorization request; `more` replaces or adds parameters.
    ///
    /// # Errors
    /// When an address cannot be parsed.
    pub fn authorization_request(&self, more: &[(&str, &str)]) -> Result<String> {
        let usual = [
            ("response_type", "code"),
            ("client_id", self.application.client_id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("scope", "openid profile email offline_access"),
            ("state", "a-state"),
            ("nonce", "a-nonce"),
        ];
        let kept = usual.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let url = Url::parse_with_params(&self.authorize, kept.chain(more))?;
        Ok(url.into())
    }

    /// Lets a visitor sign in, and gives the authorization code.
    ///
    /// # Errors
    /// When the visitor is not sent back with a code.
    pub async fn code(&self, visitor: &Visitor, username: &str) -> Result<String> {
        let request = self.authorization_request(&[])?;
        let back = visitor.signed_in_to(&request, &self.redirect_uri, username, PASSWORD).await?;
        parameter(&back, "code").with_context(|| format!("no code in {back}"))
    }

    /// Asks for the tokens of a code, and gives the answer whatever it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn redeem(&self, visitor: &Visitor, code: &str) -> Result<Page> {
        let fields =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", self.redirect_uri.as_str())];
        visitor.post(&self.token, self.login(), &fields).await
    }

    /// Asks for new tokens, and gives the answer whatever it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn refresh(&self, visitor: &Visitor, token: &str) -> Result<Page> {
        visitor.post(&self.token, self.login(), &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    fn login(&self) -> (&str, &str) {
        (&self.application.client_id, &self.application.client_secret)
    }
}

impl Tokens {
    /// Reads a token response.
    ///
    /// # Errors
    /// When it is not one.
    pub fn read(page: &Page) -> Result<Self> {
        ensure!(page.status == 200, "the token endpoint answered {}: {}", page.status, page.body);
        let body: Value = serde_json::from_str(&page.body)?;
        let text = |name: &str| Some(body.get(name)?.as_str()?.to_owned());
        Ok(Self { access: text("access_token").context("no access token")?, refresh: text("refresh_token") })
    }
}

/// Makes sure that the token endpoint refused a grant with the code that RFC 6749, section 5.2, asks for.
///
/// # Errors
/// When it did not.
pub fn refused_as_invalid_grant(page: &Page) -> Result<()> {
    let body: Value = serde_json::from_str(&page.body).unwrap_or_default();
    match (page.status, body.get("error").and_then(Value::as_str)) {
        (400, Some("invalid_grant")) => Ok(()),
        _ => bail!("expected 400 invalid_grant, got {}: {}", page.status, page.body),
    }
}

/// A parameter of an address.
#[must_use]
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
