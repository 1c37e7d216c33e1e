//! Everybody at once: as a dry run, in the background, or here with progress.

use doorward_core::{
    connector::{ConnectedPerson, ConnectorHealth, ConnectorState, JobRank, JobState},
    id::UserId,
};
use doorward_store::{self as store, connector_job::NewJob};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Connected,
    apply::{self, GROUP_DESCRIPTION},
    desired::{Desired, managed_groups},
    find,
    match_user::{self, Verdict},
    plan::{self, Change, Known},
    queue::{self, JobView, new_job},
    worker::{self, Node},
};
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
    jobs::TICK,
    netbox::users::{NetBoxUser, SUFFIX_LENGTH, is_suffixed},
};

/// How far a connector is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// When the last run for everybody began.
    pub run_at: Option<Timestamp>,
    /// For how many people it is.
    pub total: i64,
    /// How many of them are done, or failed for good.
    pub done: i64,
    /// Jobs that wait, of whatever origin.
    pub waiting: i64,
    /// Jobs that run.
    pub running: i64,
    /// Jobs that failed and wait for somebody to help.
    pub failed: i64,
    /// How the connector is.
    pub health: ConnectorHealth,
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// For how many people it was.
    pub total: i64,
    /// Whose accounts could not be brought in line, and why.
    pub failed: Vec<JobView>,
    /// Why it ended early, or empty.
    pub stopped: String,
}

/// What a run would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Preview {
    /// Groups that would be made.
    pub groups: Vec<String>,
    /// People whose account would change, be linked, or be left alone with a warning.
    pub people: Vec<PersonPreview>,
    /// How many accounts are as they shall be.
    pub unchanged: usize,
    /// How many people have no account in NetBox; none is made.
    pub without_account: usize,
}

/// What a run would do with one person's account.
#[derive(Debug, Clone, Serialize)]
pub struct PersonPreview {
    /// Who.
    pub username: String,
    /// The account's name, if one is known or would be linked.
    pub account: Option<String>,
    /// Whether the account would be linked by this run.
    pub is_new_link: bool,
    /// What would change.
    pub changes: Vec<Change>,
    /// What an administrator should know, or empty.
    pub warning: String,
}

/// Everything that NetBox and Doorward hold, read for looking at everybody.
struct Everybody {
    accounts: Vec<NetBoxUser>,
    groups: BTreeSet<String>,
    superusers: BTreeSet<i64>,
    known: BTreeMap<UserId, ConnectedPerson>,
    people: Vec<(UserId, Desired)>,
}

/// What a run would do; nothing is changed.
///
/// # Errors
/// That there is no such application or connector; what NetBox says.
pub async fn preview(app: &App, slug: &str) -> OperationResult<Preview> {
    let connected = find(app, slug).await?;
    let everybody = read(app, &connected).await?;
    Ok(everybody.preview(&connected, app))
}

/// Puts everybody into the queue who has, or may have, an account, and makes the managed groups that NetBox lacks. Returns
/// for how many people.
///
/// # Errors
/// That there is no such application or connector, or that it is switched off; what NetBox says.
pub async fn start(app: &App, actor: &Actor, slug: &str) -> OperationResult<i64> {
    let connected = find(app, slug).await?;
    if !connected.connector.profile.is_enabled {
        return Err(OperationError::Denied(format!("The connector of {} is switched off.", connected.name())));
    }
    let everybody = read(app, &connected).await?;
    let netbox = connected.netbox(app)?;
    for name in everybody.missing_groups(app, &connected) {
        netbox.create_group(&name, GROUP_DESCRIPTION).await?;
    }
    let (id, now) = (connected.connector.id, app.clock.now());
    let jobs: Vec<(NewJob, String)> = everybody
        .concerned()
        .map(|(user, username)| (NewJob { run_at: Some(now), ..new_job(app, id, user, JobRank::Run) }, username))
        .collect();
    let total = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
    let write = app.db.write(move |tx| {
        Box::pin(async move {
            store::connector::begin_run(tx, id, now, total).await?;
            for (job, username) in &jobs {
                store::connector_person::note(tx, id, job.user, username, None).await?;
                store::connector_job::enqueue(tx, job).await?;
            }
            Ok(())
        })
    });
    write.await?;
    events::changed(app, actor, format!("let the connector of {} look at everybody ({total})", connected.name())).await;
    Ok(total)
}

/// Starts a run and works it off here, together with whoever else works the queue off. `on_progress` is told now and then.
///
/// # Errors
/// As [`start`]. A connector that stops ends the run; what is left is done in the background when it works again.
pub async fn run(
    app: &App,
    actor: &Actor,
    slug: &str,
    mut on_progress: impl FnMut(&Progress),
) -> OperationResult<RunReport> {
    let total = start(app, actor, slug).await?;
    let node = Node::new();
    let stopped = loop {
        let progress = progress(app, slug).await?;
        on_progress(&progress);
        if progress.done >= progress.total {
            break String::new();
        }
        if progress.health.state != ConnectorState::Well && progress.health.resume_at > app.clock.now() {
            break progress.health.text;
        }
        let jobs = worker::claim(app, &node, worker::PARALLEL).await?;
        if jobs.is_empty() {
            tokio::time::sleep(TICK).await;
        }
        futures::future::join_all(jobs.into_iter().map(|job| worker::process(app, job))).await;
    };
    let failed = queue::jobs(app, slug).await?.into_iter().filter(|view| view.job.state == JobState::Failed).collect();
    Ok(RunReport { total, failed, stopped })
}

/// How far a connector is.
///
/// # Errors
/// That there is no such application, or that it has no connector.
pub async fn progress(app: &App, slug: &str) -> OperationResult<Progress> {
    let connected = find(app, slug).await?;
    progress_of(app, &connected).await
}

pub(super) async fn progress_of(app: &App, connected: &Connected) -> OperationResult<Progress> {
    let (id, run, health) = (connected.connector.id, connected.connector.run, connected.connector.health.clone());
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let left = match run {
                Some(run) => store::connector_job::left_of_run(tx, id, run.at).await?,
                None => 0,
            };
            Ok(Progress {
                run_at: run.map(|run| run.at),
                total: run.map_or(0, |run| run.total),
                done: run.map_or(0, |run| run.total - left),
                waiting: store::connector_job::count_by_state(tx, id, JobState::Waiting).await?,
                running: store::connector_job::count_by_state(tx, id, JobState::Running).await?,
                failed: store::connector_job::count_by_state(tx, id, JobState::Failed).await?,
                health,
            })
        })
    });
    Ok(read.await?)
}

async fn read(app: &App, connected: &Connected) -> OperationResult<Everybody> {
    let netbox = connected.netbox(app)?;
    let accounts = netbox.users().await?;
    let groups = netbox.groups().await?.into_iter().map(|group| group.name).collect();
    let superusers = netbox.superusers().await?.into_iter().collect();
    let id = connected.connector.id;
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            Ok((
                store::connector_person::all(tx, id).await?,
                store::user::all(tx).await?,
                store::group::memberships(tx).await?,
            ))
        })
    });
    let (known, users, memberships) = read.await?;
    let mut direct: HashMap<UserId, BTreeSet<_>> = HashMap::new();
    for (user, group) in memberships {
        direct.entry(user).or_default().insert(group);
    }
    app.refresh().await?;
    let snapshot = app.snapshot();
    let (application, profile) = (&connected.entry.application, &connected.connector.profile);
    let mut people: Vec<(UserId, Desired)> = users
        .iter()
        .map(|user| {
            let direct = direct.remove(&user.id).unwrap_or_default();
            (user.id, Desired::new(user, &direct, &snapshot.groups, application, profile))
        })
        .collect();
    let here: BTreeSet<UserId> = users.iter().map(|user| user.id).collect();
    let gone = known.iter().filter(|person| !here.contains(&person.user));
    people.extend(gone.map(|person| (person.user, Desired::deleted(&person.username))));
    let known = known.into_iter().map(|person| (person.user, person)).collect();
    Ok(Everybody { accounts, groups, superusers, known, people })
}

impl Everybody {
    /// The managed groups that Doorward has and NetBox lacks.
    fn missing_groups(&self, app: &App, connected: &Connected) -> Vec<String> {
        let there: BTreeSet<String> = self.groups.iter().map(|name| doorward_core::user::key(name)).collect();
        let wanted = managed_groups(&app.snapshot().groups, &connected.connector.profile);
        wanted.into_iter().filter(|name| !there.contains(&doorward_core::user::key(name))).collect()
    }

    /// Who is linked, or may be.
    fn concerned(&self) -> impl Iterator<Item = (UserId, String)> {
        let names = by_name(&self.accounts);
        self.people.iter().filter_map(move |(user, desired)| {
            let is_linked = self.known.get(user).is_some_and(|person| person.account.is_some());
            let has_candidates = names.contains_key(desired.username.as_str());
            (is_linked || (desired.is_open() && has_candidates)).then(|| (*user, desired.username.clone()))
        })
    }

    fn preview(&self, connected: &Connected, app: &App) -> Preview {
        let mut preview = Preview { groups: self.missing_groups(app, connected), ..Preview::default() };
        let by_id: HashMap<i64, &NetBoxUser> = self.accounts.iter().map(|account| (account.id, account)).collect();
        let names = by_name(&self.accounts);
        for (user, desired) in &self.people {
            let candidates = names.get(desired.username.as_str()).map_or(&[][..], Vec::as_slice);
            match self.person(*user, desired, &by_id, candidates, connected) {
                None => preview.without_account += 1,
                Some(person) if person.is_quiet() => preview.unchanged += 1,
                Some(person) => preview.people.push(person),
            }
        }
        preview
    }

    fn person(
        &self,
        user: UserId,
        desired: &Desired,
        by_id: &HashMap<i64, &NetBoxUser>,
        candidates: &[&NetBoxUser],
        connected: &Connected,
    ) -> Option<PersonPreview> {
        let known = self.known.get(&user);
        let linked = known.and_then(|person| person.account.as_ref());
        let mut preview = PersonPreview {
            username: known.map_or_else(|| desired.username.clone(), |person| person.username.clone()),
            account: None,
            is_new_link: false,
            changes: Vec::new(),
            warning: String::new(),
        };
        let account = match linked {
            Some(linked) => {
                let Some(account) = by_id.get(&linked.id) else {
                    preview.account = Some(linked.name.clone());
                    preview.warning = "NetBox does not show this account any more.".to_owned();
                    return Some(preview);
                };
                *account
            }
            None if !desired.is_open() || candidates.is_empty() => return None,
            None => {
                preview.is_new_link = true;
                match self.decide(user, desired, candidates) {
                    Ok((account, warning)) => {
                        preview.warning = warning;
                        account
                    }
                    Err(why) if why.is_empty() => return None,
                    Err(why) => {
                        preview.warning = why;
                        preview.is_new_link = false;
                        return Some(preview);
                    }
                }
            }
        };
        let so_far = Known {
            is_cut_off: known.is_some_and(|person| person.cut_off_at.is_some()),
            is_pushed: known.is_some_and(|person| person.pushed == desired.fingerprint()),
        };
        let plan = plan::plan(desired, account, &connected.connector.profile.groups, so_far);
        preview.account = Some(account.username.clone());
        preview.changes = plan.changes;
        if !plan.warning.is_empty() {
            preview.warning = plan.warning;
        }
        Some(preview)
    }

    /// The account that would be linked and what is to be said of it, or why none; an empty reason means that there is none.
    fn decide<'a>(
        &self,
        user: UserId,
        desired: &Desired,
        candidates: &[&'a NetBoxUser],
    ) -> Result<(&'a NetBoxUser, String), String> {
        let others = self.known.values().filter(|person| person.user != user);
        let taken = others.filter_map(|person| Some(person.account.as_ref()?.id)).collect();
        let seen_at = self.known.get(&user).and_then(|person| person.seen_at);
        let owned: Vec<NetBoxUser> = candidates.iter().map(|account| (*account).clone()).collect();
        match match_user::decide(desired, seen_at, &owned, &taken) {
            Verdict::None => Err(String::new()),
            Verdict::Unclear { why } => Err(why),
            Verdict::Link { account, is_seen, warning } => {
                let account = candidates.iter().find(|found| found.id == account).ok_or_else(String::new)?;
                if !is_seen && self.superusers.contains(&account.id) {
                    return Err(apply::superuser(&account.username));
                }
                Ok((account, warning))
            }
        }
    }
}

impl PersonPreview {
    fn is_quiet(&self) -> bool {
        self.changes.is_empty() && self.warning.is_empty() && !self.is_new_link
    }
}

/// Accounts by their name, and by what their name was before NetBox put digits behind it.
fn by_name(accounts: &[NetBoxUser]) -> HashMap<&str, Vec<&NetBoxUser>> {
    let mut names: HashMap<&str, Vec<&NetBoxUser>> = HashMap::new();
    for account in accounts {
        let name = account.username.as_str();
        names.entry(name).or_default().push(account);
        let base = name.len().checked_sub(SUFFIX_LENGTH).and_then(|length| name.get(..length));
        if let Some(base) = base.filter(|base| is_suffixed(name, base)) {
            names.entry(base).or_default().push(account);
        }
    }
    names
}
