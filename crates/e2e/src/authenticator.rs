//! An authenticator app on a phone.

use anyhow::{Result, anyhow};
use std::time::SystemTime;
use totp_rs::{Builder, Secret};

/// What an app shows now that was told this key (base32, spaces do not count).
///
/// # Errors
/// When it is no key.
pub fn code(key: &str) -> Result<String> {
    let secret = Secret::try_from_base32(key.replace(' ', "")).map_err(|error| anyhow!("{key}: {error}"))?;
    let app = Builder::new().with_secret(secret).build().map_err(|error| anyhow!("{key}: {error}"))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(app.generate(now.as_secs()).to_string())
}
