//! `grant_type=authorization_code` (RFC 6749, section 4.1.3).

use doorward_core::cipher::sha256_hex;
use doorward_protocols::oauth::pkce;
use doorward_store::{self as store, authorization_code::AuthorizationCode, grant::Grant};
use jiff::Timestamp;

use super::{ClientCall, GrantError, Granted, Outcome, invalid, person, replayed, revoke_replayed};
use crate::{
    app::App,
    oidc::issue::{self, Order, Tokens},
    snapshot::Client,
};

/// Exchanges a code for tokens.
///
/// # Errors
/// `invalid_request` if a parameter is missing;
/// `invalid_grant` if the code is unknown, another client's, expired, bound to another redirect URI or PKCE challenge,
/// or was used before, in which case all it had given is revoked (RFC 9700, section 4.5.3).
pub(super) async fn serve(app: &App, call: &ClientCall<'_>) -> Result<Granted, GrantError> {
    let client = call.client;
    let code = call.form.require("code", "code is missing")?;
    let redirect_uri = call.form.require("redirect_uri", "redirect_uri is missing")?;
    let verifier = call.form.get("code_verifier");
    let found = Found::read(app, client, code).await?;
    let now = app.clock.now();
    if let Err(error) = check(&found.code, redirect_uri, verifier, now) {
        // It is used up all the same, so that nobody tries on.
        if !use_up(app, &found.hash, now).await? {
            revoke_replayed(app, call, &found.grant, "a code").await?;
        }
        return Err(error);
    }
    let tokens = found.tokens(app, client).await?;
    let response = tokens.response.clone();
    let grant = found.grant;
    match consume(app, found.hash, grant.clone(), tokens, now).await? {
        Outcome::Kept => Ok(Granted { response, grant }),
        Outcome::Revoked => Err(invalid("The code is not valid", "the grant was revoked")),
        Outcome::Replayed => {
            replayed(app, call, &grant, "a code").await;
            Err(invalid("The code is not valid", "the code was used before"))
        }
    }
}

/// A code that is good, with the tokens made for it. Neither is the code used up yet, nor are the tokens kept.
#[derive(Debug)]
pub struct Redemption {
    /// Hash of the code, by which it is used up.
    pub hash: String,
    /// What it stands for.
    pub grant: Grant,
    /// The nonce of the request.
    pub nonce: Option<String>,
    /// The tokens.
    pub tokens: Tokens,
}

/// Looks at a code that comes back within Doorward, with the browser itself: forward auth. Whoever calls this has made sure
/// that the browser is the one that asked, and uses the code up; that it comes twice means that a page was loaded twice.
///
/// # Errors
/// As [`serve`].
pub async fn redeem(
    app: &App,
    client: &Client,
    code: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Result<Redemption, GrantError> {
    let found = Found::read(app, client, code).await?;
    let now = app.clock.now();
    if let Err(error) = check(&found.code, redirect_uri, Some(verifier), now) {
        use_up(app, &found.hash, now).await?;
        return Err(error);
    }
    let tokens = found.tokens(app, client).await?;
    Ok(Redemption { hash: found.hash, grant: found.grant, nonce: found.code.nonce, tokens })
}

/// A code of a client, used or not.
struct Found {
    hash: String,
    code: AuthorizationCode,
    grant: Grant,
}

impl Found {
    async fn read(app: &App, client: &Client, code: &str) -> Result<Self, GrantError> {
        let hash = sha256_hex(code.as_bytes());
        let unknown = || invalid("The code is not valid", "no such code");
        let (code, grant) = find(app, &hash).await?.ok_or_else(unknown)?;
        // Another client's code is neither used up nor told apart from an unknown one.
        if grant.provider != client.provider.id {
            return Err(invalid("The code is not valid", "the code was given to another client"));
        }
        Ok(Self { hash, code, grant })
    }

    async fn tokens(&self, app: &App, client: &Client) -> Result<Tokens, GrantError> {
        let snapshot = app.snapshot();
        let person = person(app, &snapshot, client, &self.grant).await?;
        let scopes = super::still_configured(client, &self.grant);
        let order = Order {
            client,
            person: &person,
            grant: &self.grant,
            nonce: self.code.nonce.as_deref(),
            with_refresh: super::may_refresh(client, &scopes),
            scopes: &scopes,
        };
        Ok(issue::tokens(app, &snapshot, &order)?)
    }
}

async fn find(app: &App, hash: &str) -> store::Result<Option<(AuthorizationCode, Grant)>> {
    let hash = hash.to_owned();
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let Some(code) = store::authorization_code::find(tx, &hash).await? else { return Ok(None) };
                Ok(store::grant::find(tx, code.grant).await?.map(|grant| (code, grant)))
            })
        })
        .await
}

fn check(
    code: &AuthorizationCode,
    redirect_uri: &str,
    verifier: Option<&str>,
    now: Timestamp,
) -> Result<(), GrantError> {
    if code.expires_at <= now {
        return Err(invalid("The code has expired", format!("the code expired at {}", code.expires_at)));
    }
    if code.redirect_uri != redirect_uri {
        return Err(invalid(
            "redirect_uri differs from the one of the authorization request",
            format!("expected redirect_uri {:?}, got {redirect_uri:?}", code.redirect_uri),
        ));
    }
    Ok(pkce::check_verifier(code.code_challenge.as_deref(), verifier)?)
}

/// Uses the code up and keeps the tokens, in one transaction: of several who try at once, one wins.
async fn consume(app: &App, hash: String, grant: Grant, tokens: Tokens, now: Timestamp) -> store::Result<Outcome> {
    app.db
        .write(move |tx| {
            Box::pin(async move {
                // The grant first, as whoever forgets grants with their codes does.
                let is_kept = issue::keep(tx, &grant, &tokens).await?;
                if store::authorization_code::consume(tx, &hash, now).await?.is_some() {
                    return Ok(if is_kept { Outcome::Kept } else { Outcome::Revoked });
                }
                store::grant::revoke(tx, grant.id, now).await?;
                // What was forgotten meanwhile did not come twice.
                let is_there = store::authorization_code::find(tx, &hash).await?.is_some();
                Ok(if is_there { Outcome::Replayed } else { Outcome::Revoked })
            })
        })
        .await
}

async fn use_up(app: &App, hash: &str, now: Timestamp) -> store::Result<bool> {
    let hash = hash.to_owned();
    let used =
        app.db.write(move |tx| Box::pin(async move { store::authorization_code::consume(tx, &hash, now).await }));
    Ok(used.await?.is_some())
}
