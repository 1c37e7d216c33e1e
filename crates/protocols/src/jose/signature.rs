//! Whether a signature was made with the private half of a JWK (RFC 7518, section 3; RFC 8037, section 3.1).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::signing_key::KeyAlgorithm;
use serde_json::Value;

/// Checks a signature over a message. The algorithm is the key's; what the token says of it is not asked.
pub(super) fn is_good(algorithm: KeyAlgorithm, jwk: &Value, message: &[u8], signature: &[u8]) -> bool {
    let good = match algorithm {
        KeyAlgorithm::Rsa => rsa(jwk, &RSA_PKCS1_2048_8192_SHA256, message, signature),
        KeyAlgorithm::RsaPss => rsa(jwk, &RSA_PSS_2048_8192_SHA256, message, signature),
        KeyAlgorithm::EcP256 => ec(jwk, &ECDSA_P256_SHA256_FIXED, message, signature),
        KeyAlgorithm::EcP384 => ec(jwk, &ECDSA_P384_SHA384_FIXED, message, signature),
        KeyAlgorithm::EcP521 => ec(jwk, &ECDSA_P521_SHA512_FIXED, message, signature),
        KeyAlgorithm::Ed25519 => ed25519(jwk, message, signature),
    };
    good.is_some()
}

fn part(jwk: &Value, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok()
}

fn rsa(jwk: &Value, parameters: &RsaParameters, message: &[u8], signature: &[u8]) -> Option<()> {
    let key = RsaPublicKeyComponents { n: part(jwk, "n")?, e: part(jwk, "e")? };
    key.verify(parameters, message, signature).ok()
}

fn ec(jwk: &Value, algorithm: &'static dyn VerificationAlgorithm, message: &[u8], signature: &[u8]) -> Option<()> {
    // SEC 1, section 2.3.3: 04, then x and y, which have a fixed width in JWKs (RFC 7518, section 6.2.1.2).
    let point = [vec![4], part(jwk, "x")?, part(jwk, "y")?].concat();
    UnparsedPublicKey::new(algorithm, point).verify(message, signature).ok()
}

fn ed25519(jwk: &Value, message: &[u8], signature: &[u8]) -> Option<()> {
    UnparsedPublicKey::new(&ED25519, part(jwk, "x")?).verify(message, signature).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{
        generate::generate,
        jwk::public_jwk,
        signer::{Signer, TokenKind},
    };
    use doorward_core::clock::Clock;
    use jiff::Timestamp;
    use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
    use proptest::prelude::*;
    use serde_json::{Map, json};

    /// RFC 7515, appendix A.4.
    #[test]
    fn the_es512_example_of_rfc_7515_is_good() {
        let jwk = json!({
            "kty": "EC", "crv": "P-521",
            "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
            "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
        });
        let message = b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA";
        let mut signature = URL_SAFE_NO_PAD
            .decode(
                "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD\
                 2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
            )
            .unwrap();
        assert!(is_good(KeyAlgorithm::EcP521, &jwk, message, &signature));
        assert!(!is_good(KeyAlgorithm::EcP521, &jwk, b"other", &signature));
        assert!(!is_good(KeyAlgorithm::EcP256, &jwk, message, &signature));
        signature[131] ^= 1;
        assert!(!is_good(KeyAlgorithm::EcP521, &jwk, message, &signature));
        // All zeros: CVE-2022-21449.
        assert!(!is_good(KeyAlgorithm::EcP521, &jwk, message, &[0; 132]));
    }

    /// Another implementation believes what is signed here. It does not know ES512, for which the example above stands.
    #[test]
    fn others_believe_what_every_kind_signs() {
        for (algorithm, ..) in KeyAlgorithm::ALL {
            let version = generate(&Clock::system(), algorithm, "test", Timestamp::UNIX_EPOCH).unwrap();
            let jwk = public_jwk(&version).unwrap();
            let token = Signer::new(&version).unwrap().sign(TokenKind::IdToken, &Map::new()).unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert!(is_good(algorithm, &jwk, message.as_bytes(), &bytes), "{algorithm:?}");
            assert!(!is_good(algorithm, &jwk, b"other", &bytes), "{algorithm:?}");
            let known = match algorithm {
                KeyAlgorithm::Rsa => Algorithm::RS256,
                KeyAlgorithm::RsaPss => Algorithm::PS256,
                KeyAlgorithm::EcP256 => Algorithm::ES256,
                KeyAlgorithm::EcP384 => Algorithm::ES384,
                KeyAlgorithm::Ed25519 => Algorithm::EdDSA,
                KeyAlgorithm::EcP521 => {
                    assert_eq!(bytes.len(), 132);
                    continue;
                }
            };
            let jwk: Jwk = serde_json::from_value(jwk).unwrap();
            let key = DecodingKey::from_jwk(&jwk).unwrap();
            assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, known).unwrap(), "{algorithm:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(n in "[A-Za-z0-9_-]{0,40}", signature in proptest::collection::vec(any::<u8>(), 0..200)) {
            let jwk = json!({ "n": n, "e": "AQAB", "x": n, "y": n });
            for (algorithm, ..) in KeyAlgorithm::ALL {
                prop_assert!(!is_good(algorithm, &jwk, b"m", &signature));
            }
            prop_assert!(!is_good(KeyAlgorithm::EcP521, &Value::Null, b"m", &signature));
        }
    }
}
