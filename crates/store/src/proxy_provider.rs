//! Proxy providers.

use doorward_core::{
    id::ProxyProviderId,
    lifetime::Lifetime,
    proxy_provider::{ProxyMode, ProxyProfile, ProxyProvider},
};

use crate::{
    Result,
    db::{FromRow, Row, Tx, Value},
    user::json,
    values,
};

impl FromRow for ProxyProvider {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let cookie_domain: Option<String> = row.get(4)?;
        Ok(Self {
            id: row.parse(0)?,
            application: row.parse(1)?,
            profile: ProxyProfile {
                mode: row.choice(2, ProxyMode::parse)?,
                external_host: row.get(3)?,
                cookie_domain: cookie_domain.unwrap_or_default(),
                skip_path_regex: row.json(5)?,
                intercept_header_auth: row.get(6)?,
                access_token_validity: Lifetime::millis(row.get(7)?),
                headers: row.json(8)?,
                group_separator: row.get(9)?,
                basic_auth: row.json(10)?,
            },
        })
    }
}

/// All proxy providers.
pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<ProxyProvider>> {
    tx.fetch(
        "SELECT id, application_id, mode, external_host, cookie_domain_key, skip_path_regex, intercept_header_auth, \
         access_token_validity, headers, group_separator, basic_auth FROM proxy_providers ORDER BY id",
        &[],
    )
    .await
}

fn columns(id: ProxyProviderId, profile: &ProxyProfile, external_host_key: &str) -> Result<Vec<Value>> {
    let cookie_domain = Some(profile.cookie_domain.clone()).filter(|_| profile.mode == ProxyMode::ForwardDomain);
    Ok(values![
        id,
        profile.mode.as_str(),
        &profile.external_host,
        external_host_key,
        cookie_domain,
        json(&profile.skip_path_regex)?,
        profile.intercept_header_auth,
        profile.access_token_validity.as_millis(),
        json(&profile.headers)?,
        &profile.group_separator,
        json(&profile.basic_auth)?,
    ]
    .to_vec())
}

/// Adds a proxy provider. `external_host_key` is host and port of its external host as they are looked up.
pub async fn insert(tx: &mut Tx<'_>, provider: &ProxyProvider, external_host_key: &str) -> Result<()> {
    let mut values = columns(provider.id, &provider.profile, external_host_key)?;
    values.push(provider.application.into());
    tx.execute(
        "INSERT INTO proxy_providers (id, mode, external_host, external_host_key, cookie_domain_key, skip_path_regex, \
         intercept_header_auth, access_token_validity, headers, group_separator, basic_auth, application_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &values,
    )
    .await?;
    Ok(())
}

/// Writes a proxy provider's profile. Says whether there was such a provider.
pub async fn update(
    tx: &mut Tx<'_>,
    id: ProxyProviderId,
    profile: &ProxyProfile,
    external_host_key: &str,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE proxy_providers SET mode = $2, external_host = $3, external_host_key = $4, cookie_domain_key = $5, \
             skip_path_regex = $6, intercept_header_auth = $7, access_token_validity = $8, headers = $9, \
             group_separator = $10, basic_auth = $11 WHERE id = $1",
            &columns(id, profile, external_host_key)?,
        )
        .await?;
    Ok(changed == 1)
}

/// Removes a proxy provider with the sessions at its hosts; its application stays. Says whether there was such a provider.
pub async fn delete(tx: &mut Tx<'_>, id: ProxyProviderId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM proxy_providers WHERE id = $1", values![id]).await? == 1)
}
