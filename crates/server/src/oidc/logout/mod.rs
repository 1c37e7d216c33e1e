//! Telling applications that somebody signed out: by the back channel (OpenID Connect Back-Channel Logout 1.0) from a queue
//! that survives restarts, by the front channel (Front-Channel Logout 1.0) in the browser that signs out.

pub mod back_channel;
pub mod front_channel;
pub mod worker;

use doorward_core::id::ProviderId;
use doorward_store::{self as store, logout_notice::LogoutNotice};
use jiff::SignedDuration;
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

/// The notes that an application was told in vain, newest first, a hundred at most.
///
/// # Errors
/// What the database says.
pub async fn failing(app: &App, provider: ProviderId) -> OperationResult<Vec<LogoutNotice>> {
    Ok(app.db.read(move |tx| Box::pin(async move { store::logout_notice::failing(tx, provider).await })).await?)
}
