//! Requests that are as they should be, and the small ways in which they are not.

use proptest::prelude::*;

use super::encoder::{self, any_message, control, element, envelope, integer, octets};
use crate::ldap::{
    control::CONTROLS_MAX,
    filter::Filter,
    message::{Authentication, BindRequest, DecodeError, ExtendedRequest, Message, Request, ResponseKind, decode},
    search::{ATTRIBUTES_MAX, Scope},
};

const UNBIND: &[u8] = &[0x42, 0];

fn search(filter: &[u8], attributes: usize) -> Vec<u8> {
    encoder::search_for(b"", filter, &octets(b"cn").repeat(attributes))
}

fn problem(frame: &[u8]) -> (Option<i32>, Option<ResponseKind>) {
    let DecodeError { id, answer, problem } = decode(frame).expect_err("it must be refused");
    assert!(!problem.is_empty());
    (id, answer)
}

#[test]
fn what_ldapsearch_sends_is_read() {
    // ldapsearch -x -D cn=svc -w secret -b ou=users "(cn=alice)" mail
    let bind = b"\x30\x18\x02\x01\x01\x60\x13\x02\x01\x03\x04\x06cn=svc\x80\x06secret";
    let expected = BindRequest { version: 3, name: b"cn=svc", authentication: Authentication::Simple(b"secret") };
    assert_eq!(decode(bind).map(|message| message.request), Ok(Request::Bind(expected)));
    let search =
        b"\x30\x33\x02\x01\x02\x63\x2e\x04\x08ou=users\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00\
        \xa3\x0b\x04\x02cn\x04\x05alice\x30\x06\x04\x04mail";
    let message = decode(search).unwrap();
    assert_eq!(message.id, 2);
    let Request::Search(search) = message.request else { panic!("{message:?}") };
    assert_eq!((search.base, search.scope, search.attributes), (&b"ou=users"[..], Scope::Subtree, vec![&b"mail"[..]]));
    assert_eq!(search.filter, Filter::Equality { attribute: b"cn", value: b"alice" });
}

#[test]
fn passwords_are_not_printed() {
    let bind =
        Request::Bind(BindRequest { version: 3, name: b"cn=a", authentication: Authentication::Simple(b"geheim") });
    let change = Request::Extended(ExtendedRequest { name: b"1.3.6.1.4.1.4203.1.11.1", value: Some(b"geheim") });
    for request in [bind, change] {
        let printed = format!("{request:?}");
        assert!(!printed.contains("geheim") && !printed.contains("103, 101"), "{printed}");
    }
}

#[test]
fn what_cannot_be_told_from_the_next_message_has_no_answer() {
    for frame in [
        &b""[..],
        b"\x30",
        b"\x30\x00",
        b"\x31\x05\x02\x01\x01\x42\x00",
        b"\x30\x05\x02\x01\x01\x42\x00\x00",
        b"\x30\x06\x02\x01\x01\x42\x00",
        b"\x30\x04\x02\x00\x42\x00",
        b"\x30\x05\x04\x01\x01\x42\x00",
    ] {
        assert_eq!(problem(frame), (None, None), "{}", frame.escape_ascii());
    }
    assert_eq!(problem(b"\x30\x03\x02\x01\x01"), (Some(1), None));
    assert_eq!(problem(b"\x30\x05\x02\x01\x01\x60\x09"), (Some(1), None));
    // 0x64 is an answer, 0x7e nothing at all, 0x1f the beginning of a long tag.
    for tag in [0x64, 0x7e, 0x1f, 0x30] {
        assert_eq!(problem(&envelope(7, &[tag, 0], &[])), (Some(7), None));
    }
    assert_eq!(problem(&envelope(7, &[0x42, 1, 0], &[])), (Some(7), None));
    assert_eq!(problem(&envelope(7, &[0x50, 0], &[])), (Some(7), None));
}

#[test]
fn message_numbers_are_positive() {
    for id in [0, -1, 2_147_483_648, i64::MAX, i64::MIN] {
        assert_eq!(problem(&envelope(id, UNBIND, &[])), (None, None), "{id}");
    }
    for id in [1, i32::MAX] {
        assert_eq!(decode(&envelope(i64::from(id), UNBIND, &[])).map(|message| message.id), Ok(id));
    }
}

#[test]
fn every_kind_of_request_is_answered_in_kind() {
    for (tag, answer, response) in [
        (0x60, ResponseKind::Bind, 0x61),
        (0x63, ResponseKind::Search, 0x65),
        (0x66, ResponseKind::Modify, 0x67),
        (0x68, ResponseKind::Add, 0x69),
        (0x6c, ResponseKind::ModifyDn, 0x6d),
        (0x6e, ResponseKind::Compare, 0x6f),
        (0x77, ResponseKind::Extended, 0x78),
    ] {
        assert_eq!(problem(&envelope(9, &[tag, 2, 4, 9], &[])), (Some(9), Some(answer)));
        assert_eq!(answer.tag(), response);
    }
    // Every content of a delete request is a DN; only what follows can be wrong.
    assert_eq!(problem(&envelope(9, &[0x4a, 0, 0xa0, 1, 0], &[])), (Some(9), Some(ResponseKind::Delete)));
    assert_eq!(ResponseKind::Delete.tag(), 0x6b);
}

#[test]
fn requests_that_are_refused_anyway_must_be_well_formed() {
    let modify = element(0x66, &[&octets(b"cn=a"), &[0x30, 4, 0x30, 9, 1, 1]]);
    assert_eq!(problem(&envelope(1, &modify, &[])), (Some(1), Some(ResponseKind::Modify)));
}

#[test]
fn what_extensions_add_at_the_end_is_passed_over() {
    // RFC 4511, section 4.
    let compare =
        element(0x6e, &[&octets(b"cn=a"), &element(0x30, &[&octets(b"cn"), &octets(b"a"), &[0x85, 0]]), &[0x86, 0]]);
    let frame = element(0x30, &[&integer(2, 1), &compare, &[0xab, 0]]);
    assert!(matches!(decode(&frame).map(|message| message.request), Ok(Request::Compare(_))));
    let broken = element(0x30, &[&integer(2, 1), &compare, &[0xab, 2, 4, 9]]);
    assert_eq!(problem(&broken), (Some(1), Some(ResponseKind::Compare)));
}

#[test]
fn searches_have_bounds() {
    let all = [0x87, 11, b'o', b'b', b'j', b'e', b'c', b't', b'C', b'l', b'a', b's', b's'];
    assert!(decode(&envelope(1, &search(&all, ATTRIBUTES_MAX), &[])).is_ok());
    assert_eq!(problem(&envelope(1, &search(&all, ATTRIBUTES_MAX + 1), &[])), (Some(1), Some(ResponseKind::Search)));
    let fields = |scope, deref, size, time| {
        let parts: [&[u8]; 8] = [
            &octets(b""),
            &integer(10, scope),
            &integer(10, deref),
            &integer(2, size),
            &integer(2, time),
            &[1, 1, 0],
            &all,
            &[0x30, 0],
        ];
        envelope(1, &element(0x63, &parts), &[])
    };
    assert!(decode(&fields(3, 3, 2_147_483_647, 0)).is_ok());
    for (scope, deref, size, time) in
        [(4, 0, 0, 0), (-1, 0, 0, 0), (0, 4, 0, 0), (0, 0, -1, 0), (0, 0, 0, -1), (0, 0, 2_147_483_648, 0)]
    {
        assert_eq!(problem(&fields(scope, deref, size, time)), (Some(1), Some(ResponseKind::Search)));
    }
}

#[test]
fn odd_filters_are_refused() {
    let cases: [&[u8]; 12] = [
        &[],
        &[0xaa, 0],                                  // no such kind
        &[0x80, 0],                                  // And, but primitive
        &[0xa2, 0],                                  // not nothing
        &[0xa2, 4, 0x87, 0, 0x87, 0],                // not two things
        &[0xa3, 2, 4, 0],                            // no value
        &[0xa4, 4, 4, 0, 0x30, 0],                   // no pieces
        &[0xa4, 8, 4, 0, 0x30, 4, 0x82, 0, 0x81, 0], // something after the last
        &[0xa4, 8, 4, 0, 0x30, 4, 0x81, 0, 0x80, 0], // the first is not first
        &[0xa4, 8, 4, 0, 0x30, 4, 0x82, 0, 0x82, 0], // two last
        &[0xa9, 2, 0x83, 0],                         // neither rule nor attribute
        &[0xa9, 7, 0x82, 0, 0x83, 0, 0x84, 1],       // a flag without value
    ];
    for filter in cases {
        assert_eq!(problem(&envelope(1, &search(filter, 0), &[])), (Some(1), Some(ResponseKind::Search)), "{filter:?}");
    }
}

#[test]
fn absolute_filters_have_no_parts() {
    // RFC 4526.
    for (tag, expected) in [(0xa0, Filter::And(vec![])), (0xa1, Filter::Or(vec![]))] {
        let frame = envelope(1, &search(&[tag, 0], 0), &[]);
        let Ok(Message { request: Request::Search(search), .. }) = decode(&frame) else { panic!() };
        assert_eq!(search.filter, expected);
    }
}

#[test]
fn controls_are_recognized() {
    let decoded = |controls: &[Vec<u8>]| {
        let frame = envelope(1, UNBIND, controls).leak();
        decode(frame).map(|message| message.controls)
    };
    let paged = |value: &[u8]| control(b"1.2.840.113556.1.4.319", None, Some(value));
    let page = paged(&[0x30, 5, 2, 1, 100, 4, 0]);
    let controls = decoded(std::slice::from_ref(&page)).unwrap();
    assert_eq!(controls.paged.map(|paged| (paged.size, paged.cookie)), Some((100, &b""[..])));
    assert!(!controls.malformed && !controls.unknown_critical);
    for odd in [&[0x30, 5, 2, 1, 0xff, 4, 0][..], &[0x30, 3, 2, 1, 1], &[0x30, 5, 2, 1, 1, 4, 0, 0], &[]] {
        assert!(decoded(&[paged(odd)]).unwrap().malformed, "{odd:?}");
    }
    assert!(decoded(&[control(b"1.2.840.113556.1.4.319", None, None)]).unwrap().malformed);
    assert!(decoded(&[page.clone(), page.clone()]).unwrap().malformed);

    let known = decoded(&[control(b"2.16.840.1.113730.3.4.2", Some(true), None), control(b"1.1", None, None)]).unwrap();
    assert_eq!(known, crate::ldap::control::Controls::default());
    let unknown =
        [control(b"1.1", Some(false), None), control(b"1.2", Some(true), None), control(b"1.3", Some(true), None)];
    let unknown = decoded(&unknown).unwrap();
    assert!(unknown.unknown_critical);
    assert_eq!(unknown.unknown_oid, Some(&b"1.2"[..]));

    let many = |count| vec![control(b"1.1", None, None); count];
    assert!(decoded(&many(CONTROLS_MAX)).is_ok());
    assert!(decoded(&many(CONTROLS_MAX + 1)).is_err());
    assert!(decoded(&[vec![0x30, 0]]).is_err());
}

proptest! {
    #[test]
    fn messages_come_back(message in any_message()) {
        let frame = encoder::message(&message);
        prop_assert_eq!(decode(&frame), Ok(message));
    }
}
