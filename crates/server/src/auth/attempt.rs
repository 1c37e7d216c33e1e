//! What every way of signing in with a password shares: counting, checking, and the record of what failed.

use doorward_core::{
    authenticator::{Authenticator, code_from_field},
    event::EventKind,
    id::{ApplicationId, UserId},
    secret::Secret,
    timeline::StepKind,
    user::User,
};
use doorward_store::{self as store, db::Tx};
use jiff::SignedDuration;
use std::net::IpAddr;

use super::{
    authenticator::{self, Verdict as CodeVerdict},
    password_hash::{PASSWORD_MAX, Verdict},
    throttle::{self, Counters},
};
use crate::{
    app::App,
    events,
    timeline::{StepDraft, Trail},
};

/// What the log says about codes.
pub(super) const WRONG_CODE: &str = "wrong or used code";
pub(super) const TOO_MANY_CODES: &str =
    "too many codes after the right password; somebody else may know it. A new password lets them try again at once";

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such user, no password, or the wrong one: never told apart.
    #[error("The username or the password is not right.")]
    Wrong {
        /// Code under which the log says more.
        reference: String,
    },
    /// The password was right a step before, the code is not, or it was used already.
    #[error("The code is not right, or it was used already. Wait for the next one.")]
    WrongCode {
        /// Code under which the log says more.
        reference: String,
    },
    /// Too many attempts.
    #[error("Too many attempts. Try again in {}.", throttle::in_words(*wait))]
    Throttled {
        /// How long to wait.
        wait: SignedDuration,
        /// Code under which the log says more.
        reference: String,
    },
    /// The password is right but the account is disabled.
    #[error("This account is disabled. Ask your administrator.")]
    Disabled {
        /// Code under which the log says more.
        reference: String,
    },
    /// The person is who they say they are, but may not use the application.
    #[error("This account may not use the application. Ask your administrator.")]
    NotAllowed {
        /// Code under which the log says more.
        reference: String,
    },
    /// The database is away.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl SignInError {
    /// The code under which the log says more, if something was written there.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Wrong { reference }
            | Self::WrongCode { reference }
            | Self::Throttled { reference, .. }
            | Self::Disabled { reference }
            | Self::NotAllowed { reference } => Some(reference),
            Self::Store(_) => None,
        }
    }
}

/// Whom an attempt is about, and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// The account, if there is such a one.
    pub(super) user: Option<(UserId, String)>,
    /// Address of the browser or client.
    pub(super) address: IpAddr,
    /// The application that asks, and how, where it is not the form.
    pub(super) by: Option<(ApplicationId, &'static str)>,
    /// The sign-in attempt that it is part of; `None` where somebody signed in shows again who they are.
    pub(super) trail: Option<Trail>,
}

impl Trace {
    /// An attempt in a browser.
    pub(super) fn of_form(user: Option<&User>, address: IpAddr, trail: Option<Trail>) -> Self {
        let trail = trail.map(|trail| match user {
            Some(user) => trail.by_user(user),
            None => trail.by_nobody(),
        });
        Self { user: user.map(|user| (user.id, user.profile.username.clone())), address, by: None, trail }
    }

    /// Writes down that it failed, and returns the reference code.
    pub(super) async fn failed(&self, app: &App, why: &str) -> String {
        let at = if self.by.is_some() { StepKind::Bind } else { StepKind::Password };
        self.failed_at(app, at, why).await
    }

    /// The same for another step than the password.
    async fn failed_at(&self, app: &App, at: StepKind, why: &str) -> String {
        let who = self.user.as_ref().map_or("somebody", |(_, username)| username.as_str());
        let how = self.by.map(|(_, how)| format!(" by {how}")).unwrap_or_default();
        let text = format!("{who} could not sign in{how}: {why}");
        self.write(app, EventKind::SignInFailed, text, StepDraft::refused(at, why)).await
    }

    /// Writes down what became of it, and returns the reference code.
    pub(super) async fn write(&self, app: &App, kind: EventKind, text: String, step: StepDraft) -> String {
        let mut entry = events::Entry::new(kind, text);
        entry.user = self.user.as_ref().map(|(id, _)| *id);
        entry.application = self.by.map(|(application, _)| application);
        entry.address = self.address.to_string();
        if let Some(trail) = &self.trail {
            entry = entry.on(trail, step);
        }
        events::write(app, entry).await
    }
}

/// A user, the hash of their password, and their authenticator app, as far as there are such.
pub(super) type Found = (Option<User>, Option<String>, Option<Authenticator>);

/// By username, or by an e-mail address that is verified and only one person's.
///
/// # Errors
/// What the database says.
pub(super) async fn find_user(tx: &mut Tx<'_>, typed: &str) -> store::Result<Option<User>> {
    let user = store::user::find_by_username(tx, typed).await?;
    if user.is_some() || !typed.contains('@') {
        return Ok(user);
    }
    let mut owners = store::user::find_by_email(tx, typed).await?;
    match (owners.pop(), owners.is_empty()) {
        (Some(owner), true) if owner.profile.email_verified => Ok(Some(owner)),
        _ => Ok(None),
    }
}

/// A user with the hash of their password and their authenticator app, read together.
///
/// # Errors
/// What the database says.
pub(super) async fn find_by_id(app: &App, id: UserId) -> store::Result<Found> {
    let cipher = app.cipher.clone();
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let user = store::user::find(tx, id).await?;
            let hash = store::credential::find(tx, id).await?;
            Ok((user, hash, store::authenticator::find(tx, &cipher, id).await?))
        })
    });
    found.await
}

/// Counts an attempt, before anything is looked at.
///
/// # Errors
/// That there were too many.
pub(super) async fn count(app: &App, trace: &Trace, counters: &Counters) -> Result<(), SignInError> {
    match throttle::count(app, counters).await? {
        None => Ok(()),
        Some(wait) => {
            let reference = trace.failed(app, "too many attempts").await;
            Err(SignInError::Throttled { wait, reference })
        }
    }
}

/// Checks a counted attempt's password, at the same cost where there is no hash to check it against, and makes a weak
/// hash stronger. Returns whose it is, with the hash that is kept now.
///
/// # Errors
/// Why not; written down.
pub(super) async fn check_password(
    app: &App,
    trace: &Trace,
    (user, hash): (Option<User>, Option<String>),
    password: &Secret<String>,
) -> Result<(User, String), SignInError> {
    let is_bearable = password.expose().len() <= PASSWORD_MAX;
    let password = if is_bearable { password.clone() } else { Secret::from("") };
    let verdict = app.hasher.verify(password.clone(), hash.clone().filter(|_| is_bearable)).await;
    let (user, hash, stronger) = match (user, hash, verdict) {
        (Some(user), Some(hash), Verdict::Right) => (user, hash, None),
        (Some(user), Some(hash), Verdict::RightRehashed(stronger)) => (user, hash, Some(stronger)),
        (user, ..) => {
            let why = if user.is_some() { "wrong password" } else { "unknown user" };
            return Err(SignInError::Wrong { reference: trace.failed(app, why).await });
        }
    };
    check_active(app, trace, &user).await?;
    let Some(stronger) = stronger else { return Ok((user, hash)) };
    let Some(other) = keep_stronger(app, user.id, hash, &stronger).await? else { return Ok((user, stronger)) };
    // Another sign-in may have made it stronger first, or the password was changed: the hash that is kept now says which.
    match app.hasher.verify(password, other.clone()).await {
        Verdict::Right | Verdict::RightRehashed(_) => Ok((user, other.unwrap_or_default())),
        Verdict::Wrong => Err(SignInError::Wrong { reference: trace.failed(app, "the password was changed").await }),
    }
}

/// Keeps a stronger hash in place of the one that the password matched. If that is not kept any more, `Some` of what is.
async fn keep_stronger(app: &App, user: UserId, old: String, new: &str) -> store::Result<Option<Option<String>>> {
    let new = new.to_owned();
    let keep = app.db.write(move |tx| {
        Box::pin(async move {
            if store::credential::rehash(tx, user, &old, &new).await? {
                return Ok(None);
            }
            store::credential::find(tx, user).await.map(Some)
        })
    });
    keep.await
}

/// Checks the code of a counted attempt, as typed into a field, and uses it up.
///
/// # Errors
/// That it is not right, or was used already, or that there were too many; written down.
pub(super) async fn check_code(
    app: &App,
    trace: &Trace,
    authenticator: &Authenticator,
    typed: &str,
) -> Result<(), SignInError> {
    // What is no code is no guess either.
    let verdict = match code_from_field(typed) {
        Some(code) => authenticator::consume(app, authenticator, &code).await?,
        None => CodeVerdict::Wrong,
    };
    match verdict {
        CodeVerdict::Right => Ok(()),
        CodeVerdict::Wrong => Err(SignInError::WrongCode {
            reference: trace.failed_at(app, StepKind::AuthenticatorCode, WRONG_CODE).await,
        }),
        CodeVerdict::TooMany(wait) => {
            let reference = trace.failed_at(app, StepKind::AuthenticatorCode, TOO_MANY_CODES).await;
            Err(SignInError::Throttled { wait, reference })
        }
    }
}

/// Whether somebody who showed who they are may go on at all.
///
/// # Errors
/// That the account is disabled; written down.
pub(super) async fn check_active(app: &App, trace: &Trace, user: &User) -> Result<(), SignInError> {
    if user.profile.is_active {
        return Ok(());
    }
    let reference = trace.failed(app, "the account is disabled").await;
    Err(SignInError::Disabled { reference })
}

/// Refuses without looking at the password, at the cost of looking at it.
pub(super) async fn refuse(app: &App, trace: &Trace, password: &Secret<String>, why: &str) -> SignInError {
    waste(app, password).await;
    SignInError::Wrong { reference: trace.failed(app, why).await }
}

/// Takes the time that checking a password takes.
pub(super) async fn waste(app: &App, password: &Secret<String>) {
    let is_bearable = password.expose().len() <= PASSWORD_MAX;
    let password = if is_bearable { password.clone() } else { Secret::from("") };
    app.hasher.verify(password, None).await;
}
