//! Whom Doorward believes when it talks to other servers by TLS.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{collections::HashSet, sync::Arc};

/// Certificates that are trusted: to vouch for others, and each for itself.
///
/// Self-signed certificates as OpenSSL makes them say that they are an authority, and often name no host: such a one is good for
/// whoever shows it, as soon as an administrator has put it among the trusted ones. That gives it no more than it has, since
/// everything that is trusted may vouch for any host (RFC 5280, section 6.1).
#[derive(Debug)]
pub struct Trust {
    vouching: Arc<WebPkiServerVerifier>,
    trusted: HashSet<CertificateDer<'static>>,
}

impl Trust {
    /// The machine's certificate authorities (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), or Mozilla's where a machine has
    /// none.
    ///
    /// # Errors
    /// If nobody at all is trusted.
    pub fn of_this_machine() -> Result<Self, Error> {
        let native = rustls_native_certs::load_native_certs().certs;
        if native.is_empty() { Self::mozilla() } else { Self::new(native) }
    }

    /// The authorities that Mozilla trusts.
    ///
    /// # Errors
    /// If there are none.
    pub fn mozilla() -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Self::with(roots, HashSet::new())
    }

    /// These certificates; those that cannot be read are left out.
    ///
    /// # Errors
    /// If none can be read.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        Self::with(roots, certificates.into_iter().collect())
    }

    fn with(roots: RootCertStore, trusted: HashSet<CertificateDer<'static>>) -> Result<Self, Error> {
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        let vouching = builder.build().map_err(|error| Error::General(error.to_string()))?;
        Ok(Self { vouching, trusted })
    }
}

/// The library that does the cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Whether nothing is wrong with a certificate but who it says it is: its times in particular are in order.
fn is_about_identity(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer
            | CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. },
        ) => true,
        Error::InvalidCertificate(error) => is_authority_at_the_end(error),
        _ => false,
    }
}

/// Whether a certificate that says it is an authority was shown as a server's own.
pub fn is_authority_at_the_end(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.vouching.verify_server_cert(end, between, name, ocsp, now) {
            Err(error) if is_about_identity(&error) && self.trusted.contains(end) => {
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.vouching.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.vouching.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.vouching.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
    use std::time::Duration;

    /// As `openssl req -x509 -subj /CN=localhost` makes it.
    fn as_openssl_makes_it() -> CertificateDer<'static> {
        let mut own = CertificateParams::default();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.distinguished_name.push(DnType::CommonName, "localhost");
        (own.not_before, own.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2030, 1, 1));
        own.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn verify(trust: &Trust, end: &CertificateDer<'_>, year: u64) -> Result<(), Error> {
        let now = UnixTime::since_unix_epoch(Duration::from_hours((year - 1970) * 24 * 365 + 24 * 100));
        trust.verify_server_cert(end, &[], &ServerName::try_from("suite.example").unwrap(), &[], now).map(drop)
    }

    #[test]
    fn a_self_signed_certificate_is_good_once_it_is_trusted_itself_and_while_it_lasts() {
        let (own, other) = (as_openssl_makes_it(), as_openssl_makes_it());
        let trust = Trust::new(vec![own.clone()]).unwrap();
        assert_eq!(verify(&trust, &own, 2026), Ok(()));
        for (end, year) in [(&other, 2026), (&own, 2035), (&own, 2015)] {
            assert!(verify(&trust, end, year).is_err(), "{year}");
        }
        assert!(verify(&Trust::mozilla().unwrap(), &own, 2026).is_err());
        assert!(Trust::new(Vec::new()).is_err(), "who trusts nobody is told so");
    }
}
