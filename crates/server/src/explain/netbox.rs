//! What NetBox does with what it is told, for applications made from its recipe: the settings that were printed, and what
//! NetBox has at present.

use doorward_core::{
    connector::ConnectedPerson,
    method::Method,
    user::{User, portable_username},
};
use doorward_store as store;
use serde::Serialize;
use std::{collections::BTreeSet, time::Duration};

use super::netbox_effect::{Effect, Present, PresentAccount, Setup, Told, effect};
use crate::{
    app::App,
    connector::{
        self, Connected,
        desired::Desired,
        match_user::{self, Verdict},
        plan::{self, Known},
    },
    directory::users,
    error::{OperationError, OperationResult},
    netbox::{NetBox, NetBoxError, NetBoxResult, users::NetBoxUser},
    recipes::{Options, Recipe},
    snapshot::ApplicationEntry,
};

/// The recipe this is about.
const RECIPE: &str = "netbox";
/// How long NetBox may take for one answer: somebody waits for a page.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Of how many accounts it is asked whether they are superusers.
const ASKED_MAX: usize = 3;

/// What happens in NetBox.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Forecast {
    /// At a sign-in, way by way.
    pub effects: Vec<Effect>,
    /// What the connector would change now, if there is one that could ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<Push>,
    /// Why NetBox could not be asked what it has, if there is a connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unasked: Option<String>,
}

/// What the connector would change in a person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Push {
    /// The account, if it is known which.
    pub account: Option<String>,
    /// What would change, in words.
    pub changes: Vec<String>,
    /// What an administrator should know, or empty.
    pub warning: String,
}

/// What was read from NetBox.
struct Reading {
    present: Present,
    release: Option<(u32, u32)>,
}

/// What each way of telling NetBox comes to; nothing for other applications.
///
/// # Errors
/// That what is kept of the recipe cannot be read; what the database says.
pub(super) async fn forecast(
    app: &App,
    entry: &ApplicationEntry,
    user: &User,
    told: &[(Method, Told)],
) -> OperationResult<Forecast> {
    let Some(kept) = entry.application.profile.recipe.as_ref().filter(|recipe| recipe.id == RECIPE) else {
        return Ok(Forecast::default());
    };
    let options: Options = serde_json::from_value(kept.options.clone())
        .map_err(|error| OperationError::Internal(format!("what is kept of the recipe cannot be read: {error}")))?;
    let (major, minor, _) = Recipe::find(RECIPE)
        .and_then(|recipe| recipe.assumed_version())
        .map_err(|error| OperationError::Internal(error.to_string()))?;
    let mut forecast = Forecast::default();
    let mut reading = None;
    if app.snapshot().connectors.contains_key(&entry.application.id) {
        let connected = connector::find(app, &entry.application.profile.slug).await?;
        let people = known(app, &connected).await?;
        let own = people.iter().find(|person| person.user == user.id);
        match ask(app, &connected, user, own).await {
            Ok(asked) => {
                forecast.connector = Some(push(app, &connected, user, &people, &asked.present).await?);
                reading = Some(asked);
            }
            Err(error) => forecast.unasked = Some(error.to_string()),
        }
    }
    let release = reading.as_ref().and_then(|reading| reading.release).unwrap_or((major, minor));
    let present = reading.map(|reading| reading.present);
    let setup = |method| Setup {
        method,
        release,
        superuser_groups: options.superuser_groups.clone(),
        managed_groups: options.managed_groups.clone(),
        group_prefix: options.group_prefix.clone(),
    };
    forecast.effects = told.iter().map(|(method, told)| effect(&setup(*method), told, present.as_ref())).collect();
    Ok(forecast)
}

async fn known(app: &App, connected: &Connected) -> OperationResult<Vec<ConnectedPerson>> {
    let id = connected.connector.id;
    Ok(app.db.read(move |tx| Box::pin(store::connector_person::all(tx, id))).await?)
}

/// What NetBox has of somebody: the account that is linked, and those with their name.
async fn ask(
    app: &App,
    connected: &Connected,
    user: &User,
    own: Option<&ConnectedPerson>,
) -> Result<Reading, NetBoxError> {
    let netbox = connected.netbox(app)?.timeout(TIMEOUT);
    let status = netbox.status().await?;
    let mut users = netbox.users_called(&portable_username(&user.profile.username)).await?;
    let linked = own.and_then(|person| person.account.as_ref()).map(|account| account.id);
    if let Some(id) = linked.filter(|id| !users.iter().any(|user| user.id == *id)) {
        users.extend(found(netbox.user(id).await)?);
    }
    // The linked one first, so that it is among those that are asked about.
    users.sort_by_key(|user| (Some(user.id) != linked, user.id));
    let mut accounts = Vec::new();
    for (index, user) in users.into_iter().enumerate() {
        let is_superuser = if index < ASKED_MAX { is_superuser(&netbox, user.id).await } else { None };
        accounts.push(PresentAccount { user, is_superuser });
    }
    Ok(Reading { present: Present { accounts, linked }, release: status.release() })
}

/// An account that was deleted in NetBox is none.
fn found(asked: NetBoxResult<NetBoxUser>) -> NetBoxResult<Option<NetBoxUser>> {
    match asked {
        Err(NetBoxError::NotFound { .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// Not every token may see that, and not every NetBox says it.
async fn is_superuser(netbox: &NetBox<'_>, id: i64) -> Option<bool> {
    netbox.is_superuser(id).await.ok()
}

/// What the connector would do, by its own rules.
async fn push(
    app: &App,
    connected: &Connected,
    user: &User,
    people: &[ConnectedPerson],
    present: &Present,
) -> OperationResult<Push> {
    let (user, direct) = users::find(app, user.id).await?;
    let (snapshot, profile) = (app.snapshot(), &connected.connector.profile);
    let desired = Desired::new(&user, &direct, &snapshot.groups, &connected.entry.application, profile);
    let own = people.iter().find(|person| person.user == user.id);
    let candidates: Vec<NetBoxUser> = present.accounts.iter().map(|account| account.user.clone()).collect();
    let taken: BTreeSet<i64> = people
        .iter()
        .filter(|person| person.user != user.id)
        .filter_map(|person| Some(person.account.as_ref()?.id))
        .collect();
    let mut warning = String::new();
    let id = match own.and_then(|person| person.account.as_ref()) {
        Some(linked) => Some(linked.id),
        None => match match_user::decide(&desired, own.and_then(|person| person.seen_at), &candidates, &taken) {
            Verdict::Link { account, warning: said, .. } => {
                warning = said;
                Some(account)
            }
            Verdict::Unclear { why } => {
                warning = why;
                None
            }
            Verdict::None => None,
        },
    };
    let Some(account) = candidates.iter().find(|account| Some(account.id) == id) else {
        if id.is_some() {
            "NetBox does not show the linked account any more.".clone_into(&mut warning);
        }
        return Ok(Push { account: None, changes: Vec::new(), warning });
    };
    let so_far = Known {
        is_cut_off: own.is_some_and(|person| person.cut_off_at.is_some()),
        is_pushed: own.is_some_and(|person| person.pushed == desired.fingerprint()),
    };
    let plan = plan::plan(&desired, account, &profile.groups, so_far);
    if !plan.warning.is_empty() {
        warning = plan.warning;
    }
    let changes = plan.changes.iter().map(ToString::to_string).collect();
    Ok(Push { account: Some(account.username.clone()), changes, warning })
}
