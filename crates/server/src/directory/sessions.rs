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

/// Ends a session of a user.
///
/// # Errors
/// That the user has no such session, or that the actor may not touch this user.
pub async fn end(app: &App, actor: &Actor, user: UserId, id: SessionId) -> OperationResult<()> {
    let (found, _) = users::find(app, user).await?;
    users::may_touch(app, actor, user).await?;
    if !of_user(app, user).await?.iter().any(|session| session.id == id) {
        return Err(OperationError::not_found("session", id));
    }
    session::end(app, id).await?;
    events::changed(app, actor, format!("ended a session of {}", found.profile.username)).await;
    Ok(())
}
