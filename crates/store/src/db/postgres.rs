//! `PostgreSQL`, for several nodes that serve the same people.

use super::{BoxFuture, Commits, Tx};
use crate::{Error, Result};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use rustls::{ClientConfig, RootCertStore};
use std::{str::FromStr, sync::Arc, time::Duration};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Most connections of one process.
const CONNECTIONS: usize = 16;
/// How long a request waits for a connection before it is told that the database is unavailable.
const WAIT: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Postgres {
    pool: Pool,
    commits: Commits,
}

impl Postgres {
    pub(super) fn connect(url: &str, commits: Commits) -> Result<Self> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::Unavailable(format!(
                "database_url cannot be read ({error}); write postgres://user:password@host/database"
            ))
        };
        let mut config = tokio_postgres::Config::from_str(url).map_err(|error| unreadable(&error))?;
        // "prefer", the library's default, would let anybody between here and there switch TLS off.
        if !url.contains("sslmode") && !config.get_hosts().iter().all(is_local) {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(WAIT);
        }
        if config.get_application_name().is_none() {
            config.application_name("doorward");
        }
        let manager = Manager::from_config(
            config,
            MakeRustlsConnect::new(tls()?),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .build()
            .map_err(|error| unreadable(&error))?;
        Ok(Self { pool, commits })
    }

    pub(super) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>>,
    {
        let client = self.pool.get().await.map_err(|error| unavailable(&error))?;
        work(&mut Tx::PostgresRead(&client)).await
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let db = self.clone();
        // A caller that gives up between the commit and its count would leave a commit that nobody hears of.
        #[expect(clippy::disallowed_methods, reason = "a write ends by itself, waited for or not, as on SQLite")]
        let written = tokio::spawn(async move { db.write_here(work).await });
        match written.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::Unavailable("the process is stopping".to_owned())),
            },
        }
    }

    async fn write_here<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T>>,
    {
        let mut client = self.pool.get().await.map_err(|error| unavailable(&error))?;
        let mut tx = Tx::Postgres(client.transaction().await?);
        let result = work(&mut tx).await;
        if let Tx::Postgres(tx) = tx {
            if result.is_ok() {
                tx.commit().await?;
                self.commits.add();
            } else {
                tx.rollback().await?;
            }
        }
        result
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name == "::1" || name.starts_with("127."),
    }
}

fn unavailable(error: &PoolError) -> Error {
    // The pool's own words say nothing that its cause does not say better.
    let first: &dyn std::error::Error = match error {
        PoolError::Backend(cause) => cause,
        other => other,
    };
    let mut text = first.to_string();
    let mut source = first.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    Error::Unavailable(text)
}

fn tls() -> Result<ClientConfig> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
