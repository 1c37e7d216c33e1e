//! The browser commands of the suite's configuration, carried out as the suite does it: the first entry for an address is taken,
//! its tasks are done or passed over by the address shown, and a picture is taken where a text is found.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::htmlunit::HtmlUnit;
use crate::wait;

/// Opens an address and does what `browser` (the configuration's member of that name) has for it. Gives the texts of which
/// pictures were taken.
///
/// # Errors
/// When there is nothing for the address, or a task that is not optional does not fit or fails.
pub async fn run(browser: &HtmlUnit<'_>, commands: &Value, url: &str) -> Result<Vec<String>> {
    let entries = commands.as_array().context("no list of commands")?;
    let entry = entries.iter().find(|entry| text(entry, "match").is_ok_and(|pattern| is_match(pattern, url)));
    let entry = entry.with_context(|| format!("no commands for {url}"))?;
    browser.open(url).await?;
    let mut pictures = Vec::new();
    for task in entry.get("tasks").and_then(Value::as_array).context("no tasks")? {
        let address = browser.address().await?;
        if !is_match(text(task, "match")?, &address) {
            let is_optional = task.get("optional") == Some(&Value::Bool(true));
            ensure!(is_optional, "{} is not for {address}:\n{}", text(task, "task")?, browser.source().await?);
            continue;
        }
        for command in task.get("commands").and_then(Value::as_array).into_iter().flatten() {
            is_loaded(browser).await?;
            pictures.extend(carry_out(browser, command).await.with_context(|| command.to_string())?);
        }
    }
    Ok(pictures)
}

/// The suite asks this by script before it does anything on a page.
async fn is_loaded(browser: &HtmlUnit<'_>) -> Result<()> {
    wait::until("the page to be loaded", Duration::from_secs(10), async || {
        let state = browser.run_script("return document.readyState", &[]).await?;
        Ok((state == "complete").then_some(()))
    })
    .await
}

/// Carries out one command; gives the text that was found where a picture is wanted.
async fn carry_out(browser: &HtmlUnit<'_>, command: &Value) -> Result<Option<String>> {
    let word = |index: usize| command.get(index).and_then(Value::as_str).with_context(|| format!("no word {index}"));
    let is_optional = |index: usize| word(index).is_ok_and(|word| word == "optional");
    let patience = Duration::from_secs(command.get(3).and_then(Value::as_u64).unwrap_or_default());
    let target = word(2)?;
    match (word(0)?, word(1)?) {
        ("click", by) => {
            ensure!(browser.press(by, target).await? || is_optional(3), "no {target}:\n{}", browser.source().await?);
        }
        ("text", by) => {
            let is_there = browser.fill(by, target, word(3)?).await?;
            ensure!(is_there || is_optional(4), "no {target}:\n{}", browser.source().await?);
        }
        ("wait", "contains") => {
            let arrived = async || Ok(browser.address().await?.contains(target).then_some(()));
            wait::until(target, patience, arrived).await.context(browser.address().await?)?;
        }
        ("wait", by) if word(4).is_ok() => return picture(browser, by, target, (word(4)?, patience)).await.map(Some),
        ("wait", by) => {
            let is_there = async || Ok(browser.has(by, target).await?.then_some(()));
            wait::until(target, patience, is_there).await.context(browser.address().await?)?;
        }
        _ => bail!("a command that nobody knows"),
    }
    Ok(None)
}

/// Waits for one of the texts of a pattern, which are set apart by `|`; gives the one that came.
async fn picture(
    browser: &HtmlUnit<'_>,
    by: &str,
    target: &str,
    (pattern, patience): (&str, Duration),
) -> Result<String> {
    let found = wait::until(pattern, patience, async || {
        let shown = browser.text(by, target).await?.unwrap_or_default();
        let mut texts = pattern.split('|').map(|text| text.replace('\\', ""));
        Ok(texts.find(|text| shown.contains(text)))
    });
    match found.await {
        Ok(found) => Ok(found),
        Err(error) => Err(error.context(browser.source().await?)),
    }
}

fn text<'a>(value: &'a Value, member: &str) -> Result<&'a str> {
    value.get(member).and_then(Value::as_str).with_context(|| format!("no text {member:?} in {value}"))
}

/// Whether an address matches a pattern in which `*` stands for anything.
fn is_match(pattern: &str, url: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == url };
    let Some(after) = url.strip_prefix(start) else { return false };
    after.char_indices().map(|(at, _)| at).chain([after.len()]).any(|at| is_match(rest, after.split_at(at).1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_the_suite_has_it() {
        for (pattern, url, is) in [
            ("https://a/authorize*", "https://a/authorize/?x=1", true),
            ("https://a/*/end-session*", "https://a/o/b/end-session/", true),
            ("*/test/*/callback*", "https://b/test/a/b/callback#id_token=ü", true),
            ("https://a/", "https://a/b", false),
            ("https://a/*", "https://b/", false),
        ] {
            assert_eq!(is_match(pattern, url), is, "{pattern} {url}");
        }
    }
}
