//! FreeRADIUS: network access for the people of a directory.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{logins::CERTIFICATE, settings::Settings};
use crate::debian::{Debian, File};
use crate::process::Server;
use crate::{ports, wait};

const ROOT: &str = "/etc/freeradius/3.0";
/// The secret that Debian's FreeRADIUS shares with clients on the machine itself.
const SECRET: &str = "testing123";

/// A FreeRADIUS that takes user names and passwords (PAP).
#[derive(Debug)]
pub struct FreeRadius {
    server: Server,
    debian: Debian,
    port: u16,
}

impl FreeRadius {
    /// Starts one with printed settings, and these contents of the virtual server beside them.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(settings: &Settings, more: &str, certificate: &str) -> Result<Self> {
        let port = ports::free()?;
        let (module, sections) = (settings.file("mods-available/ldap")?, settings.file("sites-available/default")?);
        let listen = format!("listen {{\n type = auth\n ipaddr = 127.0.0.1\n port = {port}\n}}\n");
        let debian = Debian::start(&[
            File::open(&format!("{ROOT}/mods-enabled/ldap"), module),
            File::open(
                &format!("{ROOT}/sites-enabled/default"),
                format!("server default {{\n{listen}{sections}\n{more}\n}}\n"),
            ),
            // Both want certificates that this Debian has not got, and neither has to do with passwords.
            File::open(&format!("{ROOT}/mods-enabled/eap"), ""),
            File::open(&format!("{ROOT}/sites-enabled/inner-tunnel"), ""),
            File::open(CERTIFICATE, certificate),
        ])
        .await?;
        let server = debian.serve("freeradius", &["-f", "-l", "stdout"])?;
        let ready = wait::until("FreeRADIUS", Duration::from_secs(20), async || {
            Ok(server.output().contains("Ready to process requests").then_some(()))
        });
        if let Err(error) = ready.await {
            let check = debian.run("freeradius", &["-X", "-C"])?;
            bail!("{error}\n{}\n{}", server.output(), check.stdout);
        }
        Ok(Self { server, debian, port })
    }

    /// What it answers to a name and a password.
    ///
    /// # Errors
    /// When `radclient` cannot be started.
    pub fn answer(&self, username: &str, password: &str) -> Result<String> {
        let request = format!("User-Name = \"{username}\"\nUser-Password = \"{password}\"\n");
        let server = format!("127.0.0.1:{}", self.port);
        let ran =
            self.debian.run_with("radclient", &["-x", "-r", "1", "-t", "10", &server, "auth", SECRET], &request)?;
        Ok(ran.stdout)
    }

    /// Whether it lets somebody in.
    ///
    /// # Errors
    /// When it gives no answer at all.
    pub fn lets_in(&self, username: &str, password: &str) -> Result<bool> {
        let answer = self.answer(username, password)?;
        match (answer.contains("Received Access-Accept"), answer.contains("Received Access-Reject")) {
            (true, false) => Ok(true),
            (false, true) => Ok(false),
            _ => bail!("no answer from FreeRADIUS: {answer}\n{}", self.server.output()),
        }
    }
}
