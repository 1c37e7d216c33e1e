//! The trail of changed users: a directory kept in memory follows it instead of reading everybody again.

use doorward_core::id::UserId;

use crate::{Error, Result, db::Tx, values};

/// How many changes are kept. Whoever is further behind reads everybody.
pub const KEPT: i64 = 10_000;

/// Writes down that a user, or what groups they are in, changed; also that they were added or deleted.
pub async fn record(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    // The row lock keeps revisions in the order of the commits: nobody reads 7 before 6 is there.
    let revision: i64 =
        tx.fetch_one("UPDATE revisions SET value = value + 1 WHERE name = 'directory' RETURNING value", &[]).await?;
    tx.execute("INSERT INTO directory_changes (revision, user_id) VALUES ($1, $2)", values![revision, user]).await?;
    Ok(())
}

/// The revision of the last change.
pub async fn revision(tx: &mut Tx<'_>) -> Result<i64> {
    tx.fetch_one("SELECT value FROM revisions WHERE name = 'directory'", &[]).await
}

/// The users that changed after a revision, each once; `None` if that is longer ago than the trail goes back.
pub async fn since(tx: &mut Tx<'_>, revision: i64, current: i64) -> Result<Option<Vec<UserId>>> {
    let expected = current - revision;
    let ids: Vec<String> = tx
        .fetch(
            "SELECT user_id FROM directory_changes WHERE revision > $1 AND revision <= $2 ORDER BY revision",
            values![revision, current],
        )
        .await?;
    if i64::try_from(ids.len()) != Ok(expected) {
        return Ok(None);
    }
    let mut users = ids
        .iter()
        .map(|id| id.parse().map_err(|_| Error::Corrupt(format!("changed user {id:?}"))))
        .collect::<Result<Vec<UserId>>>()?;
    users.sort_unstable();
    users.dedup();
    Ok(Some(users))
}

/// Forgets all but the last [`KEPT`] changes.
pub async fn delete_old(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(
        "DELETE FROM directory_changes \
         WHERE revision <= (SELECT value FROM revisions WHERE name = 'directory') - $1",
        values![KEPT],
    )
    .await?;
    Ok(())
}
