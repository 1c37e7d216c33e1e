//! Connectors: they push groups, profiles and deactivation into applications; today into NetBox, by its REST API.
//!
//! What an account shall be is decided in [`desired`], what has to change in [`plan`], whose an account is in
//! [`match_user`]: pure, all three. [`follow`] puts those who changed into a queue in the database, [`worker`] takes them
//! out in every serving process, [`apply`] brings one person's account in line. Nobody is ever created.
//!
//! The operations that pages and commands call:
//!
//! | | |
//! |---|---|
//! | [`defaults`] | `profile`: what a new one is, unless told otherwise |
//! | [`settings`] | `create`, `update`, `remove`, `show` (the token is write-only) |
//! | [`rights`] | `check` (least privilege), `permissions` (the minimal permission set, to be printed) |
//! | [`run`] | `preview` (dry run as a diff), `start` (in the background), `run` (here, with progress), `progress` |
//! | [`queue`] | `jobs`, `retry`; `seen` for sign-ins |
//! | [`people`] | `list`, `link`, `unlink` |
//! | [`inventory`] | `tokens`, `disable`, `revoke` |

pub mod apply;
pub mod defaults;
pub mod desired;
pub mod follow;
pub mod inventory;
pub mod match_user;
pub mod people;
pub mod plan;
pub mod queue;
pub mod rights;
pub mod run;
pub mod settings;
pub mod worker;

use doorward_core::connector::Connector;
use doorward_store as store;
use std::sync::Arc;
use url::Url;

use crate::{
    app::App,
    applications,
    error::{OperationError, OperationResult},
    netbox::{NetBox, NetBoxError},
    snapshot::ApplicationEntry,
};

/// A connector and its application.
#[derive(Debug, Clone)]
pub struct Connected {
    /// The connector.
    pub connector: Connector,
    /// Its application.
    pub entry: Arc<ApplicationEntry>,
}

impl Connected {
    /// The application's name.
    pub fn name(&self) -> &str {
        &self.entry.application.profile.name
    }

    /// The client for its NetBox.
    ///
    /// # Errors
    /// That its address cannot be read, which was checked when it was kept.
    pub fn netbox<'a>(&self, app: &'a App) -> Result<NetBox<'a>, NetBoxError> {
        let url = Url::parse(&self.connector.profile.url).map_err(|error| NetBoxError::NotNetBox {
            address: self.connector.profile.url.clone(),
            detail: error.to_string(),
        })?;
        Ok(NetBox::new(&app.outbound, url, self.connector.token.clone()))
    }
}

/// The connector of an application.
///
/// # Errors
/// That there is no such application, or that it has no connector.
pub async fn find(app: &App, slug: &str) -> OperationResult<Connected> {
    let entry = applications::find(app, slug)?;
    let missing = || OperationError::not_found("connector of", slug);
    let id = *app.snapshot().connectors.get(&entry.application.id).ok_or_else(missing)?;
    let cipher = app.cipher.clone();
    let found = app.db.read(move |tx| Box::pin(async move { store::connector::find(tx, &cipher, id).await })).await?;
    Ok(Connected { connector: found.ok_or_else(missing)?, entry })
}
