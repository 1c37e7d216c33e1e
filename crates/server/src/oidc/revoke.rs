//! `POST /application/o/revoke/` (RFC 7009).

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_core::{
    cipher::sha256_hex,
    id::{GrantId, ProviderId},
};
use doorward_store::{self as store, db::Tx};
use serde_json::json;
use std::{net::IpAddr, sync::Arc};

use super::{client, grant::GrantError, refresh_family, token::json_response};
use crate::{
    app::App,
    http::{cors, visitor::ClientAddress},
    snapshot::Client,
};

/// Revokes a token of the client that asks. What is not there, or is somebody else's, is as good as revoked (section 2.2).
pub async fn post(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut client = None;
    let response = match serve(&app, &headers, &body, address, &mut client).await {
        Ok(()) => json_response(StatusCode::OK, &json!({})),
        Err(error) => client::refuse(&app, "a revocation request", error, &headers, address).await,
    };
    cors::of_client(&app, client.as_deref(), &headers, response)
}

/// `OPTIONS /application/o/revoke/`.
pub async fn options(State(app): State<App>, headers: HeaderMap) -> Response {
    cors::preflight(&app, &headers)
}

/// A token that is there, and what goes with it.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// An access token goes alone: the others of its sign-in expire or are revoked by themselves.
    Access,
    /// With a refresh token, used or not, goes all that the sign-in gave (section 2.1).
    Refresh(GrantId),
}

/// `seen` is whose request it is, once that is known.
async fn serve(
    app: &App,
    headers: &HeaderMap,
    body: &[u8],
    address: IpAddr,
    seen: &mut Option<Arc<Client>>,
) -> Result<(), GrantError> {
    let form = client::form(headers, body)?;
    let (client, _) = client::authenticate(app, headers, &form, address).await?;
    *seen = Some(client.clone());
    let token = form.require("token", "token is missing")?;
    let (hash, provider, now) = (sha256_hex(token.as_bytes()), client.provider.id, app.clock.now());
    // Read first, so that nonsense, for which public clients need no secret, writes nothing. The hint is not needed: both
    // look-ups are cheap.
    let (read_hash, family) = (hash.clone(), refresh_family::grant_of(&app.cipher, token));
    let found = app.db.read(move |tx| Box::pin(async move { find(tx, &read_hash, family, provider).await })).await?;
    let Some(found) = found else { return Ok(()) };
    let revoked = app.db.write(move |tx| {
        Box::pin(async move {
            match found {
                Found::Access => store::access_token::delete(tx, &hash, provider).await.map(drop),
                Found::Refresh(grant) => store::grant::revoke(tx, grant, now).await,
            }
        })
    });
    revoked.await?;
    let what =
        if matches!(found, Found::Access) { "an access token" } else { "a refresh token and all of its sign-in" };
    tracing::info!(application = client.application.profile.slug, "revoked {what} at the application's request");
    Ok(())
}

async fn find(
    tx: &mut Tx<'_>,
    hash: &str,
    family: Option<GrantId>,
    provider: ProviderId,
) -> store::Result<Option<Found>> {
    let token = store::refresh_token::find(tx, hash).await?;
    if let Some(grant) = token.map(|token| token.grant).or(family) {
        let grant = store::grant::find(tx, grant).await?;
        let own = grant.filter(|grant| grant.provider == provider && grant.revoked_at.is_none());
        return Ok(own.map(|grant| Found::Refresh(grant.id)));
    }
    Ok(store::access_token::is_of(tx, hash, provider).await?.then_some(Found::Access))
}
