//! `grant_type=refresh_token` (RFC 6749, section 6), with rotation (RFC 9700, section 4.14.2).

use doorward_core::{cipher::sha256_hex, provider::ClientType};
use doorward_protocols::oauth::token::{narrow, words};
use doorward_store::{self as store, grant::Grant, refresh_token::RefreshToken};
use jiff::Timestamp;

use super::{ClientCall, GrantError, Granted, Outcome, invalid, person, revoke_replayed};
use crate::{
    app::App,
    oidc::issue::{self, Order, Tokens},
    snapshot::Client,
};

/// Exchanges a refresh token for new tokens.
///
/// # Errors
/// `invalid_request` if the token is missing;
/// `invalid_grant` if the token is unknown, another client's, expired or revoked, or was exchanged before, in which case
/// the whole family is revoked; `invalid_scope` if more is asked for than was given.
pub(super) async fn serve(app: &App, call: &ClientCall<'_>) -> Result<Granted, GrantError> {
    let client = call.client;
    let token = call.form.require("refresh_token", "refresh_token is missing")?;
    let scope = call.form.get("scope").map(words);
    let hash = sha256_hex(token.as_bytes());
    let unknown = || invalid("The refresh token is not valid", "no such refresh token");
    let (kept, grant) = find(app, &hash).await?.ok_or_else(unknown)?;
    if grant.provider != client.provider.id {
        return Err(invalid("The refresh token is not valid", "the refresh token was given to another client"));
    }
    let now = app.clock.now();
    if kept.consumed_at.is_some() {
        return Err(refuse_replay(app, call, &grant).await?);
    }
    if grant.revoked_at.is_some() {
        return Err(invalid("The refresh token is not valid", "the grant was revoked"));
    }
    if kept.expires_at <= now {
        let detail = format!("the refresh token expired at {}", kept.expires_at);
        return Err(invalid("The refresh token has expired", detail));
    }
    let given = super::still_configured(client, &grant);
    if !given.contains("offline_access") {
        let detail = "the application may not ask for offline_access any more";
        return Err(invalid("The refresh token is not valid", detail));
    }
    let scopes = narrow(&given, scope)?;
    let snapshot = app.snapshot();
    let person = person(app, &snapshot, client, &grant).await?;
    let with_refresh = is_due(client, &kept, now);
    let order = Order { client, person: &person, grant: &grant, scopes: &scopes, nonce: None, with_refresh };
    let tokens = issue::tokens(app, &snapshot, &order)?;
    let response = tokens.response.clone();
    match consume(app, hash, grant.clone(), tokens, with_refresh, now).await? {
        Outcome::Kept => Ok(Granted { response, grant }),
        Outcome::Revoked => Err(invalid("The refresh token is not valid", "the grant was revoked")),
        Outcome::Replayed => Err(refuse_replay(app, call, &grant).await?),
    }
}

/// Whether the token is to be replaced: always, or only near its end (authentik's `refresh_token_threshold`). Public
/// clients' tokens always are (RFC 9700, section 4.14.2).
fn is_due(client: &Client, token: &RefreshToken, now: Timestamp) -> bool {
    let threshold = client.provider.profile.refresh_token_threshold.duration();
    client.provider.profile.client_type == ClientType::Public
        || threshold.is_zero()
        || now.duration_until(token.expires_at) < threshold
}

async fn find(app: &App, hash: &str) -> store::Result<Option<(RefreshToken, Grant)>> {
    let hash = hash.to_owned();
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let Some(token) = store::refresh_token::find(tx, &hash).await? else { return Ok(None) };
                Ok(store::grant::find(tx, token.grant).await?.map(|grant| (token, grant)))
            })
        })
        .await
}

async fn consume(
    app: &App,
    hash: String,
    grant: Grant,
    tokens: Tokens,
    is_replaced: bool,
    now: Timestamp,
) -> store::Result<Outcome> {
    app.db
        .write(move |tx| {
            Box::pin(async move {
                if is_replaced && store::refresh_token::consume(tx, &hash, now).await?.is_none() {
                    store::grant::revoke(tx, grant.id, now).await?;
                    return Ok(Outcome::Replayed);
                }
                let is_kept = issue::keep(tx, &grant, &tokens).await?;
                Ok(if is_kept { Outcome::Kept } else { Outcome::Revoked })
            })
        })
        .await
}

/// Somebody has a token that was exchanged before: the client, or a thief. Nobody keeps anything of the family.
async fn refuse_replay(app: &App, call: &ClientCall<'_>, grant: &Grant) -> store::Result<GrantError> {
    revoke_replayed(app, call, grant, "a refresh token").await?;
    Ok(invalid("The refresh token is not valid", "the refresh token was exchanged before"))
}
