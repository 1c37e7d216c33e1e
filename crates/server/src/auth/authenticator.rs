//! Authenticator apps: set up, checked, removed.

use doorward_core::authenticator::Authenticator;
use doorward_protocols::totp;
use doorward_store as store;

use crate::app::App;

/// Checks a code and uses it up. `false` if it is not right, or was used already.
///
/// # Errors
/// What the database says.
pub(super) async fn consume(app: &App, authenticator: &Authenticator, code: &str) -> store::Result<bool> {
    let Some(step) = totp::matching_step(&authenticator.secret, code, app.clock.now()) else { return Ok(false) };
    let authenticator = authenticator.clone();
    app.db.write(move |tx| Box::pin(async move { store::authenticator::consume(tx, &authenticator, step).await })).await
}
