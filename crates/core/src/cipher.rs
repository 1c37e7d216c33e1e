//! Encryption of what must be read back: AES-256-GCM, each value bound to the place it belongs to.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hkdf, hmac,
};

use crate::secret::Secret;

const NONCE: usize = 12;

/// The installation's key and what is derived from it.
pub struct Cipher {
    key: RandomizedNonceKey,
    root: Secret<Vec<u8>>,
}

/// A value could not be decrypted: another key, another place, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value cannot be decrypted: it was encrypted with another key, moved to another row, or damaged")]
pub struct CannotOpen;

impl Cipher {
    /// A cipher for a key of 32 bytes.
    pub fn new(root: [u8; 32]) -> Self {
        let root = Secret::new(root.to_vec());
        Self { key: aead_key(&derive(root.expose(), b"doorward sealing")), root }
    }

    /// A cipher with a key of its own for a purpose.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> Self {
        Self::new(derive(self.root.expose(), format!("doorward cipher {purpose}").as_bytes()))
    }

    /// Encrypts. The same value never looks the same twice. `place` is for instance table, column and row.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let mut data = plain.to_vec();
        match self.key.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut data) {
            Ok(nonce) => [nonce.as_ref().as_slice(), &data].concat(),
            // Only a text of more than 64 GiB, or a machine without randomness, can fail here.
            Err(_) => std::process::abort(),
        }
    }

    /// Decrypts what [`Cipher::seal`] made for the same place.
    ///
    /// # Errors
    /// [`CannotOpen`] if it was made for another place or with another key, or is damaged.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, data) = sealed.split_at_checked(NONCE).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut data = data.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut data).map_err(|_| CannotOpen)?;
        Ok(plain.to_vec())
    }

    /// A keyed fingerprint (HMAC-SHA-256) of a value for a purpose.
    pub fn mac(&self, purpose: &str, value: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(self.root.expose(), purpose.as_bytes()));
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&key, value).as_ref());
        out
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(…)")
    }
}

#[expect(clippy::unreachable, reason = "32 bytes are what AES-256 takes")]
fn aead_key(key: &[u8; 32]) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, key).unwrap_or_else(|_| unreachable!())
}

/// HKDF-SHA-256 (RFC 5869) of the root key for a purpose.
fn derive(root: &[u8], purpose: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(root);
    let filled = key.expand(&[purpose], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut out));
    if filled.is_err() {
        std::process::abort();
    }
    out
}

/// SHA-256, as lower-case hexadecimal: how tokens and codes are kept.
pub fn sha256_hex(data: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_it_belongs() {
        let cipher = Cipher::new([7; 32]);
        let sealed = cipher.seal("providers.client_secret.1", b"secret");
        assert_eq!(cipher.open("providers.client_secret.1", &sealed).unwrap(), b"secret");
        assert_eq!(cipher.open("providers.client_secret.2", &sealed), Err(CannotOpen));
        assert_eq!(Cipher::new([8; 32]).open("providers.client_secret.1", &sealed), Err(CannotOpen));
        assert_ne!(sealed, cipher.seal("providers.client_secret.1", b"secret"));
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let cipher = Cipher::new([7; 32]);
        let sealed = cipher.seal("x", b"secret");
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert_eq!(cipher.open("x", &damaged), Err(CannotOpen));
            assert_eq!(cipher.open("x", &sealed[..index]), Err(CannotOpen));
        }
    }

    #[test]
    fn fingerprints_differ_by_purpose() {
        let cipher = Cipher::new([7; 32]);
        assert_ne!(cipher.mac("csrf", b"x"), cipher.mac("other", b"x"));
        assert_eq!(cipher.mac("csrf", b"x"), cipher.mac("csrf", b"x"));
        assert!(cipher.open("x", &cipher.derived("pending").seal("x", b"y")).is_err());
    }
}
