//! What connectors know of people.

use doorward_core::{
    connector::{ConnectedPerson, LinkedAccount},
    id::{ConnectorId, UserId},
};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx, Value},
    values,
};

impl FromRow for ConnectedPerson {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let (id, name, linked_at): (Option<i64>, String, _) = (row.get(3)?, row.get(4)?, row.time_optional(5)?);
        let account = id.zip(linked_at).map(|(id, linked_at)| LinkedAccount { id, name, linked_at });
        Ok(Self {
            user: row.parse(0)?,
            username: row.get(1)?,
            seen_at: row.time_optional(2)?,
            account,
            cut_off_at: row.time_optional(6)?,
            pushed: row.get(7)?,
            pushed_at: row.time_optional(8)?,
            warning: row.get(9)?,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT user_id, username, seen_at, account_id, account_name, linked_at, cut_off_at, pushed, pushed_at, \
             warning FROM connector_people WHERE connector_id = $1 ",
            $rest
        )
    };
}

/// Everybody a connector knows of, by username.
pub async fn all(tx: &mut Tx<'_>, connector: ConnectorId) -> Result<Vec<ConnectedPerson>> {
    tx.fetch(select!("ORDER BY username, user_id"), values![connector]).await
}

/// What a connector knows of a person.
pub async fn find(tx: &mut Tx<'_>, connector: ConnectorId, user: UserId) -> Result<Option<ConnectedPerson>> {
    tx.fetch_optional(select!("AND user_id = $2"), values![connector, user]).await
}

/// Whose an account is.
pub async fn by_account(tx: &mut Tx<'_>, connector: ConnectorId, account: i64) -> Result<Option<ConnectedPerson>> {
    tx.fetch_optional(select!("AND account_id = $2"), values![connector, account]).await
}

/// Notes that somebody is on their way to the application, or, without a time, that they are of interest.
pub async fn note(
    tx: &mut Tx<'_>,
    connector: ConnectorId,
    user: UserId,
    username: &str,
    seen_at: Option<Timestamp>,
) -> Result<()> {
    tx.execute(
        "INSERT INTO connector_people (connector_id, user_id, username, seen_at, account_id, account_name, linked_at, \
         cut_off_at, pushed, pushed_at, warning) VALUES ($1, $2, $3, $4, $5, '', $5, $5, '', $5, '') \
         ON CONFLICT (connector_id, user_id) DO UPDATE SET username = excluded.username, \
         seen_at = COALESCE(excluded.seen_at, connector_people.seen_at)",
        values![connector, user, username, seen_at, Value::Null],
    )
    .await?;
    Ok(())
}

/// Links a person to an account. A conflict means that the account is somebody else's.
pub async fn link(tx: &mut Tx<'_>, connector: ConnectorId, user: UserId, account: &LinkedAccount) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE connector_people SET account_id = $3, account_name = $4, linked_at = $5, cut_off_at = $6, \
             pushed = '', warning = '' WHERE connector_id = $1 AND user_id = $2",
            values![connector, user, account.id, &account.name, account.linked_at, Value::Null],
        )
        .await?;
    Ok(changed == 1)
}

/// Forgets which account is a person's; why stays as a warning. Says whether anything was known.
pub async fn unlink(tx: &mut Tx<'_>, connector: ConnectorId, user: UserId, warning: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE connector_people SET account_id = $3, account_name = '', linked_at = $3, cut_off_at = $3, \
             pushed = '', warning = $4 WHERE connector_id = $1 AND user_id = $2",
            values![connector, user, Value::Null, warning],
        )
        .await?;
    Ok(changed == 1)
}

/// Notes that an account is being made unusable: before it is done, so that half of it is known to be ours.
pub async fn cut_off(tx: &mut Tx<'_>, connector: ConnectorId, user: UserId, at: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE connector_people SET cut_off_at = $3, pushed = '' WHERE connector_id = $1 AND user_id = $2",
        values![connector, user, at],
    )
    .await?;
    Ok(())
}

/// Notes that an account is usable again.
pub async fn let_in(tx: &mut Tx<'_>, connector: ConnectorId, user: UserId) -> Result<()> {
    tx.execute(
        "UPDATE connector_people SET cut_off_at = $3 WHERE connector_id = $1 AND user_id = $2",
        values![connector, user, Value::Null],
    )
    .await?;
    Ok(())
}

/// Notes what was pushed, the account's present name, and what an administrator should know.
pub async fn pushed(tx: &mut Tx<'_>, connector: ConnectorId, person: &ConnectedPerson) -> Result<()> {
    let name = person.account.as_ref().map_or("", |account| account.name.as_str());
    tx.execute(
        "UPDATE connector_people SET pushed = $3, pushed_at = $4, warning = $5, username = $6, account_name = $7 \
         WHERE connector_id = $1 AND user_id = $2",
        values![connector, person.user, &person.pushed, person.pushed_at, &person.warning, &person.username, name,],
    )
    .await?;
    Ok(())
}

/// Notes what an administrator should know of a person.
pub async fn warn(tx: &mut Tx<'_>, connector: ConnectorId, user: UserId, warning: &str) -> Result<()> {
    tx.execute(
        "UPDATE connector_people SET warning = $3 WHERE connector_id = $1 AND user_id = $2",
        values![connector, user, warning],
    )
    .await?;
    Ok(())
}
