//! Collecting what the checks judge.

mod house;
mod inventory;
mod people;
mod rounds;

use doorward_core::{event::Event, timeline::StepKind};
use doorward_store as store;
use jiff::{SignedDuration, Timestamp};

use super::{
    Options,
    evidence::{Activity, AttemptSeen, Evidence, Failure},
    probe::Probe,
};
use crate::{
    app::App,
    error::OperationResult,
    oidc::logout::{self, Undelivered},
    snapshot::ApplicationEntry,
    timeline::{self, read::Wanted},
};
use rounds::Rounds;

/// Most people whose claims are looked at.
pub const PEOPLE_MAX: usize = 500;
/// How far back failures are looked at.
pub const FAILURES_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Most failures that are looked at.
const FAILURES_MAX: i64 = 50;
/// Most sign-ins that are looked through.
const ATTEMPTS_MAX: usize = 20;

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

/// The last sign-in in which it was the application's turn.
///
/// # Errors
/// What the database says.
async fn last_attempt(app: &App, entry: &ApplicationEntry) -> OperationResult<Option<AttemptSeen>> {
    let wanted = Wanted { application: Some(entry.application.id), ..Wanted::default() };
    let (records, _) = timeline::read::list(app, wanted, ATTEMPTS_MAX, 0).await?;
    Ok(records.into_iter().find_map(|record| {
        let last = record.steps.last()?;
        let is_its_turn = matches!(
            last.kind,
            StepKind::CodeSent | StepKind::TokensSent | StepKind::Tokens | StepKind::Userinfo | StepKind::Refreshed
        );
        is_its_turn.then(|| AttemptSeen {
            at: last.at,
            last_step: last.kind,
            is_ok: last.ok,
            reference: record.attempt.id.reference(),
            conclusion: record.conclusion,
        })
    }))
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
    let last_attempt = last_attempt(app, entry).await?;
    let undelivered = undelivered(app, entry).await?;
    let told = |events: Vec<Event>| events.into_iter().map(failure).collect();
    Ok(Activity {
        failures: told(failures),
        strangers: told(strangers),
        last_token_at: expiry.zip(validity).and_then(|(expiry, validity)| expiry.checked_sub(validity).ok()),
        last_attempt,
        undelivered,
    })
}

/// Sign-outs that the application was told in vain, and where it is told.
async fn undelivered(app: &App, entry: &ApplicationEntry) -> OperationResult<Option<(Undelivered, String)>> {
    let Some(client) = &entry.oauth else { return Ok(None) };
    let found = logout::undelivered(app, client.provider.id).await?;
    Ok(found.map(|undelivered| (undelivered, client.provider.profile.logout_uri.clone())))
}

fn failure(event: Event) -> Failure {
    Failure { at: event.at, kind: event.kind, text: event.text, reference: event.reference }
}
