use super::*;
use crate::{ldap::view::Reader, snapshot::LdapClient};
use doorward_core::{
    application::{Application, ApplicationProfile},
    clock::{Clock, from_millis},
    group::{Group, GroupGraph, GroupProfile},
    id::{ApplicationId, LdapProviderId, UserId},
    ldap_provider::{DEFAULT_BASE_DN, LdapProfile, LdapProvider, UidSource},
    user::{User, UserProfile},
};
use doorward_protocols::ldap::{dn, filter::Filter, search::Deref};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

use super::super::{
    directory::{group_tree::GroupTree, person::Person},
    entry::Entry,
};

/// Twenty people with few different values, so that filters find some and not all: every third has attributes that take
/// the place of others, one in four has no name.
fn directory(groups: &[Group]) -> Directory {
    let clock = Clock::fixed(from_millis(1_767_323_045_678));
    let people = (0..20_i64).map(|number| {
        let mut profile = UserProfile::named(format!("{}{number}", ["al", "bo", "ca"][usize::try_from(number % 3).unwrap()]));
        if number % 4 != 0 {
            profile.name = format!("Name {}", number % 5);
        }
        profile.email = format!("m{}@example.org", number % 6);
        if number % 3 == 0 {
            let attributes = json!({ "mail": format!("own{number}@example.org"), "uidNumber": 2000 + number % 4, "room": ["1", "2"] });
            profile.attributes = attributes.as_object().unwrap().clone();
        }
        let (id, uid) = (UserId::new(&clock), format!("hash{number}"));
        let user = User { id, pk: number + 1, uid, profile, created_at: clock.now(), updated_at: clock.now() };
        let direct = groups.iter().enumerate().filter(|(at, _)| number % 7 == i64::try_from(*at).unwrap());
        let mut direct: Vec<GroupId> = direct.map(|(_, group)| group.id).collect();
        direct.sort_unstable();
        Person::new(user, direct, 1)
    });
    Directory::of(people)
}

/// g2 is below g1, g1 below g0; g3 stands alone and is empty of people.
fn groups() -> Vec<Group> {
    let clock = Clock::system();
    let mut made: Vec<Group> = Vec::new();
    for number in 0..4_i64 {
        let mut profile = GroupProfile::named(format!("g{number}"));
        if number == 1 || number == 2 {
            profile.parents.extend(made.last().map(|group| group.id));
        }
        made.push(Group { id: GroupId::new(&clock), pk: number + 1, profile, created_at: clock.now() });
    }
    made
}

fn view(groups: &[Group], nested: bool, uid_source: UidSource, reader: Reader) -> View {
    let clock = Clock::system();
    let id = ApplicationId::new(&clock);
    let application = Application { id, profile: ApplicationProfile::new("a", "A"), created_at: clock.now() };
    let mut profile = LdapProfile::new(DEFAULT_BASE_DN);
    (profile.nested_groups, profile.uid_source) = (nested, uid_source);
    let provider = LdapProvider { id: LdapProviderId::new(&clock), application: id, profile };
    let tree = Arc::new(GroupTree::new(&GroupGraph::new(groups.iter().cloned()), 1));
    View::new(Arc::new(LdapClient::new(application, provider)), tree, reader)
}

const ATTRIBUTES: [&str; 20] = [
    "objectClass",
    "cn",
    "uid",
    "mail",
    "displayName",
    "name",
    "gecos",
    "uidNumber",
    "gidNumber",
    "memberOf",
    "member",
    "uniqueMember",
    "memberUid",
    "room",
    "nonsense",
    "sAMAccountName",
    "entryDN",
    "ou",
    "sn",
    "ak-superuser",
];
const VALUES: [&str; 18] = [
    "al0",
    "AL3",
    "hash4",
    "m1@example.org",
    "own3@example.org",
    "Name 2",
    "2001",
    "2003",
    "4002",
    "person",
    "group",
    "cn=g0,ou=groups,dc=ldap,dc=goauthentik,dc=io",
    "cn=g2,ou=groups,dc=ldap,dc=goauthentik,dc=io",
    "cn=bo1,ou=users,dc=ldap,dc=goauthentik,dc=io",
    "1",
    "users",
    "g1",
    "FALSE",
];

fn filters() -> impl Strategy<Value = Filter<'static>> {
    let attribute = || prop::sample::select(&ATTRIBUTES[..]).prop_map(str::as_bytes);
    let value = || prop::sample::select(&VALUES[..]).prop_map(str::as_bytes);
    let leaf = prop_oneof![
        4 => (attribute(), value()).prop_map(|(attribute, value)| Filter::Equality { attribute, value }),
        1 => attribute().prop_map(Filter::Present),
        1 => (attribute(), value()).prop_map(|(attribute, value)| Filter::GreaterOrEqual { attribute, value }),
        1 => (attribute(), value()).prop_map(|(attribute, value)| Filter::Substrings {
            attribute, initial: value.get(..1), any: vec![], last: None
        }),
        1 => (attribute(), value()).prop_map(|(attribute, value)| Filter::Extensible {
            rule: Some(b"1.2.840.113556.1.4.1941"), attribute: Some(attribute), value, dn_attributes: value.len() < 6
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn request(filter: Filter<'_>) -> SearchRequest<'_> {
    SearchRequest {
        base: b"",
        scope: Scope::Subtree,
        deref: Deref::Never,
        size_limit: 0,
        time_limit: 0,
        types_only: false,
        filter,
        attributes: vec![b"1.1"],
    }
}

/// What a search writes, in one go or in pages.
fn answer(directory: &Directory, view: &View, filter: &Filter<'_>, page: Option<u32>) -> Vec<u8> {
    let (mut out, mut cookie) = (Vec::new(), Vec::new());
    loop {
        let request = request(filter.clone());
        let mut search = Search::new(&request, &Place::Base, view.clone(), &directory.people()).unwrap();
        if let Some(size) = page {
            search.page(size, &cookie).unwrap();
        }
        let end = loop {
            match search.advance(1, directory, &mut out) {
                Progress::More => {}
                Progress::Done(code, next) => {
                    assert_eq!(code, ResultCode::Success);
                    break next.unwrap_or_default();
                }
            }
        };
        cookie = end;
        if cookie.is_empty() {
            return out;
        }
    }
}

/// What looking at every entry finds, in the same order.
fn looked_through(directory: &Directory, view: &View, filter: &Filter<'_>) -> Vec<u8> {
    let people = directory.people();
    let test = Test::new(filter, Lookup { people: &people, view });
    let persons: Vec<_> = people.after(0).filter(|person| view.shows_user(person.id)).cloned().collect();
    let groups: Vec<_> = view.groups.after(0).filter(|node| view.shows_group(node.group.id)).collect();
    drop(people);
    let mut entries = vec![Entry::Base];
    entries.extend(Kind::ALL.map(Entry::Container));
    entries.extend(persons.iter().map(|person| Entry::User(person)));
    entries.extend(groups.iter().map(|node| Entry::Group(node)));
    entries.extend(persons.iter().map(|person| Entry::VirtualGroup(person)));
    let (mut out, selection) = (Vec::new(), Selection::new(&[b"1.1"], false));
    for entry in entries.iter().filter(|entry| test.passes(entry, view) == Some(true)) {
        selection.write(1, entry, view, directory, &mut out);
    }
    out
}

proptest! {
    /// The indexes find what looking at every entry finds, for everybody who reads, in one answer or in pages.
    #[test]
    fn nothing_is_missed(filter in filters(), nested: bool, by_name: bool, page in 1_u32..9, reader in 0_i64..22) {
        let groups = groups();
        let directory = directory(&groups);
        let source = if by_name { UidSource::Username } else { UidSource::HashedUserId };
        let reader = directory.people().get(reader).map_or(Reader::Everything, |person| Reader::Only(person.clone()));
        let view = view(&groups, nested, source, reader);
        let expected = looked_through(&directory, &view, &filter);
        prop_assert_eq!(&answer(&directory, &view, &filter, None), &expected);
        prop_assert_eq!(&answer(&directory, &view, &filter, Some(page)), &expected);
    }
}

proptest! {
    /// However little may be gathered: whoever passes is among those a search looks at.
    #[test]
    fn a_plan_names_too_many_rather_than_too_few(filter in filters(), nested: bool, most in 0_usize..12) {
        let groups = groups();
        let directory = directory(&groups);
        let view = view(&groups, nested, UidSource::HashedUserId, Reader::Everything);
        let people = directory.people();
        let lookup = Lookup { people: &people, view: &view };
        let test = Test::new(&filter, lookup);
        for kind in [Kind::User, Kind::VirtualGroup] {
            let Candidates::These(found) = plan::people_within(most, &test, kind, lookup) else { continue };
            for person in people.after(0).filter(|person| !found.contains(&person.pk)) {
                let entry = if kind == Kind::User { Entry::User(person) } else { Entry::VirtualGroup(person) };
                prop_assert_ne!(test.passes(&entry, &view), Some(true));
            }
        }
    }
}

/// A filter of a thousand large groups takes no longer than one.
#[test]
fn a_plan_gathers_no_more_than_it_may() {
    let groups = groups();
    let directory = directory(&groups);
    let view = view(&groups, true, UidSource::Username, Reader::Everything);
    let people = directory.people();
    let lookup = Lookup { people: &people, view: &view };
    let group = || Filter::Equality { attribute: b"memberOf", value: b"cn=g0,ou=groups,dc=ldap,dc=goauthentik,dc=io" };
    let test = Test::new(&Filter::Or((0..1000).map(|_| group()).collect()), lookup);
    assert_eq!(plan::people_within(100, &test, Kind::User, lookup), Candidates::All);
    assert!(matches!(plan::people_within(10_000, &test, Kind::User, lookup), Candidates::These(_)));
    assert_eq!(test.weight(), 1001);
}

#[test]
fn cookies_read_back_and_others_are_refused() {
    assert_eq!(read_cookie(&write_cookie(3, 77)), Some((3, 77)));
    for wrong in [&b""[..], b"1", &[0; 10]] {
        assert_eq!(read_cookie(wrong), None);
    }
    let groups = groups();
    let directory = directory(&groups);
    let view = view(&groups, true, UidSource::Username, Reader::Everything);
    let request = request(Filter::Present(b"cn"));
    let mut search = Search::new(&request, &Place::Base, view, &directory.people()).unwrap();
    assert!(search.page(1, &write_cookie(200, 0)).is_err());
    assert!(dn::parse(DEFAULT_BASE_DN.as_bytes()).is_ok());
}

/// Many large groups come one by one when there is no room for all of them.
#[test]
fn what_finds_no_room_is_written_later() {
    let groups = groups();
    let directory = directory(&groups);
    let view = view(&groups, true, UidSource::Username, Reader::Everything);
    for filter in [Filter::Present(b"objectClass"), Filter::Equality { attribute: b"uid", value: b"al3" }] {
        let mut search =
            Search::new(&request(filter.clone()), &Place::Base, view.clone(), &directory.people()).unwrap();
        let mut out = vec![0; limits::CHUNK];
        while search.advance(1, &directory, &mut out) == Progress::More {}
        assert!(out.split_off(limits::CHUNK) == looked_through(&directory, &view, &filter));
    }
}
