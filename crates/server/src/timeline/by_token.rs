//! Finding the attempt that a refused token request belongs to: the code, device code or refresh token it came with tells.

use doorward_core::{cipher::sha256_hex, id::GrantId, timeline::AttemptMethod};
use doorward_protocols::oauth::parameters::Parameters;
use doorward_store::{self as store, grant::Grant};

use super::Trail;
use crate::{app::App, oidc::refresh_family};

/// The trail of a token request that was refused, by its code or refresh token, whoever sent it. Looked up after the
/// refusal only; a database that is away finds nothing.
pub async fn of_token_request(app: &App, form: &Parameters) -> Option<Trail> {
    let hash = |name| form.get(name).map(|value| sha256_hex(value.as_bytes()));
    if let Some(device_code) = hash("device_code") {
        return of_device(app, device_code).await;
    }
    let family = form.get("refresh_token").and_then(|token| refresh_family::grant_of(&app.cipher, token));
    let grant = find(app, hash("code"), hash("refresh_token"), family).await.ok().flatten()?;
    let snapshot = app.snapshot();
    Trail::of_grant(snapshot.by_provider(grant.provider)?, &grant)
}

async fn of_device(app: &App, hash: String) -> Option<Trail> {
    let find = app.db.read(move |tx| Box::pin(async move { store::device_code::find(tx, &hash).await }));
    let device = find.await.ok().flatten()?;
    let snapshot = app.snapshot();
    let trail = Trail::of(device.attempt, AttemptMethod::Device);
    Some(trail.to(&snapshot.by_provider(device.provider)?.application))
}

/// The trail of a code that comes back within Doorward, by forward auth.
pub async fn of_code(app: &App, code: &str) -> Option<Trail> {
    let grant = find(app, Some(sha256_hex(code.as_bytes())), None, None).await.ok().flatten()?;
    let snapshot = app.snapshot();
    let trail = Trail::of_grant(snapshot.by_provider(grant.provider)?, &grant)?;
    Some(trail.by_way_of(AttemptMethod::Proxy))
}

/// A refresh token that was used is not kept, and names its grant itself: `family`.
async fn find(
    app: &App,
    code: Option<String>,
    refresh_token: Option<String>,
    family: Option<GrantId>,
) -> store::Result<Option<Grant>> {
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let by_code = match code {
                Some(hash) => store::authorization_code::find(tx, &hash).await?.map(|code| code.grant),
                None => None,
            };
            let by_token = match refresh_token {
                Some(hash) => store::refresh_token::find(tx, &hash).await?.map(|token| token.grant),
                None => None,
            };
            match by_code.or(by_token).or(family) {
                Some(grant) => store::grant::find(tx, grant).await,
                None => Ok(None),
            }
        })
    });
    found.await
}
