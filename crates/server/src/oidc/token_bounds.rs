//! How much one holder of credentials can keep in the database: whoever has an app password, a refresh token or a session can
//! ask as often as they like, and the rows last as long as the tokens.
//!
//! Nothing is refused. What is beyond the bounds goes, the oldest first, so that programs that ask for a token before each
//! call keep working: they use the newest. It is counted in memory and trimmed every thousandth time, by whoever asked then;
//! a job looks after what other processes or a restart left (`jobs::clean`).

use doorward_core::id::{GrantId, ProviderId, UserId};
use doorward_store::{self as store, access_token, grant, user};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::app::App;

/// Most grants of each kind that are kept of one user to one application: those of programs, which ask by themselves; those that
/// can be refreshed; and the others. A script pushes out nobody's sign-in.
pub const GRANTS: i64 = 10_000;
/// Most access tokens that are kept of one grant.
pub const ACCESS_TOKENS: i64 = 1_000;
/// After how many new ones it is trimmed.
pub const EVERY: u32 = 1_000;
/// Most counters. If there are more, all begin anew, and the job does what is left.
const COUNTERS: usize = 10_000;
/// How many grants are forgotten in one transaction.
const AT_ONCE: usize = 50;
/// Most holders that the job looks after at a time.
const AT_A_TIME: i64 = 100;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// The grants of a user to an application.
    Grants(ProviderId, UserId),
    /// The access tokens of a grant.
    AccessTokens(GrantId),
}

/// What this process added since it was trimmed last.
#[derive(Debug, Default)]
pub struct Added(Mutex<HashMap<Bound, u32>>);

impl Added {
    /// Counts one more. Says whether it is time to trim.
    fn is_due(&self, bound: Bound) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTERS && !counts.contains_key(&bound) {
            counts.clear();
        }
        let count = counts.entry(bound).or_default();
        *count += 1;
        let is_due = *count >= EVERY;
        if is_due {
            counts.remove(&bound);
        }
        is_due
    }
}

/// Takes note that something was added, and trims if it is time. What cannot be trimmed now is trimmed later, and stops
/// nobody.
pub async fn added(app: &App, bound: Bound) {
    if !app.added.is_due(bound) {
        return;
    }
    if let Err(error) = trim(app, bound).await {
        tracing::error!(%error, "old grants or tokens could not be forgotten");
    }
}

async fn trim(app: &App, bound: Bound) -> store::Result<()> {
    let count = match bound {
        Bound::Grants(provider, user) => trim_grants(app, provider, user, GRANTS).await?,
        Bound::AccessTokens(grant) => {
            let trimmed = app.db.write(move |tx| Box::pin(access_token::delete_beyond(tx, grant, ACCESS_TOKENS)));
            trimmed.await?
        }
    };
    if count > 0 {
        tracing::info!(count, "forgot the oldest grants or tokens of somebody who asked for very many");
    }
    Ok(())
}

/// Forgets the grants of a user to an application beyond a number of each kind: a few at a time, so that nobody waits for all of
/// them.
///
/// # Errors
/// What the database says.
pub async fn trim_grants(app: &App, provider: ProviderId, user: UserId, kept: i64) -> store::Result<u64> {
    let beyond = app.db.read(move |tx| Box::pin(grant::beyond(tx, provider, user, kept))).await?;
    let mut count = 0;
    for some in beyond.chunks(AT_ONCE) {
        let some = some.to_vec();
        let forgotten = app.db.write(move |tx| {
            Box::pin(async move {
                // Before their grants, as whoever disables them does: two that lock many rows must not meet halfway.
                user::is_still_active(tx, user).await?;
                let mut count = 0;
                for id in some {
                    count += grant::delete(tx, id).await?;
                }
                Ok(count)
            })
        });
        count += forgotten.await?;
    }
    Ok(count)
}

/// Trims what is beyond the bounds, whoever added it: a part of cleaning.
///
/// # Errors
/// What the database says.
pub async fn trim_all(app: &App) -> store::Result<()> {
    let crowded = app.db.read(|tx| {
        Box::pin(async move {
            let mut bounds = Vec::new();
            let crowded = grant::crowded(tx, GRANTS, AT_A_TIME).await?;
            bounds.extend(crowded.into_iter().map(|(provider, user)| Bound::Grants(provider, user)));
            let grants = access_token::grants_beyond(tx, ACCESS_TOKENS, AT_A_TIME).await?;
            bounds.extend(grants.into_iter().map(Bound::AccessTokens));
            Ok(bounds)
        })
    });
    for bound in crowded.await? {
        trim(app, bound).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::Clock;

    #[test]
    fn it_is_time_every_thousandth_time_for_each_and_memory_does_not_grow() {
        let (added, clock) = (Added::default(), Clock::system());
        let (one, other) = (Bound::AccessTokens(GrantId::new(&clock)), Bound::AccessTokens(GrantId::new(&clock)));
        for round in 1..=2 * EVERY {
            assert_eq!(added.is_due(one), round % EVERY == 0, "{round}");
        }
        assert!(!added.is_due(other));
        for _ in 0..2 * COUNTERS {
            added.is_due(Bound::AccessTokens(GrantId::new(&clock)));
        }
        assert!(added.0.lock().unwrap().len() <= COUNTERS);
    }
}
