//! Extended operations.

use proptest::prelude::*;

use super::encoder::element;
use crate::ldap::{
    ber::BerError,
    extended::{PasswordModify, generated_password, password_modify},
};

#[test]
fn password_modify_as_rfc_3062_says() {
    let value = element(0x30, &[&element(0x80, &[b"cn=alice"]), &element(0x81, &[b"old"]), &element(0x82, &[b"new"])]);
    let expected = PasswordModify { user: Some(b"cn=alice"), old: Some(b"old"), new: Some(b"new") };
    assert_eq!(password_modify(Some(&value)), Ok(expected));
    assert_eq!(password_modify(None), Ok(PasswordModify::default()));
    assert_eq!(password_modify(Some(&[0x30, 0])), Ok(PasswordModify::default()));
    let new = [0x30, 3, 0x82, 1, b'x'];
    assert_eq!(password_modify(Some(&new)), Ok(PasswordModify { new: Some(b"x"), ..PasswordModify::default() }));
    for (odd, error) in [
        (&[][..], BerError::Tag),
        (&[0x30, 1], BerError::Truncated),
        (&[0x30, 0, 0], BerError::Trailing),
        (&[0x30, 3, 0x82, 9, 0], BerError::Truncated),
    ] {
        assert_eq!(password_modify(Some(odd)), Err(error));
    }
}

#[test]
fn passwords_are_not_printed() {
    let request = PasswordModify { user: Some(b"cn=alice"), old: Some(b"alt"), new: Some(b"neu") };
    assert_eq!(format!("{request:?}"), "PasswordModify(cn=alice)");
}

#[test]
fn generated_passwords_are_told() {
    assert_eq!(generated_password("secret"), b"\x30\x08\x80\x06secret");
    let long = [&[0x30, 0x81, 203, 0x80, 0x81, 200][..], &[b'x'; 200]].concat();
    assert_eq!(generated_password(&"x".repeat(200)), long);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = password_modify(Some(&bytes));
        let _ = password_modify(Some(&element(0x30, &[&bytes])));
    }
}
