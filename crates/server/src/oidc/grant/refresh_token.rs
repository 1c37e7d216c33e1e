//! `grant_type=refresh_token` (RFC 6749, section 6), with rotation (RFC 9700, section 4.14.2).

use doorward_core::{cipher::sha256_hex, id::GrantId, provider::ClientType};
use doorward_protocols::oauth::token::{narrow, words};
use doorward_store::{self as store, db::Tx, grant::Grant, refresh_token::RefreshToken};
use jiff::Timestamp;

use super::{ClientCall, GrantError, Granted, Outcome, invalid, person, revoke_replayed};
use crate::{
    app::App,
    oidc::{
        issue::{self, Order, Tokens},
        refresh_family,
        token_bounds::{self, Bound},
    },
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
    let family = refresh_family::grant_of(&app.cipher, token);
    let (kept, grant) = find(app, &hash, family).await?.ok_or_else(unknown)?;
    if grant.provider != client.provider.id {
        return Err(invalid("The refresh token is not valid", "the refresh token was given to another client"));
    }
    let now = app.clock.now();
    let Some(kept) = kept.filter(|kept| kept.consumed_at.is_none()) else {
        return Err(refuse_replay(app, call, &grant).await?);
    };
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
    let used = with_refresh.then_some(Used { hash, is_sealed: family.is_some() });
    match consume(app, used, grant.clone(), tokens, now).await? {
        Outcome::Kept => {
            token_bounds::added(app, Bound::AccessTokens(grant.id)).await;
            Ok(Granted { response, grant })
        }
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

/// The token as kept, and its grant. One that names its grant and is not kept was used; every other unknown one is nonsense.
async fn find(app: &App, hash: &str, family: Option<GrantId>) -> store::Result<Option<(Option<RefreshToken>, Grant)>> {
    let hash = hash.to_owned();
    app.db
        .read(move |tx| {
            Box::pin(async move {
                if let Some((token, grant)) = store::refresh_token::find_with_grant(tx, &hash).await? {
                    return Ok(Some((Some(token), grant)));
                }
                let Some(grant) = family else { return Ok(None) };
                Ok(store::grant::find(tx, grant).await?.map(|grant| (None, grant)))
            })
        })
        .await
}

/// A token that another takes the place of.
struct Used {
    hash: String,
    /// Whether it is known again without being remembered.
    is_sealed: bool,
}

async fn consume(
    app: &App,
    used: Option<Used>,
    grant: Grant,
    tokens: Tokens,
    now: Timestamp,
) -> store::Result<Outcome> {
    app.db
        .write(move |tx| {
            Box::pin(async move {
                match keep(tx, used.as_ref(), &grant, &tokens, now).await? {
                    Some(true) => Ok(Outcome::Kept),
                    None => Ok(Outcome::Revoked),
                    Some(false) => {
                        store::grant::revoke(tx, grant.id, now).await?;
                        Ok(Outcome::Replayed)
                    }
                }
            })
        })
        .await
}

/// Keeps the new tokens and uses up the old one, if there is one. Says whether that was there: of several who try at once, one gets
/// it. `None` if the grant does not stand. The grant comes first, as with whoever forgets grants with their tokens; and of one that
/// was revoked nothing is used up, or a client that tries again would look like a thief.
async fn keep(
    tx: &mut Tx<'_>,
    used: Option<&Used>,
    grant: &Grant,
    tokens: &Tokens,
    now: Timestamp,
) -> store::Result<Option<bool>> {
    match used {
        Some(Used { hash, is_sealed: true }) => issue::keep_in_place(tx, grant, tokens, hash).await,
        Some(Used { hash, is_sealed: false }) => {
            if !issue::keep(tx, grant, tokens).await? {
                return Ok(None);
            }
            Ok(Some(store::refresh_token::consume(tx, hash, now).await?.is_some()))
        }
        None => Ok(issue::keep(tx, grant, tokens).await?.then_some(true)),
    }
}

/// Somebody has a token that was exchanged before: the client, or a thief. Nobody keeps anything of the family.
async fn refuse_replay(app: &App, call: &ClientCall<'_>, grant: &Grant) -> store::Result<GrantError> {
    revoke_replayed(app, call, grant, "a refresh token").await?;
    Ok(invalid("The refresh token is not valid", "the refresh token was exchanged before"))
}
