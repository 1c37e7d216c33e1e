//! The sign-in form: a name and a password, and for people with an authenticator app a code in a second step.

use doorward_core::{
    secret::Secret,
    session::Method,
    timeline::StepKind,
    user::{User, UserType},
};
use doorward_store as store;
use std::net::IpAddr;

pub use super::attempt::SignInError;
use super::{
    attempt::{self, Found, Trace},
    throttle::{self, Counters},
};
use crate::{
    app::App,
    timeline::{StepDraft, Trail},
};

/// What somebody typed, and where.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Username or e-mail address.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
    /// Address of the browser.
    pub address: IpAddr,
    /// The sign-in attempt that it is part of.
    pub trail: Option<Trail>,
}

/// Somebody who showed who they are.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who.
    pub user: User,
    /// The hash that the password matched, so that a session begins only if it is still theirs; `None` where no password
    /// was needed.
    pub hash: Option<String>,
    /// How they showed it.
    pub methods: &'static [Method],
}

/// Somebody who gave the right password and has an authenticator app: nobody yet, until its code came, too.
#[derive(Debug, Clone)]
pub struct HalfVerified {
    /// Who it may be.
    pub user: User,
    /// The hash that the password matched.
    pub hash: String,
}

/// How far a right password leads.
#[derive(Debug, Clone)]
pub enum Passed {
    /// All the way.
    Verified(Verified),
    /// To the second step.
    CodeNeeded(HalfVerified),
}

/// Checks a password and returns whose it is. Counts before it checks, takes the same time for unknown users, and makes
/// weak hashes stronger.
///
/// # Errors
/// Why not.
pub async fn verify(app: &App, attempt: Attempt) -> Result<Passed, SignInError> {
    let typed = attempt.username.trim().to_owned();
    let (user, hash, authenticator) = find(app, &typed).await?;
    let counters = Counters::new(user.as_ref().map(|user| user.id), &typed, attempt.address);
    let trace = Trace::of_form(user.as_ref(), attempt.address, attempt.trail);
    attempt::count(app, &trace, &counters).await?;
    let (user, hash) = attempt::check_password(app, &trace, (user, hash), &attempt.password).await?;
    if authenticator.is_some() {
        throttle::forgive_address(app, &counters).await?;
        if let Some(trail) = &trace.trail {
            let text = format!("{} gave the right password", user.profile.username);
            app.timeline.note(trail, StepDraft::good(StepKind::Password, text));
        }
        return Ok(Passed::CodeNeeded(HalfVerified { user, hash }));
    }
    throttle::forget(app, &counters).await?;
    Ok(Passed::Verified(Verified { user, hash: Some(hash), methods: &[Method::Password] }))
}

/// Machines do not use the form.
async fn find(app: &App, typed: &str) -> store::Result<Found> {
    let (typed, cipher) = (typed.to_owned(), app.cipher.clone());
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let user = attempt::find_user(tx, &typed).await?;
                let user = user.filter(|user| user.profile.user_type != UserType::ServiceAccount);
                let Some(id) = user.as_ref().map(|user| user.id) else { return Ok((None, None, None)) };
                let hash = store::credential::find(tx, id).await?;
                Ok((user, hash, store::authenticator::find(tx, &cipher, id).await?))
            })
        })
        .await
}
