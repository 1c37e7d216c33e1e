//! Authenticator apps: set up, and checked. Removing one is the directory's (`directory/authenticators.rs`).

use doorward_core::{
    authenticator::{Authenticator, code_from_field},
    id::UserId,
    secret::Secret,
    user::User,
};
use doorward_protocols::totp;
use doorward_store as store;
use jiff::SignedDuration;

use super::throttle;
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
    http::{sealed, visitor::Visitor},
};

/// How long somebody may take to set an app up.
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
const KIND: &str = "authenticator set-up";

/// An app that is being set up. Until a code of it came back it is kept nowhere but in the form.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// What the app is to be told.
    pub secret: Secret<Vec<u8>>,
    /// The same for the form, bound to browser and user.
    pub sealed: String,
}

/// Begins to set an app up, with a new secret.
pub fn begin(app: &App, visitor: &Visitor, user: UserId) -> SetUp {
    let secret = totp::new_secret();
    let sealed = sealed::seal(app, &visitor.browser, KIND, (user, secret.expose()));
    SetUp { secret, sealed }
}

/// Goes on with what [`begin`] began. `None` if it was begun for somebody else, in another browser, or too long ago.
pub fn resume(app: &App, visitor: &Visitor, user: UserId, sealed: &str) -> Option<SetUp> {
    let (begun_for, secret): (UserId, Vec<u8>) = sealed::open(app, &visitor.browser, KIND, LIFETIME, sealed)?;
    let secret = Secret::new(secret);
    (begun_for == user).then(|| SetUp { secret, sealed: sealed.to_owned() })
}

/// The address in the QR code: issuer and account as the app shows them.
pub fn url(app: &App, user: &User, secret: &Secret<Vec<u8>>) -> String {
    totp::url(secret, app.config.public_url.host(), &user.profile.username).unwrap_or_default()
}

/// Keeps an app after a code of it came back. That code is used up.
///
/// # Errors
/// That the code is not right, or that there is an app already.
pub async fn confirm(app: &App, actor: &Actor, user: &User, set_up: &SetUp, typed: &str) -> OperationResult<()> {
    let now = app.clock.now();
    let step = code_from_field(typed).and_then(|code| totp::matching_step(&set_up.secret, &code, now));
    let Some(last_step) = step else {
        let message = "This is not the code the app shows now. If it keeps being refused, the phone's clock is wrong.";
        return Err(OperationError::invalid("code", message));
    };
    let kept = Authenticator { user: user.id, secret: set_up.secret.clone(), confirmed_at: now, last_step };
    let cipher = app.cipher.clone();
    let insert =
        app.db.write(move |tx| Box::pin(async move { store::authenticator::insert(tx, &cipher, &kept).await }));
    if !insert.await? {
        return Err(OperationError::invalid("", "There is an authenticator app already; remove it first."));
    }
    events::changed(app, actor, format!("set up the authenticator app of {}", user.profile.username)).await;
    Ok(())
}

/// What a code given after the right password turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Right, and used up now.
    Right,
    /// Not right, or used already.
    Wrong,
    /// Not looked at: too many came before it, and one has to wait.
    TooMany(SignedDuration),
}

/// Checks a code and uses it up. It is counted before it is looked at; a right one begins the count anew.
///
/// # Errors
/// What the database says.
pub(super) async fn consume(app: &App, authenticator: &Authenticator, code: &str) -> store::Result<Verdict> {
    if let Some(wait) = throttle::count_code(app, authenticator.user).await? {
        return Ok(Verdict::TooMany(wait));
    }
    let Some(step) = totp::matching_step(&authenticator.secret, code, app.clock.now()) else {
        return Ok(Verdict::Wrong);
    };
    let authenticator = authenticator.clone();
    let consume = app.db.write(move |tx| {
        Box::pin(async move {
            let is_right = store::authenticator::consume(tx, &authenticator, step).await?;
            if is_right {
                store::throttle::reset(tx, &throttle::codes_of(authenticator.user)).await?;
            }
            Ok(is_right)
        })
    });
    Ok(if consume.await? { Verdict::Right } else { Verdict::Wrong })
}
