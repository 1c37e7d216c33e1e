//! New keys.

use doorward_core::{
    clock::Clock,
    id::KeyVersionId,
    secret::Secret,
    signing_key::{KeyAlgorithm, KeyVersion},
};
use jiff::Timestamp;

use super::{KeyError, certificate, jwk, pair::Pair};

/// Generates a key of a kind. RSA takes about 0.1 s of CPU; call it where that may block.
///
/// # Errors
/// If the library cannot make one.
pub fn generate(
    clock: &Clock,
    algorithm: KeyAlgorithm,
    name: &str,
    activates_at: Timestamp,
) -> Result<KeyVersion, KeyError> {
    let pair = Pair::generate(algorithm)?;
    let certificate = certificate::self_signed(&pair.to_pkcs8()?, name)?;
    version(clock, &pair, certificate, activates_at)
}

pub(super) fn version(
    clock: &Clock,
    pair: &Pair,
    certificate: String,
    activates_at: Timestamp,
) -> Result<KeyVersion, KeyError> {
    Ok(KeyVersion {
        id: KeyVersionId::new(clock),
        kid: jwk::thumbprint(pair)?,
        algorithm: pair.algorithm(),
        certificate,
        private_key: Secret::new(pair.to_pkcs8()?),
        created_at: clock.now(),
        activates_at,
    })
}
