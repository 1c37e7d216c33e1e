//! Telling applications that somebody signed out: by the back channel (OpenID Connect Back-Channel Logout 1.0) from a queue
//! that survives restarts, by the front channel (Front-Channel Logout 1.0) in the browser that signs out.

pub mod back_channel;
pub mod front_channel;
pub mod worker;

use doorward_core::id::ProviderId;
use doorward_store as store;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::time::Duration;

use crate::{app::App, error::OperationResult};

/// For how long a note is claimed. A process that dies keeps it so long; one that lives is done before.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How long an application may take to answer while a browser waits.
pub const WHILE_WAITING: Duration = Duration::from_secs(2);
/// How long an application may take to answer in the background.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait at most before an application is told again.
pub const RETRY_MAX: SignedDuration = SignedDuration::from_mins(30);
/// How long after the sign-out it is given up.
pub const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// How long all notes to an application wait when it does not answer, so that others do not wait behind them.
pub const SILENCE: SignedDuration = SignedDuration::from_secs(10);
/// When notes are forgotten that nobody came to give up.
pub const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(48);
/// Most notes to one application about one user; the oldest are given up. Only somebody who signs in and out by a script gets
/// there.
pub const PER_USER: i64 = 1_000;

/// Sign-outs that an application was told in vain so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undelivered {
    /// How many.
    pub count: i64,
    /// When the first of them was.
    pub since: Timestamp,
    /// Why it did not take the newest.
    pub last_error: String,
}

/// The sign-outs that an application was told in vain so far; nothing if it has taken all, or was not told yet.
///
/// # Errors
/// What the database says.
pub async fn undelivered(app: &App, provider: ProviderId) -> OperationResult<Option<Undelivered>> {
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let Some((count, since)) = store::logout_notice::failing(tx, provider).await? else { return Ok(None) };
            let last_error = store::logout_notice::last_error(tx, provider).await?.unwrap_or_default();
            Ok(Some(Undelivered { count, since, last_error }))
        })
    });
    Ok(read.await?)
}
