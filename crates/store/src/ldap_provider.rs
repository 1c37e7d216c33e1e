//! LDAP providers, and who may read everybody through them.

use doorward_core::{
    id::{LdapProviderId, UserId},
    ldap_provider::{LdapProfile, LdapProvider, UidSource},
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Result,
    db::{FromRow, Row, Tx, Value},
    values,
};

impl FromRow for LdapProvider {
    /// Searchers are filled in by [`all`].
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.parse(0)?,
            application: row.parse(1)?,
            profile: LdapProfile {
                base_dn: row.get(2)?,
                uid_start_number: row.get(3)?,
                gid_start_number: row.get(4)?,
                nested_groups: row.get(5)?,
                uid_source: row.choice(6, UidSource::parse)?,
                code_in_password: row.get(7)?,
                searchers: BTreeSet::new(),
            },
        })
    }
}

/// All LDAP providers.
pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<LdapProvider>> {
    let mut providers: Vec<LdapProvider> = tx
        .fetch(
            "SELECT id, application_id, base_dn, uid_start_number, gid_start_number, nested_groups, uid_source, \
             code_in_password FROM ldap_providers ORDER BY id",
            &[],
        )
        .await?;
    let pairs: Vec<(LdapProviderId, UserId)> =
        tx.fetch("SELECT provider_id, user_id FROM ldap_searchers ORDER BY provider_id, user_id", &[]).await?;
    let mut searchers: BTreeMap<LdapProviderId, BTreeSet<UserId>> = BTreeMap::new();
    for (provider, user) in pairs {
        searchers.entry(provider).or_default().insert(user);
    }
    for provider in &mut providers {
        provider.profile.searchers = searchers.remove(&provider.id).unwrap_or_default();
    }
    Ok(providers)
}

fn columns(id: LdapProviderId, profile: &LdapProfile, base_dn_key: &str) -> [Value; 8] {
    [
        id.into(),
        profile.base_dn.as_str().into(),
        base_dn_key.into(),
        profile.uid_start_number.into(),
        profile.gid_start_number.into(),
        profile.nested_groups.into(),
        profile.uid_source.as_str().into(),
        profile.code_in_password.into(),
    ]
}

/// Adds an LDAP provider. `base_dn_key` is the base DN in the form in which DNs are compared.
pub async fn insert(tx: &mut Tx<'_>, provider: &LdapProvider, base_dn_key: &str) -> Result<()> {
    let mut values = columns(provider.id, &provider.profile, base_dn_key).to_vec();
    values.push(provider.application.into());
    tx.execute(
        "INSERT INTO ldap_providers (id, base_dn, base_dn_key, uid_start_number, gid_start_number, nested_groups, \
         uid_source, code_in_password, application_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &values,
    )
    .await?;
    insert_searchers(tx, provider.id, &provider.profile.searchers).await
}

/// Writes an LDAP provider's profile. Says whether there was such a provider.
pub async fn update(tx: &mut Tx<'_>, id: LdapProviderId, profile: &LdapProfile, base_dn_key: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE ldap_providers SET base_dn = $2, base_dn_key = $3, uid_start_number = $4, gid_start_number = $5, \
             nested_groups = $6, uid_source = $7, code_in_password = $8 WHERE id = $1",
            &columns(id, profile, base_dn_key),
        )
        .await?;
    tx.execute("DELETE FROM ldap_searchers WHERE provider_id = $1", values![id]).await?;
    insert_searchers(tx, id, &profile.searchers).await?;
    Ok(changed == 1)
}

/// Removes an LDAP provider; its application stays. Says whether there was such a provider.
pub async fn delete(tx: &mut Tx<'_>, id: LdapProviderId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM ldap_providers WHERE id = $1", values![id]).await? == 1)
}

async fn insert_searchers(tx: &mut Tx<'_>, id: LdapProviderId, searchers: &BTreeSet<UserId>) -> Result<()> {
    for user in searchers {
        tx.execute("INSERT INTO ldap_searchers (provider_id, user_id) VALUES ($1, $2)", values![id, *user]).await?;
    }
    Ok(())
}
