//! Clients in other languages: a program that asks for a person with a browser where it needs one.
//!
//! It prints one JSON object a line and reads one back: `{"visit": URL}` for somebody who signs in and comes back to the
//! redirect URI, `{"allow": URL}` for somebody who allows a device. It ends with exit code 0 when all was as it should be.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::application::Application;
use crate::doorward::{Doorward, PASSWORD};
use crate::html;
use crate::visitor::Visitor;

/// A redirect URI that leads nowhere: nobody goes there.
pub const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

/// Runs a program as this client, with `alice` at the browser.
///
/// # Errors
/// When the program fails, asks for something odd, or takes longer than 60 s.
pub async fn run(command: Command, doorward: &Doorward, application: &Application) -> Result<()> {
    let running = attend(command, doorward, application);
    tokio::time::timeout(Duration::from_mins(1), running).await.context("the program still runs after 60 s")?
}

async fn attend(mut command: Command, doorward: &Doorward, application: &Application) -> Result<()> {
    command
        .env("BASE", doorward.url("/"))
        .env("ISSUER", &application.issuer)
        .env("CLIENT_ID", &application.client_id)
        .env("CLIENT_SECRET", &application.client_secret)
        .env("REDIRECT_URI", REDIRECT_URI)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let mut answers = child.stdin.take().context("no standard input")?;
    let mut questions = BufReader::new(child.stdout.take().context("no standard output")?).lines();
    let visitor = Visitor::new()?;
    while let Some(line) = questions.next_line().await? {
        let question: Value = serde_json::from_str(&line).with_context(|| format!("the program printed {line:?}"))?;
        let url = |name: &str| question.get(name).and_then(Value::as_str);
        let answer = match (url("visit"), url("allow")) {
            (Some(url), _) => visit(&visitor, url).await?,
            (_, Some(url)) => allow(&visitor, url).await?,
            _ => bail!("nobody knows what to do about {line}"),
        };
        answers.write_all(format!("{answer}\n").as_bytes()).await?;
    }
    let status = child.wait().await?;
    ensure!(status.success(), "the program ended with {status}; what it printed stands above");
    Ok(())
}

/// From the authorization request to what the browser brings to the redirect URI: an address, or a form's fields too.
async fn visit(visitor: &Visitor, url: &str) -> Result<Value> {
    let mut page = visitor.follow(visitor.get(url).await?, REDIRECT_URI).await?;
    if page.has_button("sign-in") {
        let answer = visitor.press(&page, "sign-in", &[("username", "alice"), ("password", PASSWORD)]).await?;
        page = visitor.follow(answer, REDIRECT_URI).await?;
    }
    if page.has_button("allow") {
        page = visitor.follow(visitor.press(&page, "allow", &[]).await?, REDIRECT_URI).await?;
    }
    if let Some(location) = page.location {
        return Ok(json!({ "url": location.as_str() }));
    }
    let form = html::form_with_button(&page.body, "continue").with_context(|| format!("stopped at {}", page.body))?;
    ensure!(form.is_post && form.action == REDIRECT_URI, "{form:?}");
    let body = Url::parse_with_params(REDIRECT_URI, form.filled("continue", &[]))?;
    Ok(json!({ "url": REDIRECT_URI, "body": body.query() }))
}

async fn allow(visitor: &Visitor, url: &str) -> Result<Value> {
    let mut page = visitor.follow(visitor.get(url).await?, "nowhere:").await?;
    for _ in 0..4 {
        let answer = if page.has_button("sign-in") {
            visitor.press(&page, "sign-in", &[("username", "alice"), ("password", PASSWORD)]).await?
        } else if page.has_button("allow") {
            let done = visitor.press(&page, "allow", &[]).await?;
            return Ok(json!({ "status": visitor.follow(done, "nowhere:").await?.status }));
        } else {
            visitor.press(&page, "continue", &[]).await?
        };
        page = visitor.follow(answer, "nowhere:").await?;
    }
    bail!("the device could not be allowed: {}", page.body)
}
