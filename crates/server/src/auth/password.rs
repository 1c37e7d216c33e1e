//! Verifying a password: the one operation behind the sign-in form and every other place where a password is given.

use doorward_core::{
    event::EventKind,
    secret::Secret,
    user::{User, UserType},
};
use doorward_store::{self as store, db::Tx};
use jiff::SignedDuration;
use std::net::IpAddr;

use super::{
    password_hash::{PASSWORD_MAX, Verdict},
    throttle,
};
use crate::{app::App, events};

/// What somebody typed, and where.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Username or e-mail address.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
    /// Address of the browser.
    pub address: IpAddr,
}

/// Somebody who showed who they are.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who.
    pub user: User,
    /// The hash that the password matched, so that a session begins only if it is still theirs; `None` where no password
    /// was needed.
    pub hash: Option<String>,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such user, no password, or the wrong one: never told apart.
    #[error("The username or the password is not right.")]
    Wrong {
        /// Code under which the log says more.
        reference: String,
    },
    /// Too many attempts.
    #[error("Too many attempts. Try again in {} seconds.", wait.as_secs())]
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
    /// The database is away.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Checks a password and returns whose it is. Counts before it checks, takes the same time for unknown users, and makes
/// weak hashes stronger.
///
/// # Errors
/// Why not.
pub async fn verify(app: &App, attempt: Attempt) -> Result<Verified, SignInError> {
    let typed = attempt.username.trim().to_owned();
    let (user, hash) = find(app, &typed).await?;
    let counters = throttle::Counters::new(user.as_ref().map(|user| user.id), &typed, attempt.address);
    if let Some(wait) = throttle::count(app, &counters).await? {
        let reference = failed(app, user.as_ref(), &attempt, "too many attempts").await;
        return Err(SignInError::Throttled { wait, reference });
    }
    let is_bearable = attempt.password.expose().len() <= PASSWORD_MAX;
    let password = if is_bearable { attempt.password.clone() } else { Secret::from("") };
    let verdict = app.hasher.verify(password, hash.clone()).await;
    match (user, verdict) {
        (Some(user), Verdict::Right | Verdict::RightRehashed(_)) if is_bearable && !user.profile.is_active => {
            let reference = failed(app, Some(&user), &attempt, "the account is disabled").await;
            Err(SignInError::Disabled { reference })
        }
        (Some(user), verdict @ (Verdict::Right | Verdict::RightRehashed(_))) if is_bearable => {
            throttle::forget(app, &counters).await?;
            let hash = match (verdict, hash) {
                (Verdict::RightRehashed(stronger), Some(weak)) => {
                    rehash(app, &user, weak, stronger.clone()).await?;
                    Some(stronger)
                }
                (_, hash) => hash,
            };
            Ok(Verified { user, hash })
        }
        (user, _) => {
            let why = if user.is_some() { "wrong password" } else { "unknown user" };
            let reference = failed(app, user.as_ref(), &attempt, why).await;
            Err(SignInError::Wrong { reference })
        }
    }
}

async fn find(app: &App, typed: &str) -> store::Result<(Option<User>, Option<String>)> {
    let typed = typed.to_owned();
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let user = find_user(tx, &typed).await?;
                let hash = match &user {
                    Some(user) => store::credential::find(tx, user.id).await?,
                    None => None,
                };
                Ok((user, hash))
            })
        })
        .await
}

/// By username, or by an e-mail address that is verified and only one person's. Machines do not sign in.
async fn find_user(tx: &mut Tx<'_>, typed: &str) -> store::Result<Option<User>> {
    let mut user = store::user::find_by_username(tx, typed).await?;
    if user.is_none() && typed.contains('@') {
        let mut owners = store::user::find_by_email(tx, typed).await?;
        if let (Some(owner), true) = (owners.pop(), owners.is_empty()) {
            user = Some(owner).filter(|owner| owner.profile.email_verified);
        }
    }
    Ok(user.filter(|user| user.profile.user_type != UserType::ServiceAccount))
}

async fn rehash(app: &App, user: &User, old: String, new: String) -> store::Result<()> {
    let id = user.id;
    app.db.write(move |tx| Box::pin(async move { store::credential::rehash(tx, id, &old, &new).await })).await?;
    Ok(())
}

async fn failed(app: &App, user: Option<&User>, attempt: &Attempt, why: &str) -> String {
    let who = user.map_or_else(|| "somebody".to_owned(), |user| user.profile.username.clone());
    let mut entry = events::Entry::new(EventKind::SignInFailed, format!("{who} could not sign in: {why}"));
    entry.user = user.map(|user| user.id);
    entry.address = attempt.address.to_string();
    events::write(app, entry).await
}
