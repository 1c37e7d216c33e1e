//! Collecting what the checks judge.

mod house;
mod inventory;
mod people;
mod rounds;

use doorward_core::event::Event;
use doorward_store as store;
use jiff::{SignedDuration, Timestamp};

use super::{
    Options,
    evidence::{Activity, Evidence, Failure},
    probe::Probe,
};
use crate::{app::App, error::OperationResult, snapshot::ApplicationEntry};
use rounds::Rounds;

/// Most people whose claims are looked at.
pub const PEOPLE_MAX: usize = 500;
/// How far back failures are looked at.
pub const FAILURES_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Most failures that are looked at.
const FAILURES_MAX: i64 = 50;

/// Collects everything. `step` is told what comes next.
///
/// # Errors
/// What the database says.
pub async fn collect(
    app: &App,
    entry: &ApplicationEntry,
    options: &Options,
    step: &(dyn Fn(&str) + Sync),
) -> OperationResult<Evidence> {
    let snapshot = app.snapshot();
    let house = house::house(app, &snapshot, entry);
    step("the people who may use it");
    let people = people::people(app, &snapshot, entry).await?;
    let activity = activity(app, entry).await?;
    let probe = Probe::new(&app.outbound, &app.clock, options.patience);
    let mut rounds = Rounds { app, entry, house: &house, probe, step };
    let public = rounds.public().await;
    let unknown_hosts = rounds.unknown_hosts().await;
    let end = rounds.application().await;
    let proxy = rounds.proxy().await;
    let headers = if options.check_headers { rounds.headers().await } else { Vec::new() };
    let ldap = rounds.ldap().await?;
    let inventory = rounds.inventory(options.token.clone()).await?;
    Ok(Evidence { house, public, end, unknown_hosts, people, activity, ldap, proxy, headers, inventory })
}

async fn activity(app: &App, entry: &ApplicationEntry) -> OperationResult<Activity> {
    let since = app.clock.now().saturating_sub(FAILURES_WITHIN).unwrap_or(Timestamp::MIN);
    let (application, provider) = (entry.application.id, entry.oauth.as_ref().map(|client| client.provider.id));
    let validity = entry.oauth.as_ref().map(|client| client.provider.profile.access_token_validity.duration());
    let (failures, strangers, expiry) = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let expiry = match provider {
                    Some(provider) => store::access_token::last_expiry(tx, provider).await?,
                    None => None,
                };
                Ok((
                    store::event::failures(tx, Some(application), since, FAILURES_MAX).await?,
                    store::event::failures(tx, None, since, FAILURES_MAX).await?,
                    expiry,
                ))
            })
        })
        .await?;
    let told = |events: Vec<Event>| events.into_iter().map(failure).collect();
    Ok(Activity {
        failures: told(failures),
        strangers: told(strangers),
        last_token_at: expiry.zip(validity).and_then(|(expiry, validity)| expiry.checked_sub(validity).ok()),
    })
}

fn failure(event: Event) -> Failure {
    Failure { at: event.at, kind: event.kind, text: event.text, reference: event.reference }
}
