//! Signing keys and their versions. Private keys are encrypted, bound to their row.

use doorward_core::{
    cipher::Cipher,
    id::SigningKeyId,
    lifetime::Lifetime,
    secret::Secret,
    signing_key::{KeyAlgorithm, KeyVersion, SigningKey},
    user::key,
};

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

struct VersionRow {
    key: SigningKeyId,
    version: KeyVersion,
}

impl FromRow for VersionRow {
    /// The private key is still encrypted here.
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            key: row.parse(1)?,
            version: KeyVersion {
                id: row.parse(0)?,
                kid: row.get(2)?,
                algorithm: row.choice(3, KeyAlgorithm::parse)?,
                certificate: row.get(4)?,
                private_key: Secret::new(row.get(5)?),
                created_at: row.time(6)?,
                activates_at: row.time(7)?,
            },
        })
    }
}

struct KeyRow(SigningKey);
impl FromRow for KeyRow {
    /// Its versions are read beside it.
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self(SigningKey {
            id: row.parse(0)?,
            name: row.get(1)?,
            versions: Vec::new(),
            rotation_interval: Lifetime::millis(row.get(2)?),
            rotations: row.get(3)?,
        }))
    }
}

fn place(version: &KeyVersion) -> String {
    format!("signing_key_versions.private_key.{}", version.id)
}

/// All keys with their versions, decrypted.
pub async fn all(tx: &mut Tx<'_>, cipher: &Cipher) -> Result<Vec<SigningKey>> {
    let rows: Vec<KeyRow> =
        tx.fetch("SELECT id, name, rotation_interval, rotations FROM signing_keys ORDER BY name_key, id", &[]).await?;
    let versions: Vec<VersionRow> = tx
        .fetch(
            "SELECT id, key_id, kid, algorithm, certificate, private_key, created_at, activates_at \
             FROM signing_key_versions ORDER BY activates_at, id",
            &[],
        )
        .await?;
    let mut keys: Vec<SigningKey> = rows.into_iter().map(|KeyRow(key)| key).collect();
    for VersionRow { key, mut version } in versions {
        version.private_key = Secret::new(cipher.open(&place(&version), version.private_key.expose())?);
        if let Some(owner) = keys.iter_mut().find(|candidate| candidate.id == key) {
            owner.versions.push(version);
        }
    }
    Ok(keys)
}

/// Adds a key with its versions.
pub async fn insert(tx: &mut Tx<'_>, cipher: &Cipher, signing_key: &SigningKey) -> Result<()> {
    tx.execute(
        "INSERT INTO signing_keys (id, name, name_key, rotation_interval, rotations) VALUES ($1, $2, $3, $4, $5)",
        values![
            signing_key.id,
            &signing_key.name,
            key(&signing_key.name),
            signing_key.rotation_interval.as_millis(),
            signing_key.rotations,
        ],
    )
    .await?;
    for version in &signing_key.versions {
        insert_version(tx, cipher, signing_key.id, version).await?;
    }
    Ok(())
}

/// Adds a version to a key.
pub async fn insert_version(
    tx: &mut Tx<'_>,
    cipher: &Cipher,
    signing_key: SigningKeyId,
    version: &KeyVersion,
) -> Result<()> {
    tx.execute(
        "INSERT INTO signing_key_versions (id, key_id, kid, algorithm, certificate, private_key, created_at, \
         activates_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            version.id,
            signing_key,
            &version.kid,
            version.algorithm.as_str(),
            &version.certificate,
            cipher.seal(&place(version), version.private_key.expose()),
            version.created_at,
            version.activates_at,
        ],
    )
    .await?;
    Ok(())
}

/// Counts a rotation on, if nobody did since `seen`. Says whether it was counted: then the caller adds the version.
pub async fn count_rotation(tx: &mut Tx<'_>, id: SigningKeyId, seen: i64) -> Result<bool> {
    let sql = "UPDATE signing_keys SET rotations = rotations + 1 WHERE id = $1 AND rotations = $2";
    Ok(tx.execute(sql, values![id, seen]).await? == 1)
}

/// Writes how often a key is rotated by itself; zero for never. Says whether there is such a key.
pub async fn update_rotation_interval(tx: &mut Tx<'_>, id: SigningKeyId, interval: Lifetime) -> Result<bool> {
    let sql = "UPDATE signing_keys SET rotation_interval = $2 WHERE id = $1";
    Ok(tx.execute(sql, values![id, interval.as_millis()]).await? == 1)
}

/// Forgets a version whose tokens have all expired.
pub async fn delete_version(tx: &mut Tx<'_>, version: doorward_core::id::KeyVersionId) -> Result<()> {
    tx.execute("DELETE FROM signing_key_versions WHERE id = $1", values![version]).await?;
    Ok(())
}

/// Removes a key. Fails with a conflict while a provider uses it.
pub async fn delete(tx: &mut Tx<'_>, id: SigningKeyId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM signing_keys WHERE id = $1", values![id]).await? == 1)
}
