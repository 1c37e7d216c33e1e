//! Authenticator apps. Their secrets are encrypted, bound to their row.

use doorward_core::{authenticator::Authenticator, cipher::Cipher, id::UserId, secret::Secret};

use crate::{
    Result,
    db::{FromRow, Row, Tx},
    directory_change, values,
};

struct AuthenticatorRow {
    authenticator: Authenticator,
    sealed_secret: Vec<u8>,
}

impl FromRow for AuthenticatorRow {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let authenticator = Authenticator {
            user: row.parse(0)?,
            secret: Secret::new(Vec::new()),
            confirmed_at: row.time(2)?,
            last_step: row.get(3)?,
        };
        Ok(Self { authenticator, sealed_secret: row.get(1)? })
    }
}

fn place(user: UserId) -> String {
    format!("authenticators.secret.{user}")
}

/// A user's authenticator app, secret decrypted.
pub async fn find(tx: &mut Tx<'_>, cipher: &Cipher, user: UserId) -> Result<Option<Authenticator>> {
    let row: Option<AuthenticatorRow> = tx
        .fetch_optional(
            "SELECT user_id, secret, confirmed_at, last_step FROM authenticators WHERE user_id = $1",
            values![user],
        )
        .await?;
    row.map(|AuthenticatorRow { mut authenticator, sealed_secret }| {
        authenticator.secret = Secret::new(cipher.open(&place(user), &sealed_secret)?);
        Ok(authenticator)
    })
    .transpose()
}

/// Whether a user has an authenticator app.
pub async fn exists(tx: &mut Tx<'_>, user: UserId) -> Result<bool> {
    let count: i64 = tx.fetch_one("SELECT COUNT(*) FROM authenticators WHERE user_id = $1", values![user]).await?;
    Ok(count > 0)
}

/// Adds an authenticator app. Says whether it did: a user has one at most.
pub async fn insert(tx: &mut Tx<'_>, cipher: &Cipher, authenticator: &Authenticator) -> Result<bool> {
    let sealed = cipher.seal(&place(authenticator.user), authenticator.secret.expose());
    let inserted = tx
        .execute(
            "INSERT INTO authenticators (user_id, secret, confirmed_at, last_step) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (user_id) DO NOTHING",
            values![authenticator.user, sealed, authenticator.confirmed_at, authenticator.last_step],
        )
        .await?;
    if inserted == 1 {
        // Who signed in by password alone is looked at again.
        directory_change::record(tx, authenticator.user).await?;
    }
    Ok(inserted == 1)
}

/// Uses the code of a time step up. Says whether it was still good: one use wins, and none after it of an earlier step.
pub async fn consume(tx: &mut Tx<'_>, authenticator: &Authenticator, step: i64) -> Result<bool> {
    let consumed = tx
        .execute(
            "UPDATE authenticators SET last_step = $2 WHERE user_id = $1 AND last_step < $2 AND confirmed_at = $3",
            values![authenticator.user, step, authenticator.confirmed_at],
        )
        .await?;
    Ok(consumed == 1)
}

/// Removes a user's authenticator app. Says whether there was one.
pub async fn delete(tx: &mut Tx<'_>, user: UserId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM authenticators WHERE user_id = $1", values![user]).await? == 1)
}
