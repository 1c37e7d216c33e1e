//! Groups, their parents and their members.

use doorward_core::{
    group::{Group, GroupProfile},
    id::{GroupId, UserId},
    user::{User, key},
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx},
    directory_change,
    user::json,
    values,
};

impl FromRow for Group {
    /// Parents are filled in by [`all`].
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            pk: row.get(1)?,
            profile: GroupProfile {
                name: row.get(2)?,
                is_superuser: row.get(3)?,
                parents: BTreeSet::new(),
                attributes: row.json(4)?,
            },
            created_at: row.time(5)?,
        })
    }
}

/// All groups with their parents.
pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = tx
        .fetch("SELECT id, pk, name, is_superuser, attributes, created_at FROM groups ORDER BY name_key, id", &[])
        .await?;
    let edges: Vec<(GroupId, GroupId)> =
        tx.fetch("SELECT group_id, parent_id FROM group_parents ORDER BY group_id, parent_id", &[]).await?;
    let mut parents: BTreeMap<GroupId, BTreeSet<GroupId>> = BTreeMap::new();
    for (group, parent) in edges {
        parents.entry(group).or_default().insert(parent);
    }
    for group in &mut groups {
        group.profile.parents = parents.remove(&group.id).unwrap_or_default();
    }
    Ok(groups)
}

/// Adds a group. Its number comes from [`crate::revision::next_group_pk`].
pub async fn insert(tx: &mut Tx<'_>, group: &Group) -> Result<()> {
    tx.execute(
        "INSERT INTO groups (id, pk, name, name_key, is_superuser, attributes, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![
            group.id,
            group.pk,
            &group.profile.name,
            key(&group.profile.name),
            group.profile.is_superuser,
            json(&group.profile.attributes)?,
            group.created_at,
        ],
    )
    .await?;
    insert_parents(tx, group.id, &group.profile.parents).await
}

/// Writes a group's profile, parents included. Says whether there was such a group.
pub async fn update(tx: &mut Tx<'_>, id: GroupId, profile: &GroupProfile) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE groups SET name = $2, name_key = $3, is_superuser = $4, attributes = $5 WHERE id = $1",
            values![id, &profile.name, key(&profile.name), profile.is_superuser, json(&profile.attributes)?],
        )
        .await?;
    tx.execute("DELETE FROM group_parents WHERE group_id = $1", values![id]).await?;
    insert_parents(tx, id, &profile.parents).await?;
    Ok(changed == 1)
}

async fn insert_parents(tx: &mut Tx<'_>, id: GroupId, parents: &BTreeSet<GroupId>) -> Result<()> {
    for parent in parents {
        tx.execute("INSERT INTO group_parents (group_id, parent_id) VALUES ($1, $2)", values![id, *parent]).await?;
    }
    Ok(())
}

/// Removes a group. Its members stay, as do the groups below it. Says whether there was such a group.
pub async fn delete(tx: &mut Tx<'_>, id: GroupId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM groups WHERE id = $1", values![id]).await? == 1)
}

/// The groups a user is a direct member of.
pub async fn of_user(tx: &mut Tx<'_>, user: UserId) -> Result<BTreeSet<GroupId>> {
    let ids: Vec<String> =
        tx.fetch("SELECT group_id FROM memberships WHERE user_id = $1 ORDER BY group_id", values![user]).await?;
    ids.iter().map(|id| id.parse().map_err(|_| Error::Corrupt(format!("group {id:?}")))).collect()
}

/// All direct memberships, by user.
pub async fn memberships(tx: &mut Tx<'_>) -> Result<Vec<(UserId, GroupId)>> {
    tx.fetch("SELECT user_id, group_id FROM memberships ORDER BY user_id, group_id", &[]).await
}

/// A page of a group's direct members, sorted by username.
pub async fn members(tx: &mut Tx<'_>, group: GroupId, limit: i64) -> Result<Vec<User>> {
    tx.fetch(
        "SELECT users.id, pk, uid, username, name, given_name, family_name, email, email_verified, is_active, \
         user_type, attributes, created_at, updated_at FROM users \
         JOIN memberships ON memberships.user_id = users.id WHERE memberships.group_id = $1 \
         ORDER BY username_key, users.id LIMIT $2",
        values![group, limit],
    )
    .await
}

/// How many direct members a group has.
pub async fn count_members(tx: &mut Tx<'_>, group: GroupId) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) FROM memberships WHERE group_id = $1", values![group]).await
}

/// Makes a user a member. Says whether they were not one before.
pub async fn add_member(tx: &mut Tx<'_>, group: GroupId, user: UserId) -> Result<bool> {
    let changed = tx
        .execute(
            "INSERT INTO memberships (user_id, group_id) VALUES ($1, $2) ON CONFLICT (user_id, group_id) DO NOTHING",
            values![user, group],
        )
        .await?;
    if changed == 1 {
        directory_change::record(tx, user).await?;
    }
    Ok(changed == 1)
}

/// Ends a membership. Says whether there was one.
pub async fn remove_member(tx: &mut Tx<'_>, group: GroupId, user: UserId) -> Result<bool> {
    let changed =
        tx.execute("DELETE FROM memberships WHERE user_id = $1 AND group_id = $2", values![user, group]).await?;
    if changed == 1 {
        directory_change::record(tx, user).await?;
    }
    Ok(changed == 1)
}
