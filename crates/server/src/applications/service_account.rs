//! The account with which an application reads the directory: a service account with an app password that is good for
//! this application only.

use doorward_core::{
    app_password::{self, AppPassword},
    application::Application,
    clock::Clock,
    id::{AppPasswordId, ApplicationId, UserId},
    secret::Secret,
    user::{NAME_MAX, User, UserProfile, UserType},
};
use doorward_protocols::ldap::dn;
use doorward_store::{self as store, db::Tx};

use super::ldap;
use crate::{
    actor::Actor,
    app::App,
    directory::users::{self, Prepared},
    error::OperationResult,
    events,
    snapshot::{LdapClient, Snapshot},
};

/// Name and password with which an application reads the directory. The password is shown once.
#[derive(Debug, Clone)]
pub struct BindAccount {
    /// The service account.
    pub user: UserId,
    /// Its username.
    pub username: String,
    /// What to bind as.
    pub dn: String,
    /// The password.
    pub password: Secret<String>,
    /// Whether the account was just made.
    pub is_new: bool,
}

/// What the password is for, by which the account that was made for an application is known.
const PURPOSE: &str = "Reading the directory";

/// The DN of a user in the tree of a provider.
pub fn bind_dn(username: &str, base_dn: &str) -> String {
    format!("cn={},ou=users,{}", dn::escape(username), base_dn.trim())
}

/// A service account that is to be made.
#[derive(Debug)]
pub(super) struct NewAccount {
    user: Prepared,
    application: ApplicationId,
    clock: Clock,
}

impl NewAccount {
    /// The account of an application: `<slug>-ldap`, in no group.
    pub(super) fn prepare(app: &App, application: &Application) -> OperationResult<Self> {
        let name = format!("{} (LDAP)", application.profile.name);
        let profile = UserProfile {
            name: name.chars().take(NAME_MAX).collect(),
            user_type: UserType::ServiceAccount,
            ..UserProfile::named(username(&application.profile.slug))
        };
        Ok(Self { user: Prepared::new(app, profile)?, application: application.id, clock: app.clock.clone() })
    }

    /// Adds it, with a number behind its name if that is taken, and its password.
    pub(super) async fn insert(self, tx: &mut Tx<'_>, base_dn: &str) -> store::Result<BindAccount> {
        let user = self.user.insert_numbered(tx).await?;
        let password = insert_password(tx, &self.clock, user.id, self.application).await?;
        Ok(BindAccount { is_new: true, ..bind_account(&user, base_dn, password) })
    }
}

fn username(slug: &str) -> String {
    format!("{slug}-ldap")
}

fn bind_account(user: &User, base_dn: &str, password: Secret<String>) -> BindAccount {
    let username = user.profile.username.clone();
    BindAccount { user: user.id, dn: bind_dn(&username, base_dn), username, password, is_new: false }
}

async fn insert_password(
    tx: &mut Tx<'_>,
    clock: &Clock,
    user: UserId,
    application: ApplicationId,
) -> store::Result<Secret<String>> {
    let secret = app_password::new_secret();
    let password = AppPassword {
        id: AppPasswordId::new(clock),
        user,
        application: Some(application),
        name: PURPOSE.to_owned(),
        created_at: clock.now(),
        expires_at: None,
        last_used_at: None,
    };
    store::app_password::insert(tx, &password, &app_password::hash(secret.expose())).await?;
    Ok(secret)
}

/// The account with which an application reads the directory: of its searchers the service account that was made for it,
/// or else any; `None` if there is none. Not by name, since application and account can be renamed.
///
/// # Errors
/// What the database says.
pub async fn find(app: &App, client: &LdapClient) -> OperationResult<Option<User>> {
    let client = client.clone();
    let accounts = app.db.read(move |tx| Box::pin(async move { accounts(tx, &client).await }));
    // Among equals the oldest comes first.
    Ok(accounts.await?.into_iter().min_by_key(|account| account.kinship).map(|account| account.user))
}

/// How much a service account is an application's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kinship {
    /// It was made for the application, and has no other password.
    Own,
    /// It has a password for the application.
    Shared,
    /// It has none.
    Distant,
}

struct Account {
    user: User,
    kinship: Kinship,
}

/// The service accounts among the searchers of a provider.
async fn accounts(tx: &mut Tx<'_>, client: &LdapClient) -> store::Result<Vec<Account>> {
    let mut accounts = Vec::new();
    for id in &client.provider.profile.searchers {
        let Some(user) = store::user::find(tx, *id).await? else { continue };
        if user.profile.user_type == UserType::ServiceAccount {
            let kinship = kinship(client, &user, &store::app_password::of_user(tx, *id).await?);
            accounts.push(Account { user, kinship });
        }
    }
    Ok(accounts)
}

fn kinship(client: &LdapClient, user: &User, passwords: &[AppPassword]) -> Kinship {
    let is_for_it = |password: &AppPassword| password.application == Some(client.application.id);
    let was_made = passwords.iter().any(|password| is_for_it(password) && password.name == PURPOSE);
    // Without any password only the name tells.
    let is_named =
        passwords.is_empty() && user.profile.username.starts_with(&username(&client.application.profile.slug));
    if passwords.iter().all(is_for_it) && (was_made || is_named) {
        Kinship::Own
    } else if passwords.iter().any(is_for_it) {
        Kinship::Shared
    } else {
        Kinship::Distant
    }
}

/// What an administrator should know about the account with which an application reads the directory: that there is none,
/// or that it cannot sign in.
///
/// # Errors
/// What the database says.
pub async fn warning(app: &App, client: &LdapClient) -> OperationResult<Option<String>> {
    let name = &client.application.profile.name;
    Ok(match find(app, client).await? {
        None => Some(format!(
            "{name} has no service account that reads everybody, so it finds nobody; a new bind password makes one."
        )),
        Some(user) if !user.profile.is_active => {
            let username = &user.profile.username;
            Some(format!("The service account {username} is disabled, so {name} finds nobody; enable it."))
        }
        Some(_) => None,
    })
}

/// Gives the account a new password in place of those it has for this application; makes the account if there is none.
/// What was in use is refused from now on.
///
/// # Errors
/// That there is no such application, or that it has no LDAP provider.
pub async fn rotate_password(app: &App, actor: &Actor, slug: &str) -> OperationResult<BindAccount> {
    let client = ldap::find(app, slug)?;
    let bind = if let Some(user) = find(app, &client).await? {
        renew(app, &client, user).await?
    } else {
        make(app, &client).await?
    };
    let name = &client.application.profile.name;
    events::changed(app, actor, format!("replaced the LDAP password of {name}")).await;
    Ok(bind)
}

async fn renew(app: &App, client: &LdapClient, user: User) -> OperationResult<BindAccount> {
    let (application, base_dn) = (client.application.id, client.provider.profile.base_dn.clone());
    let clock = app.clock.clone();
    let change = app.db.write(move |tx| {
        Box::pin(async move {
            for old in store::app_password::of_user(tx, user.id).await? {
                if old.application == Some(application) {
                    store::app_password::delete(tx, user.id, old.id).await?;
                }
            }
            let password = insert_password(tx, &clock, user.id, application).await?;
            Ok(bind_account(&user, &base_dn, password))
        })
    });
    Ok(change.await?)
}

async fn make(app: &App, client: &LdapClient) -> OperationResult<BindAccount> {
    let account = NewAccount::prepare(app, &client.application)?;
    let (id, mut profile) = (client.provider.id, client.provider.profile.clone());
    let change = app.change(move |tx| {
        Box::pin(async move {
            let bind = account.insert(tx, &profile.base_dn).await?;
            profile.searchers.insert(bind.user);
            ldap::write(tx, id, profile).await?;
            Ok(bind)
        })
    });
    change.await.map_err(users::name_conflict)
}

/// Removes the accounts that were made for an application's LDAP provider.
pub(super) async fn delete_own(tx: &mut Tx<'_>, client: &LdapClient, snapshot: &Snapshot) -> store::Result<()> {
    for user in own(tx, client, snapshot).await? {
        store::user::delete(tx, user.id).await?;
    }
    Ok(())
}

/// Usernames of the accounts that go when the application or its LDAP provider is removed.
///
/// # Errors
/// What the database says.
pub async fn own_usernames(app: &App, client: &LdapClient) -> OperationResult<Vec<String>> {
    let (client, snapshot) = (client.clone(), app.snapshot());
    let own = app.db.read(move |tx| Box::pin(async move { own(tx, &client, &snapshot).await }));
    Ok(own.await?.into_iter().map(|user| user.profile.username).collect())
}

/// The accounts that were made for an application's LDAP provider. One that has become something else meanwhile, a member
/// of a group or somebody with a password, is not among them.
async fn own(tx: &mut Tx<'_>, client: &LdapClient, snapshot: &Snapshot) -> store::Result<Vec<User>> {
    let mut own = Vec::new();
    for Account { user, kinship } in accounts(tx, client).await? {
        let reads_elsewhere = snapshot.ldap.iter().any(|other| {
            other.provider.id != client.provider.id && other.provider.profile.searchers.contains(&user.id)
        });
        if kinship == Kinship::Own
            && !reads_elsewhere
            && store::group::of_user(tx, user.id).await?.is_empty()
            && store::credential::find(tx, user.id).await?.is_none()
        {
            own.push(user);
        }
    }
    Ok(own)
}
