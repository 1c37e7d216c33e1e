//! Showing again who one is, before something that concerns one's own account: the password, and the code if there is an
//! authenticator app.

use doorward_core::{id::UserId, secret::Secret, session::Method};
use std::net::IpAddr;

use super::{
    attempt::{self, SignInError, Trace},
    password::Verified,
    second_step,
    throttle::{self, Counters},
};
use crate::app::App;

/// What somebody signed in typed.
#[derive(Debug, Clone)]
pub struct Again {
    /// Who is signed in.
    pub user: UserId,
    /// Their password.
    pub password: Secret<String>,
    /// The code of their authenticator app; not looked at if there is none.
    pub code: String,
    /// Address of the browser.
    pub address: IpAddr,
}

/// Checks it, counted like every other attempt. The code is used up.
///
/// # Errors
/// Why not.
pub async fn verify(app: &App, again: Again) -> Result<Verified, SignInError> {
    let (user, hash, authenticator) = attempt::find_by_id(app, again.user).await?;
    let trace = Trace::of_form(user.as_ref(), again.address, None);
    let counters = Counters::new(Some(again.user), "", again.address);
    attempt::count(app, &trace, &counters).await?;
    let (user, hash) = attempt::check_password(app, &trace, (user, hash), &again.password).await?;
    let methods: &'static [Method] = match authenticator {
        None => &[Method::Password],
        Some(authenticator) => {
            attempt::check_code(app, &trace, &authenticator, &again.code).await?;
            second_step::METHODS
        }
    };
    throttle::forget(app, &counters).await?;
    Ok(Verified { user, hash: Some(hash), methods })
}
