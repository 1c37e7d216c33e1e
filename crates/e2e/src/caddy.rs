//! Debian's Caddy with the configuration that Doorward prints.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::process::Server;
use crate::{environment, ports};

/// A Caddy before an application.
#[derive(Debug)]
pub struct Caddy {
    server: Option<Server>,
    port: u16,
    root: TempDir,
}

impl Caddy {
    /// Prepares one that does not run yet: its address is needed to register it.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn prepare() -> Result<Self> {
        environment::choose_crypto();
        Ok(Self { server: None, port: ports::free()?, root: TempDir::with_prefix("doorward-caddy-")? })
    }

    /// Starts it, or starts it again, with this text after the options that keep it to itself.
    ///
    /// # Errors
    /// When Caddy is missing or refuses the text, or Doorward does not answer through it.
    pub async fn start(&mut self, site: &str) -> Result<()> {
        drop(self.server.take());
        let root = self.root.path();
        let file = root.join("Caddyfile");
        std::fs::write(&file, format!("{{\n\tadmin off\n}}\n\n{site}"))?;
        let mut command = Command::new(environment::program(&["caddy"])?);
        command.arg("run").arg("--config").arg(&file).args(["--adapter", "caddyfile"]);
        command.env("HOME", root).env("XDG_DATA_HOME", root).env("XDG_CONFIG_HOME", root);
        let mut server = Server::start("caddy", &mut command, root)?;
        server.answers(&self.url("/outpost.goauthentik.io/ping"), Duration::from_secs(20)).await?;
        self.server = Some(server);
        Ok(())
    }

    /// An address on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}
