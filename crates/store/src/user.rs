//! Users.

use doorward_core::{
    id::{GroupId, UserId},
    user::{User, UserProfile, UserType, key},
};
use jiff::Timestamp;

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx},
    directory_change, values,
};

impl FromRow for User {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            pk: row.get(1)?,
            uid: row.get(2)?,
            profile: UserProfile {
                username: row.get(3)?,
                name: row.get(4)?,
                given_name: row.get(5)?,
                family_name: row.get(6)?,
                email: row.get(7)?,
                email_verified: row.get(8)?,
                is_active: row.get(9)?,
                user_type: row.choice(10, UserType::parse)?,
                attributes: row.json(11)?,
            },
            created_at: row.time(12)?,
            updated_at: row.time(13)?,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, pk, uid, username, name, given_name, family_name, email, email_verified, is_active, \
             user_type, attributes, created_at, updated_at FROM users ",
            $rest
        )
    };
}

/// A user by identifier.
pub async fn find(tx: &mut Tx<'_>, id: UserId) -> Result<Option<User>> {
    tx.fetch_optional(select!("WHERE id = $1"), values![id]).await
}

/// All users, by number.
pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<User>> {
    tx.fetch(select!("ORDER BY pk"), &[]).await
}

/// Whether a text can stand in a column. `PostgreSQL` keeps no NUL, and fails where it is asked for one: whoever can type a name
/// could make a failure of a wrong password.
fn is_keepable(text: &str) -> bool {
    !text.contains('\0')
}

/// A user by username, whatever the case of its letters.
pub async fn find_by_username(tx: &mut Tx<'_>, username: &str) -> Result<Option<User>> {
    if !is_keepable(username) {
        return Ok(None);
    }
    tx.fetch_optional(select!("WHERE username_key = $1"), values![key(username)]).await
}

/// The users with this e-mail address, whatever the case of its letters.
pub async fn find_by_email(tx: &mut Tx<'_>, email: &str) -> Result<Vec<User>> {
    if !is_keepable(email) {
        return Ok(Vec::new());
    }
    tx.fetch(select!("WHERE email_key = $1 ORDER BY id LIMIT 10"), values![key(email)]).await
}

/// A page of users whose username, name or e-mail address holds `search`, sorted by username.
pub async fn list(tx: &mut Tx<'_>, search: &str, limit: i64, offset: i64) -> Result<Vec<User>> {
    tx.fetch(
        select!(
            "WHERE username_key LIKE $1 ESCAPE '\\' OR name_key LIKE $1 ESCAPE '\\' OR email_key LIKE $1 ESCAPE '\\' \
             ORDER BY username_key, id LIMIT $2 OFFSET $3"
        ),
        values![contains(search), limit, offset],
    )
    .await
}

/// How many users [`list`] would find.
pub async fn count(tx: &mut Tx<'_>, search: &str) -> Result<i64> {
    tx.fetch_one(
        "SELECT COUNT(*) FROM users WHERE username_key LIKE $1 ESCAPE '\\' OR name_key LIKE $1 ESCAPE '\\' \
         OR email_key LIKE $1 ESCAPE '\\'",
        values![contains(search)],
    )
    .await
}

/// Adds a user.
pub async fn insert(tx: &mut Tx<'_>, user: &User) -> Result<()> {
    let profile = &user.profile;
    tx.execute(
        "INSERT INTO users (id, pk, uid, username, username_key, name, name_key, given_name, family_name, email, \
         email_key, email_verified, is_active, user_type, attributes, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        values![
            user.id,
            user.pk,
            &user.uid,
            &profile.username,
            key(&profile.username),
            &profile.name,
            key(&profile.name),
            &profile.given_name,
            &profile.family_name,
            &profile.email,
            key(&profile.email),
            profile.email_verified,
            profile.is_active,
            profile.user_type.as_str(),
            json(&profile.attributes)?,
            user.created_at,
            user.updated_at,
        ],
    )
    .await?;
    directory_change::record(tx, user.id).await
}

/// Writes a user's profile. Says whether there was such a user.
pub async fn update(tx: &mut Tx<'_>, id: UserId, profile: &UserProfile, now: Timestamp) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE users SET username = $2, username_key = $3, name = $4, name_key = $5, given_name = $6, \
             family_name = $7, email = $8, email_key = $9, email_verified = $10, is_active = $11, user_type = $12, \
             attributes = $13, updated_at = $14 WHERE id = $1",
            values![
                id,
                &profile.username,
                key(&profile.username),
                &profile.name,
                key(&profile.name),
                &profile.given_name,
                &profile.family_name,
                &profile.email,
                key(&profile.email),
                profile.email_verified,
                profile.is_active,
                profile.user_type.as_str(),
                json(&profile.attributes)?,
                now,
            ],
        )
        .await?;
    if changed == 1 {
        directory_change::record(tx, id).await?;
    }
    Ok(changed == 1)
}

/// Whether a user is still active; keeps it so until the transaction ends.
pub async fn is_still_active(tx: &mut Tx<'_>, id: UserId) -> Result<bool> {
    let kept = tx.execute("UPDATE users SET is_active = is_active WHERE id = $1 AND is_active", values![id]).await?;
    Ok(kept == 1)
}

/// Removes a user and all that is theirs. Says whether there was such a user.
pub async fn delete(tx: &mut Tx<'_>, id: UserId) -> Result<bool> {
    let deleted = tx.execute("DELETE FROM users WHERE id = $1", values![id]).await? == 1;
    if deleted {
        directory_change::record(tx, id).await?;
    }
    Ok(deleted)
}

/// How many active users are effective members of one of these groups. The groups are given one by one: few confer
/// power.
pub async fn active_members(tx: &mut Tx<'_>, group: GroupId) -> Result<Vec<UserId>> {
    let members: Vec<String> = tx
        .fetch(
            "SELECT users.id FROM users JOIN memberships ON memberships.user_id = users.id \
             WHERE memberships.group_id = $1 AND users.is_active ORDER BY users.id",
            values![group],
        )
        .await?;
    members.iter().map(|id| id.parse().map_err(|_| Error::Corrupt(format!("membership of {id:?}")))).collect()
}

pub(crate) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Query(error.to_string()))
}

/// A LIKE pattern for "holds this text", in the form that is compared.
pub(crate) fn contains(search: &str) -> String {
    let escaped = key(search).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
