//! OpenID clients of other languages: a script that asks, line by line, for what a browser does.
//!
//! The script reads one JSON object, what it is told, and then prints one object a line:
//! - `{"go": address}`: a browser goes there, its user does what the pages ask for, and the answer is where it arrives:
//!   `{"url": address, "body": null or the form that it posts there}`.
//! - `{"allow": address}`: somebody goes to the address that a device shows, and allows it; the answer is `{}`.
//! - `{"told": …}`: what the script found. It ends after that.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::doorward::PASSWORD;
use crate::html;
use crate::visitor::{Page, Visitor};

/// How long a script may take for everything.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whoever sits before the script's browser.
#[derive(Debug)]
pub struct Person {
    visitor: Visitor,
    username: String,
    /// What all addresses begin with at which the browser leaves Doorward.
    stop: String,
}

impl Person {
    /// Somebody with a browser that has been nowhere yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(username: &str, stop: &str) -> Result<Self> {
        Ok(Self { visitor: Visitor::new()?, username: username.to_owned(), stop: stop.to_owned() })
    }

    /// Goes to an address and does what the pages ask for until the browser leaves Doorward; gives where it arrives, and the
    /// form that it posts there, if it is sent there by one.
    ///
    /// # Errors
    /// When a page asks for something else.
    pub async fn arrive(&self, address: &str) -> Result<(Url, Option<String>)> {
        let mut page = self.visitor.follow(self.visitor.get(address).await?, &self.stop).await?;
        for _ in 0..4 {
            if let Some(location) = page.location {
                return Ok((location, None));
            }
            if let Some(form) = html::forms(&page.body).into_iter().find(|form| form.action.starts_with(&self.stop)) {
                ensure!(form.is_post, "the form that leaves Doorward is no POST: {form:?}");
                let fields = Url::parse_with_params(&form.action, &form.fields)?;
                return Ok((Url::parse(&form.action)?, fields.query().map(str::to_owned)));
            }
            page = self.obey(&page).await?;
        }
        page.location.map(|location| (location, None)).context("the pages ask without end")
    }

    /// Goes to the address that a device shows, and allows it.
    ///
    /// # Errors
    /// When the pages do not come to that.
    pub async fn allow_device(&self, address: &str) -> Result<()> {
        let mut page = self.visitor.follow(self.visitor.get(address).await?, &self.stop).await?;
        for _ in 0..4 {
            if page.body.contains("id=\"device-allowed\"") {
                return Ok(());
            }
            page = self.obey(&page).await?;
        }
        bail!("the device was not allowed: {} ({})\n{}", page.url, page.status, page.body)
    }

    async fn obey(&self, page: &Page) -> Result<Page> {
        let typed = [("username", self.username.as_str()), ("password", PASSWORD)];
        let buttons = ["sign-in", "allow", "confirm-sign-out", "continue"];
        let button = buttons.into_iter().find(|button| page.has_button(button));
        let button = button.with_context(|| format!("stopped at {} ({}):\n{}", page.url, page.status, page.body))?;
        self.visitor.follow(self.visitor.press(page, button, &typed).await?, &self.stop).await
    }

    async fn answer(&self, asked: &Value) -> Result<Value> {
        let text = |name: &str| asked.get(name).and_then(Value::as_str);
        if let Some(address) = text("go") {
            let (url, body) = self.arrive(address).await?;
            return Ok(json!({ "url": url.as_str(), "body": body }));
        }
        let address = text("allow").with_context(|| format!("the script asks for {asked}"))?;
        self.allow_device(address).await?;
        Ok(json!({}))
    }
}

/// Runs a script with a person before its browser, and gives what it found.
///
/// # Errors
/// When a check in the script fails, or what it asks for cannot be done.
pub async fn run(
    program: &Path,
    script: &str,
    variables: &[(&str, &str)],
    facts: &Value,
    who: &Person,
) -> Result<Value> {
    let mut child = Command::new(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script))
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let told = tokio::time::timeout(PATIENCE, converse(&mut child, facts, who)).await;
    let told = told.unwrap_or_else(|_| bail!("{script} took longer than {PATIENCE:?}"));
    // One that was refused something waits for the answer and would never end.
    child.start_kill().ok();
    let mut complaints = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut complaints).await?;
    }
    told.with_context(|| format!("{script} printed:\n{complaints}"))
}

async fn converse(child: &mut Child, facts: &Value, who: &Person) -> Result<Value> {
    let mut stdin = child.stdin.take().context("no standard input")?;
    let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
    stdin.write_all(format!("{facts}\n").as_bytes()).await?;
    let mut told = None;
    while let Some(line) = lines.next_line().await? {
        let asked: Value = serde_json::from_str(&line).with_context(|| format!("no JSON: {line}"))?;
        if let Some(found) = asked.get("told") {
            told = Some(found.clone());
            continue;
        }
        let answer = who.answer(&asked).await.with_context(|| format!("asked for {asked}"))?;
        stdin.write_all(format!("{answer}\n").as_bytes()).await?;
    }
    let status = child.wait().await?;
    ensure!(status.success(), "a check failed: {status}");
    told.context("it ended without telling what it found")
}
