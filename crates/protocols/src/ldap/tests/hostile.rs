//! Messages made to harm. Nothing may panic, recurse without bound or take memory out of proportion.

use proptest::prelude::*;

use super::encoder::{self, any_message, element, envelope, octets};
use crate::ldap::{
    ber::frame_length,
    filter::{DEPTH_MAX, Filter, PARTS_MAX},
    message::{DecodeError, FRAME_MAX, Request, ResponseKind, decode},
};

fn search(filter: &[u8]) -> Vec<u8> {
    envelope(1, &encoder::search_for(b"dc=ldap", filter, b""), &[])
}

fn nested(depth: usize, tag: u8) -> Vec<u8> {
    (1..depth).fold(vec![0x87, 2, b'c', b'n'], |inner, _| element(tag, &[&inner]))
}

fn refused(frame: &[u8]) -> &'static str {
    match decode(frame) {
        Err(DecodeError { id: Some(1), answer: Some(ResponseKind::Search), problem }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ldap3_proto_ghsa_qcxq_75wr_5cm8_deep_filters_are_refused() {
    for tag in [0xa0, 0xa1, 0xa2] {
        assert!(decode(&search(&nested(DEPTH_MAX, tag))).is_ok());
        assert_eq!(refused(&search(&nested(DEPTH_MAX + 1, tag))), "The filter is nested deeper than 32 levels");
    }
}

#[test]
fn ldap3_proto_ghsa_qcxq_75wr_5cm8_endless_nesting_does_not_overflow_the_stack() {
    // Every level takes at least two bytes and its length five: what a frame can hold, and far more than that.
    for depth in [20_000, 100_000] {
        let mut filter = Vec::new();
        for level in (0..depth).rev() {
            filter.push(0xa0);
            filter.push(0x84);
            filter.extend_from_slice(&u32::to_be_bytes(level * 6));
        }
        let frame = search(&filter);
        assert_eq!(refused(&frame), "The filter is nested deeper than 32 levels");
        assert_eq!(frame_length(&frame, FRAME_MAX).is_ok(), frame.len() <= FRAME_MAX);
    }
}

#[test]
fn ldap3_proto_ghsa_qcxq_75wr_5cm8_odd_filters_do_not_panic() {
    for tag in 0..=255_u8 {
        for content in [&[][..], &[0], &[0x30], &[0x30, 0x80], &[4, 0, 4, 0], &[4, 0, 0x30, 0], &[0xa2, 0], &[0x84; 9]]
        {
            let _ = decode(&search(&element(tag, &[content])));
        }
    }
}

#[test]
fn filters_have_a_bounded_number_of_parts() {
    let or = |parts: usize| element(0xa1, &[&[0x87, 2, b'c', b'n'].repeat(parts)]);
    assert!(decode(&search(&or(PARTS_MAX - 1))).is_ok());
    assert_eq!(refused(&search(&or(PARTS_MAX))), "The filter has more than 1024 parts");
    let stars = |pieces: usize| {
        let pieces = element(0x30, &[&[0x81, 1, b'a'].repeat(pieces)]);
        element(0xa4, &[&octets(b"cn"), &pieces])
    };
    assert!(decode(&search(&stars(PARTS_MAX - 1))).is_ok());
    assert_eq!(refused(&search(&stars(PARTS_MAX))), "The filter has more than 1024 parts");
    // Spread over many branches.
    let branches = element(0xa0, &[&or(100).repeat(11)]);
    assert_eq!(refused(&search(&branches)), "The filter has more than 1024 parts");
}

#[test]
fn requests_nested_without_end_are_refused() {
    let mut changes = Vec::new();
    for level in (0..20_000_u32).rev() {
        changes.extend_from_slice(&[0x30, 0x84]);
        changes.extend_from_slice(&u32::to_be_bytes(level * 6));
    }
    let frame = envelope(1, &element(0x66, &[&octets(b"cn=a"), &changes]), &[]);
    let Err(error) = decode(&frame) else { panic!("it must be refused") };
    assert_eq!((error.id, error.answer), (Some(1), Some(ResponseKind::Modify)));
}

#[test]
fn lengths_that_lie_are_refused() {
    for length in [
        &[0x84, 0xff, 0xff, 0xff, 0xff][..],
        &[0x84, 0x7f, 0xff, 0xff, 0xff],
        &[0x80],
        &[0x88, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0xff],
        &[0x7f],
    ] {
        let value = [&[4][..], length, b"x"].concat();
        for frame in [
            [&[0x30][..], length, b"\x02\x01\x01\x42\x00"].concat(),
            envelope(1, &[&[0x63][..], length, b"x"].concat(), &[]),
            envelope(1, &element(0x63, &[&value]), &[]),
            search(&element(0xa3, &[&octets(b"cn"), &value])),
            search(&[&[0xa0][..], length].concat()),
        ] {
            assert!(decode(&frame).is_err(), "{}", frame.escape_ascii());
        }
    }
}

#[test]
fn names_and_values_may_hold_anything() {
    let value = b"a\0\xff\xfe*()\\\xf0\x9f".as_slice();
    let filter = encoder::filter(&Filter::Equality { attribute: b"c\0n", value });
    let frame = search(&filter);
    let Ok(Request::Search(search)) = decode(&frame).map(|message| message.request) else { panic!() };
    assert_eq!(search.filter, Filter::Equality { attribute: b"c\0n", value });
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        // With a proper envelope more of it is read.
        for tag in [0x60, 0x63, 0x66, 0x6e, 0x77] {
            let _ = decode(&envelope(1, &element(tag, &[&bytes]), &[]));
        }
        let _ = decode(&search(&bytes));
        let _ = decode(&envelope(1, &[0x42, 0], std::slice::from_ref(&bytes)));
    }

    #[test]
    fn truncated_messages_are_refused(message in any_message()) {
        let frame = encoder::message(&message);
        for end in 0..frame.len() {
            prop_assert!(decode(&frame[..end]).is_err());
            // With a length that fits what is left.
            let _ = decode(&element(0x30, &[frame.get(2..end).unwrap_or_default()]));
        }
        let longer = [frame.as_slice(), &[0]].concat();
        prop_assert!(decode(&longer).is_err());
    }

    #[test]
    fn damaged_messages_do_not_panic(message in any_message(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut frame = encoder::message(&message);
        let at = at.index(frame.len());
        frame[at] = byte;
        let _ = decode(&frame);
        let _ = frame_length(&frame, FRAME_MAX);
    }
}
