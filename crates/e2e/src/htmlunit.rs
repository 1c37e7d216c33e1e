//! `HtmlUnit`: the kind of browser that drives the official conformance suite, without a screen and with a script engine of 2018.
//!
//! It runs inside of Selenium's server, which understands the protocol from before the one that our other browser speaks.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Server;
use crate::{environment, ports, wait};

/// How long a page may take: the machine may be busy with another test.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the protocol answers when there is no such element.
const NO_SUCH_ELEMENT: u64 = 7;

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// They run, and an error in one of them fails the command that led to it.
    Run,
    /// They are left alone.
    Off,
}

/// Selenium's server.
#[derive(Debug)]
pub struct Selenium {
    url: String,
    client: reqwest::Client,
    server: Server,
    _directory: TempDir,
}

/// A browser without cookies at first.
#[derive(Debug)]
pub struct HtmlUnit<'server> {
    selenium: &'server Selenium,
    session: String,
}

impl Selenium {
    /// Starts one.
    ///
    /// # Errors
    /// When there is no Java, or it does not start.
    pub async fn start() -> Result<Self> {
        environment::choose_crypto();
        let directory = TempDir::with_prefix("doorward-htmlunit-")?;
        let port = ports::free()?;
        let mut command = Command::new(environment::program(&["java"])?);
        // Compiled quickly rather than well: each of them lives for seconds.
        command.args([
            "-XX:TieredStopAtLevel=1",
            "-Xmx512m",
            "-jar",
            &environment::required("DOORWARD_TEST_HTMLUNIT")?,
        ]);
        command.args(["-host", "127.0.0.1", "-port", &port.to_string()]);
        let mut server = Server::start("selenium", &mut command, directory.path())?;
        let url = format!("http://127.0.0.1:{port}/wd/hub");
        server.answers(&format!("{url}/status"), PATIENCE).await?;
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { url, client, server, _directory: directory })
    }

    /// Starts a browser.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn browser(&self, scripts: Scripts) -> Result<HtmlUnit<'_>> {
        let wanted = json!({ "browserName": "htmlunit", "javascriptEnabled": scripts == Scripts::Run });
        let answer = self.client.post(format!("{}/session", self.url)).json(&json!({ "desiredCapabilities": wanted }));
        let answer: Value = answer.send().await?.json().await?;
        let session = answer.get("sessionId").and_then(Value::as_str);
        let session = session.with_context(|| format!("HtmlUnit does not start: {}", failure(&answer)))?.to_owned();
        Ok(HtmlUnit { selenium: self, session })
    }

    /// Makes sure that no script of a page failed in any of its browsers, whether or not a command saw it.
    ///
    /// # Errors
    /// When one did.
    pub fn ran_every_script(&self) -> Result<()> {
        let output = self.server.output();
        let told = |line: &&str| line.contains("ScriptException") || line.contains("StrictErrorReporter");
        let errors: Vec<_> = output.lines().filter(told).collect();
        ensure!(errors.is_empty(), "scripts failed:\n{}", errors.join("\n"));
        Ok(())
    }
}

impl HtmlUnit<'_> {
    /// Goes to an address, and through all that it leads to by itself.
    ///
    /// # Errors
    /// When the browser cannot, or a script on the way fails.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.ask("url", Some(json!({ "url": url }))).await.with_context(|| format!("cannot open {url}")).map(drop)
    }

    /// The address of the page that is shown, with its fragment.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn address(&self) -> Result<String> {
        text_of(&self.ask("url", None).await?)
    }

    /// The page as HTML.
    ///
    /// # Errors
    /// When there is no page.
    pub async fn source(&self) -> Result<String> {
        text_of(&self.ask("source", None).await?)
    }

    /// What a person reads in the first element that a selector of this kind (`id`, `xpath`) describes; nothing without one.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn text(&self, by: &str, selector: &str) -> Result<Option<String>> {
        match self.element(by, selector).await? {
            Some(element) => Ok(Some(text_of(&self.ask(&format!("element/{element}/text"), None).await?)?)),
            None => Ok(None),
        }
    }

    /// Whether there is such an element.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn has(&self, by: &str, selector: &str) -> Result<bool> {
        Ok(self.element(by, selector).await?.is_some())
    }

    /// Types into a field, instead of what was in it; false when there is none.
    ///
    /// # Errors
    /// When it cannot be typed into.
    pub async fn fill(&self, by: &str, selector: &str, text: &str) -> Result<bool> {
        let Some(element) = self.element(by, selector).await? else { return Ok(false) };
        self.ask(&format!("element/{element}/clear"), Some(json!({}))).await?;
        let letters: Vec<_> = text.chars().map(String::from).collect();
        self.ask(&format!("element/{element}/value"), Some(json!({ "value": letters }))).await?;
        Ok(true)
    }

    /// Presses a button or a link, and goes where that leads; false when there is none.
    ///
    /// # Errors
    /// When it cannot be pressed, or a script on the way fails.
    pub async fn press(&self, by: &str, selector: &str) -> Result<bool> {
        let Some(element) = self.element(by, selector).await? else { return Ok(false) };
        self.ask(&format!("element/{element}/click"), Some(json!({}))).await?;
        Ok(true)
    }

    /// Fills in Doorward's sign-in form and sends it.
    ///
    /// # Errors
    /// When this is not its page.
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<()> {
        self.is_shown("sign-in").await?;
        self.fill("xpath", "//input[@id='username' and not(@readonly)]", username).await?;
        self.fill("id", "password", password).await?;
        self.press("id", "sign-in").await.map(drop)
    }

    /// Presses the button with this identifier.
    ///
    /// # Errors
    /// When it is not there; the text says what is.
    pub async fn press_button(&self, id: &str) -> Result<()> {
        self.is_shown(id).await?;
        self.press("id", id).await.map(drop)
    }

    /// Makes sure that an element with this identifier is on the page.
    ///
    /// # Errors
    /// When it is not there; the text says what is.
    pub async fn is_shown(&self, id: &str) -> Result<()> {
        if !self.has("id", id).await? {
            bail!("no {id:?} at {}:\n{}", self.address().await?, self.source().await?);
        }
        Ok(())
    }

    /// Runs a script in the page; gives what it returns.
    ///
    /// # Errors
    /// When the script fails.
    pub async fn run_script(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.ask("execute", Some(json!({ "script": script, "args": arguments }))).await
    }

    /// Waits until an element with this identifier reads so that `is_wanted` agrees; gives the text.
    ///
    /// # Errors
    /// When it does not within 40 s.
    pub async fn text_becomes(&self, id: &str, is_wanted: impl Fn(&str) -> bool) -> Result<String> {
        let wanted = format!("another text of {id}");
        wait::until(&wanted, PATIENCE, async || Ok(self.text("id", id).await?.filter(|text| is_wanted(text)))).await
    }

    /// The protocol's name of an element.
    async fn element(&self, by: &str, selector: &str) -> Result<Option<String>> {
        let answer = self.send("element", Some(json!({ "using": by, "value": selector }))).await?;
        if status(&answer) == NO_SUCH_ELEMENT {
            return Ok(None);
        }
        let element = answer.pointer("/value/ELEMENT").and_then(Value::as_str);
        element.map(|element| Some(element.to_owned())).with_context(|| failure(&answer))
    }

    async fn ask(&self, command: &str, body: Option<Value>) -> Result<Value> {
        let mut answer = self.send(command, body).await?;
        ensure!(status(&answer) == 0, "{command}: {}", failure(&answer));
        Ok(answer.get_mut("value").map(Value::take).unwrap_or_default())
    }

    async fn send(&self, command: &str, body: Option<Value>) -> Result<Value> {
        let Selenium { url, client, .. } = self.selenium;
        let url = format!("{url}/session/{}/{command}", self.session);
        let request = match body {
            Some(body) => client.post(url).json(&body),
            None => client.get(url),
        };
        Ok(request.send().await?.json().await?)
    }
}

fn text_of(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("no text: {value}"))?.to_owned())
}

/// 0 when all went well.
fn status(answer: &Value) -> u64 {
    answer.get("status").and_then(Value::as_u64).unwrap_or(u64::MAX)
}

/// The message of what went wrong; whole pages of calls stand beside it.
fn failure(answer: &Value) -> String {
    let message = answer.pointer("/value/message").and_then(Value::as_str);
    message.and_then(|message| message.lines().next()).unwrap_or("HtmlUnit said no reason").to_owned()
}
