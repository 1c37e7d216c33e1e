//! What can be done with groups.

use doorward_core::{
    group::{Group, GroupGraph, GroupProfile},
    id::{GroupId, UserId},
    user::{User, single_spaced},
};
use doorward_store::{self as store, db::Tx};
use std::collections::BTreeSet;

use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
};

/// Most members shown at once.
pub const MEMBERS_SHOWN: i64 = 1000;

/// Adds a group with direct members.
///
/// # Errors
/// What is wrong with the input; that the name is taken; that the actor may not make superusers.
pub async fn create(
    app: &App,
    actor: &Actor,
    profile: GroupProfile,
    members: BTreeSet<UserId>,
) -> OperationResult<Group> {
    let profile = tidied(profile)?;
    may_change(app, actor, &profile, None)?;
    let mut group = Group { id: GroupId::new(&app.clock), pk: 0, profile, created_at: app.clock.now() };
    let group = app
        .change(move |tx| {
            Box::pin(async move {
                check_parents(tx, group.id, &group.profile.parents).await?;
                group.pk = store::revision::next_group_pk(tx).await?;
                store::group::insert(tx, &group).await?;
                for member in members {
                    store::group::add_member(tx, group.id, member).await?;
                }
                Ok(group)
            })
        })
        .await
        .map_err(explain)?;
    events::changed(app, actor, format!("added the group {}", group.profile.name)).await;
    Ok(group)
}

/// Writes a group and, if given, its direct members.
///
/// # Errors
/// As [`create`]; that there is no such group; that parents would close a circle.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: GroupId,
    profile: GroupProfile,
    members: Option<BTreeSet<UserId>>,
) -> OperationResult<()> {
    let profile = tidied(profile)?;
    let before = find(app, id)?;
    may_change(app, actor, &profile, Some(&before))?;
    keeps_an_administrator(app, actor, &before, &profile, members.as_ref()).await?;
    let name = profile.name.clone();
    app.change(move |tx| {
        Box::pin(async move {
            check_parents(tx, id, &profile.parents).await?;
            store::group::update(tx, id, &profile).await?;
            let Some(members) = members else { return Ok(()) };
            let present: BTreeSet<UserId> =
                store::group::members(tx, id, i64::MAX).await?.iter().map(|user| user.id).collect();
            for member in present.difference(&members) {
                store::group::remove_member(tx, id, *member).await?;
            }
            for member in members.difference(&present) {
                store::group::add_member(tx, id, *member).await?;
            }
            Ok(())
        })
    })
    .await
    .map_err(explain)?;
    events::changed(app, actor, format!("changed the group {name}")).await;
    Ok(())
}

/// Removes a group.
///
/// # Errors
/// That there is no such group, or that it is the last that makes administrators.
pub async fn delete(app: &App, actor: &Actor, id: GroupId) -> OperationResult<()> {
    let group = find(app, id)?;
    may_change(app, actor, &group.profile, Some(&group))?;
    if group.profile.is_superuser && !another_makes_administrators(app, id) {
        return Err(last_group());
    }
    app.change(move |tx| Box::pin(async move { store::group::delete(tx, id).await })).await?;
    events::changed(app, actor, format!("deleted the group {}", group.profile.name)).await;
    Ok(())
}

/// Makes a user a direct member. Says whether they were not one before.
///
/// # Errors
/// That there is no such group, or that the actor may not.
pub async fn add_member(app: &App, actor: &Actor, group: GroupId, user: &User) -> OperationResult<bool> {
    let found = find(app, group)?;
    may_change(app, actor, &found.profile, Some(&found))?;
    let id = user.id;
    let added = app.db.write(move |tx| Box::pin(async move { store::group::add_member(tx, group, id).await })).await?;
    if added {
        events::changed(app, actor, format!("added {} to {}", user.profile.username, found.profile.name)).await;
    }
    Ok(added)
}

/// Ends a direct membership. Says whether there was one.
///
/// # Errors
/// That there is no such group, that the actor may not, or that actors cannot take their own power.
pub async fn remove_member(app: &App, actor: &Actor, group: GroupId, user: &User) -> OperationResult<bool> {
    let found = find(app, group)?;
    may_change(app, actor, &found.profile, Some(&found))?;
    if actor.user == Some(user.id) && app.snapshot().groups.confers_superuser(&app.snapshot().groups.effective([group]))
    {
        return Err(OperationError::Denied("You cannot leave a group that makes you an administrator.".to_owned()));
    }
    let id = user.id;
    let removed =
        app.db.write(move |tx| Box::pin(async move { store::group::remove_member(tx, group, id).await })).await?;
    if removed {
        events::changed(app, actor, format!("removed {} from {}", user.profile.username, found.profile.name)).await;
    }
    Ok(removed)
}

/// A group by identifier.
///
/// # Errors
/// That there is no such group.
pub fn find(app: &App, id: GroupId) -> OperationResult<Group> {
    app.snapshot().groups.get(id).cloned().ok_or_else(|| OperationError::not_found("group", id))
}

/// A group by name, whatever the case of its letters.
///
/// # Errors
/// That there is no such group.
pub fn find_by_name(app: &App, name: &str) -> OperationResult<Group> {
    app.snapshot().groups.by_name(name).cloned().ok_or_else(|| OperationError::not_found("group", name))
}

/// A group's direct members, the first thousand by username, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn members(app: &App, id: GroupId) -> OperationResult<(Vec<User>, i64)> {
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let members = store::group::members(tx, id, MEMBERS_SHOWN).await?;
            Ok((members, store::group::count_members(tx, id).await?))
        })
    });
    Ok(read.await?)
}

/// How many direct members groups have, in the order given.
///
/// # Errors
/// What the database says.
pub async fn count_members(app: &App, ids: Vec<GroupId>) -> OperationResult<Vec<i64>> {
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let mut counts = Vec::with_capacity(ids.len());
            for id in ids {
                counts.push(store::group::count_members(tx, id).await?);
            }
            Ok(counts)
        })
    });
    Ok(read.await?)
}

/// How many active users are effective members: of the group itself or of one below it.
///
/// # Errors
/// What the database says.
pub async fn count_effective_members(app: &App, id: GroupId) -> OperationResult<usize> {
    count_active_members(app, app.snapshot().groups.descendants(id)).await
}

/// How many active users administer Doorward.
///
/// # Errors
/// What the database says.
pub async fn count_administrators(app: &App) -> OperationResult<usize> {
    let groups = &app.snapshot().groups;
    let conferring = groups.iter().filter(|group| group.profile.is_superuser);
    count_active_members(app, conferring.flat_map(|group| groups.descendants(group.id)).collect()).await
}

async fn count_active_members(app: &App, groups: BTreeSet<GroupId>) -> OperationResult<usize> {
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let mut users = BTreeSet::new();
            for group in groups {
                users.extend(store::user::active_members(tx, group).await?);
            }
            Ok(users.len())
        })
    });
    Ok(read.await?)
}

fn another_makes_administrators(app: &App, id: GroupId) -> bool {
    app.snapshot().groups.iter().any(|other| other.id != id && other.profile.is_superuser)
}

fn last_group() -> OperationError {
    OperationError::Denied(
        "This is the last group that makes administrators; nobody could administer Doorward any more.".to_owned(),
    )
}

/// Nobody locks everybody out by a slip: the last group that makes administrators stays one, and administrators do not
/// take themselves out of it.
async fn keeps_an_administrator(
    app: &App,
    actor: &Actor,
    before: &Group,
    after: &GroupProfile,
    members: Option<&BTreeSet<UserId>>,
) -> OperationResult<()> {
    if before.profile.is_superuser && !after.is_superuser && !another_makes_administrators(app, before.id) {
        return Err(last_group());
    }
    let (Some(user), Some(members)) = (actor.user, members) else { return Ok(()) };
    let group = before.id;
    let present = app.db.read(move |tx| Box::pin(store::group::of_user(tx, user))).await?;
    let snapshot = app.snapshot();
    let confers = snapshot.groups.confers_superuser(&snapshot.groups.effective([group]));
    if confers && present.contains(&group) && !members.contains(&user) {
        return Err(OperationError::Denied("You cannot leave a group that makes you an administrator.".to_owned()));
    }
    Ok(())
}

fn tidied(mut profile: GroupProfile) -> OperationResult<GroupProfile> {
    profile.name = single_spaced(&profile.name);
    profile.check()?;
    Ok(profile)
}

/// Checked against the graph inside the transaction, so that two changes at once cannot close a circle together.
async fn check_parents(tx: &mut Tx<'_>, id: GroupId, parents: &BTreeSet<GroupId>) -> store::Result<()> {
    let graph = GroupGraph::new(store::group::all(tx).await?);
    if parents.iter().any(|parent| graph.get(*parent).is_none() && *parent != id) {
        return Err(store::Error::Conflict("parent missing".to_owned()));
    }
    if graph.would_cycle(id, parents) {
        return Err(store::Error::Conflict("parents cycle".to_owned()));
    }
    Ok(())
}

fn explain(error: OperationError) -> OperationError {
    match error {
        OperationError::Store(store::Error::Conflict(what)) => match what.as_str() {
            "parents cycle" => OperationError::invalid(
                "parents",
                "These parents would make the group its own parent; remove the one that lies below it.",
            ),
            "parent missing" => OperationError::invalid("parents", "One of the parents does not exist."),
            what if what.contains("name_key") => OperationError::invalid(
                "name",
                "There is a group of that name (upper and lower case count as the same).",
            ),
            what => OperationError::Store(store::Error::Conflict(what.to_owned())),
        },
        other => other,
    }
}

/// Nobody can give power they lack: not by the switch, not by parents, not by members.
fn may_change(app: &App, actor: &Actor, after: &GroupProfile, before: Option<&Group>) -> OperationResult<()> {
    let snapshot = app.snapshot();
    let gives = |group: &GroupProfile| {
        group.is_superuser
            || snapshot.groups.confers_superuser(&snapshot.groups.effective(group.parents.iter().copied()))
    };
    let concerns_power = gives(after) || before.is_some_and(|before| gives(&before.profile));
    if concerns_power && !actor.is_superuser {
        return Err(OperationError::Denied(
            "Only administrators can change groups that make administrators.".to_owned(),
        ));
    }
    Ok(())
}
