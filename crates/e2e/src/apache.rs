//! Debian's Apache with `mod_auth_openidc`: a client by other people, in another language.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::application::Application;
use crate::process::Server;
use crate::{environment, ports};

/// An Apache whose pages under `/private/` are for signed-in people.
#[derive(Debug)]
pub struct Apache {
    server: Option<Server>,
    port: u16,
    /// More directives of the module, a line each.
    directives: Vec<String>,
    root: TempDir,
}

impl Apache {
    /// Prepares one that does not run yet: its address is needed to register it.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn prepare() -> Result<Self> {
        environment::choose_crypto();
        let root = TempDir::with_prefix("doorward-apache-")?;
        Ok(Self { server: None, port: ports::free()?, directives: Vec::new(), root })
    }

    /// Sets a directive of the module, for when it is started.
    pub fn set(&mut self, directive: &str, value: &str) {
        self.directives.push(format!("{directive} \"{value}\""));
    }

    /// What it printed since it was started.
    #[must_use]
    pub fn output(&self) -> String {
        self.server.as_ref().map(Server::output).unwrap_or_default()
    }

    /// Starts it as a client of this application.
    ///
    /// # Errors
    /// When Apache or the module is missing, or it does not answer.
    pub async fn start(&mut self, application: &Application) -> Result<()> {
        let root = self.root.path();
        std::fs::create_dir_all(root.join("pages/private"))?;
        std::fs::write(root.join("pages/index.html"), "for everybody")?;
        std::fs::write(root.join("pages/private/index.html"), "for people who signed in")?;
        // Started by root, Apache serves as another user, who has to get at the pages.
        open_to_others(root)?;
        let file = root.join("apache.conf");
        std::fs::write(&file, self.configuration(application)?)?;
        let mut command = Command::new(environment::program(&["apache2", "httpd"])?);
        command.arg("-f").arg(&file).arg("-DFOREGROUND");
        let mut server = Server::start("apache", &mut command, root)?;
        server.answers(&self.url("/"), Duration::from_secs(20)).await?;
        self.server = Some(server);
        Ok(())
    }

    /// An address on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The redirect URI to register.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        self.url("/private/callback")
    }

    fn configuration(&self, application: &Application) -> Result<String> {
        let modules = module_directory()?;
        let loaded: String = MODULES
            .iter()
            .filter(|(_, file)| modules.join(file).is_file())
            .map(|(name, file)| format!("LoadModule {name} {}\n", modules.join(file).display()))
            .collect();
        let root = self.root.path().display();
        let Application { issuer, client_id, client_secret, .. } = application;
        Ok(format!(
            "{loaded}
ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {root}/apache.pid
DefaultRuntimeDir {root}
ErrorLog /dev/stderr
LogLevel warn auth_openidc:info
{user}
DocumentRoot {root}/pages
DirectoryIndex index.html
<Directory {root}/pages>
  Require all granted
</Directory>
OIDCProviderMetadataURL {issuer}.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI {redirect}
OIDCScope \"openid profile email\"
OIDCRemoteUserClaim preferred_username
OIDCCryptoPassphrase only-for-tests-on-this-machine
OIDCPKCEMethod S256
{directives}
<Location /private/>
  AuthType openid-connect
  Require valid-user
  Header always set X-User \"expr=%{{REMOTE_USER}}\"
</Location>
",
            port = self.port,
            user = if environment::is_root() { "User www-data\nGroup www-data" } else { "" },
            redirect = self.redirect_uri(),
            directives = self.directives.join("\n"),
        ))
    }
}

/// What the configuration uses; some builds have a few of them built in.
const MODULES: [(&str, &str); 7] = [
    ("mpm_event_module", "mod_mpm_event.so"),
    ("authn_core_module", "mod_authn_core.so"),
    ("authz_core_module", "mod_authz_core.so"),
    ("authz_user_module", "mod_authz_user.so"),
    ("auth_openidc_module", "mod_auth_openidc.so"),
    ("dir_module", "mod_dir.so"),
    ("headers_module", "mod_headers.so"),
];

fn module_directory() -> Result<std::path::PathBuf> {
    for place in ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"] {
        let place = std::path::PathBuf::from(place);
        if place.join("mod_auth_openidc.so").is_file() {
            return Ok(place);
        }
    }
    bail!("mod_auth_openidc is not on this machine: run `make test`, which installs it")
}

fn open_to_others(directory: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755))?)
}
