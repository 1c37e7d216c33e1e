//! Working a queue off: a few at a time, until the process ends.

use doorward_store as store;
use futures::{StreamExt, stream::FuturesUnordered};
use std::{future::Future, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often a queue is looked at.
pub const TICK: Duration = Duration::from_millis(500);
/// How long work that runs may take to end when the process ends. What does not end in time is taken over by others when its
/// lease has ended.
const LAST_SECONDS: Duration = Duration::from_secs(5);

/// Takes what is due and does it, `parallel` at once, until the process ends. `claim` is told how much there is room for;
/// `trouble` is what the log says while it fails.
pub async fn work_off<Job, Claim: Future<Output = store::Result<Vec<Job>>>, Work: Future<Output = ()>>(
    stop: CancellationToken,
    parallel: usize,
    trouble: &'static str,
    claim: impl Fn(usize) -> Claim,
    work: impl Fn(Job) -> Work,
) {
    let mut running = FuturesUnordered::new();
    let mut is_failing = false;
    while !stop.is_cancelled() {
        match claim(parallel - running.len()).await {
            Ok(jobs) => {
                is_failing = false;
                running.extend(jobs.into_iter().map(&work));
            }
            // Said once, not twice a second.
            Err(error) if !is_failing => {
                tracing::error!(%error, "{trouble}; it is tried again");
                is_failing = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
            Some(()) = running.next() => {}
        }
    }
    let rest = async { while running.next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_SECONDS, rest).await;
}
