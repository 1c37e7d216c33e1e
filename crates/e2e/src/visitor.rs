//! A browser without a screen and without JavaScript: cookies, redirects and forms over HTTP.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, RequestBuilder, Url, header, redirect};

use crate::{environment, html};

/// One answer.
#[derive(Debug, Clone)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// Its own address.
    pub url: Url,
    /// Where it sends the browser, made absolute.
    pub location: Option<Url>,
    /// The header `x-user` of the tests' Apache: who it takes the visitor for.
    pub user: Option<String>,
    /// The text.
    pub body: String,
}

impl Page {
    /// Whether a form on this page has a button with this id.
    #[must_use]
    pub fn has_button(&self, id: &str) -> bool {
        html::form_with_button(&self.body, id).is_some()
    }
}

/// A visitor with cookies of their own.
#[derive(Debug, Clone)]
pub struct Visitor {
    client: Client,
}

impl Visitor {
    /// One who has been nowhere yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new() -> Result<Self> {
        environment::choose_crypto();
        let client = Client::builder()
            .cookie_store(true)
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self { client })
    }

    /// The HTTP client with the visitor's cookies, for requests of an unusual shape.
    #[must_use]
    pub fn http(&self) -> &Client {
        &self.client
    }

    /// Fetches one address, following nothing.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, url: &str) -> Result<Page> {
        read(self.client.get(url)).await
    }

    /// Fetches one address with more headers, following nothing.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get_with(&self, url: &str, headers: &[(&str, &str)]) -> Result<Page> {
        read(headers.iter().fold(self.client.get(url), |request, (name, value)| request.header(*name, *value))).await
    }

    /// Goes to an address behind a proxy, and signs in if asked to; gives the page at the end of it.
    ///
    /// # Errors
    /// When nobody answers, or there is no end of redirects.
    pub async fn enter(&self, url: &str, username: &str, password: &str) -> Result<Page> {
        let page = self.follow(self.get(url).await?, "nowhere:").await?;
        if !page.has_button("sign-in") {
            return Ok(page);
        }
        let answer = self.press(&page, "sign-in", &[("username", username), ("password", password)]).await?;
        self.follow(answer, "nowhere:").await
    }

    /// Presses a button of a form on a page, with some fields filled in.
    ///
    /// # Errors
    /// When there is no such button, or nobody answers.
    pub async fn press(&self, page: &Page, button: &str, with: &[(&str, &str)]) -> Result<Page> {
        let form = html::form_with_button(&page.body, button)
            .with_context(|| format!("no button #{button} on {}:\n{}", page.url, page.body))?;
        self.send(page, &form, &form.filled(button, with)).await
    }

    /// Sends the form that has this field, with some fields filled in, as the return key does.
    ///
    /// # Errors
    /// When there is no such field, or nobody answers.
    pub async fn send_form_with(&self, field: &str, page: &Page, with: &[(&str, &str)]) -> Result<Page> {
        let form = html::forms(&page.body).into_iter().find(|form| form.fields.iter().any(|(name, _)| name == field));
        let form = form.with_context(|| format!("no field {field:?} on {}:\n{}", page.url, page.body))?;
        self.send(page, &form, &form.filled("", with)).await
    }

    /// Sends a form as a script or a button of its page does.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&self, page: &Page, form: &html::Form, fields: &[(String, String)]) -> Result<Page> {
        let target = if form.action.is_empty() { page.url.clone() } else { page.url.join(&form.action)? };
        let request =
            self.client.request(if form.is_post { reqwest::Method::POST } else { reqwest::Method::GET }, target);
        // Browsers tell where a form comes from, and servers may insist on it.
        let request = request.header(header::ORIGIN, page.url.origin().ascii_serialization());
        read(if form.is_post { request.form(fields) } else { request.query(fields) }).await
    }

    /// Follows redirects until a page comes, or until the next stop begins with `stop`, which is not visited.
    ///
    /// # Errors
    /// When nobody answers, or there is no end of it.
    pub async fn follow(&self, mut page: Page, stop: &str) -> Result<Page> {
        for _ in 0..20 {
            match &page.location {
                Some(next) if !next.as_str().starts_with(stop) => page = self.get(next.as_str()).await?,
                _ => return Ok(page),
            }
        }
        bail!("too many redirects, last to {:?}", page.location)
    }

    /// Goes to `url` and does what the pages on the way ask for (sign in, consent) until the browser is sent
    /// to `stop`; gives the address it was sent to.
    ///
    /// # Errors
    /// When a page comes that asks for something else.
    pub async fn signed_in_to(&self, url: &str, stop: &str, username: &str, password: &str) -> Result<Url> {
        let page = self.answer_to(url, stop, username, password).await?;
        page.location.with_context(|| format!("stopped at {} ({}):\n{}", page.url, page.status, page.body))
    }

    /// Goes to `url` and does what the pages on the way ask for (sign in, consent) until the browser is sent
    /// to `stop`, or a page comes that asks for something else; gives that answer.
    ///
    /// # Errors
    /// When nobody answers, or there is no end of redirects.
    pub async fn answer_to(&self, url: &str, stop: &str, username: &str, password: &str) -> Result<Page> {
        let mut page = self.follow(self.get(url).await?, stop).await?;
        for _ in 0..3 {
            let answer = if page.location.is_some() {
                break;
            } else if page.has_button("sign-in") {
                self.press(&page, "sign-in", &[("username", username), ("password", password)]).await?
            } else if page.has_button("allow") {
                self.press(&page, "allow", &[]).await?
            } else {
                break;
            };
            page = self.follow(answer, stop).await?;
        }
        Ok(page)
    }

    /// Sends a form, as clients of the token endpoint do.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn post(&self, url: &str, login: (&str, &str), fields: &[(&str, &str)]) -> Result<Page> {
        read(self.client.post(url).basic_auth(login.0, Some(login.1)).form(fields)).await
    }

    /// Fetches an address with a bearer token.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get_with_token(&self, url: &str, token: &str) -> Result<Page> {
        read(self.client.get(url).bearer_auth(token)).await
    }

    /// Signs in on Doorward's own pages.
    ///
    /// # Errors
    /// When the sign-in page is not shown or refuses.
    pub async fn sign_in(&self, portal: &str, username: &str, password: &str) -> Result<Page> {
        let form = self.follow(self.get(portal).await?, "nowhere:").await?;
        let answer = self.press(&form, "sign-in", &[("username", username), ("password", password)]).await?;
        let page = self.follow(answer, "nowhere:").await?;
        ensure!(!page.has_button("sign-in"), "the sign-in was refused:\n{}", page.body);
        Ok(page)
    }

    /// Signs out on Doorward's own pages, whose address is `sign_out`; gives the page after it, its frames not loaded.
    ///
    /// # Errors
    /// When the question is not asked, or the session does not end.
    pub async fn sign_out(&self, sign_out: &str) -> Result<Page> {
        let question = self.follow(self.get(sign_out).await?, "nowhere:").await?;
        let page = self.follow(self.press(&question, "confirm-sign-out", &[]).await?, "nowhere:").await?;
        ensure!(
            html::text_of(&page.body, "sign-in-again").is_some(),
            "still signed in at {}:\n{}",
            page.url,
            page.body
        );
        Ok(page)
    }
}

async fn read(request: RequestBuilder) -> Result<Page> {
    let response = request.send().await?;
    let url = response.url().clone();
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let location = match header("location") {
        Some(text) if response.status().is_redirection() => Some(url.join(&text)?),
        _ => None,
    };
    let user = header("x-user").filter(|name| !name.is_empty());
    Ok(Page { status: response.status().as_u16(), url, location, user, body: response.text().await? })
}
