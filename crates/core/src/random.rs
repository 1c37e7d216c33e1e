//! Randomness for identifiers, secrets and codes, all from the operating system's generator.

use rand::TryRng;

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8; 10] = b"0123456789";
/// Letters and digits that are not mistaken for one another when read aloud.
const READABLE: &[u8; 30] = b"ABCDEFGHJKLMNPQRSTVWXYZ3456789";

/// Random bytes. A machine that cannot give any is beyond help, so this aborts rather than return a guessable value.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    if rand::rngs::SysRng.try_fill_bytes(&mut out).is_err() {
        std::process::abort();
    }
    out
}

/// A string of letters and digits; 5.95 bits of entropy per character.
pub fn alphanumeric(length: usize) -> String {
    pick(ALPHANUMERIC, length)
}

/// A string of digits; 3.3 bits of entropy per digit.
pub fn digits(length: usize) -> String {
    pick(DIGITS, length)
}

/// Length of a reference code, in characters.
pub const REFERENCE_LENGTH: usize = 10;

/// A reference code for error pages and logs: ten readable characters, 49 bits.
pub fn reference() -> String {
    pick(READABLE, REFERENCE_LENGTH)
}

/// A number as a reference code; what is more than 49 bits of it is left out.
pub(crate) fn readable(mut number: u64) -> String {
    let base = u64::try_from(READABLE.len()).unwrap_or(1);
    let mut out = String::with_capacity(REFERENCE_LENGTH);
    while out.len() < REFERENCE_LENGTH {
        let digit = usize::try_from(number % base).unwrap_or_default();
        out.extend(READABLE.get(digit).map(|byte| char::from(*byte)));
        number /= base;
    }
    out
}

fn pick(alphabet: &[u8], length: usize) -> String {
    // Rejection keeps every character equally likely.
    let limit = u8::MAX - (u8::MAX % u8::try_from(alphabet.len()).unwrap_or(1));
    let mut out = String::with_capacity(length);
    while out.len() < length {
        // Enough for the longest token in one question to the system.
        let usable = bytes::<160>().into_iter().filter(|byte| *byte < limit);
        let characters = usable.filter_map(|byte| alphabet.get(usize::from(byte) % alphabet.len()));
        out.extend(characters.take(length - out.len()).map(|byte| char::from(*byte)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_have_the_asked_length_and_alphabet() {
        for length in [0, 1, 40, 128, 1000] {
            let text = alphanumeric(length);
            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(alphanumeric(40), alphanumeric(40));
        assert_eq!(reference().len(), 10);
        let digits = digits(5000);
        assert!(
            digits.bytes().all(|byte| byte.is_ascii_digit()) && DIGITS.iter().all(|d| digits.contains(char::from(*d)))
        );
    }

    #[test]
    fn numbers_become_codes_of_the_same_kind() {
        assert_eq!(readable(0), "AAAAAAAAAA");
        assert_eq!(readable(31), "BBAAAAAAAA");
        assert!(readable(u64::MAX).bytes().all(|byte| READABLE.contains(&byte)));
    }

    #[test]
    fn every_character_turns_up() {
        let text = alphanumeric(20_000);
        assert!(ALPHANUMERIC.iter().all(|byte| text.contains(char::from(*byte))));
    }
}
