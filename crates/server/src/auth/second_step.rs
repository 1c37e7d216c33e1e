//! The second step of the sign-in form: the code of an authenticator app, after the right password.

use doorward_core::{id::UserId, session::Method};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use super::{
    attempt::{self, SignInError, Trace},
    password::{HalfVerified, Verified},
    throttle::{self, Counters},
};
use crate::{
    app::App,
    http::{sealed, visitor::Visitor},
    timeline::Trail,
};

/// How long somebody may take from the password to the code.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// How somebody signed in who passed both steps.
pub(super) const METHODS: &[Method] = &[Method::Password, Method::Code, Method::Multiple];
const KIND: &str = "second step";

/// That somebody gave the right password in this browser. It travels with the browser and is nothing by itself: the step
/// passes only by a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    user: UserId,
    /// A fingerprint of the hash that the password matched: another password since, and it has to be given again.
    hash: String,
}

impl Step {
    /// The step that follows a right password.
    pub fn after(app: &App, half: &HalfVerified) -> Self {
        Self { user: half.user.id, hash: fingerprint(app, &half.hash) }
    }

    /// As a hidden field, good for five minutes in this browser.
    pub fn seal(&self, app: &App, visitor: &Visitor) -> String {
        sealed::seal(app, &visitor.browser, KIND, self)
    }

    /// Reads what [`Step::seal`] made. `None` if it is not for this browser, or too old.
    pub fn open(app: &App, visitor: &Visitor, sealed: &str) -> Option<Self> {
        sealed::open(app, &visitor.browser, KIND, LIFETIME, sealed)
    }
}

fn fingerprint(app: &App, hash: &str) -> String {
    hex::encode(app.cipher.mac(KIND, hash.as_bytes()))
}

/// Checks the code. It counts like a password, and is used up. `None` if the step does not hold any more, because
/// password or authenticator app are not what they were.
///
/// # Errors
/// Why not.
pub async fn verify(
    app: &App,
    step: &Step,
    typed: &str,
    address: IpAddr,
    trail: Option<Trail>,
) -> Result<Option<Verified>, SignInError> {
    let (Some(user), Some(hash), Some(authenticator)) = attempt::find_by_id(app, step.user).await? else {
        return Ok(None);
    };
    if fingerprint(app, &hash) != step.hash {
        return Ok(None);
    }
    let trace = Trace::of_form(Some(&user), address, trail);
    let counters = Counters::new(Some(user.id), "", address);
    attempt::count(app, &trace, &counters).await?;
    attempt::check_active(app, &trace, &user).await?;
    attempt::check_code(app, &trace, &authenticator, typed).await?;
    throttle::forget(app, &counters).await?;
    Ok(Some(Verified { user, hash: Some(hash), methods: METHODS }))
}
