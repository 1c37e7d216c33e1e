//! Requests as clients encode them.

use proptest::prelude::*;

use crate::ldap::{
    control::{Controls, Paged},
    filter::Filter,
    message::{Authentication, BindRequest, CompareRequest, ExtendedRequest, Message, Request},
    search::{Deref, Scope, SearchRequest},
};

/// An element.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        short @ ..128 => out.push(u8::try_from(short).unwrap()),
        long => {
            out.push(0x83);
            out.extend_from_slice(&u32::try_from(long).unwrap().to_be_bytes()[1..]);
        }
    }
    out.extend(content);
    out
}

pub(super) fn octets(value: &[u8]) -> Vec<u8> {
    element(4, &[value])
}

pub(super) fn integer(tag: u8, value: i64) -> Vec<u8> {
    element(tag, &[&value.to_be_bytes()])
}

fn optional(tag: u8, value: Option<&[u8]>) -> Vec<u8> {
    value.map(|value| element(tag, &[value])).unwrap_or_default()
}

pub(super) fn filter(filter: &Filter<'_>) -> Vec<u8> {
    let all = |parts: &[Filter<'_>]| parts.iter().flat_map(self::filter).collect::<Vec<u8>>();
    let assertion = |tag, attribute, value| element(tag, &[&octets(attribute), &octets(value)]);
    match filter {
        Filter::And(parts) => element(0xa0, &[&all(parts)]),
        Filter::Or(parts) => element(0xa1, &[&all(parts)]),
        Filter::Not(part) => element(0xa2, &[&self::filter(part)]),
        Filter::Equality { attribute, value } => assertion(0xa3, attribute, value),
        Filter::Substrings { attribute, initial, any, last } => {
            let any: Vec<u8> = any.iter().flat_map(|piece| element(0x81, &[piece])).collect();
            let pieces = element(0x30, &[&optional(0x80, *initial), &any, &optional(0x82, *last)]);
            element(0xa4, &[&octets(attribute), &pieces])
        }
        Filter::GreaterOrEqual { attribute, value } => assertion(0xa5, attribute, value),
        Filter::LessOrEqual { attribute, value } => assertion(0xa6, attribute, value),
        Filter::Present(attribute) => element(0x87, &[attribute]),
        Filter::Approx { attribute, value } => assertion(0xa8, attribute, value),
        Filter::Extensible { rule, attribute, value, dn_attributes } => {
            let flag = if *dn_attributes { element(0x84, &[&[0xff]]) } else { Vec::new() };
            element(0xa9, &[&optional(0x81, *rule), &optional(0x82, *attribute), &element(0x83, &[value]), &flag])
        }
    }
}

fn search(search: &SearchRequest<'_>) -> Vec<u8> {
    let scope = [Scope::Base, Scope::One, Scope::Subtree, Scope::Children].iter().position(|s| *s == search.scope);
    let deref = [Deref::Never, Deref::Searching, Deref::Finding, Deref::Always].iter().position(|d| *d == search.deref);
    let attributes: Vec<u8> = search.attributes.iter().flat_map(|name| octets(name)).collect();
    let number = |index: Option<usize>| i64::try_from(index.unwrap()).unwrap();
    element(
        0x63,
        &[
            &octets(search.base),
            &integer(0x0a, number(scope)),
            &integer(0x0a, number(deref)),
            &integer(2, i64::from(search.size_limit)),
            &integer(2, i64::from(search.time_limit)),
            &element(1, &[&[u8::from(search.types_only)]]),
            &filter(&search.filter),
            &element(0x30, &[&attributes]),
        ],
    )
}

pub(super) fn request(request: &Request<'_>) -> Vec<u8> {
    match request {
        Request::Bind(bind) => {
            let authentication = match bind.authentication {
                Authentication::Simple(password) => element(0x80, &[password]),
                Authentication::Sasl { mechanism } => element(0xa3, &[&octets(mechanism), &octets(b"secret")]),
                Authentication::Other(tag) => element(tag, &[]),
            };
            element(0x60, &[&integer(2, bind.version), &octets(bind.name), &authentication])
        }
        Request::Unbind => element(0x42, &[]),
        Request::Search(request) => search(request),
        Request::Compare(compare) => {
            let assertion = element(0x30, &[&octets(compare.attribute), &octets(compare.value)]);
            element(0x6e, &[&octets(compare.entry), &assertion])
        }
        Request::Abandon(id) => integer(0x50, i64::from(*id)),
        Request::Extended(extended) => {
            element(0x77, &[&element(0x80, &[extended.name]), &optional(0x81, extended.value)])
        }
        Request::Add(dn) => element(0x68, &[&octets(dn), &element(0x30, &[])]),
        Request::Modify(dn) => element(0x66, &[&octets(dn), &element(0x30, &[&element(0x30, &[])])]),
        Request::Delete(dn) => element(0x4a, &[dn]),
        Request::ModifyDn(dn) => element(0x6c, &[&octets(dn), &octets(b"cn=x"), &element(1, &[&[0xff]])]),
    }
}

pub(super) fn control(oid: &[u8], critical: Option<bool>, value: Option<&[u8]>) -> Vec<u8> {
    let critical = critical.map(|critical| element(1, &[&[u8::from(critical) * 255]])).unwrap_or_default();
    element(0x30, &[&octets(oid), &critical, &optional(4, value)])
}

/// A message of these parts.
pub(super) fn envelope(id: i64, request: &[u8], controls: &[Vec<u8>]) -> Vec<u8> {
    let controls = if controls.is_empty() { Vec::new() } else { element(0xa0, &[&controls.concat()]) };
    element(0x30, &[&integer(2, id), request, &controls])
}

pub(super) fn message(message: &Message<'_>) -> Vec<u8> {
    let paged = message.controls.paged.map(|paged| {
        let value = element(0x30, &[&integer(2, i64::from(paged.size)), &octets(paged.cookie)]);
        control(b"1.2.840.113556.1.4.319", Some(true), Some(&value))
    });
    let unknown = message.controls.unknown_oid.map(|oid| control(oid, Some(true), None));
    let controls: Vec<_> = paged.into_iter().chain(unknown).collect();
    envelope(i64::from(message.id), &request(&message.request), &controls)
}

fn bytes() -> impl Strategy<Value = &'static [u8]> + Clone {
    proptest::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| &*bytes.leak())
}

fn maybe() -> impl Strategy<Value = Option<&'static [u8]>> + Clone {
    proptest::option::of(bytes())
}

fn any_filter() -> impl Strategy<Value = Filter<'static>> {
    let item = prop_oneof![
        (bytes(), bytes()).prop_map(|(attribute, value)| Filter::Equality { attribute, value }),
        (bytes(), bytes()).prop_map(|(attribute, value)| Filter::GreaterOrEqual { attribute, value }),
        (bytes(), bytes()).prop_map(|(attribute, value)| Filter::LessOrEqual { attribute, value }),
        (bytes(), bytes()).prop_map(|(attribute, value)| Filter::Approx { attribute, value }),
        bytes().prop_map(Filter::Present),
        (bytes(), bytes(), proptest::collection::vec(bytes(), 0..3), maybe()).prop_map(
            |(attribute, initial, any, last)| Filter::Substrings { attribute, initial: Some(initial), any, last }
        ),
        (maybe(), bytes(), bytes(), any::<bool>()).prop_map(|(rule, attribute, value, dn_attributes)| {
            Filter::Extensible { rule, attribute: Some(attribute), value, dn_attributes }
        }),
    ];
    item.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn any_search() -> impl Strategy<Value = Request<'static>> {
    let scope = prop_oneof![Just(Scope::Base), Just(Scope::One), Just(Scope::Subtree), Just(Scope::Children)];
    let deref = prop_oneof![Just(Deref::Never), Just(Deref::Searching), Just(Deref::Finding), Just(Deref::Always)];
    let limit = || 0..=2_147_483_647_u32;
    let attributes = proptest::collection::vec(bytes(), 0..5);
    (bytes(), scope, deref, (limit(), limit()), any::<bool>(), any_filter(), attributes).prop_map(
        |(base, scope, deref, (size_limit, time_limit), types_only, filter, attributes)| {
            Request::Search(SearchRequest {
                base,
                scope,
                deref,
                size_limit,
                time_limit,
                types_only,
                filter,
                attributes,
            })
        },
    )
}

/// Any request at all.
pub(super) fn any_request() -> impl Strategy<Value = Request<'static>> {
    let authentication = prop_oneof![
        bytes().prop_map(Authentication::Simple),
        bytes().prop_map(|mechanism| Authentication::Sasl { mechanism }),
        (0x84_u8..0x90).prop_map(Authentication::Other),
    ];
    let bind = (any::<i64>(), bytes(), authentication)
        .prop_map(|(version, name, authentication)| Request::Bind(BindRequest { version, name, authentication }));
    let compare = (bytes(), bytes(), bytes())
        .prop_map(|(entry, attribute, value)| Request::Compare(CompareRequest { entry, attribute, value }));
    prop_oneof![
        4 => any_search(),
        2 => bind,
        1 => compare,
        1 => (bytes(), maybe()).prop_map(|(name, value)| Request::Extended(ExtendedRequest { name, value })),
        1 => Just(Request::Unbind),
        1 => any::<i32>().prop_map(Request::Abandon),
        1 => bytes().prop_map(Request::Add),
        1 => bytes().prop_map(Request::Modify),
        1 => bytes().prop_map(Request::Delete),
        1 => bytes().prop_map(Request::ModifyDn),
    ]
}

/// Any message at all.
pub(super) fn any_message() -> impl Strategy<Value = Message<'static>> {
    let paged =
        proptest::option::of((0..=2_147_483_647_u32, bytes()).prop_map(|(size, cookie)| Paged { size, cookie }));
    let unknown = proptest::option::of(Just(&b"1.2.3.4"[..]));
    (1..=i32::MAX, any_request(), paged, unknown).prop_map(|(id, request, paged, unknown_oid)| Message {
        id,
        request,
        controls: Controls { paged, unknown_critical: unknown_oid.is_some(), unknown_oid, malformed: false },
    })
}

/// A search of everything below `base`, by an encoded filter and encoded names of attributes.
pub(super) fn search_for(base: &[u8], filter: &[u8], names: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 8] = [
        &octets(base),
        &integer(10, 2),
        &integer(10, 0),
        &integer(2, 0),
        &integer(2, 0),
        &[1, 1, 0],
        filter,
        &element(0x30, &[names]),
    ];
    element(0x63, &parts)
}
