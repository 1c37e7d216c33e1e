//! The certificate for HTTPS: a given one, or a self-signed one that is made at first start.

use axum_server::tls_rustls::RustlsConfig;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::{ServerConfig, client::verify_server_name, server::ParsedCertificate};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::public_url::PublicUrl;
use doorward_core::random;

/// Where certificate and key are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub private_key: PathBuf,
}

impl TlsFiles {
    /// The self-signed pair of a data directory; made now if it is not there.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn self_signed(data_dir: &Path, public_url: &PublicUrl) -> Result<Self, String> {
        let files =
            Self { certificate: data_dir.join("https-certificate.pem"), private_key: data_dir.join("https-key.pem") };
        if files.certificate.exists() && files.private_key.exists() {
            return Ok(files);
        }
        let mut names = vec![public_url.host().trim_matches(['[', ']']).to_owned()];
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        names.dedup();
        let make = || -> Result<(String, String), rcgen::Error> {
            let mut params = CertificateParams::new(names)?;
            params.distinguished_name.push(DnType::CommonName, "Doorward self-signed");
            let key = KeyPair::generate()?;
            Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
        };
        let (certificate, key) = make().map_err(|error| format!("a certificate cannot be made: {error}"))?;
        let write = |path: &Path, text: &str| {
            write_private(path, text.as_bytes())
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))
        };
        write(&files.private_key, &key)?;
        write(&files.certificate, &certificate)?;
        Ok(files)
    }

    /// Whether the certificate is for a host, given as in a URL. One that cannot be read is said to be when it is loaded.
    pub fn is_for(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host.trim_matches(['[', ']'])) else { return true };
        let Ok(certificate) = CertificateDer::from_pem_file(&self.certificate) else { return true };
        let Ok(parsed) = ParsedCertificate::try_from(&certificate) else { return true };
        verify_server_name(&parsed, &name).is_ok()
    }

    /// Reads both files, for HTTPS.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong.
    pub fn load(&self) -> Result<RustlsConfig, String> {
        let mut config = self.server_config()?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(RustlsConfig::from_config(Arc::new(config)))
    }

    /// Reads both files, for protocols that negotiate nothing within TLS.
    ///
    /// # Errors
    /// As [`TlsFiles::load`].
    pub fn server_config(&self) -> Result<ServerConfig, String> {
        let read = |path: &Path| fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{} holds no certificate: {error}", self.certificate.display()))?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.private_key)?)
            .map_err(|error| format!("{} holds no private key: {error}", self.private_key.display()))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| format!("certificate and key do not fit together: {error}"))
    }
}

/// Writes a file that only its owner can read, whole or not at all.
///
/// # Errors
/// What the operating system says.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let temporary = path.with_extension(random::alphanumeric(12));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_the_names_it_was_made_for() {
        let dir = tempfile::tempdir().unwrap();
        let url = PublicUrl::parse("https://id.example.org").unwrap();
        let files = TlsFiles::self_signed(dir.path(), &url).unwrap();
        assert!(files.server_config().is_ok());
        for (host, is_for) in [
            ("id.example.org", true),
            ("localhost", true),
            ("[::1]", true),
            ("127.0.0.1", true),
            ("id.example.com", false),
        ] {
            assert_eq!(files.is_for(host), is_for, "{host}");
        }
    }
}
