//! What the doctor tells.

use std::collections::BTreeMap;
use std::process::Output;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::application::Application;
use crate::doorward::{Doorward, all_text};

/// What the doctor said: severity by id, and the JSON it came from.
#[derive(Debug)]
pub struct Told {
    /// Severity by id, the worst of each.
    pub by_id: BTreeMap<String, String>,
    /// All of it.
    pub json: Value,
}

impl Told {
    /// Asks. The exit code fits what is said, and nothing steers a terminal.
    ///
    /// # Errors
    /// When it prints no JSON.
    ///
    /// # Panics
    /// When the exit code does not fit, or something could steer a terminal.
    #[expect(clippy::disallowed_methods, reason = "only this test waits for it")]
    pub fn ask(doorward: &Doorward, slug: &str, more: &[&str]) -> Result<Self> {
        // The server sees within a second what commands changed.
        thread::sleep(Duration::from_millis(1_200));
        Self::read(&doorward.attempt(&[&["doctor", slug, "-o", "json"][..], more].concat())?)
    }

    /// Reads what it printed.
    ///
    /// # Errors
    /// When it is no JSON.
    ///
    /// # Panics
    /// When the exit code does not fit, or something could steer a terminal.
    pub fn read(output: &Output) -> Result<Self> {
        let text = all_text(output);
        assert!(!text.contains('\u{1b}'), "{text}");
        let json: Value = serde_json::from_slice(&output.stdout).with_context(|| format!("no JSON: {text}"))?;
        let findings = json.get("findings").and_then(Value::as_array).context("no findings")?;
        let member = |finding: &Value, name: &str| finding.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut by_id = BTreeMap::new();
        // The worst comes first, and the worst of one id counts.
        for finding in findings {
            let (id, severity) = (member(finding, "id"), member(finding, "severity"));
            by_id.entry(id.context("no id")?).or_insert(severity.context("no severity")?);
        }
        let problems = json.get("problems").and_then(Value::as_u64).context("no problems")?;
        assert_eq!(output.status.code(), Some(if problems == 0 { 0 } else { 5 }), "{text}");
        Ok(Self { by_id, json })
    }

    /// Makes sure of the severity of an id.
    ///
    /// # Panics
    /// If it is another.
    #[track_caller]
    pub fn says(&self, severity: &str, id: &str) {
        assert_eq!(self.by_id.get(id).map(String::as_str), Some(severity), "{id} in {:#}", self.json);
    }

    /// Makes sure that it is the only problem.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn only(&self, id: &str) {
        assert_eq!(self.problems(), [id], "{:#}", self.json);
    }

    /// The ids of all problems, sorted.
    #[must_use]
    pub fn problems(&self) -> Vec<&str> {
        self.by_id.iter().filter(|(_, severity)| *severity == "problem").map(|(id, _)| id.as_str()).collect()
    }

    /// Makes sure that a text is somewhere in it, such as a line to change.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn changes(&self, text: &str) {
        let is_there = self.json.to_string().replace("\\\"", "\"").contains(text);
        assert!(is_there, "no {text:?} in {:#}", self.json);
    }
}

/// Alice may use NetBox and is its superuser, by group.
///
/// # Errors
/// When the command fails.
pub fn add_netbox(doorward: &Doorward, slug: &str, url: &str) -> Result<Application> {
    let arguments = [
        "app",
        "add",
        "netbox",
        "--slug",
        slug,
        "--url",
        url,
        "--superusers",
        "netbox-admins",
        "--allow",
        "netbox-admins",
    ];
    Application::read(&doorward.json(&arguments)?)
}

/// A Doorward with Alice in the group of NetBox's superusers.
///
/// # Errors
/// When it does not start.
pub async fn doorward_with_alice() -> Result<Doorward> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_group("netbox-admins", &["alice"])?;
    Ok(doorward)
}
