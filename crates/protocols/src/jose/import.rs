//! Keys that somebody brings, as PEM: PKCS #8, PKCS #1 or SEC 1, with or without a certificate.

use aws_lc_rs::{
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, Ed25519KeyPair,
    },
};
use doorward_core::{clock::Clock, signing_key::KeyVersion};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{KeyError, certificate, generate::version, pair::Pair};

/// Largest PEM text, in bytes.
pub const PEM_MAX: usize = 64 * 1024;

/// How an RSA key signs. What is in the PEM does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaScheme {
    /// RS256, which every client knows. For other kinds of keys it means nothing.
    #[default]
    Pkcs1,
    /// PS256.
    Pss,
}

/// Reads a private key, and the first certificate if there is one, from PEM text. Without a certificate a self-signed
/// one is made.
///
/// # Errors
/// If there is not exactly one usable private key, it cannot sign so, or the certificate is for another key.
pub fn import(
    clock: &Clock,
    pem: &str,
    scheme: RsaScheme,
    name: &str,
    activates_at: Timestamp,
) -> Result<KeyVersion, KeyError> {
    if pem.len() > PEM_MAX {
        return Err(KeyError::Malformed("longer than 64 KiB".to_owned()));
    }
    let pair = match (read_pair(pem)?, scheme) {
        (pair, RsaScheme::Pkcs1) => pair,
        (Pair::Rsa(pair), RsaScheme::Pss) => Pair::RsaPss(pair),
        (_, RsaScheme::Pss) => return Err(KeyError::NotRsa),
    };
    pair.check_size()?;
    let pkcs8 = pair.to_pkcs8()?;
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| KeyError::Malformed(error.to_string()))?;
    let certificate = match certificates.first() {
        None => certificate::self_signed(&pkcs8, name)?,
        Some(certificate) if holds(certificate, &certificate::public_key_info(&pkcs8)?) => to_pem(certificate),
        Some(_) => return Err(KeyError::CertificateMismatch),
    };
    version(clock, &pair, certificate, activates_at)
}

fn read_pair(pem: &str) -> Result<Pair, KeyError> {
    if pem.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let keys = PrivateKeyDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| KeyError::Malformed(error.to_string()))?;
    match keys.as_slice() {
        [] => Err(KeyError::NoKey),
        [key] => parse(key),
        _ => Err(KeyError::SeveralKeys),
    }
}

/// Tries what the key can be: the kinds exclude one another.
fn parse(key: &PrivateKeyDer<'_>) -> Result<Pair, KeyError> {
    let p256 = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let p384 = &ECDSA_P384_SHA384_FIXED_SIGNING;
    let p521 = &ECDSA_P521_SHA512_FIXED_SIGNING;
    let pair = match key {
        PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der()).ok().map(Pair::Rsa),
        PrivateKeyDer::Sec1(der) => {
            let der = der.secret_sec1_der();
            let first = EcdsaKeyPair::from_private_key_der(p256, der).ok().map(Pair::EcP256);
            first
                .or_else(|| EcdsaKeyPair::from_private_key_der(p384, der).ok().map(Pair::EcP384))
                .or_else(|| EcdsaKeyPair::from_private_key_der(p521, der).ok().map(Pair::EcP521))
        }
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            rsa::KeyPair::from_pkcs8(der)
                .ok()
                .map(Pair::Rsa)
                .or_else(|| EcdsaKeyPair::from_pkcs8(p256, der).ok().map(Pair::EcP256))
                .or_else(|| EcdsaKeyPair::from_pkcs8(p384, der).ok().map(Pair::EcP384))
                .or_else(|| EcdsaKeyPair::from_pkcs8(p521, der).ok().map(Pair::EcP521))
                .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Pair::Ed25519))
        }
        _ => None,
    };
    pair.ok_or(KeyError::Unsupported)
}

/// Whether a certificate carries this public key: the encoded key stands in it byte for byte.
fn holds(certificate: &CertificateDer<'_>, public_key_info: &[u8]) -> bool {
    certificate.as_ref().windows(public_key_info.len()).any(|window| window == public_key_info)
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let body = STANDARD.encode(certificate.as_ref());
    let lines = body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned());
    let body = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use doorward_core::signing_key::KeyAlgorithm;
    use proptest::prelude::*;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    fn read(text: &str) -> Result<KeyVersion, KeyError> {
        import(&Clock::system(), text, RsaScheme::Pkcs1, "imported", Timestamp::UNIX_EPOCH)
    }

    fn read_pss(text: &str) -> Result<KeyVersion, KeyError> {
        import(&Clock::system(), text, RsaScheme::Pss, "imported", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_kind_is_imported_with_its_own_certificate() {
        for (algorithm, ..) in KeyAlgorithm::ALL {
            let made =
                super::super::generate::generate(&Clock::system(), algorithm, "made", Timestamp::UNIX_EPOCH).unwrap();
            let key = pem("PRIVATE KEY", made.private_key.expose());
            let read = if algorithm == KeyAlgorithm::RsaPss { read_pss } else { read };
            let alone = read(&key).unwrap();
            assert_eq!((alone.kid.as_str(), alone.algorithm), (made.kid.as_str(), algorithm));
            let with_certificate = read(&format!("{}{key}", made.certificate)).unwrap();
            assert_eq!(
                with_certificate.certificate.replace(['\r', '\n'], ""),
                made.certificate.replace(['\r', '\n'], "")
            );
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let make = || {
            super::super::generate::generate(&Clock::system(), KeyAlgorithm::EcP256, "x", Timestamp::UNIX_EPOCH)
                .unwrap()
        };
        let (one, other) = (make(), make());
        let key = pem("PRIVATE KEY", one.private_key.expose());
        assert_eq!(read_pss(&key).unwrap_err(), KeyError::NotRsa);
        assert_eq!(read("").unwrap_err(), KeyError::NoKey);
        assert_eq!(read(&one.certificate).unwrap_err(), KeyError::NoKey);
        assert_eq!(read(&format!("{key}{key}")).unwrap_err(), KeyError::SeveralKeys);
        assert_eq!(read(&format!("{key}{}", other.certificate)).unwrap_err(), KeyError::CertificateMismatch);
        assert_eq!(read("-----BEGIN ENCRYPTED PRIVATE KEY-----").unwrap_err(), KeyError::Encrypted);
        assert_eq!(read(&pem("PRIVATE KEY", b"nonsense")).unwrap_err(), KeyError::Unsupported);
        let small = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        assert!(Pair::Rsa(small).check_size().is_ok());
    }

    /// As `openssl ecparam -name secp521r1 -genkey -noout` writes it: the key of RFC 7515, appendix A.4, as SEC 1.
    #[test]
    fn a_p521_key_in_sec_1_is_imported() {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let d = part("AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C");
        let x = part("AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk");
        let y = part("ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2");
        // RFC 5915, section 3, with the curve (1.3.132.0.35) and the public point.
        let curve = [0xa0, 7, 6, 5, 0x2b, 0x81, 4, 0, 0x23];
        let point = [&[0xa1, 0x81, 0x89, 3, 0x81, 0x86, 0, 4][..], &x, &y].concat();
        let body = [&[2, 1, 1, 4, 66][..], &d, &curve, &point].concat();
        let der = [&[0x30, 0x81, u8::try_from(body.len()).unwrap()][..], &body].concat();
        let version = read(&pem("EC PRIVATE KEY", &der)).unwrap();
        assert_eq!(version.algorithm, KeyAlgorithm::EcP521);
        let jwk = super::super::jwk::public_jwk(&version).unwrap();
        assert_eq!(jwk["x"], URL_SAFE_NO_PAD.encode(&x));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = read(&text);
            let _ = read(&pem("PRIVATE KEY", text.as_bytes()));
            let _ = read(&pem("EC PRIVATE KEY", text.as_bytes()));
        }
    }
}
