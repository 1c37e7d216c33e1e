//! Elements.

use proptest::prelude::*;

use super::encoder;
use crate::ldap::ber::{
    BerError, DEPTH_MAX, INTEGER, Reader, SEQUENCE, check, close, close_wide, frame_length, integer, open, open_wide,
    put, put_integer,
};

#[test]
fn the_length_of_a_frame_is_known_from_its_header() {
    let cases: [(&[u8], _); 15] = [
        (b"", Ok(None)),
        (b"\x30", Ok(None)),
        (b"\x30\x05", Ok(Some(7))),
        (b"\x30\x05\x02\x01\x01\x42\x00rest", Ok(Some(7))),
        (b"\x30\x00", Ok(Some(2))),
        (b"\x30\x81", Ok(None)),
        (b"\x30\x81\x80", Ok(Some(131))),
        (b"\x30\x82\x01", Ok(None)),
        (b"\x30\x84\x00\x00\x00\x05", Ok(Some(11))),
        (b"\x30\x80", Err(BerError::Indefinite)),
        (b"\x30\x85\x00\x00\x00\x00\x05", Err(BerError::LongLength)),
        (b"\x30\xff", Err(BerError::LongLength)),
        (b"\x30\x82\xff\xff", Err(BerError::TooLarge)),
        (b"\x30\x84\xff\xff\xff\xff", Err(BerError::TooLarge)),
        (b"GET / HTTP/1.1", Err(BerError::Tag)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(frame_length(bytes, 1000), expected, "{}", bytes.escape_ascii());
    }
    assert_eq!(frame_length(b"\x30\x82\x03\xe4", 1000), Ok(Some(1000)));
    assert_eq!(frame_length(b"\x30\x82\x03\xe5", 1000), Err(BerError::TooLarge));
    // A TLS greeting that came to the plain port.
    assert_eq!(frame_length(b"\x16\x03\x01\x02\x00", 1000), Err(BerError::Tag));
}

#[test]
fn elements_end_where_they_say() {
    for (bytes, expected) in [
        (&b""[..], BerError::Truncated),
        (b"\x04", BerError::Truncated),
        (b"\x04\x02a", BerError::Truncated),
        (b"\x04\x82\x01", BerError::Truncated),
        (b"\x04\x84\xff\xff\xff\xffabc", BerError::Truncated),
        (b"\x04\x80a\x00\x00", BerError::Indefinite),
        (b"\x04\x88\x00\x00\x00\x00\x00\x00\x00\x01a", BerError::LongLength),
        (b"\x1f\x81\x01\x00", BerError::LongTag),
        (b"\x02\x01a", BerError::Tag),
        // Strings in pieces are not LDAP (RFC 4511, section 5.1).
        (b"\x24\x03\x04\x01a", BerError::Tag),
    ] {
        let mut reader = Reader::new(bytes);
        let result = if bytes.first() == Some(&0x1f) { reader.element().map(|(_, c)| c) } else { reader.octets() };
        let expected = if bytes.is_empty() { BerError::Tag } else { expected };
        assert_eq!(result, Err(expected), "{}", bytes.escape_ascii());
    }
    // Lengths need not be short.
    assert_eq!(Reader::new(b"\x04\x84\x00\x00\x00\x01a").octets(), Ok(&b"a"[..]));
}

#[test]
fn integers_are_read_with_their_sign() {
    for (content, expected) in [
        (&[0][..], Ok(0)),
        (&[0x7f], Ok(127)),
        (&[0x80], Ok(-128)),
        (&[0xff], Ok(-1)),
        (&[0, 0x80], Ok(128)),
        (&[0, 0, 0, 1], Ok(1)),
        (&[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Ok(i64::MAX)),
        (&[], Err(BerError::Integer)),
        (&[0; 9], Err(BerError::Integer)),
    ] {
        assert_eq!(integer(content), expected);
    }
    let count = |value| Reader::new(&encoder::integer(INTEGER, value)).count();
    assert_eq!((count(0), count(2_147_483_647)), (Ok(0), Ok(2_147_483_647)));
    assert_eq!((count(-1), count(2_147_483_648)), (Err(BerError::Integer), Err(BerError::Integer)));
}

#[test]
fn integers_are_written_in_as_few_bytes_as_they_need() {
    for (value, expected) in [
        (0, &[2, 1, 0][..]),
        (127, &[2, 1, 0x7f]),
        (128, &[2, 2, 0, 0x80]),
        (-1, &[2, 1, 0xff]),
        (-128, &[2, 1, 0x80]),
        (-129, &[2, 2, 0xff, 0x7f]),
        (2_147_483_647, &[2, 4, 0x7f, 0xff, 0xff, 0xff]),
    ] {
        let mut out = Vec::new();
        put_integer(&mut out, INTEGER, value);
        assert_eq!(out, expected, "{value}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested =
        |depth: usize| (1..depth).fold(encoder::element(0x30, &[]), |inner, _| encoder::element(0x30, &[&inner]));
    assert_eq!(check(&nested(DEPTH_MAX - 1)), Ok(()));
    assert_eq!(check(&nested(DEPTH_MAX)), Err(BerError::Depth));
    assert_eq!(check(b"\x30\x02\x04\x01"), Err(BerError::Truncated));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), max in any::<usize>()) {
        if let Ok(Some(length)) = frame_length(&bytes, max) {
            prop_assert!(length <= max);
        }
        let _ = check(&bytes);
        let _ = integer(&bytes);
    }

    #[test]
    fn integers_come_back(value in any::<i64>()) {
        let mut out = Vec::new();
        put_integer(&mut out, INTEGER, value);
        prop_assert_eq!(Reader::new(&out).integer(), Ok(value));
    }

    #[test]
    fn elements_of_every_length_come_back(length in prop_oneof![0_usize..300, 65_000_usize..66_000], before in 0_usize..3) {
        let content = vec![7; length];
        let mut out = vec![1; before];
        put(&mut out, SEQUENCE, &content);
        let short = open(&mut out, SEQUENCE);
        out.extend_from_slice(&content);
        close(&mut out, short);
        let wide = open_wide(&mut out, SEQUENCE);
        out.extend_from_slice(&content);
        close_wide(&mut out, wide);
        let mut reader = Reader::new(&out[before..]);
        for _ in 0..3 {
            prop_assert_eq!(reader.element(), Ok((SEQUENCE, content.as_slice())));
        }
        prop_assert_eq!(reader.end(), Ok(()));
    }
}
