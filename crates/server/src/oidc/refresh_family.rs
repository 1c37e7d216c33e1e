//! Refresh tokens name the grant they hang on, under a seal that only this installation can make.
//!
//! A token that was exchanged has to be known again, or its replay could not be told from nonsense (RFC 9700, section 4.14.2).
//! To remember each would let a chain of refreshes grow without end, and to remember the last few would let a thief go on
//! refreshing until the stolen one is forgotten. So none is remembered: one that is not kept, but has our seal, was used.

use doorward_core::{cipher::Cipher, id::GrantId, random};
use subtle::ConstantTimeEq;

/// Random characters, with 381 bits.
const RANDOM: usize = 64;
/// Hexadecimal digits of a grant.
const GRANT: usize = 32;
/// Bytes of the seal, written as twice as many digits.
const SEAL: usize = 16;
/// What the seal is for.
const PURPOSE: &str = "refresh token";

/// A new token of a grant: 128 letters and digits, as authentik's are.
pub fn make(cipher: &Cipher, grant: GrantId) -> String {
    let grant = grant.to_string().replace('-', "");
    let sealed = format!("{}{grant}", random::alphanumeric(RANDOM));
    format!("{sealed}{}", seal(cipher, &sealed))
}

/// The grant of a token that was made here, kept or not. `None` for everything else, and for tokens of versions that sealed
/// none.
pub fn grant_of(cipher: &Cipher, token: &str) -> Option<GrantId> {
    let (sealed, mac) = token.split_at_checked(RANDOM + GRANT)?;
    let is_ours: bool = seal(cipher, sealed).as_bytes().ct_eq(mac.as_bytes()).into();
    sealed.get(RANDOM..).filter(|_| is_ours)?.parse().ok()
}

fn seal(cipher: &Cipher, sealed: &str) -> String {
    hex::encode(cipher.mac(PURPOSE, sealed.as_bytes()).get(..SEAL).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::Clock;
    use proptest::prelude::*;

    #[test]
    fn a_token_tells_its_grant_and_nothing_changed_or_foreign_does() {
        let (cipher, grant) = (Cipher::new([7; 32]), GrantId::new(&Clock::system()));
        let token = make(&cipher, grant);
        assert_eq!(token.len(), 128);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(grant_of(&cipher, &token), Some(grant));
        assert_ne!(make(&cipher, grant), token);
        assert_eq!(grant_of(&Cipher::new([8; 32]), &token), None, "another installation's");
        for at in [0, RANDOM, RANDOM + GRANT, 127] {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(grant_of(&cipher, std::str::from_utf8(&changed).unwrap()), None, "{at}");
        }
        assert_eq!(grant_of(&cipher, &token[..127]), None);
        assert_eq!(grant_of(&cipher, &format!("{token}0")), None);
    }

    proptest! {
        #[test]
        fn nothing_that_was_not_made_here_names_a_grant(token in "\\PC{0,140}|[0-9a-zA-Z]{128}") {
            prop_assert_eq!(grant_of(&Cipher::new([7; 32]), &token), None);
        }
    }
}
