//! Answers, read back.

use proptest::prelude::*;

use crate::ldap::{
    answer::{EntryWriter, disconnection, extended, result, search_done},
    ber::{Reader, SEQUENCE, SET, check},
    message::ResponseKind,
    result::{LdapResult, ResultCode},
};

type Entry = (i64, Vec<u8>, Vec<(String, Vec<Vec<u8>>)>);

fn read_entry(reader: &mut Reader<'_>) -> Entry {
    let mut envelope = reader.nested(SEQUENCE).unwrap();
    let id = envelope.integer().unwrap();
    let mut entry = envelope.nested(0x64).unwrap();
    envelope.end().unwrap();
    let dn = entry.octets().unwrap().to_vec();
    let mut list = entry.nested(SEQUENCE).unwrap();
    entry.end().unwrap();
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let mut attribute = list.nested(SEQUENCE).unwrap();
        let name = String::from_utf8(attribute.octets().unwrap().to_vec()).unwrap();
        let mut set = attribute.nested(SET).unwrap();
        attribute.end().unwrap();
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.octets().unwrap().to_vec());
        }
        attributes.push((name, values));
    }
    (id, dn, attributes)
}

fn write_entry(out: &mut Vec<u8>, (id, dn, attributes): &Entry) {
    let mut entry = EntryWriter::begin(out, i32::try_from(*id).unwrap(), dn);
    for (name, values) in attributes {
        entry.attribute(name);
        for value in values {
            entry.value(value);
        }
    }
    entry.end();
}

#[test]
fn results_are_as_short_as_they_can_be() {
    let mut out = Vec::new();
    result(&mut out, 1, ResponseKind::Bind, &LdapResult::success());
    assert_eq!(out, b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00");
    out.clear();
    let missing = LdapResult { code: ResultCode::NoSuchObject, matched_dn: "dc=io", message: "no" };
    search_done(&mut out, 300, &missing, None);
    assert_eq!(out, b"\x30\x14\x02\x02\x01\x2c\x65\x0e\x0a\x01\x20\x04\x05dc=io\x04\x02no");
}

#[test]
fn a_page_ends_with_its_cookie() {
    // RFC 2696, section 2.
    let mut out = Vec::new();
    search_done(&mut out, 1, &LdapResult::success(), Some((1000, b"next")));
    let mut envelope = Reader::new(&out).nested(SEQUENCE).unwrap();
    assert_eq!(envelope.integer(), Ok(1));
    assert_eq!(envelope.expect(0x65).map(<[u8]>::len), Ok(7));
    let mut control = envelope.nested(0xa0).unwrap().nested(SEQUENCE).unwrap();
    assert_eq!(control.octets(), Ok(&b"1.2.840.113556.1.4.319"[..]));
    let mut page = Reader::new(control.octets().unwrap()).nested(SEQUENCE).unwrap();
    assert_eq!((page.integer(), page.octets()), (Ok(1000), Ok(&b"next"[..])));
    assert!(envelope.is_empty() && control.is_empty() && page.is_empty());
}

#[test]
fn extended_answers_have_a_name_and_a_value() {
    let mut out = Vec::new();
    extended(&mut out, 5, &LdapResult::success(), Some("1.2"), Some(b"dn:"));
    assert_eq!(out, b"\x30\x16\x02\x01\x05\x78\x11\x0a\x01\x00\x04\x00\x04\x00\x8a\x031.2\x8b\x03dn:");
    out.clear();
    extended(&mut out, 5, &LdapResult::success(), None, None);
    assert_eq!(out, b"\x30\x0c\x02\x01\x05\x78\x07\x0a\x01\x00\x04\x00\x04\x00");
}

#[test]
fn the_notice_of_disconnection_has_number_0() {
    // RFC 4511, section 4.4.1.
    let mut out = Vec::new();
    disconnection(&mut out, ResultCode::ProtocolError, "no LDAP");
    assert_eq!(out, b"\x30\x2b\x02\x01\x00\x78\x26\x0a\x01\x02\x04\x00\x04\x07no LDAP\x8a\x161.3.6.1.4.1.1466.20036");
}

#[test]
fn entries_are_read_back_one_after_the_other() {
    let entries: [Entry; 3] = [
        (
            1,
            b"cn=a".to_vec(),
            vec![
                ("cn".into(), vec![b"a".to_vec()]),
                ("mail".into(), vec![]),
                ("x".into(), vec![vec![0; 200], vec![1; 70_000]]),
            ],
        ),
        (2_147_483_647, vec![], vec![]),
        (3, vec![b'x'; 500], vec![("member".into(), (0..100_000).map(|n| format!("cn={n}").into_bytes()).collect())]),
    ];
    let mut out = Vec::new();
    for entry in &entries {
        write_entry(&mut out, entry);
    }
    assert_eq!(check(&out), Ok(()));
    let mut reader = Reader::new(&out);
    for entry in entries {
        assert!(read_entry(&mut reader) == entry);
    }
    assert!(reader.is_empty());
}

#[test]
fn an_entry_taken_back_leaves_nothing() {
    let mut out = vec![1, 2, 3];
    let mut entry = EntryWriter::begin(&mut out, 1, b"cn=a");
    // Before an attribute has begun there is nothing to add a value to.
    entry.value(b"nowhere");
    entry.attribute("cn");
    entry.value(b"a");
    entry.discard();
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn codes_are_those_of_the_rfc() {
    for (code, number) in [
        (ResultCode::Success, 0),
        (ResultCode::CompareFalse, 5),
        (ResultCode::CompareTrue, 6),
        (ResultCode::NoSuchObject, 32),
        (ResultCode::InvalidCredentials, 49),
        (ResultCode::UnwillingToPerform, 53),
        (ResultCode::Other, 80),
    ] {
        assert_eq!(code.code(), number);
    }
}

proptest! {
    #[test]
    fn entries_come_back(
        id in 1_i64..=2_147_483_647,
        dn in proptest::collection::vec(any::<u8>(), 0..40),
        attributes in proptest::collection::vec(
            ("[a-z]{1,10}", proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..6)), 0..8),
    ) {
        let entry = (id, dn, attributes);
        let mut out = Vec::new();
        write_entry(&mut out, &entry);
        let mut reader = Reader::new(&out);
        prop_assert_eq!(read_entry(&mut reader), entry);
        prop_assert!(reader.is_empty());
    }
}
