//! OAuth2/OpenID providers. Client secrets are encrypted, bound to their row.

use doorward_core::{
    cipher::Cipher,
    id::{MappingId, ProviderId},
    lifetime::Lifetime,
    provider::{ClientType, IssuerMode, LogoutMethod, PreviousSecret, Provider, ProviderProfile, SubjectMode},
    secret::Secret,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Error, Result,
    db::{FromRow, Row, Tx, Value},
    user::json,
    values,
};

struct ProviderRow {
    provider: Provider,
    sealed_secret: Vec<u8>,
    sealed_previous: Option<Vec<u8>>,
    previous_expires_at: Option<Timestamp>,
}

impl FromRow for ProviderRow {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let profile = ProviderProfile {
            name: row.get(2)?,
            client_type: row.choice(3, ClientType::parse)?,
            client_id: row.get(4)?,
            redirect_uris: row.json(6)?,
            signing_key: row.parse(7)?,
            sub_mode: row.choice(8, SubjectMode::parse)?,
            issuer_mode: row.choice(9, IssuerMode::parse)?,
            access_code_validity: lifetime(row, 10)?,
            access_token_validity: lifetime(row, 11)?,
            refresh_token_validity: lifetime(row, 12)?,
            refresh_token_threshold: lifetime(row, 13)?,
            include_claims_in_id_token: row.get(14)?,
            grant_types: row.json(15)?,
            logout_uri: row.get(16)?,
            logout_method: row.choice(17, LogoutMethod::parse)?,
            mappings: BTreeSet::new(),
        };
        let provider = Provider {
            id: row.parse(0)?,
            application: row.parse(1)?,
            profile,
            client_secret: Secret::new(String::new()),
            previous_secret: None,
        };
        Ok(Self {
            provider,
            sealed_secret: row.get(5)?,
            sealed_previous: row.get(18)?,
            previous_expires_at: row.time_optional(19)?,
        })
    }
}

struct Sealed(Vec<u8>);

impl FromRow for Sealed {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.get(0).map(Self)
    }
}

struct LastUse(Option<Timestamp>);

impl FromRow for LastUse {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.time_optional(0).map(Self)
    }
}

fn lifetime(row: &Row<'_>, index: usize) -> Result<Lifetime> {
    Ok(Lifetime::millis(row.get(index)?))
}

fn place(id: ProviderId) -> String {
    format!("providers.client_secret.{id}")
}

/// All providers with their mappings, secrets decrypted.
pub async fn all(tx: &mut Tx<'_>, cipher: &Cipher) -> Result<Vec<Provider>> {
    let rows: Vec<ProviderRow> = tx
        .fetch(
            "SELECT id, application_id, name, client_type, client_id, client_secret, redirect_uris, signing_key_id, \
             sub_mode, issuer_mode, access_code_validity, access_token_validity, refresh_token_validity, \
             refresh_token_threshold, include_claims_in_id_token, grant_types, logout_uri, logout_method, \
             previous_secret, previous_secret_expires_at FROM providers ORDER BY id",
            &[],
        )
        .await?;
    let pairs: Vec<(ProviderId, MappingId)> =
        tx.fetch("SELECT provider_id, mapping_id FROM provider_mappings ORDER BY mapping_id", &[]).await?;
    let mut mappings: BTreeMap<ProviderId, BTreeSet<MappingId>> = BTreeMap::new();
    for (provider, mapping) in pairs {
        mappings.entry(provider).or_default().insert(mapping);
    }
    rows.into_iter()
        .map(|ProviderRow { mut provider, sealed_secret, sealed_previous, previous_expires_at }| {
            provider.client_secret = open_secret(cipher, &place(provider.id), &sealed_secret)?;
            if let (Some(sealed), Some(expires_at)) = (sealed_previous, previous_expires_at) {
                let secret = open_secret(cipher, &previous_place(provider.id), &sealed)?;
                provider.previous_secret = Some(PreviousSecret { secret, expires_at });
            }
            provider.profile.mappings = mappings.remove(&provider.id).unwrap_or_default();
            Ok(provider)
        })
        .collect()
}

fn previous_place(id: ProviderId) -> String {
    format!("providers.previous_secret.{id}")
}

fn open_secret(cipher: &Cipher, place: &str, sealed: &[u8]) -> Result<Secret<String>> {
    let text = String::from_utf8(cipher.open(place, sealed)?);
    Ok(Secret::new(text.map_err(|_| Error::Corrupt(place.to_owned()))?))
}

fn columns(id: ProviderId, profile: &ProviderProfile) -> Result<[Value; 16]> {
    Ok([
        id.into(),
        profile.name.as_str().into(),
        profile.client_type.as_str().into(),
        profile.client_id.as_str().into(),
        json(&profile.redirect_uris)?.into(),
        profile.signing_key.into(),
        profile.sub_mode.as_str().into(),
        profile.issuer_mode.as_str().into(),
        profile.access_code_validity.as_millis().into(),
        profile.access_token_validity.as_millis().into(),
        profile.refresh_token_validity.as_millis().into(),
        profile.refresh_token_threshold.as_millis().into(),
        profile.include_claims_in_id_token.into(),
        json(&profile.grant_types)?.into(),
        profile.logout_uri.as_str().into(),
        profile.logout_method.as_str().into(),
    ])
}

/// Adds a provider.
pub async fn insert(tx: &mut Tx<'_>, cipher: &Cipher, provider: &Provider) -> Result<()> {
    let sealed = cipher.seal(&place(provider.id), provider.client_secret.expose().as_bytes());
    let mut values = columns(provider.id, &provider.profile)?.to_vec();
    values.extend([provider.application.into(), sealed.into()]);
    tx.execute(
        "INSERT INTO providers (id, name, client_type, client_id, redirect_uris, signing_key_id, sub_mode, \
         issuer_mode, access_code_validity, access_token_validity, refresh_token_validity, refresh_token_threshold, \
         include_claims_in_id_token, grant_types, logout_uri, logout_method, application_id, client_secret) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        &values,
    )
    .await?;
    insert_mappings(tx, provider.id, &provider.profile.mappings).await
}

/// Writes a provider's profile. Says whether there was one.
pub async fn update(tx: &mut Tx<'_>, id: ProviderId, profile: &ProviderProfile) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE providers SET name = $2, client_type = $3, client_id = $4, redirect_uris = $5, \
             signing_key_id = $6, sub_mode = $7, issuer_mode = $8, access_code_validity = $9, \
             access_token_validity = $10, refresh_token_validity = $11, refresh_token_threshold = $12, \
             include_claims_in_id_token = $13, grant_types = $14, logout_uri = $15, logout_method = $16 WHERE id = $1",
            &columns(id, profile)?,
        )
        .await?;
    tx.execute("DELETE FROM provider_mappings WHERE provider_id = $1", values![id]).await?;
    insert_mappings(tx, id, &profile.mappings).await?;
    Ok(changed == 1)
}

/// Replaces a provider's client secret. `previous`: the one before it, if it is to be accepted for a while.
pub async fn update_secret(
    tx: &mut Tx<'_>,
    cipher: &Cipher,
    id: ProviderId,
    secret: &Secret<String>,
    previous: Option<&PreviousSecret>,
) -> Result<()> {
    let sealed = cipher.seal(&place(id), secret.expose().as_bytes());
    let sealed_previous =
        previous.map(|previous| cipher.seal(&previous_place(id), previous.secret.expose().as_bytes()));
    tx.execute(
        "UPDATE providers SET client_secret = $2, previous_secret = $3, previous_secret_expires_at = $4, \
         previous_secret_used_at = NULL WHERE id = $1",
        values![id, sealed, sealed_previous, previous.map(|previous| previous.expires_at)],
    )
    .await?;
    Ok(())
}

/// A provider's present client secret, if there is such a provider.
pub async fn secret(tx: &mut Tx<'_>, cipher: &Cipher, id: ProviderId) -> Result<Option<Secret<String>>> {
    let sealed: Option<Sealed> =
        tx.fetch_optional("SELECT client_secret FROM providers WHERE id = $1", values![id]).await?;
    sealed.map(|Sealed(sealed)| open_secret(cipher, &place(id), &sealed)).transpose()
}

/// Forgets the client secret before the present one. Says whether there was one.
pub async fn forget_previous_secret(tx: &mut Tx<'_>, id: ProviderId) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE providers SET previous_secret = NULL, previous_secret_expires_at = NULL, \
             previous_secret_used_at = NULL WHERE id = $1 AND previous_secret IS NOT NULL",
            values![id],
        )
        .await?;
    Ok(changed == 1)
}

/// Forgets the previous secrets whose time has come, and says how many.
pub async fn delete_expired_secrets(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE providers SET previous_secret = NULL, previous_secret_expires_at = NULL, \
         previous_secret_used_at = NULL WHERE previous_secret_expires_at <= $1",
        values![now],
    )
    .await
}

/// Writes down that somebody came with the previous secret.
pub async fn touch_previous_secret(tx: &mut Tx<'_>, id: ProviderId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE providers SET previous_secret_used_at = $2 WHERE id = $1 AND previous_secret IS NOT NULL";
    tx.execute(sql, values![id, now]).await?;
    Ok(())
}

/// When somebody last came with the previous secret, within an hour.
pub async fn previous_secret_use(tx: &mut Tx<'_>, id: ProviderId) -> Result<Option<Timestamp>> {
    let used: Option<LastUse> =
        tx.fetch_optional("SELECT previous_secret_used_at FROM providers WHERE id = $1", values![id]).await?;
    Ok(used.and_then(|LastUse(at)| at))
}

async fn insert_mappings(tx: &mut Tx<'_>, id: ProviderId, mappings: &BTreeSet<MappingId>) -> Result<()> {
    for mapping in mappings {
        tx.execute("INSERT INTO provider_mappings (provider_id, mapping_id) VALUES ($1, $2)", values![id, *mapping])
            .await?;
    }
    Ok(())
}
