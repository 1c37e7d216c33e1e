//! Servers that live as long as a value.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::wait;

/// A server process. It is told to stop when the value is dropped, and killed if it does not.
#[derive(Debug)]
pub struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program; what it prints goes to a file in `directory`, whose end a failed test shows.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(name: &str, command: &mut Command, directory: &Path) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Waits until `url` answers 200.
    ///
    /// # Errors
    /// When the process ends, or the time is over; the text holds what it printed.
    pub async fn answers(&mut self, url: &str, patience: Duration) -> Result<()> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        let wanted = format!("{} on {url}", self.name);
        let ready = wait::until(&wanted, patience, async || {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}", self.name);
            }
            let answer = client.get(url).send().await;
            Ok(answer.ok().filter(|response| response.status().is_success()))
        });
        let outcome = ready.await;
        outcome.map(drop).with_context(|| format!("{} does not answer; it printed:\n{}", self.name, self.output()))
    }

    /// All it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Takes the process away at once, as `kill -9` does: it gets no chance to finish anything.
    ///
    /// # Errors
    /// When the process cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // The standard library can only kill; a polite signal lets servers end their own children.
        let _ = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let output = self.output();
        // Shown of tests that fail, and of no others: that is what test runners do with output.
        let lines: Vec<_> = output.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(60)).copied().collect::<Vec<_>>().join("\n");
        eprintln!("---- last lines of {} ----\n{last}", self.name);
    }
}
