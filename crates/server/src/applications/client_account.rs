//! The service account that a client is when it speaks for itself (RFC 6749, section 4.4): made when it first does, named as
//! authentik names it, and removed with the application.

use doorward_core::{
    event::EventKind,
    id::{GroupId, ProviderId},
    user::{NAME_MAX, USERNAME_MAX, User, UserProfile, UserType},
};
use doorward_store::{self as store, db::Tx};
use std::collections::BTreeSet;

use crate::{
    app::App,
    directory::{person, users::Prepared},
    error::{OperationError, OperationResult},
    events,
    snapshot::Client,
};

const BEFORE: &str = "ak-";
const BEHIND: &str = "-client_credentials";
/// Characters of a username that are left for a number, if the name is taken.
const NUMBER: usize = 5;
/// How often it is tried again if somebody else takes the name meanwhile.
const TRIES: usize = 5;

/// An account with the groups it is a direct member of.
type Account = (User, BTreeSet<GroupId>);

/// The account of a client. Of many that ask first, one makes it.
///
/// # Errors
/// What the database says; that no name can be made of the provider's.
pub async fn find_or_make(app: &App, client: &Client) -> OperationResult<Account> {
    let provider = client.provider.id;
    match app.db.read(move |tx| Box::pin(read(tx, provider))).await? {
        Some(found) => Ok(found),
        None => make(app, client).await,
    }
}

/// The account of a client, if it has one yet.
///
/// # Errors
/// What the database says.
pub async fn find(app: &App, client: &Client) -> OperationResult<Option<User>> {
    let provider = client.provider.id;
    let found = app.db.read(move |tx| Box::pin(read(tx, provider))).await?;
    Ok(found.map(|(user, _)| user))
}

async fn read(tx: &mut Tx<'_>, provider: ProviderId) -> store::Result<Option<Account>> {
    match store::client_account::find(tx, provider).await? {
        Some(user) => person::read(tx, user).await,
        None => Ok(None),
    }
}

async fn make(app: &App, client: &Client) -> OperationResult<Account> {
    let mut outcome = Err(store::Error::Rollback);
    for _ in 0..TRIES {
        let account = Prepared::new(app, profile(client))?;
        let provider = client.provider.id;
        let made = app.db.write(move |tx| Box::pin(make_once(tx, provider, account)));
        outcome = made.await;
        if !matches!(outcome, Err(store::Error::Conflict(_))) {
            break;
        }
    }
    let (account, is_new) = outcome.map_err(OperationError::Store)?;
    if is_new {
        let (username, name) = (&account.0.profile.username, &client.application.profile.name);
        let text = format!("the service account {username} was made for {name}, which asked for tokens for itself");
        let mut entry = events::Entry::new(EventKind::Changed, text);
        entry.user = Some(account.0.id);
        entry.application = Some(client.application.id);
        events::write(app, entry).await;
    }
    Ok(account)
}

/// Makes it, unless somebody else has: then it is theirs. An account that has the name already is somebody, and is never
/// taken for it.
async fn make_once(tx: &mut Tx<'_>, provider: ProviderId, account: Prepared) -> store::Result<(Account, bool)> {
    if !store::client_account::lock(tx, provider).await? {
        return Err(store::Error::Conflict("the application was removed".to_owned()));
    }
    if let Some(found) = read(tx, provider).await? {
        return Ok((found, false));
    }
    let user = account.insert_numbered(tx).await?;
    store::client_account::insert(tx, provider, user.id).await?;
    Ok(((user, BTreeSet::new()), true))
}

fn profile(client: &Client) -> UserProfile {
    let room = USERNAME_MAX - BEFORE.len() - BEHIND.len() - NUMBER;
    let provider: String = client.provider.profile.name.chars().filter(|c| !c.is_control()).take(room).collect();
    let name = format!("{} (client credentials)", client.application.profile.name);
    UserProfile {
        name: name.chars().take(NAME_MAX).collect(),
        user_type: UserType::ServiceAccount,
        ..UserProfile::named(format!("{BEFORE}{provider}{BEHIND}"))
    }
}

/// Removes the account that was made for a client, unless it has become somebody who signs in otherwise.
pub(super) async fn delete_own(tx: &mut Tx<'_>, provider: ProviderId) -> store::Result<()> {
    // In the order in which it is made, so that the two never wait for each other.
    store::client_account::lock(tx, provider).await?;
    let Some((user, _)) = read(tx, provider).await? else { return Ok(()) };
    let has_password = store::credential::find(tx, user.id).await?.is_some()
        || store::app_password::count(tx, user.id).await? > 0
        || user.profile.user_type != UserType::ServiceAccount;
    if !has_password {
        store::user::delete(tx, user.id).await?;
    }
    Ok(())
}
