//! Keeping tokens that were made and signed, in the transaction of whoever gives them.

use doorward_core::{clock::after, id::GrantId};
use doorward_store::{self as store, db::Tx, grant::Grant};
use jiff::SignedDuration;

use super::{CODE_MEMORY, Tokens};

/// How much longer than it must a grant with refresh tokens is kept: most refreshes then find that it lives long enough.
const REFRESH_SLACK: SignedDuration = SignedDuration::from_hours(24);

impl Tokens {
    async fn keep_access(&self, tx: &mut Tx<'_>, grant: GrantId) -> store::Result<()> {
        let (hash, scopes) = (&self.access_hash, &self.scopes);
        store::access_token::insert(tx, hash, grant, scopes, self.issued_at, self.access_expires_at).await
    }
}

/// Keeps tokens, if the grant still stands. Says whether it did.
///
/// # Errors
/// What the database says.
pub async fn keep(tx: &mut Tx<'_>, grant: &Grant, tokens: &Tokens) -> store::Result<bool> {
    let is_alive = keep_access(tx, grant, tokens).await?;
    if is_alive && let Some((hash, expires_at)) = &tokens.refresh {
        store::refresh_token::insert(tx, hash, grant.id, tokens.issued_at, *expires_at).await?;
    }
    Ok(is_alive)
}

/// The same for tokens whose refresh token takes the place of another, which is named by its hash. Says whether that was there;
/// `None` if the grant does not stand.
///
/// # Errors
/// What the database says.
pub async fn keep_in_place(
    tx: &mut Tx<'_>,
    grant: &Grant,
    tokens: &Tokens,
    old_hash: &str,
) -> store::Result<Option<bool>> {
    if !keep_access(tx, grant, tokens).await? {
        return Ok(None);
    }
    let Some((hash, expires_at)) = &tokens.refresh else { return Ok(Some(true)) };
    store::refresh_token::replace(tx, old_hash, hash, tokens.issued_at, *expires_at).await.map(Some)
}

/// Keeps the access token of a grant that still stands, which lives as long as everything that hangs on it then.
async fn keep_access(tx: &mut Tx<'_>, grant: &Grant, tokens: &Tokens) -> store::Result<bool> {
    let refresh_end = tokens.refresh.as_ref().map(|(_, expires_at)| *expires_at);
    let until = after(refresh_end.unwrap_or_default().max(tokens.access_expires_at), CODE_MEMORY);
    let is_alive = if until <= grant.expires_at {
        store::grant::lock_living(tx, grant.id).await?
    } else {
        let slack = if refresh_end.is_some() { REFRESH_SLACK } else { SignedDuration::ZERO };
        store::grant::extend_living(tx, grant.id, after(until, slack)).await?
    };
    if is_alive {
        tokens.keep_access(tx, grant.id).await?;
    }
    Ok(is_alive)
}

/// Begins a grant that nobody's session stands behind together with its access token, if its user is still active. Says
/// whether they are. Two rows, written at once with those of others.
///
/// # Errors
/// What the database says.
pub async fn begin(tx: &mut Tx<'_>, mut grant: Grant, tokens: &Tokens) -> store::Result<bool> {
    // There is no code that could come again, so nothing is remembered for longer than the token is good.
    grant.expires_at = tokens.access_expires_at;
    if !store::grant::insert_if_active(tx, &grant).await? {
        return Ok(false);
    }
    tokens.keep_access(tx, grant.id).await?;
    Ok(true)
}
