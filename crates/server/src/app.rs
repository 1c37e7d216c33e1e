//! The only state of the server: what every handler, job and command works on.

use doorward_core::{cipher::Cipher, clock::Clock};
use doorward_store::{
    self as store,
    db::{BoxFuture, Db, Tx},
    migrate,
};
use std::sync::{Arc, Once, PoisonError, RwLock};

use crate::{
    auth::{noted::Noted, password_hash::Hasher, warm::Warm},
    config::Config,
    error::OperationError,
    events::budget::Budget,
    ldap::directory::Directory,
    oidc::client::OldSecrets,
    oidc::device_pace::Paces,
    oidc::token_bounds::Added,
    outbound::Outbound,
    pages::Pages,
    proxy::left_out::LeftOut,
    setup,
    snapshot::Snapshot,
    timeline::Timeline,
};

/// Doorward in a process. Clones share everything.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What an [`App`] holds.
pub struct Inner {
    /// Settings.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// Encryption at rest, and what is derived from its key.
    pub cipher: Arc<Cipher>,
    /// Encryption of what travels with browsers: anonymous visitors make so much of it that it has a key of its own.
    pub pending_cipher: Cipher,
    /// Time.
    pub clock: Clock,
    /// Password hashing.
    pub hasher: Hasher,
    /// Passwords that were right a short while ago.
    pub warm: Warm,
    /// Successes that were written down lately.
    pub noted: Noted,
    /// How many failures are still written down.
    pub event_budget: Budget,
    /// Whether an unlisted proxy was warned about.
    pub unlisted_proxy: Once,
    /// Which groups the activity log says cannot be told to applications behind proxies.
    pub left_out: LeftOut,
    /// Which clients were written down lately for using an old client secret.
    pub old_secrets: OldSecrets,
    /// Templates.
    pub pages: Pages,
    /// Requests of our own to other servers.
    pub outbound: Outbound,
    /// Steps of sign-ins that wait to be written.
    pub timeline: Timeline,
    /// How fast devices ask for their tokens.
    pub device_paces: Paces,
    /// What was added since it was last kept within its bounds.
    pub added: Added,
    /// Everybody in memory, for LDAP.
    pub directory: Directory,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Brings the database up to date, makes what a new installation needs, and reads the snapshot.
    ///
    /// # Errors
    /// If the database cannot be used, belongs to another key, or was written by a newer Doorward.
    pub async fn start(config: Config, db: Db, cipher: Cipher, clock: Clock) -> store::Result<Self> {
        migrate::run(&db, migrate::ALL, &config.data_dir, clock.now()).await?;
        let cipher = Arc::new(cipher);
        setup::ensure_defaults(&db, &cipher, &clock).await?;
        let snapshot = Snapshot::load(&db, &cipher, &config.public_url, clock.now()).await?;
        Ok(Self(Arc::new(Inner {
            config,
            db,
            pending_cipher: cipher.derived("pending"),
            cipher,
            timeline: Timeline::new(clock.clone()),
            clock,
            hasher: Hasher::new(),
            warm: Warm::default(),
            noted: Noted::default(),
            event_budget: Budget::default(),
            unlisted_proxy: Once::new(),
            left_out: LeftOut::default(),
            old_secrets: OldSecrets::default(),
            pages: Pages::new(),
            outbound: Outbound::default(),
            device_paces: Paces::default(),
            added: Added::default(),
            directory: Directory::default(),
            snapshot: RwLock::new(Arc::new(snapshot)),
        })))
    }

    /// The present snapshot. Keep the `Arc` for a request, not longer.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the snapshot anew if its revision moved or its time has come. Says whether it did.
    ///
    /// # Errors
    /// What the database says; the old snapshot stays.
    pub async fn refresh(&self) -> store::Result<bool> {
        let revision = self.db.read(|tx| Box::pin(store::revision::snapshot(tx))).await?;
        let current = self.snapshot();
        if revision == current.revision && self.clock.now() < current.stale_at {
            return Ok(false);
        }
        let loaded = Snapshot::load(&self.db, &self.cipher, &self.config.public_url, self.clock.now()).await?;
        let mut place = self.0.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        // Two may load at once; the later picture stays.
        if loaded.revision >= place.revision {
            *place = Arc::new(loaded);
        }
        Ok(true)
    }

    /// Changes something that is part of the snapshot: the change, its revision, then the snapshot of this process.
    ///
    /// # Errors
    /// What the change returns, or what the database says.
    pub async fn change<T, F>(&self, work: F) -> Result<T, OperationError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, store::Result<T>> + Send + 'static,
    {
        let result = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // First, because its row lock lets one change after the other read and write.
                    store::revision::bump_snapshot(tx).await?;
                    work(tx).await
                })
            })
            .await?;
        self.refresh().await?;
        Ok(result)
    }
}
