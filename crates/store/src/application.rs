//! Applications and their access rules.

use doorward_core::{
    access_rule::AccessRule,
    application::{Application, ApplicationProfile, ConsentMode, RecipeUse},
    id::{ApplicationId, GroupId, UserId},
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    user::json,
    values,
};

impl FromRow for Application {
    /// Groups and users of the access rule are filled in by [`all`].
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let everyone: bool = row.get(7)?;
        let recipe: Option<RecipeUse> = row.json(9)?;
        Ok(Self {
            id: row.parse(0)?,
            profile: ApplicationProfile {
                slug: row.get(1)?,
                name: row.get(2)?,
                launch_url: row.get(3)?,
                icon_url: row.get(4)?,
                group_heading: row.get(5)?,
                description: row.get(6)?,
                access: if everyone { AccessRule::Everyone } else { AccessRule::nobody() },
                networks: row.json(11)?,
                consent: row.choice(8, ConsentMode::parse)?,
                recipe,
            },
            created_at: row.time(10)?,
        })
    }
}

/// All applications with their access rules, sorted by slug.
pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<Application>> {
    let mut applications: Vec<Application> = tx
        .fetch(
            "SELECT id, slug, name, launch_url, icon_url, group_heading, description, access_everyone, consent, \
             recipe, created_at, networks FROM applications ORDER BY slug, id",
            &[],
        )
        .await?;
    let groups: Vec<(ApplicationId, GroupId)> =
        tx.fetch("SELECT application_id, group_id FROM application_groups ORDER BY group_id", &[]).await?;
    let users: Vec<(ApplicationId, UserId)> =
        tx.fetch("SELECT application_id, user_id FROM application_users ORDER BY user_id", &[]).await?;
    let mut groups = by_application(groups);
    let mut users = by_application(users);
    for application in &mut applications {
        if let AccessRule::Only { groups: allowed, users: people } = &mut application.profile.access {
            *allowed = groups.remove(&application.id).unwrap_or_default();
            *people = users.remove(&application.id).unwrap_or_default();
        }
    }
    Ok(applications)
}

fn by_application<T: Ord>(pairs: Vec<(ApplicationId, T)>) -> BTreeMap<ApplicationId, BTreeSet<T>> {
    let mut map: BTreeMap<ApplicationId, BTreeSet<T>> = BTreeMap::new();
    for (application, member) in pairs {
        map.entry(application).or_default().insert(member);
    }
    map
}

/// Adds an application.
pub async fn insert(tx: &mut Tx<'_>, application: &Application) -> Result<()> {
    let profile = &application.profile;
    tx.execute(
        "INSERT INTO applications (id, slug, name, launch_url, icon_url, group_heading, description, \
         access_everyone, consent, recipe, created_at, networks) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        values![
            application.id,
            &profile.slug,
            &profile.name,
            &profile.launch_url,
            &profile.icon_url,
            &profile.group_heading,
            &profile.description,
            profile.access == AccessRule::Everyone,
            profile.consent.as_str(),
            json(&profile.recipe)?,
            application.created_at,
            json(&profile.networks)?,
        ],
    )
    .await?;
    write_access(tx, application.id, &profile.access).await
}

/// Writes an application, access rule included. Says whether there was one.
pub async fn update(tx: &mut Tx<'_>, id: ApplicationId, profile: &ApplicationProfile) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE applications SET slug = $2, name = $3, launch_url = $4, icon_url = $5, group_heading = $6, \
             description = $7, access_everyone = $8, consent = $9, recipe = $10, networks = $11 WHERE id = $1",
            values![
                id,
                &profile.slug,
                &profile.name,
                &profile.launch_url,
                &profile.icon_url,
                &profile.group_heading,
                &profile.description,
                profile.access == AccessRule::Everyone,
                profile.consent.as_str(),
                json(&profile.recipe)?,
                json(&profile.networks)?,
            ],
        )
        .await?;
    write_access(tx, id, &profile.access).await?;
    Ok(changed == 1)
}

async fn write_access(tx: &mut Tx<'_>, id: ApplicationId, access: &AccessRule) -> Result<()> {
    tx.execute("DELETE FROM application_groups WHERE application_id = $1", values![id]).await?;
    tx.execute("DELETE FROM application_users WHERE application_id = $1", values![id]).await?;
    let AccessRule::Only { groups, users } = access else { return Ok(()) };
    for group in groups {
        tx.execute("INSERT INTO application_groups (application_id, group_id) VALUES ($1, $2)", values![id, *group])
            .await?;
    }
    for user in users {
        tx.execute("INSERT INTO application_users (application_id, user_id) VALUES ($1, $2)", values![id, *user])
            .await?;
    }
    Ok(())
}

/// Removes an application with its provider, grants and tokens. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, id: ApplicationId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM applications WHERE id = $1", values![id]).await? == 1)
}
