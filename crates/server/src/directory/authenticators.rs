//! Authenticator apps of users, as administrators and their owners see them.

use doorward_core::id::UserId;
use doorward_store as store;
use jiff::Timestamp;

use super::users;
use crate::{
    actor::Actor,
    app::App,
    auth::throttle,
    error::{OperationError, OperationResult},
    events,
};

/// Since when a user has an authenticator app.
///
/// # Errors
/// What the database says.
pub async fn since(app: &App, user: UserId) -> OperationResult<Option<Timestamp>> {
    let cipher = app.cipher.clone();
    let read = app.db.read(move |tx| Box::pin(async move { store::authenticator::find(tx, &cipher, user).await }));
    Ok(read.await?.map(|authenticator| authenticator.confirmed_at))
}

/// Removes a user's authenticator app: from now on the password alone signs them in. Owners have to show again who they
/// are first.
///
/// # Errors
/// That there is no such user, or that they have no app; that the actor may not.
pub async fn remove(app: &App, actor: &Actor, user: UserId) -> OperationResult<()> {
    let (owner, _) = users::find(app, user).await?;
    users::may_touch(app, actor, user).await?;
    let username = owner.profile.username;
    let delete = app.db.write(move |tx| {
        Box::pin(async move {
            store::throttle::reset(tx, &throttle::codes_of(user)).await?;
            store::authenticator::delete(tx, user).await
        })
    });
    if !delete.await? {
        return Err(OperationError::not_found("authenticator app of", username));
    }
    events::changed(app, actor, format!("removed the authenticator app of {username}")).await;
    Ok(())
}
