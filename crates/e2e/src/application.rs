//! An application as the command that adds it describes it.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What `app add … -o json` tells.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its slug.
    pub slug: String,
    /// The client ID of its provider.
    pub client_id: String,
    /// The client secret of its provider.
    pub client_secret: String,
    /// Its issuer, which ends in a slash.
    pub issuer: String,
    /// The settings to paste, of applications that have a recipe.
    pub settings: Option<String>,
}

impl Application {
    /// Reads the JSON object.
    ///
    /// # Errors
    /// When a member that others script against is missing.
    pub fn read(described: &Value) -> Result<Self> {
        let text = |member: &str| {
            let value = described.get(member).and_then(Value::as_str).map(str::to_owned);
            value.with_context(|| format!("no text member {member:?} in {described}"))
        };
        for list in ["redirect_uris", "signing_alg"] {
            if described.get(list).is_none_or(Value::is_null) {
                bail!("no member {list:?} in {described}");
            }
        }
        Ok(Self {
            slug: text("slug")?,
            client_id: text("client_id")?,
            client_secret: text("client_secret")?,
            issuer: text("issuer")?,
            settings: text("settings").ok(),
        })
    }
}
