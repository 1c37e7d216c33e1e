//! What is known about an account when a name and a password come in, read together.

use doorward_core::{
    app_password::{self, AppPassword},
    authenticator::Authenticator,
    cipher::Cipher,
    id::{ApplicationId, GroupId},
    user::{User, UserType},
};
use doorward_store::{self as store, db::Tx};
use jiff::Timestamp;
use std::collections::BTreeSet;

use super::{
    attempt,
    basic::{BasicAttempt, Who},
    throttle::{self, Counters},
};
use crate::app::App;

/// An account, or that there is none.
pub(super) struct Account {
    /// Whose.
    pub(super) user: Option<User>,
    /// The hash of their password.
    pub(super) hash: Option<String>,
    /// Their authenticator app.
    pub(super) authenticator: Option<Authenticator>,
    /// Their app password that was given, whether it is good or not.
    pub(super) app_password: Option<AppPassword>,
    /// Groups they are a direct member of, if they were asked for.
    pub(super) groups: BTreeSet<GroupId>,
    /// Where attempts are counted.
    pub(super) counters: Counters,
    /// Whether the next attempt would be one too many.
    pub(super) is_throttled: bool,
}

impl Account {
    /// Reads it. Moves no counter.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn find(app: &App, attempt: &BasicAttempt, with_groups: bool) -> store::Result<Self> {
        let (who, address, now) = (attempt.who.clone(), attempt.address, app.clock.now());
        let password = attempt.password.expose();
        let secret_hash = app_password::is_plausible(password).then(|| app_password::hash(password));
        let cipher = app.cipher.clone();
        app.db
            .read(move |tx| {
                Box::pin(async move {
                    let (user, counters) = match who {
                        Who::Named(name) => {
                            let name = name.trim();
                            let user = attempt::find_user(tx, name).await?;
                            let counters = Counters::of_application(user.as_ref().map(|user| user.id), name, address);
                            (user, counters)
                        }
                        Who::Username(name) => {
                            let user = store::user::find_by_username(tx, name.trim()).await?;
                            let counters = Counters::of_application(user.as_ref().map(|user| user.id), &name, address);
                            (user, counters)
                        }
                        Who::User(id) => {
                            (store::user::find(tx, id).await?, Counters::of_application(Some(id), "", address))
                        }
                    };
                    let is_throttled = throttle::is_reached(tx, &counters, now).await?;
                    let mut account = Self::nobody(counters, is_throttled);
                    if let Some(user) = user {
                        account.read(tx, &cipher, &user, secret_hash.as_deref()).await?;
                        if with_groups {
                            account.groups = store::group::of_user(tx, user.id).await?;
                        }
                        account.user = Some(user);
                    }
                    Ok(account)
                })
            })
            .await
    }

    fn nobody(counters: Counters, is_throttled: bool) -> Self {
        Self {
            user: None,
            hash: None,
            authenticator: None,
            app_password: None,
            groups: BTreeSet::new(),
            counters,
            is_throttled,
        }
    }

    async fn read(
        &mut self,
        tx: &mut Tx<'_>,
        cipher: &Cipher,
        user: &User,
        secret_hash: Option<&str>,
    ) -> store::Result<()> {
        if let Some(hash) = secret_hash {
            self.app_password = store::app_password::find(tx, hash).await?.filter(|found| found.user == user.id);
        }
        // Machines have no password that counts.
        if user.profile.user_type != UserType::ServiceAccount {
            self.hash = store::credential::find(tx, user.id).await?;
            self.authenticator = store::authenticator::find(tx, cipher, user.id).await?;
        }
        Ok(())
    }

    /// The app password that was given, if it is good for the application now.
    pub(super) fn good_app_password(&self, application: ApplicationId, now: Timestamp) -> Option<&AppPassword> {
        self.app_password.as_ref().filter(|password| password.is_good_for(application, now))
    }
}
