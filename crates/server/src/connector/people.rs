//! Whom a connector knows of, and links made by hand.

use doorward_core::{
    connector::{ConnectedPerson, JobRank, LinkedAccount},
    id::UserId,
};
use doorward_store as store;

use super::{apply, find, queue::new_job};
use crate::{
    actor::Actor,
    app::App,
    directory::users,
    error::{OperationError, OperationResult},
    events,
};

/// Everybody a connector knows of, by username.
///
/// # Errors
/// That there is no such application, or that it has no connector.
pub async fn list(app: &App, slug: &str) -> OperationResult<Vec<ConnectedPerson>> {
    let id = find(app, slug).await?.connector.id;
    Ok(app.db.read(move |tx| Box::pin(store::connector_person::all(tx, id))).await?)
}

/// Links a person to an account, by their names, and looks at the account at once. For where it is not certain whose an
/// account is.
///
/// # Errors
/// That there is no such connector, user or account; that the account is somebody else's or a superuser's.
pub async fn link(app: &App, actor: &Actor, slug: &str, username: &str, netbox_username: &str) -> OperationResult<()> {
    let connected = find(app, slug).await?;
    let user = users::find_by_username(app, username).await?;
    let netbox = connected.netbox(app)?;
    let account = netbox.user_by_username(netbox_username).await?;
    let account = account.ok_or_else(|| OperationError::not_found("user in NetBox", netbox_username))?;
    if netbox.is_superuser(account.id).await? {
        return Err(OperationError::Denied(apply::superuser(&account.username)));
    }
    let (id, name) = (connected.connector.id, user.profile.username.clone());
    let linked = LinkedAccount { id: account.id, name: account.username, linked_at: app.clock.now() };
    let job = new_job(app, id, user.id, JobRank::Change);
    let write = app.db.write(move |tx| {
        Box::pin(async move {
            store::connector_person::note(tx, id, job.user, &name, None).await?;
            store::connector_person::link(tx, id, job.user, &linked).await?;
            store::connector_job::enqueue(tx, &job).await
        })
    });
    write.await.map_err(|error| match error {
        store::Error::Conflict(_) => {
            OperationError::invalid("netbox_username", "This account is linked to somebody else; unlink them first.")
        }
        other => other.into(),
    })?;
    let what = format!("linked {} to the account {netbox_username} of {}", user.profile.username, connected.name());
    events::changed(app, actor, what).await;
    Ok(())
}

/// Forgets which account is a person's; the account stays as it is. Also for people who were deleted.
///
/// # Errors
/// That there is no such connector, or that it knows no account of theirs.
pub async fn unlink(app: &App, actor: &Actor, slug: &str, username: &str) -> OperationResult<()> {
    let connected = find(app, slug).await?;
    let id = connected.connector.id;
    let person = person(app, slug, username).await?;
    let write =
        app.db.write(move |tx| Box::pin(async move { store::connector_person::unlink(tx, id, person, "").await }));
    write.await?;
    events::changed(app, actor, format!("unlinked {username} from their account of {}", connected.name())).await;
    Ok(())
}

async fn person(app: &App, slug: &str, username: &str) -> OperationResult<UserId> {
    let key = doorward_core::user::key(username);
    let found = list(app, slug)
        .await?
        .into_iter()
        .find(|person| person.account.is_some() && doorward_core::user::key(&person.username) == key);
    Ok(found.ok_or_else(|| OperationError::not_found("linked account of", username))?.user)
}
