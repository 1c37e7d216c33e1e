//! Keys and signed tokens (RFC 7515, RFC 7517, RFC 7519).

mod certificate;
pub mod generate;
pub mod import;
pub mod jwk;
mod pair;
mod signature;
pub mod signer;
pub mod verify;

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Text without a private key in it.
    #[error("no private key found; paste a PEM block that begins with -----BEGIN PRIVATE KEY-----")]
    NoKey,
    /// A key under a passphrase.
    #[error("the key is encrypted; decrypt it first, for instance with: openssl pkey -in key.pem -out plain.pem")]
    Encrypted,
    /// More than one key.
    #[error("there is more than one private key; paste one")]
    SeveralKeys,
    /// Not PEM, or damaged.
    #[error("this is not PEM, or it is damaged: {0}")]
    Malformed(String),
    /// RSA of less than 2048 or more than 8192 bits, another curve, or another kind of key.
    #[error("this kind of key cannot sign tokens; use RSA of 2048 to 8192 bits, EC P-256, P-384 or P-521, or Ed25519")]
    Unsupported,
    /// PS256 was asked for, which is a matter of RSA.
    #[error("only RSA keys can sign with PS256")]
    NotRsa,
    /// A certificate for another key.
    #[error("the certificate does not belong to the private key")]
    CertificateMismatch,
    /// The library refused.
    #[error("the key could not be used: {0}")]
    Crypto(String),
}
