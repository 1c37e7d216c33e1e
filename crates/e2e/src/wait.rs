//! Waiting for what another process does.

use std::time::Duration;

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the answer is there, at most for `patience`; `what` completes "waited for …".
///
/// # Errors
/// When the time is over, or when asking itself fails.
pub async fn until<T>(what: &str, patience: Duration, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let asking = async {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(patience, asking).await {
        Ok(answer) => answer,
        Err(_) => bail!("waited {} s in vain for {what}", patience.as_secs()),
    }
}
