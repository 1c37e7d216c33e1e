//! Claim mappings.

use doorward_core::{
    claim_mapping::{ClaimMapping, MappingProfile},
    id::MappingId,
    user::key,
};

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    values,
};

impl FromRow for ClaimMapping {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            profile: MappingProfile {
                name: row.get(1)?,
                scope: row.get(2)?,
                expression: row.get(3)?,
                description: row.get(4)?,
            },
            is_default: row.get(5)?,
        })
    }
}

/// All mappings, in the order in which their claims are merged: by scope, then by name.
pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<ClaimMapping>> {
    tx.fetch(
        "SELECT id, name, scope, expression, description, is_default FROM claim_mappings \
         ORDER BY scope, name_key, id",
        &[],
    )
    .await
}

/// Adds a mapping.
pub async fn insert(tx: &mut Tx<'_>, mapping: &ClaimMapping) -> Result<()> {
    let profile = &mapping.profile;
    tx.execute(
        "INSERT INTO claim_mappings (id, name, name_key, scope, expression, description, is_default) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![
            mapping.id,
            &profile.name,
            key(&profile.name),
            &profile.scope,
            &profile.expression,
            &profile.description,
            mapping.is_default,
        ],
    )
    .await?;
    Ok(())
}

/// Renews the expression of the default mapping of a scope, if it is still exactly the one given.
pub async fn renew_default(tx: &mut Tx<'_>, scope: &str, old: &str, new: &str) -> Result<()> {
    tx.execute(
        "UPDATE claim_mappings SET expression = $4 WHERE is_default = $1 AND scope = $2 AND expression = $3",
        values![true, scope, old, new],
    )
    .await?;
    Ok(())
}

/// Writes a mapping. Says whether there was one.
pub async fn update(tx: &mut Tx<'_>, id: MappingId, profile: &MappingProfile) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE claim_mappings SET name = $2, name_key = $3, scope = $4, expression = $5, description = $6 \
             WHERE id = $1",
            values![id, &profile.name, key(&profile.name), &profile.scope, &profile.expression, &profile.description,],
        )
        .await?;
    Ok(changed == 1)
}

/// Removes a mapping, also from the providers that have it. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, id: MappingId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM claim_mappings WHERE id = $1", values![id]).await? == 1)
}
