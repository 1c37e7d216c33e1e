//! A key pair in memory, whatever its kind.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    },
};
use doorward_core::signing_key::KeyAlgorithm;

use super::KeyError;

/// A key pair, parsed once and used for every signature.
#[derive(Debug)]
pub(super) enum Pair {
    Rsa(rsa::KeyPair),
    RsaPss(rsa::KeyPair),
    EcP256(EcdsaKeyPair),
    EcP384(EcdsaKeyPair),
    EcP521(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The public half, as JWKs have it.
pub(super) enum PublicKey {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { x: Vec<u8>, y: Vec<u8> },
    Ed25519(Vec<u8>),
}

impl Pair {
    pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Crypto("a key could not be generated".to_owned());
        Ok(match algorithm {
            KeyAlgorithm::Rsa => Self::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?),
            KeyAlgorithm::RsaPss => Self::RsaPss(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?),
            KeyAlgorithm::EcP256 => {
                Self::EcP256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?)
            }
            KeyAlgorithm::EcP384 => {
                Self::EcP384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map_err(failed)?)
            }
            KeyAlgorithm::EcP521 => {
                Self::EcP521(EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).map_err(failed)?)
            }
            KeyAlgorithm::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate().map_err(failed)?),
        })
    }

    /// From PKCS #8 of a known kind.
    pub(super) fn from_pkcs8(algorithm: KeyAlgorithm, der: &[u8]) -> Result<Self, KeyError> {
        let failed = |error: aws_lc_rs::error::KeyRejected| KeyError::Crypto(error.to_string());
        Ok(match algorithm {
            KeyAlgorithm::Rsa => Self::Rsa(rsa::KeyPair::from_pkcs8(der).map_err(failed)?),
            KeyAlgorithm::RsaPss => Self::RsaPss(rsa::KeyPair::from_pkcs8(der).map_err(failed)?),
            KeyAlgorithm::EcP256 => {
                Self::EcP256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(failed)?)
            }
            KeyAlgorithm::EcP384 => {
                Self::EcP384(EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der).map_err(failed)?)
            }
            KeyAlgorithm::EcP521 => {
                Self::EcP521(EcdsaKeyPair::from_pkcs8(&ECDSA_P521_SHA512_FIXED_SIGNING, der).map_err(failed)?)
            }
            KeyAlgorithm::Ed25519 => Self::Ed25519(Ed25519KeyPair::from_pkcs8(der).map_err(failed)?),
        })
    }

    pub(super) fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Rsa(_) => KeyAlgorithm::Rsa,
            Self::RsaPss(_) => KeyAlgorithm::RsaPss,
            Self::EcP256(_) => KeyAlgorithm::EcP256,
            Self::EcP384(_) => KeyAlgorithm::EcP384,
            Self::EcP521(_) => KeyAlgorithm::EcP521,
            Self::Ed25519(_) => KeyAlgorithm::Ed25519,
        }
    }

    pub(super) fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Crypto("the key could not be written".to_owned());
        Ok(match self {
            Self::Rsa(pair) | Self::RsaPss(pair) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map_err(failed)?.as_ref().to_vec()
            }
            Self::EcP256(pair) | Self::EcP384(pair) | Self::EcP521(pair) => {
                pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
        })
    }

    /// Whether RSA keys have a size that is safe and bearable.
    pub(super) fn check_size(&self) -> Result<(), KeyError> {
        match self {
            Self::Rsa(pair) | Self::RsaPss(pair) if !(256..=1024).contains(&pair.public_modulus_len()) => {
                Err(KeyError::Unsupported)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, KeyError> {
        match self {
            Self::Rsa(pair) | Self::RsaPss(pair) => Ok(PublicKey::Rsa {
                modulus: pair.public_key().modulus().big_endian_without_leading_zero().to_vec(),
                exponent: pair.public_key().exponent().big_endian_without_leading_zero().to_vec(),
            }),
            Self::EcP256(pair) | Self::EcP384(pair) | Self::EcP521(pair) => {
                // SEC 1, section 2.3.3: 04, then x and y of fixed width.
                let point = pair.public_key().as_ref();
                let (x, y) = point
                    .strip_prefix(&[4])
                    .map(|rest| rest.split_at(rest.len() / 2))
                    .ok_or_else(|| KeyError::Crypto("the public point is not uncompressed".to_owned()))?;
                Ok(PublicKey::Ec { x: x.to_vec(), y: y.to_vec() })
            }
            Self::Ed25519(pair) => Ok(PublicKey::Ed25519(pair.public_key().as_ref().to_vec())),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Crypto("a signature could not be made".to_owned());
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => sign_rsa(pair, &RSA_PKCS1_SHA256, message),
            // The salt is as long as the digest (RFC 7518, section 3.5): the library's only choice.
            Self::RsaPss(pair) => sign_rsa(pair, &RSA_PSS_SHA256, message),
            Self::EcP256(pair) | Self::EcP384(pair) | Self::EcP521(pair) => {
                Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn sign_rsa(pair: &rsa::KeyPair, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| KeyError::Crypto("a signature could not be made".to_owned()))?;
    Ok(signature)
}
