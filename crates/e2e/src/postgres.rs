//! Throw-away databases in the PostgreSQL server that `make test` started.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::environment;

/// A database of one test. It is dropped with the value.
#[derive(Debug)]
pub struct Database {
    server: String,
    /// Its name, made of the purpose, the process and a number.
    pub name: String,
}

impl Database {
    /// Makes a database, empty or as a copy of `template`, owned by `owner`.
    ///
    /// # Errors
    /// When `make test` did not name a server, or the server refuses.
    pub fn create(purpose: &str, template: Option<&str>, owner: &str) -> Result<Self> {
        let server = environment::required("DOORWARD_TEST_POSTGRES")?;
        let name = format!("{purpose}_{}_{}", std::process::id(), crate::ports::free()?);
        let copy = template.map(|from| format!("TEMPLATE {from}")).unwrap_or_default();
        let database = Self { server, name };
        let statement = format!("CREATE DATABASE {} OWNER {owner} {copy}", database.name);
        psql(&database.server, &statement)?;
        Ok(database)
    }

    /// Its address, as a superuser.
    #[must_use]
    pub fn url(&self) -> String {
        let base = self.server.rsplit_once('/').map_or(self.server.as_str(), |(base, _)| base);
        format!("{base}/{}", self.name)
    }

    /// The port the server listens on.
    ///
    /// # Errors
    /// When the server's address names none.
    pub fn port(&self) -> Result<u16> {
        let (_, host) = self.server.split_once('@').context("no user in DOORWARD_TEST_POSTGRES")?;
        let (host, _) = host.split_once('/').context("no database in DOORWARD_TEST_POSTGRES")?;
        let (_, port) = host.split_once(':').context("no port in DOORWARD_TEST_POSTGRES")?;
        Ok(port.parse()?)
    }

    /// Runs statements.
    ///
    /// # Errors
    /// When the server refuses one.
    pub fn execute(&self, statements: &str) -> Result<()> {
        psql(&self.url(), statements).map(drop)
    }

    /// The rows of a query, as a list of JSON objects.
    ///
    /// # Errors
    /// When the server refuses the query.
    pub fn rows(&self, query: &str) -> Result<Vec<Value>> {
        let text = psql(&self.url(), &format!("SELECT coalesce(json_agg(q), '[]') FROM ({query}) q"))?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The whole server goes away after the tests; this only keeps it small meanwhile.
        let _ = psql(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn psql(url: &str, statements: &str) -> Result<String> {
    let Output { status, stdout, stderr } = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statements])
        .stdin(Stdio::null())
        .output()
        .context("cannot run psql: run these tests with `make test`")?;
    if !status.success() {
        bail!("psql refused {statements:?}: {}", String::from_utf8_lossy(&stderr));
    }
    Ok(String::from_utf8(stdout)?)
}
