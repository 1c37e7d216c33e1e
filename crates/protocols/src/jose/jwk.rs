//! JSON Web Keys (RFC 7517) and their thumbprints (RFC 7638).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use doorward_core::signing_key::{KeyAlgorithm, KeyVersion};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::{
    KeyError,
    pair::{Pair, PublicKey},
};

/// The members that make the key what it is (RFC 7638, section 3.2; RFC 8037, section 2).
fn required_members(pair: &Pair) -> Result<Map<String, Value>, KeyError> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let curve = match pair.algorithm() {
        KeyAlgorithm::EcP384 => "P-384",
        KeyAlgorithm::EcP521 => "P-521",
        _ => "P-256",
    };
    let members = match pair.public_key()? {
        PublicKey::Rsa { modulus, exponent } => json!({ "kty": "RSA", "n": encode(&modulus), "e": encode(&exponent) }),
        PublicKey::Ec { x, y } => json!({ "kty": "EC", "crv": curve, "x": encode(&x), "y": encode(&y) }),
        PublicKey::Ed25519(x) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(&x) }),
    };
    match members {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// The SHA-256 thumbprint, which serves as `kid`.
pub(super) fn thumbprint(pair: &Pair) -> Result<String, KeyError> {
    // Members in lexicographic order, as section 3.3 demands.
    let members: BTreeMap<String, Value> = required_members(pair)?.into_iter().collect();
    let canonical = serde_json::to_string(&members).map_err(|error| KeyError::Crypto(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())))
}

/// The public JWK of a key version, with its certificate.
///
/// # Errors
/// If the key or the certificate cannot be read.
pub fn public_jwk(version: &KeyVersion) -> Result<Value, KeyError> {
    let pair = Pair::from_pkcs8(version.algorithm, version.private_key.expose())?;
    let mut jwk = required_members(&pair)?;
    jwk.extend([
        ("kid".to_owned(), json!(version.kid)),
        ("use".to_owned(), json!("sig")),
        ("alg".to_owned(), json!(version.algorithm.jws_name())),
    ]);
    let certificate = CertificateDer::from_pem_slice(version.certificate.as_bytes())
        .map_err(|error| KeyError::Malformed(error.to_string()))?;
    jwk.extend([
        ("x5c".to_owned(), json!([STANDARD.encode(&certificate)])),
        ("x5t".to_owned(), json!(URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate)))),
        ("x5t#S256".to_owned(), json!(URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)))),
    ]);
    Ok(Value::Object(jwk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::generate::generate;
    use doorward_core::clock::Clock;
    use jiff::Timestamp;

    #[test]
    fn jwks_hold_no_private_part_and_have_fixed_width() {
        for (algorithm, ..) in KeyAlgorithm::ALL {
            let version = generate(&Clock::system(), algorithm, "test", Timestamp::UNIX_EPOCH).unwrap();
            let jwk = public_jwk(&version).unwrap();
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(jwk.get(private).is_none(), "{algorithm:?} {private}");
            }
            assert_eq!(jwk["kid"], version.kid);
            assert_eq!(jwk["alg"], algorithm.jws_name());
            assert_eq!(jwk["use"], "sig");
            let expected = match algorithm {
                KeyAlgorithm::Rsa | KeyAlgorithm::RsaPss => ("RSA", None),
                KeyAlgorithm::EcP256 => ("EC", Some(("P-256", 32))),
                KeyAlgorithm::EcP384 => ("EC", Some(("P-384", 48))),
                KeyAlgorithm::EcP521 => ("EC", Some(("P-521", 66))),
                KeyAlgorithm::Ed25519 => ("OKP", None),
            };
            assert_eq!(jwk["kty"], expected.0);
            if let Some((curve, width)) = expected.1 {
                assert_eq!(jwk["crv"], curve);
                for coordinate in ["x", "y"] {
                    let bytes = URL_SAFE_NO_PAD.decode(jwk[coordinate].as_str().unwrap()).unwrap();
                    assert_eq!(bytes.len(), width, "{curve} {coordinate}");
                }
            }
            // The certificate is DER in plain base64 (RFC 7517, section 4.7), its thumbprints are of that DER.
            let der = STANDARD.decode(jwk["x5c"][0].as_str().unwrap()).unwrap();
            assert_eq!(jwk["x5t#S256"], URL_SAFE_NO_PAD.encode(digest(&SHA256, &der)));
            assert_eq!(jwk["x5t"], URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &der)));
        }
    }

    #[test]
    fn the_thumbprint_is_rfc_7638s() {
        let version = generate(&Clock::system(), KeyAlgorithm::Rsa, "test", Timestamp::UNIX_EPOCH).unwrap();
        let jwk = public_jwk(&version).unwrap();
        let canonical = format!(r#"{{"e":"AQAB","kty":"RSA","n":{}}}"#, jwk["n"]);
        assert_eq!(version.kid, URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())));
    }
}
