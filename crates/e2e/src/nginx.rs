//! Debian's nginx with the configuration that Doorward prints.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::process::Server;
use crate::{environment, ports, wait};

/// An nginx before an application.
#[derive(Debug)]
pub struct Nginx {
    server: Option<Server>,
    port: u16,
    root: TempDir,
}

impl Nginx {
    /// Prepares one that does not run yet: its address is needed to register it.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn prepare() -> Result<Self> {
        environment::choose_crypto();
        Ok(Self { server: None, port: ports::free()?, root: TempDir::with_prefix("doorward-nginx-")? })
    }

    /// Starts it, or starts it again, with this text as its only site.
    ///
    /// # Errors
    /// When nginx is missing or refuses the text, or Doorward does not answer through it.
    pub async fn start(&mut self, site: &str) -> Result<()> {
        let mut server = self.launch(site)?;
        server.answers(&self.url("/outpost.goauthentik.io/ping"), Duration::from_secs(20)).await?;
        self.server = Some(server);
        Ok(())
    }

    /// Like [`Nginx::start`], with a text by which Doorward's own pages cannot be reached.
    ///
    /// # Errors
    /// When nginx is missing or refuses the text.
    pub async fn start_broken(&mut self, site: &str) -> Result<()> {
        let server = self.launch(site)?;
        let address = ("127.0.0.1", self.port);
        wait::until("nginx to listen", Duration::from_secs(20), async || {
            Ok(tokio::net::TcpStream::connect(address).await.ok())
        })
        .await?;
        self.server = Some(server);
        Ok(())
    }

    fn launch(&mut self, site: &str) -> Result<Server> {
        drop(self.server.take());
        let root = self.root.path();
        std::fs::write(root.join("site.conf"), site)?;
        let file = root.join("nginx.conf");
        std::fs::write(&file, self.frame())?;
        let mut command = Command::new(environment::program(&["nginx"])?);
        command.arg("-p").arg(root).arg("-c").arg(&file).args(["-e", "stderr"]);
        Server::start("nginx", &mut command, root)
    }

    /// What stands around the file in Debian's own configuration, in a directory of its own.
    fn frame(&self) -> String {
        let root = self.root.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("    {kind}_temp_path {root}/{kind};\n"))
            .collect();
        format!(
            "{user}worker_processes 1;
daemon off;
pid {root}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
{temporary}    include {root}/site.conf;
}}
",
            user = if environment::is_root() { "user root;\n" } else { "" },
        )
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

    /// What it logged.
    #[must_use]
    pub fn output(&self) -> String {
        self.server.as_ref().map(Server::output).unwrap_or_default()
    }
}
