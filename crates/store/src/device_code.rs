//! Device codes (RFC 8628), kept as hashes: decided once by a person, used once by the device.

use doorward_core::id::{AttemptId, GrantId, ProviderId, UserId};
use jiff::Timestamp;

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

/// A device that asked to be let in.
#[derive(Debug, Clone)]
pub struct DeviceCode {
    /// Hash of the code that it asks with.
    pub hash: String,
    /// Keyed hash of the code that people type.
    pub user_code_hash: String,
    /// At which provider.
    pub provider: ProviderId,
    /// Scopes asked for, separated by spaces.
    pub scopes: String,
    /// Address it asked from.
    pub address: String,
    /// The same as it is counted.
    pub network: String,
    /// The network around it that one customer may have.
    pub site: String,
    /// The network around that.
    pub region: String,
    /// When it asked.
    pub created_at: Timestamp,
    /// Until when it can be allowed and can fetch its tokens.
    pub expires_at: Timestamp,
    /// The sign-in attempt that it began.
    pub attempt: AttemptId,
    /// When somebody decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// What the device was given; `None` after a decision means that it was denied.
    pub grant: Option<GrantId>,
    /// When it fetched its tokens.
    pub consumed_at: Option<Timestamp>,
}

impl FromRow for DeviceCode {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            hash: row.get(0)?,
            user_code_hash: row.get(1)?,
            provider: row.parse(2)?,
            scopes: row.get(3)?,
            address: row.get(4)?,
            network: row.get(5)?,
            site: row.get(6)?,
            region: row.get(7)?,
            created_at: row.time(8)?,
            expires_at: row.time(9)?,
            attempt: row.parse(10)?,
            decided_at: row.time_optional(11)?,
            decided_by: row.parse_optional(12)?,
            grant: row.parse_optional(13)?,
            consumed_at: row.time_optional(14)?,
        })
    }
}

/// Adds a device that nobody has decided about. Says whether it did: not if its user code is another's.
pub async fn insert(tx: &mut Tx<'_>, code: &DeviceCode) -> Result<bool> {
    let added = tx
        .execute(
            "INSERT INTO device_codes (device_code_hash, user_code_hash, provider_id, scopes, address, network, \
             site, region, created_at, expires_at, attempt_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (user_code_hash) DO NOTHING",
            values![
                &code.hash,
                &code.user_code_hash,
                code.provider,
                &code.scopes,
                &code.address,
                &code.network,
                &code.site,
                &code.region,
                code.created_at,
                code.expires_at,
                code.attempt,
            ],
        )
        .await?;
    Ok(added == 1)
}

/// How many devices of a client nobody has decided about.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    /// From everywhere.
    pub overall: i64,
    /// From a site.
    pub of_site: i64,
    /// From a region.
    pub of_region: i64,
}

impl FromRow for Open {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { overall: row.get(0)?, of_site: row.get(1)?, of_region: row.get(2)? })
    }
}

/// How many devices of a client nobody has decided about: overall, of a site and of a region.
pub async fn count_open_of_provider(
    tx: &mut Tx<'_>,
    provider: ProviderId,
    (site, region): (&str, &str),
    now: Timestamp,
) -> Result<Open> {
    tx.fetch_one(
        "SELECT COUNT(*), COUNT(CASE WHEN site = $3 THEN 1 END), COUNT(CASE WHEN region = $4 THEN 1 END) \
         FROM device_codes WHERE provider_id = $1 AND expires_at > $2 AND decided_at IS NULL",
        values![provider, now, site, region],
    )
    .await
}

/// How many devices of a network nobody has decided about.
pub async fn count_open_of_network(tx: &mut Tx<'_>, network: &str, now: Timestamp) -> Result<i64> {
    tx.fetch_one(
        "SELECT COUNT(*) FROM device_codes WHERE network = $1 AND expires_at > $2 AND decided_at IS NULL",
        values![network, now],
    )
    .await
}

/// The device with a device code, whatever became of it.
pub async fn find(tx: &mut Tx<'_>, hash: &str) -> Result<Option<DeviceCode>> {
    tx.fetch_optional(
        "SELECT device_code_hash, user_code_hash, provider_id, scopes, address, network, site, region, \
         created_at, expires_at, attempt_id, decided_at, decided_by, grant_id, consumed_at FROM device_codes WHERE device_code_hash = $1",
        values![hash],
    )
    .await
}

/// The device with a user code, whatever became of it.
pub async fn find_by_user_code(tx: &mut Tx<'_>, user_code_hash: &str) -> Result<Option<DeviceCode>> {
    tx.fetch_optional(
        "SELECT device_code_hash, user_code_hash, provider_id, scopes, address, network, site, region, \
         created_at, expires_at, attempt_id, decided_at, decided_by, grant_id, consumed_at FROM device_codes WHERE user_code_hash = $1",
        values![user_code_hash],
    )
    .await
}

/// Decides about a device. Of several who try at once one does; the others are told that they did not, and so is whoever
/// comes too late.
pub async fn decide(tx: &mut Tx<'_>, hash: &str, user: UserId, now: Timestamp) -> Result<bool> {
    let decided = tx
        .execute(
            "UPDATE device_codes SET decided_at = $2, decided_by = $3 \
             WHERE device_code_hash = $1 AND decided_at IS NULL AND expires_at > $2",
            values![hash, now, user],
        )
        .await?;
    Ok(decided == 1)
}

/// Gives a device what was just allowed, in the transaction of [`decide`].
pub async fn allow(tx: &mut Tx<'_>, hash: &str, grant: GrantId) -> Result<()> {
    tx.execute("UPDATE device_codes SET grant_id = $2 WHERE device_code_hash = $1", values![hash, grant]).await?;
    Ok(())
}

/// Uses a device code up. Of several who try at once, one gets the grant; `None` means that it was used before, or that
/// nobody allowed it.
pub async fn consume(tx: &mut Tx<'_>, hash: &str, now: Timestamp) -> Result<Option<GrantId>> {
    let grant: Option<String> = tx
        .fetch_optional(
            "UPDATE device_codes SET consumed_at = $2 \
             WHERE device_code_hash = $1 AND consumed_at IS NULL AND grant_id IS NOT NULL RETURNING grant_id",
            values![hash, now],
        )
        .await?;
    grant.map(|id| id.parse().map_err(|error| crate::Error::Corrupt(format!("grant_id: {error}")))).transpose()
}

/// Forgets devices whose time ended before a moment.
pub async fn delete_expired(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM device_codes WHERE expires_at <= $1", values![before]).await
}
