//! npm's oidc-provider as a process, with the clients that Doorward has.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use doorward_e2e::application::Application;
use doorward_e2e::process::Server;
use doorward_e2e::{environment, ports};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::side::{CALLBACK, CALLBACK_WITH_QUERY, GOODBYE};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oidc-provider/server.mjs");

/// A running oidc-provider.
#[derive(Debug)]
pub(crate) struct Peer {
    _server: Server,
    _directory: TempDir,
    port: u16,
}

impl Peer {
    /// Starts one. Each client comes with the way in which it authenticates.
    ///
    /// # Errors
    /// When it is not installed, or does not answer.
    pub(crate) async fn start(clients: &[(&Application, &str)]) -> Result<Self> {
        let (directory, port) = (TempDir::with_prefix("oidc-provider-")?, ports::free()?);
        let registered: Vec<_> = clients.iter().map(|(client, method)| registration(client, method)).collect();
        let packages = environment::required("DOORWARD_TEST_OIDC_PROVIDER")?;
        let settings = directory.path().join("settings.json");
        let text = json!({ "port": port, "packages": packages, "clients": registered }).to_string();
        std::fs::write(&settings, text)?;
        let mut command = Command::new(environment::program(&["node", "nodejs"])?);
        command.arg(SERVER).arg(settings).env("NODE_ENV", "production");
        let mut server = Server::start("oidc-provider", &mut command, directory.path())?;
        let peer = format!("http://127.0.0.1:{port}/.well-known/openid-configuration");
        server.answers(&peer, Duration::from_secs(30)).await?;
        Ok(Self { _server: server, _directory: directory, port })
    }

    /// Its issuer, which is its root as well.
    pub(crate) fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A client in the words of OpenID Connect Dynamic Client Registration 1.0, section 2.
#[expect(clippy::indexing_slicing, reason = "JSON of our own making")]
fn registration(client: &Application, method: &str) -> Value {
    let mut grants =
        vec!["authorization_code", "refresh_token", "implicit", "urn:ietf:params:oauth:grant-type:device_code"];
    let mut registered = json!({
        "client_id": client.client_id,
        "redirect_uris": [CALLBACK, CALLBACK_WITH_QUERY],
        "post_logout_redirect_uris": [GOODBYE],
        "response_types": ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"],
        "token_endpoint_auth_method": method,
    });
    if method != "none" {
        grants.push("client_credentials");
        registered["client_secret"] = json!(client.client_secret);
    }
    registered["grant_types"] = json!(grants);
    registered
}
