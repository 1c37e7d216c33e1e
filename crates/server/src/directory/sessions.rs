//! Sessions of users, as administrators see them.

use doorward_core::{
    id::{SessionId, UserId},
    session::Session,
};
use doorward_store as store;

use super::users;
use crate::{
    actor::Actor,
    app::App,
    auth::session,
    error::{OperationError, OperationResult},
    events,
};

/// A user's living sessions, newest first, a hundred at most.
///
/// # Errors
/// What the database says.
pub async fn of_user(app: &App, user: UserId) -> OperationResult<Vec<Session>> {
    let now = app.clock.now();
    Ok(app.db.read(move |tx| Box::pin(async move { store::session::of_user(tx, user, now).await })).await?)
}

/// A living session.
///
/// # Errors
/// That there is none of this identifier.
pub async fn find(app: &App, id: SessionId) -> OperationResult<Session> {
    let now = app.clock.now();
    let found = app.db.read(move |tx| Box::pin(async move { store::session::by_id(tx, id, now).await })).await?;
    found.ok_or_else(|| OperationError::not_found("session", id))
}

/// Ends a session of a user, with the grants that were not meant to outlive it. Applications are told.
///
/// # Errors
/// That the user has no such session, or that the actor may not touch this user.
pub async fn end(app: &App, actor: &Actor, user: UserId, id: SessionId) -> OperationResult<()> {
    let (found, _) = users::find(app, user).await?;
    users::may_touch(app, actor, user).await?;
    if find(app, id).await?.user != user || !session::end(app, id).await? {
        return Err(OperationError::not_found("session", id));
    }
    events::changed(app, actor, format!("ended a session of {}", found.profile.username)).await;
    Ok(())
}

/// Ends all sessions of a user as [`end`] ends one, all or none, and says how many there were.
///
/// # Errors
/// That there is no such user, or that the actor may not touch them.
pub async fn end_all(app: &App, actor: &Actor, user: UserId) -> OperationResult<usize> {
    let (found, _) = users::find(app, user).await?;
    users::may_touch(app, actor, user).await?;
    let ended = session::end_of_user(app, user).await?;
    if ended > 0 {
        let sessions = if ended == 1 { "one session".to_owned() } else { format!("all {ended} sessions") };
        events::changed(app, actor, format!("ended {sessions} of {}", found.profile.username)).await;
    }
    Ok(ended)
}
