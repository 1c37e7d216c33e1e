//! Which rule lets somebody use an application, or keeps them out.

use doorward_store as store;
use std::net::IpAddr;

use super::{
    AccessReport,
    access_steps::{Facts, Known, report},
};
use crate::{
    app::App,
    applications,
    auth::throttle,
    directory::{
        person::{self, Person},
        users,
    },
    error::{OperationError, OperationResult},
};

/// Explains whether somebody may use an application now, by each method it has. Without an address, rules about networks
/// decide nothing.
///
/// # Errors
/// That there is no such user or application; what the database says.
pub async fn explain(app: &App, slug: &str, username: &str, address: Option<IpAddr>) -> OperationResult<AccessReport> {
    let entry = applications::find(app, slug)?;
    let user = users::find_by_username(app, username).await?;
    let (id, application, now) = (user.id, entry.application.id, app.clock.now());
    let found = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some((user, direct)) = person::read(tx, id).await? else { return Ok(None) };
                let passwords = store::app_password::of_user(tx, id).await?;
                let known = Known {
                    has_password: store::credential::find(tx, id).await?.is_some(),
                    has_authenticator: store::authenticator::exists(tx, id).await?,
                    app_passwords: passwords.iter().filter(|kept| kept.is_good_for(application, now)).count(),
                    reached: throttle::reached(tx, id, address, now).await?,
                    has_consented: store::consent::find(tx, id, application).await?.is_some(),
                };
                Ok(Some((user, direct, known)))
            })
        })
        .await?;
    // Deleted between the two looks.
    let (user, direct, known) = found.ok_or_else(|| OperationError::not_found("user", username))?;
    let snapshot = app.snapshot();
    let person = Person::new(user, direct.clone(), &snapshot);
    Ok(report(&Facts { snapshot: &snapshot, entry: &entry, person: &person, direct: &direct, address, known }))
}
