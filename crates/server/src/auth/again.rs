//! Showing again who one is, before something that concerns one's own account: the password, and the code if there is an
//! authenticator app.

use doorward_core::{authenticator, id::UserId, secret::Secret, session::Method};
use doorward_store as store;
use std::net::IpAddr;

use super::{
    attempt::{self, SignInError, Trace},
    authenticator as apps,
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
    let (id, cipher) = (again.user, app.cipher.clone());
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let user = store::user::find(tx, id).await?;
            let hash = store::credential::find(tx, id).await?;
            Ok((user, hash, store::authenticator::find(tx, &cipher, id).await?))
        })
    });
    let (user, hash, kept) = found.await?;
    let trace = Trace::of_form(user.as_ref(), again.address);
    let counters = Counters::new(Some(id), "", again.address);
    attempt::count(app, &trace, &counters).await?;
    let (user, hash) = attempt::check_password(app, &trace, (user, hash), &again.password).await?;
    let mut methods: &'static [Method] = &[Method::Password];
    if let Some(kept) = kept {
        let is_right = match authenticator::code_from_field(&again.code) {
            Some(code) => apps::consume(app, &kept, &code).await?,
            None => false,
        };
        if !is_right {
            return Err(SignInError::WrongCode { reference: trace.failed(app, "wrong or used code").await });
        }
        methods = second_step::METHODS;
    }
    throttle::forget(app, &counters).await?;
    Ok(Verified { user, hash: Some(hash), methods })
}
