//! The settings that Doorward prints for a client of its directory.

use anyhow::{Context, Result, ensure};

/// Settings as they were printed: one file, or several with headings.
#[derive(Debug, Clone)]
pub struct Settings(String);

impl Settings {
    pub(super) fn new(printed: String) -> Self {
        Self(printed)
    }

    /// The only file.
    ///
    /// # Errors
    /// When there are several.
    pub fn only(&self) -> Result<&str> {
        ensure!(!self.0.contains("# ==== "), "several files: {}", self.0);
        Ok(&self.0)
    }

    /// One of several files.
    ///
    /// # Errors
    /// When it is not among them.
    pub fn file(&self, name: &str) -> Result<&str> {
        let heading = format!("# ==== {name} ====\n");
        let (_, text) = self.0.split_once(&heading).with_context(|| format!("no {name} in {}", self.0))?;
        Ok(text.split("# ==== ").next().unwrap_or(text))
    }
}
