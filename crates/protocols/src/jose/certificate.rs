//! Self-signed certificates, for those who want a key as authentik shows it.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::KeyError;

fn key_pair(pkcs8: &[u8]) -> Result<KeyPair, KeyError> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
    KeyPair::try_from(&der).map_err(|error| KeyError::Crypto(error.to_string()))
}

/// A self-signed certificate for a key, PEM, good until 4096.
pub(super) fn self_signed(pkcs8: &[u8], name: &str) -> Result<String, KeyError> {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    let certificate = params.self_signed(&key_pair(pkcs8)?).map_err(|error| KeyError::Crypto(error.to_string()))?;
    Ok(certificate.pem())
}

/// The public key as it stands in certificates (`SubjectPublicKeyInfo`, DER).
pub(super) fn public_key_info(pkcs8: &[u8]) -> Result<Vec<u8>, KeyError> {
    use rcgen::PublicKeyData;
    Ok(key_pair(pkcs8)?.subject_public_key_info())
}
