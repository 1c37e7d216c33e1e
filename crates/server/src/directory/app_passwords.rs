//! App passwords: for clients that can only send a name and a password.

use doorward_core::{
    app_password::{self, AppPassword},
    id::{AppPasswordId, ApplicationId, UserId},
    problem::Problems,
    secret::Secret,
};
use doorward_store as store;
use jiff::Timestamp;

use super::users;
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
};

/// An app password that is to be made.
#[derive(Debug, Clone)]
pub struct NewAppPassword {
    /// Whose.
    pub user: UserId,
    /// What it is for.
    pub name: String,
    /// The only application it shall be good for; `None` for all.
    pub application: Option<ApplicationId>,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
}

/// Checks an app password that is to be made.
///
/// # Errors
/// What is wrong with it, by field.
pub fn check(new: &NewAppPassword, now: Timestamp) -> Result<(), Problems> {
    let name = new.name.trim();
    let mut problems = Problems::default();
    problems.require(!name.is_empty(), "name", "Say what the app password is for.");
    problems.require(name.chars().count() <= app_password::NAME_MAX, "name", "At most 150 characters.");
    problems.require(!name.chars().any(char::is_control), "name", "Control characters are not allowed.");
    problems.require(new.expires_at.is_none_or(|end| end > now), "expires_at", "This time is past.");
    problems.or(())
}

/// Makes an app password. The secret is returned once and kept as a hash only.
///
/// # Errors
/// What is wrong with the input; that there is no such user; that the actor may not; that there are too many.
pub async fn create(app: &App, actor: &Actor, new: NewAppPassword) -> OperationResult<(AppPassword, Secret<String>)> {
    let now = app.clock.now();
    check(&new, now)?;
    let name = new.name.trim().to_owned();
    let (user, _) = users::find(app, new.user).await?;
    users::may_touch(app, actor, new.user).await?;
    let secret = app_password::new_secret();
    let password = AppPassword {
        id: AppPasswordId::new(&app.clock),
        user: user.id,
        application: new.application,
        name,
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
    };
    let (kept, hash) = (password.clone(), app_password::hash(secret.expose()));
    let has_room = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                if store::app_password::count(tx, kept.user).await? >= app_password::PER_USER_MAX {
                    return Ok(false);
                }
                store::app_password::insert(tx, &kept, &hash).await?;
                Ok(true)
            })
        })
        .await?;
    if !has_room {
        return Err(OperationError::invalid("name", "There are 50 app passwords already; remove one first."));
    }
    let whose = &user.profile.username;
    events::changed(app, actor, format!("made the app password \"{}\" of {whose}", password.name)).await;
    Ok((password, secret))
}

/// A user's app passwords, oldest first.
///
/// # Errors
/// What the database says.
pub async fn of_user(app: &App, user: UserId) -> OperationResult<Vec<AppPassword>> {
    Ok(app.db.read(move |tx| Box::pin(store::app_password::of_user(tx, user))).await?)
}

/// Removes an app password. It is refused from now on.
///
/// # Errors
/// That there is none such; that the actor may not.
pub async fn delete(app: &App, actor: &Actor, user: UserId, id: AppPasswordId) -> OperationResult<()> {
    let (owner, _) = users::find(app, user).await?;
    users::may_touch(app, actor, user).await?;
    let deleted = app.db.write(move |tx| Box::pin(store::app_password::delete(tx, user, id))).await?;
    if !deleted {
        return Err(OperationError::not_found("app password", id));
    }
    events::changed(app, actor, format!("removed an app password of {}", owner.profile.username)).await;
    Ok(())
}
