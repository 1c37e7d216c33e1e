//! What can be done with users.

use doorward_core::{
    clock::Clock,
    id::{GroupId, UserId},
    problem::Problems,
    secret::Secret,
    user::{User, UserProfile, UserType, is_portable_username, portable_username},
};
use doorward_protocols::oidc::subject;
use doorward_store::{self as store, db::Tx};
use std::collections::BTreeSet;

use super::person::{self, Person};
use crate::{
    actor::Actor,
    app::App,
    auth::{password_hash::PASSWORD_MAX, session, throttle},
    error::{OperationError, OperationResult},
    events, recipes, setup,
    snapshot::Snapshot,
};

/// Shortest password, in characters (NIST SP 800-63B, section 3.1.1.2, for a password used with nothing else: longer is
/// better, and is up to the house).
pub const PASSWORD_MIN: usize = 8;

/// A user that is to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Who it is.
    pub profile: UserProfile,
    /// Password, if there shall be one.
    pub password: Option<String>,
    /// Groups to be a direct member of.
    pub groups: BTreeSet<GroupId>,
}

/// A page of users.
#[derive(Debug)]
pub struct UserPage {
    /// The users, sorted by username.
    pub users: Vec<User>,
    /// How many there are on all pages.
    pub total: i64,
}

/// A checked user, ready to be written inside a transaction.
#[derive(Debug)]
pub(crate) struct Prepared {
    profile: UserProfile,
    pub(crate) password: Option<String>,
    clock: Clock,
}

impl Prepared {
    pub(crate) fn new(app: &App, profile: UserProfile) -> OperationResult<Self> {
        let profile = profile.tidied();
        profile.check()?;
        Ok(Self { profile, password: None, clock: app.clock.clone() })
    }

    /// As [`insert`](Self::insert), with a number behind the username if that is taken.
    pub(crate) async fn insert_numbered(mut self, tx: &mut Tx<'_>) -> store::Result<User> {
        let (base, mut number) = (self.profile.username.clone(), 2);
        while store::user::find_by_username(tx, &self.profile.username).await?.is_some() {
            self.profile.username = format!("{base}-{number}");
            number += 1;
        }
        self.insert(tx).await
    }

    pub(crate) async fn insert(self, tx: &mut Tx<'_>) -> store::Result<User> {
        let now = self.clock.now();
        let pk = store::revision::next_user_pk(tx).await?;
        let uid = subject::uid(pk, &setup::install_id(tx).await?);
        let id = UserId::new(&self.clock);
        let user = User { id, pk, uid, profile: self.profile, created_at: now, updated_at: now };
        store::user::insert(tx, &user).await?;
        if let Some(hash) = self.password {
            store::credential::upsert(tx, id, &hash, now).await?;
        }
        Ok(user)
    }
}

/// Says "the name is taken" where the database only knows of a conflict.
pub(crate) fn name_conflict(error: OperationError) -> OperationError {
    match error {
        OperationError::Store(store::Error::Conflict(what)) if what.contains("username") => {
            OperationError::invalid("username", "This username is taken (upper and lower case count as the same).")
        }
        other => other,
    }
}

/// Checks a new password.
///
/// # Errors
/// If it is too short or too long.
pub fn check_new_password(password: &str) -> Result<(), Problems> {
    let mut problems = Problems::default();
    problems.require(password.chars().count() >= PASSWORD_MIN, "password", "A password has at least 8 characters.");
    problems.require(password.len() <= PASSWORD_MAX, "password", "A password has at most 1024 bytes.");
    problems.or(())
}

/// Checks and hashes a new password.
///
/// # Errors
/// If it is too short or too long.
pub(crate) async fn hash_new_password(app: &App, password: &str) -> OperationResult<String> {
    check_new_password(password)?;
    Ok(app.hasher.hash(Secret::from(password)).await)
}

/// Adds a user.
///
/// # Errors
/// What is wrong with the input; that the name is taken; that the actor may not give these groups.
pub async fn create(app: &App, actor: &Actor, new: NewUser) -> OperationResult<User> {
    may_give(&app.snapshot(), actor, &new.groups)?;
    let mut prepared = Prepared::new(app, new.profile)?;
    if let Some(password) = new.password {
        prepared.password = Some(hash_new_password(app, &password).await?);
    }
    let groups = new.groups;
    let user = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let user = prepared.insert(tx).await?;
                for group in groups {
                    store::group::add_member(tx, group, user.id).await?;
                }
                Ok(user)
            })
        })
        .await
        .map_err(|error| name_conflict(error.into()))?;
    events::changed(app, actor, format!("added the user {}", user.profile.username)).await;
    Ok(user)
}

/// Writes a user's profile and, if given, direct groups. Somebody who is disabled loses all sessions and tokens at once, and
/// gets none of them back by being enabled.
///
/// # Errors
/// As [`create`]; that there is no such user; that actors cannot disable themselves or drop their own power.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: UserId,
    profile: UserProfile,
    groups: Option<BTreeSet<GroupId>>,
) -> OperationResult<()> {
    let profile = profile.tidied();
    profile.check()?;
    let snapshot = app.snapshot();
    let before = find(app, id).await?;
    let changed_groups: BTreeSet<GroupId> =
        groups.iter().flat_map(|groups| groups.symmetric_difference(&before.1)).copied().collect();
    may_give(&snapshot, actor, &changed_groups)?;
    may_touch(app, actor, id).await?;
    if actor.user == Some(id) {
        let effective = snapshot.groups.effective(groups.clone().unwrap_or_else(|| before.1.clone()));
        if !profile.is_active || (actor.is_superuser && !snapshot.groups.confers_superuser(&effective)) {
            return Err(OperationError::Denied(
                "You cannot disable yourself or leave the group that makes you an administrator; ask another \
                 administrator, or use the command line."
                    .to_owned(),
            ));
        }
    }
    let (clock, now) = (app.clock.clone(), app.clock.now());
    let username = profile.username.clone();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                // The user's row first, then what hangs on it: everybody who begins something goes the same way.
                let was_active = store::user::is_still_active(tx, id).await?;
                store::user::update(tx, id, &profile, now).await?;
                // Whoever is enabled begins with nothing: a program's token that was being written while its user was disabled
                // waits for no lock, and would be alive again. Nothing can be issued in between.
                if !profile.is_active || !was_active || profile.user_type == UserType::ServiceAccount {
                    session::end_all_of(tx, id, &clock).await?;
                }
                let Some(groups) = groups else { return Ok(()) };
                for group in before.1.difference(&groups) {
                    store::group::remove_member(tx, *group, id).await?;
                }
                for group in groups.difference(&before.1) {
                    store::group::add_member(tx, *group, id).await?;
                }
                Ok(())
            })
        })
        .await
        .map_err(|error| name_conflict(error.into()))?;
    events::changed(app, actor, format!("changed the user {username}")).await;
    Ok(())
}

/// Enables or disables a user.
///
/// # Errors
/// As [`update`].
pub async fn set_active(app: &App, actor: &Actor, id: UserId, is_active: bool) -> OperationResult<()> {
    let (user, _) = find(app, id).await?;
    update(app, actor, id, UserProfile { is_active, ..user.profile }, None).await
}

/// Whether a user can be given a password.
///
/// # Errors
/// That it is a service account.
pub fn may_have_password(user: &User) -> OperationResult<()> {
    if user.profile.user_type == UserType::ServiceAccount {
        return Err(OperationError::Denied(
            "A service account signs in by app passwords only; add one with: doorward user app-password add".to_owned(),
        ));
    }
    Ok(())
}

/// Gives a user a new password and ends all their sessions and tokens: whoever knew the old one is out.
///
/// # Errors
/// If the password is too short or too long, there is no such user, or it is a service account.
pub async fn set_password(app: &App, actor: &Actor, id: UserId, password: &str) -> OperationResult<()> {
    let (user, _) = find(app, id).await?;
    may_touch(app, actor, id).await?;
    may_have_password(&user)?;
    let hash = hash_new_password(app, password).await?;
    let (clock, now) = (app.clock.clone(), app.clock.now());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                store::credential::upsert(tx, id, &hash, now).await?;
                // Whoever used the codes up by the old password does not know this one.
                store::throttle::reset(tx, &throttle::codes_of(id)).await?;
                session::end_all_of(tx, id, &clock).await
            })
        })
        .await?;
    events::changed(app, actor, format!("set the password of {}", user.profile.username)).await;
    Ok(())
}

/// Removes a user with all that is theirs.
///
/// # Errors
/// That there is no such user, or that it is the actor.
pub async fn delete(app: &App, actor: &Actor, id: UserId) -> OperationResult<()> {
    let (user, _) = find(app, id).await?;
    may_touch(app, actor, id).await?;
    if actor.user == Some(id) {
        return Err(OperationError::Denied("You cannot delete yourself.".to_owned()));
    }
    // Access rules that name the user are part of the snapshot.
    let clock = app.clock.clone();
    let delete = app.change(move |tx| {
        Box::pin(async move {
            // The user's row first, as everywhere; then applications are told of the sessions that went with it.
            store::user::delete(tx, id).await?;
            session::end_all_of(tx, id, &clock).await
        })
    });
    delete.await?;
    events::changed(app, actor, format!("deleted the user {}", user.profile.username)).await;
    Ok(())
}

/// A user with direct groups.
///
/// # Errors
/// That there is no such user.
pub async fn find(app: &App, id: UserId) -> OperationResult<(User, BTreeSet<GroupId>)> {
    let found = app.db.read(move |tx| Box::pin(person::read(tx, id))).await?;
    found.ok_or_else(|| OperationError::not_found("user", id))
}

/// A user by username, whatever the case of its letters.
///
/// # Errors
/// That there is no such user.
pub async fn find_by_username(app: &App, username: &str) -> OperationResult<User> {
    let name = username.to_owned();
    let found = app.db.read(move |tx| Box::pin(async move { store::user::find_by_username(tx, &name).await })).await?;
    found.ok_or_else(|| OperationError::not_found("user", username))
}

/// A person by username, with effective groups.
///
/// # Errors
/// That there is no such user.
pub async fn find_person(app: &App, username: &str) -> OperationResult<Person> {
    let user = find_by_username(app, username).await?;
    let (user, direct) = find(app, user.id).await?;
    Ok(Person::new(user, direct, &app.snapshot()))
}

/// A page of users whose username, name or address holds `search`; `limit` at most, from `offset` on.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, search: &str, limit: i64, offset: i64) -> OperationResult<UserPage> {
    let search = search.to_owned();
    let page = app.db.read(move |tx| {
        Box::pin(async move {
            let users = store::user::list(tx, &search, limit, offset).await?;
            let total = store::user::count(tx, &search).await?;
            Ok(UserPage { users, total })
        })
    });
    Ok(page.await?)
}

/// What an administrator should know about a username: which applications would change it.
pub fn username_warnings(snapshot: &Snapshot, username: &str) -> Vec<String> {
    if is_portable_username(username) {
        return Vec::new();
    }
    let kept = portable_username(username);
    let concerned: Vec<&str> = snapshot
        .applications
        .values()
        .map(|entry| &entry.application.profile)
        .filter(|profile| profile.recipe.as_ref().is_some_and(|recipe| recipes::changes_usernames(&recipe.id)))
        .map(|profile| profile.name.as_str())
        .collect();
    let whom = if concerned.is_empty() { "NetBox and some others".to_owned() } else { concerned.join(", ") };
    vec![format!(
        "{whom} would call this person \"{kept}\": characters other than letters from A to Z, digits and @ + . _ - are \
         dropped there. Two people whose names differ only in these would be mixed up or renamed."
    )]
}

/// Nobody can give or take power they lack.
fn may_give(snapshot: &Snapshot, actor: &Actor, groups: &BTreeSet<GroupId>) -> OperationResult<()> {
    let effective = snapshot.groups.effective(groups.iter().copied());
    if !actor.is_superuser && snapshot.groups.confers_superuser(&effective) {
        return Err(OperationError::Denied("Only administrators can change who administers Doorward.".to_owned()));
    }
    Ok(())
}

/// Nobody takes over an account that has more power than they.
pub(super) async fn may_touch(app: &App, actor: &Actor, id: UserId) -> OperationResult<()> {
    let snapshot = app.snapshot();
    let target = person::find(app, &snapshot, id).await?;
    if !actor.is_superuser && target.is_some_and(|target| target.is_superuser) {
        return Err(OperationError::Denied("Only administrators can change an administrator's account.".to_owned()));
    }
    Ok(())
}
