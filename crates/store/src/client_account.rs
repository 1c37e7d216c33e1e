//! The service accounts that clients are when they speak for themselves (RFC 6749, section 4.4).

use doorward_core::id::{ProviderId, UserId};

use crate::{Error, Result, db::Tx, values};

/// The account of a provider's client, if it has one.
pub async fn find(tx: &mut Tx<'_>, provider: ProviderId) -> Result<Option<UserId>> {
    let found: Option<String> =
        tx.fetch_optional("SELECT user_id FROM client_accounts WHERE provider_id = $1", values![provider]).await?;
    found.map(|id| id.parse().map_err(|_| Error::Corrupt(format!("client account {id:?}")))).transpose()
}

/// Lets one after the other make the account of a provider's client, until the transaction ends. Says whether there is such
/// a provider.
pub async fn lock(tx: &mut Tx<'_>, provider: ProviderId) -> Result<bool> {
    Ok(tx.execute("UPDATE providers SET name = name WHERE id = $1", values![provider]).await? == 1)
}

/// Makes a user the account of a provider's client, which has none yet.
pub async fn insert(tx: &mut Tx<'_>, provider: ProviderId, user: UserId) -> Result<()> {
    let sql = "INSERT INTO client_accounts (provider_id, user_id) VALUES ($1, $2)";
    tx.execute(sql, values![provider, user]).await?;
    Ok(())
}

/// Whether a user is the account of a provider's client.
pub async fn is_own(tx: &mut Tx<'_>, provider: ProviderId, user: UserId) -> Result<bool> {
    Ok(find(tx, provider).await? == Some(user))
}
