//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628, section 3.4).

use doorward_core::{cipher::sha256_hex, grant_type::GrantType, network::Place};
use doorward_protocols::oauth::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
};
use doorward_store::{self as store, device_code::DeviceCode, grant::Grant};
use jiff::Timestamp;

use super::{ClientCall, GrantError, Granted, Outcome, invalid, person, replayed, revoke_replayed};
use crate::{
    app::App,
    applications::access,
    oidc::issue::{self, Order, Tokens},
};

/// Answers a device that asks for its tokens. Until somebody has decided, that is one read and no write.
///
/// # Errors
/// `invalid_request` if the code is missing;
/// `invalid_grant` if it is unknown, another client's (CVE-2023-2585), or was used before, in which case all it had given is
/// revoked, or if the person may not use the application any more (CVE-2024-38371);
/// `access_denied`, `expired_token`, `authorization_pending` and `slow_down` as in RFC 8628, section 3.5.
pub(super) async fn serve(app: &App, call: &ClientCall<'_>) -> Result<Granted, GrantError> {
    let client = call.client;
    let code = call.form.require("device_code", "device_code is missing")?;
    let hash = sha256_hex(code.as_bytes());
    let unknown = || invalid("The device code is not valid", "no such device code");
    let (device, grant) = find(app, &hash).await?.ok_or_else(unknown)?;
    // Another client's code is neither used up nor told apart from an unknown one, and does not slow down its device.
    if device.provider != client.provider.id {
        return Err(invalid("The device code is not valid", "the device code was given to another client"));
    }
    let now = app.clock.now();
    if let (Some(_), Some(grant)) = (device.consumed_at, &grant) {
        revoke_replayed(app, call, grant, "a device code").await?;
        return Err(invalid("The device code is not valid", "the device code was used before"));
    }
    let Some(grant) = still_good(&device, grant, now)? else {
        return Err(pending(app, &hash, now).into());
    };
    let tokens = tokens(app, call, &grant).await?;
    let response = tokens.response.clone();
    app.device_paces.forget(&hash);
    match consume(app, hash, grant.clone(), tokens, now).await? {
        Outcome::Kept => Ok(Granted { response, grant }),
        Outcome::Revoked => Err(invalid("The device code is not valid", "the grant was revoked")),
        Outcome::Replayed => {
            replayed(app, call, &grant, "a device code").await;
            Err(invalid("The device code is not valid", "the device code was used before"))
        }
    }
}

/// Whether it is what a device is told as long as it has no tokens (RFC 8628, section 3.5). It asks every few seconds and that is
/// no failure: nothing is written down, and what the person decided stands in the activity already.
pub fn is_no_failure(form: &Parameters, code: ErrorCode) -> bool {
    use ErrorCode::{AccessDenied, AuthorizationPending, ExpiredToken, SlowDown};
    form.get("grant_type") == Some(GrantType::DeviceCode.as_str())
        && matches!(code, AuthorizationPending | SlowDown | AccessDenied | ExpiredToken)
}

/// The grant of a device, if somebody allowed it; `None` as long as nobody has decided.
fn still_good(device: &DeviceCode, grant: Option<Grant>, now: Timestamp) -> Result<Option<Grant>, OAuthError> {
    if device.decided_at.is_some() && grant.is_none() {
        return Err(OAuthError::new(ErrorCode::AccessDenied, "The person did not allow it"));
    }
    if device.expires_at <= now {
        return Err(OAuthError::new(ErrorCode::ExpiredToken, "The device code has expired")
            .detail(format!("the device code expired at {}", device.expires_at)));
    }
    Ok(grant)
}

fn pending(app: &App, hash: &str, now: Timestamp) -> OAuthError {
    if app.device_paces.is_early(hash, now) {
        OAuthError::new(ErrorCode::SlowDown, "The device asks too often; wait 5 seconds longer from now on")
    } else {
        OAuthError::new(ErrorCode::AuthorizationPending, "Nobody has allowed the device yet")
    }
}

/// The tokens, after another look at the person, and at where the device is: the tokens go there, and whoever talked
/// somebody inside into typing a code gets nothing outside.
async fn tokens(app: &App, call: &ClientCall<'_>, grant: &Grant) -> Result<Tokens, GrantError> {
    let (client, snapshot) = (call.client, app.snapshot());
    let person = person(app, &snapshot, client, grant).await?;
    access::check_place(&client.application.profile.networks, Place::Browser(call.address))
        .map_err(|why| invalid("The application cannot be used from this network", why.to_string()))?;
    let scopes = super::still_configured(client, grant);
    let with_refresh = super::may_refresh(client, &scopes);
    let order = Order { client, person: &person, grant, nonce: None, with_refresh, scopes: &scopes };
    Ok(issue::tokens(app, &snapshot, &order)?)
}

async fn find(app: &App, hash: &str) -> store::Result<Option<(DeviceCode, Option<Grant>)>> {
    let hash = hash.to_owned();
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let Some(device) = store::device_code::find(tx, &hash).await? else { return Ok(None) };
                let Some(grant) = device.grant else { return Ok(Some((device, None))) };
                // Who forgets a grant forgets the device with it.
                Ok(store::grant::find(tx, grant).await?.map(|grant| (device, Some(grant))))
            })
        })
        .await
}

/// Uses the code up and keeps the tokens, in one transaction: of several who try at once, one wins.
async fn consume(app: &App, hash: String, grant: Grant, tokens: Tokens, now: Timestamp) -> store::Result<Outcome> {
    app.db
        .write(move |tx| {
            Box::pin(async move {
                // The grant first, as whoever forgets grants with their codes does.
                let is_kept = issue::keep(tx, &grant, &tokens).await?;
                if store::device_code::consume(tx, &hash, now).await?.is_some() {
                    return Ok(if is_kept { Outcome::Kept } else { Outcome::Revoked });
                }
                store::grant::revoke(tx, grant.id, now).await?;
                // What was forgotten meanwhile did not come twice.
                let is_there = store::device_code::find(tx, &hash).await?.is_some();
                Ok(if is_there { Outcome::Replayed } else { Outcome::Revoked })
            })
        })
        .await
}
