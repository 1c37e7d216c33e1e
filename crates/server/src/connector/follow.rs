//! Follows every change of people, groups and access rules, and puts those whose account is concerned into the queue.
//!
//! Where a connector stands is kept in the database and moves in the transaction that fills the queue: nothing is lost when
//! a process ends, and of several nodes one does it.

use doorward_core::{
    connector::{ConnectedPerson, JobRank},
    id::{GroupId, UserId},
    user::User,
};
use doorward_store::{self as store, connector_job::NewJob};
use std::collections::{BTreeMap, BTreeSet};

use super::{Connected, desired::Desired, queue::new_job};
use crate::{app::App, directory::person, snapshot::Snapshot};

/// More people than this are read all at once rather than one by one.
const ONE_BY_ONE: usize = 50;

/// Everybody who may have to be looked at, as the directory has them; `None`: deleted.
type People = BTreeMap<UserId, Option<(User, BTreeSet<GroupId>)>>;

/// Follows for all connectors. Returns how many jobs were put into the queue or made more urgent.
///
/// # Errors
/// What the database says; what was not followed is followed the next time.
pub async fn follow(app: &App) -> store::Result<usize> {
    if app.snapshot().connectors.is_empty() {
        return Ok(0);
    }
    let mut queued = 0;
    for connected in all(app).await? {
        if connected.connector.profile.is_enabled {
            queued += follow_one(app, &connected).await?;
        }
    }
    Ok(queued)
}

/// All connectors with their applications.
///
/// # Errors
/// What the database says.
pub async fn all(app: &App) -> store::Result<Vec<Connected>> {
    let cipher = app.cipher.clone();
    let connectors = app.db.read(move |tx| Box::pin(async move { store::connector::all(tx, &cipher).await })).await?;
    let snapshot = app.snapshot();
    let entry = |id| snapshot.applications.values().find(|entry| entry.application.id == id).cloned();
    let connected = connectors.into_iter().filter_map(|connector| {
        let entry = entry(connector.application)?;
        Some(Connected { connector, entry })
    });
    Ok(connected.collect())
}

async fn follow_one(app: &App, connected: &Connected) -> store::Result<usize> {
    // The revisions first: what changes while the rest is read is followed the next time.
    let read = app.db.read(|tx| {
        Box::pin(
            async move { Ok((store::directory_change::revision(tx).await?, store::revision::snapshot(tx).await?)) },
        )
    });
    let (directory, revision) = read.await?;
    let connector = connected.connector.clone();
    if (directory, revision) == (connector.directory_cursor, connector.snapshot_cursor) {
        return Ok(0);
    }
    app.refresh().await?;
    let snapshot = app.snapshot();
    if snapshot.revision < revision {
        return Ok(0);
    }
    // The application may have been given another rule since.
    let Some(entry) = snapshot.applications.get(&connected.entry.application.profile.slug) else { return Ok(0) };
    let connected = Connected { connector: connector.clone(), entry: entry.clone() };
    let known = concerned(app, &connected, directory, revision).await?;
    let people = read_people(app, known.iter().map(|person| person.user).collect()).await?;
    let jobs: Vec<NewJob> = known
        .iter()
        .filter_map(|person| {
            Some(new_job(app, connector.id, person.user, rank(&snapshot, &connected, person, &people)?))
        })
        .collect();
    let count = jobs.len();
    let write = app.db.write(move |tx| {
        Box::pin(async move {
            if !store::connector::move_cursors(tx, &connector, directory, revision).await? {
                return Ok(0);
            }
            for job in &jobs {
                store::connector_job::enqueue(tx, job).await?;
            }
            Ok(count)
        })
    });
    write.await
}

/// Whom a connector knows of and who may have changed.
async fn concerned(
    app: &App,
    connected: &Connected,
    directory: i64,
    revision: i64,
) -> store::Result<Vec<ConnectedPerson>> {
    let connector = &connected.connector;
    let (id, cursor, is_all) = (connector.id, connector.directory_cursor, connector.snapshot_cursor != revision);
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            // Groups and rules concern everybody, and so does a trail that no longer goes back far enough.
            let changed = if is_all { None } else { store::directory_change::since(tx, cursor, directory).await? };
            let Some(changed) = changed else { return store::connector_person::all(tx, id).await };
            let mut known = Vec::new();
            for user in changed {
                known.extend(store::connector_person::find(tx, id, user).await?);
            }
            Ok(known)
        })
    });
    read.await
}

/// How urgent a person's job is; `None` if what was pushed last is still right.
fn rank(snapshot: &Snapshot, connected: &Connected, known: &ConnectedPerson, people: &People) -> Option<JobRank> {
    let desired = match people.get(&known.user) {
        Some(Some((user, direct))) => {
            let (application, profile) = (&connected.entry.application, &connected.connector.profile);
            Desired::new(user, direct, &snapshot.groups, application, profile)
        }
        _ => Desired::deleted(&known.username),
    };
    // Who has no account yet is looked at when they sign in.
    known.account.as_ref()?;
    if known.pushed == desired.fingerprint() {
        return None;
    }
    Some(if desired.is_open() { JobRank::Change } else { JobRank::CutOff })
}

pub(super) async fn read_people(app: &App, ids: Vec<UserId>) -> store::Result<People> {
    if ids.len() <= ONE_BY_ONE {
        let read = app.db.read(move |tx| {
            Box::pin(async move {
                let mut people = People::new();
                for id in ids {
                    people.insert(id, person::read(tx, id).await?);
                }
                Ok(people)
            })
        });
        return read.await;
    }
    let read = app
        .db
        .read(|tx| Box::pin(async move { Ok((store::user::all(tx).await?, store::group::memberships(tx).await?)) }));
    let (users, memberships) = read.await?;
    let mut people: People = users.into_iter().map(|user| (user.id, Some((user, BTreeSet::new())))).collect();
    for (user, group) in memberships {
        if let Some(Some((_, groups))) = people.get_mut(&user) {
            groups.insert(group);
        }
    }
    Ok(people)
}
