//! A Doorward as `conformance/prepare` makes it for the official suite, with something that stands in the suite's place.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use serde_json::Value;
use tempfile::TempDir;

use crate::doorward::{Doorward, Keeping, all_text};
use crate::environment;
use crate::suite::Suite;

/// The person of whom `prepare` makes everything known.
pub const PERSON: &str = "certified";

/// Their password.
pub const PASSWORD: &str = "only-for-tests-sign-in";

/// The password of the administrator that `prepare` makes.
pub const ADMINISTRATORS_PASSWORD: &str = "only-for-tests-administration";

/// Both of them, running.
#[derive(Debug)]
pub struct Prepared {
    /// The server.
    pub doorward: Doorward,
    /// Who takes its answers.
    pub suite: Suite,
    output: TempDir,
}

impl Prepared {
    /// Prepares a Doorward and starts it.
    ///
    /// # Errors
    /// When it cannot be prepared, or does not start.
    pub async fn start() -> Result<Self> {
        let suite = Suite::start()?;
        let output = TempDir::with_prefix("doorward-suite-")?;
        let mut doorward = Doorward::empty(Keeping::Sqlite)?;
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/prepare"));
        // What steers these tests is no configuration.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
            command.env_remove(name);
        }
        command.args(["--public-url", &doorward.url(""), "--suite", &suite.url("")]);
        command.args(["--doorward", &environment::required("DOORWARD_BIN")?]);
        command.arg("--data-dir").arg(doorward.directory()).arg("--output").arg(output.path());
        let done = command.output()?;
        ensure!(done.status.success(), "conformance/prepare: {}", all_text(&done));
        doorward.serve().await?;
        Ok(Self { doorward, suite, output })
    }

    /// One of the configurations that are handed to the suite.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn configuration(&self, name: &str) -> Result<Value> {
        let file = self.output.path().join(format!("{name}.json"));
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The address of a client's authorization request, with more parameters or others than usual.
    ///
    /// # Errors
    /// Never, as long as the server's address is one.
    pub fn authorize(&self, client_id: &str, more: &[(&str, &str)]) -> Result<String> {
        let callback = self.suite.callback();
        let usual = [
            ("client_id", client_id),
            ("redirect_uri", callback.as_str()),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s"),
            ("nonce", "n"),
        ];
        let usual = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let endpoint = self.doorward.url("/application/o/authorize/");
        Ok(Url::parse_with_params(&endpoint, usual.chain(more.iter().copied()))?.to_string())
    }

    /// The address that signs out from a client, with these parameters.
    ///
    /// # Errors
    /// Never, as long as the server's address is one.
    pub fn end_session(&self, client_id: &str, parameters: &[(&str, String)]) -> Result<String> {
        let endpoint = self.doorward.url(&format!("/application/o/{client_id}/end-session/"));
        Ok(Url::parse_with_params(&endpoint, parameters)?.to_string())
    }

    /// The address of the frame that a client's application may hold.
    #[must_use]
    pub fn check_session(&self, client_id: &str) -> String {
        self.doorward.url(&format!("/application/o/{client_id}/check-session/"))
    }
}

/// A parameter in an address's query or fragment, or in a form.
#[must_use]
pub fn parameter(text: &str, name: &str) -> Option<String> {
    let pairs = text.split_once(['?', '#']).map_or(text, |(_, pairs)| pairs);
    // Only to have the pairs decoded.
    let address = Url::parse(&format!("nowhere:?{}", pairs.replace('#', "&"))).ok()?;
    address.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}
