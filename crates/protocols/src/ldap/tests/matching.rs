//! How values are compared.

use std::{borrow::Cow, cmp::Ordering};

use proptest::prelude::*;

use crate::ldap::{
    dn,
    matching::{Part, Rule, matches_substrings},
};

const RULES: [Rule; 8] =
    [Rule::CaseIgnore, Rule::CaseExact, Rule::Dn, Rule::Integer, Rule::Boolean, Rule::Octet, Rule::Oid, Rule::Time];

fn prepared(rule: Rule, value: &str) -> Option<String> {
    rule.prepare(value.as_bytes()).map(|value| String::from_utf8(value.into_owned()).unwrap())
}

#[test]
fn values_are_brought_into_one_form() {
    for (rule, value, expected) in [
        (Rule::CaseIgnore, "  Alice\t  SMITH ", Some("alice smith")),
        (Rule::CaseIgnore, "ÄÖÜ", Some("äöü")),
        (Rule::CaseIgnore, " ", Some("")),
        (Rule::CaseExact, " /bin/Bash ", Some("/bin/Bash")),
        (Rule::Dn, "CN=Alice , OU=Users", Some("cn=alice,ou=users")),
        (Rule::Dn, "", Some("")),
        (Rule::Dn, "alice", None),
        (Rule::Integer, "0042", Some("42")),
        (Rule::Integer, "-0042", Some("-42")),
        (Rule::Integer, "-0", Some("0")),
        (Rule::Integer, "", None),
        (Rule::Integer, "-", None),
        (Rule::Integer, "4 2", None),
        (Rule::Integer, "+42", None),
        (Rule::Boolean, "true", Some("TRUE")),
        (Rule::Boolean, "False", Some("FALSE")),
        (Rule::Boolean, "1", None),
        (Rule::Octet, " A ", Some(" A ")),
        (Rule::Oid, "inetOrgPerson", Some("inetorgperson")),
        (Rule::Oid, "2.16.840.1.113730.3.2.2", Some("inetorgperson")),
        (Rule::Oid, "1.2.3", Some("1.2.3")),
        (Rule::Oid, "goauthentik.io/ldap/user", Some("goauthentik.io/ldap/user")),
        (Rule::Oid, "", None),
        (Rule::Oid, "a b", None),
        (Rule::Time, "20260102030405Z", Some("20260102030405Z")),
        (Rule::Time, "202601020304Z", Some("20260102030400Z")),
        (Rule::Time, "2026010203Z", Some("20260102030000Z")),
        (Rule::Time, "20260102030405.500Z", Some("20260102030405.5Z")),
        (Rule::Time, "20260102030405,0Z", Some("20260102030405Z")),
        (Rule::Time, "20260101000000+0130", Some("20251231223000Z")),
        (Rule::Time, "20260101000000-05", Some("20260101050000Z")),
        (Rule::Time, "20260101000000", None),
        (Rule::Time, "20261301000000Z", None),
        (Rule::Time, "20260101000000Zulu", None),
        (Rule::Time, "20260101000000.5.5Z", None),
        (Rule::Time, "2026Z", None),
        (Rule::Time, "202601010000.5Z", None),
        (Rule::Time, "now", None),
    ] {
        assert_eq!(prepared(rule, value).as_deref(), expected, "{rule:?} {value:?}");
    }
    for rule in [Rule::CaseIgnore, Rule::CaseExact, Rule::Dn, Rule::Integer, Rule::Boolean, Rule::Oid, Rule::Time] {
        assert_eq!(rule.prepare(b"cn=\xff"), None, "{rule:?}");
    }
}

#[test]
fn what_is_prepared_already_is_not_copied() {
    for (rule, value) in [
        (Rule::CaseIgnore, "alice smith"),
        (Rule::CaseExact, "/bin/Bash"),
        (Rule::Dn, "cn=alice,ou=users,dc=ldap,dc=goauthentik,dc=io"),
        (Rule::Integer, "-42"),
        (Rule::Boolean, "true"),
        (Rule::Octet, "\0"),
        (Rule::Oid, "person"),
    ] {
        assert!(matches!(rule.prepare(value.as_bytes()), Some(Cow::Borrowed(_))), "{rule:?}");
    }
}

#[test]
fn numbers_and_times_are_in_order() {
    let order = |rule: Rule, a: &str, b: &str| {
        rule.order(&rule.prepare(a.as_bytes()).unwrap(), &rule.prepare(b.as_bytes()).unwrap())
    };
    for (rule, a, b) in [
        (Rule::Integer, "9", "10"),
        (Rule::Integer, "-10", "-9"),
        (Rule::Integer, "-1", "0"),
        (Rule::Integer, "99999999999999999999", "100000000000000000000"),
        (Rule::Time, "20260101000000Z", "20260101000000.5Z"),
        (Rule::Time, "20260101000000.5Z", "20260101000001Z"),
        (Rule::Time, "20260101000000+0100", "20260101000000Z"),
        (Rule::CaseIgnore, "Anna", "berta"),
    ] {
        assert_eq!(order(rule, a, b), Ordering::Less, "{a} {b}");
        assert_eq!(order(rule, b, a), Ordering::Greater, "{a} {b}");
        assert_eq!(order(rule, a, a), Ordering::Equal, "{a}");
    }
}

#[test]
fn spaces_inside_a_pattern_count() {
    let part = |value: &str, part| {
        let prepared = Rule::CaseIgnore.prepare_part(value.as_bytes(), part).unwrap();
        String::from_utf8(prepared.into_owned()).unwrap()
    };
    assert_eq!(part("  John  ", Part::Initial), "john ");
    assert_eq!(part("  John  ", Part::Any), " john ");
    assert_eq!(part("  John  ", Part::Last), " john");
    assert_eq!(part("  ", Part::Any), " ");
    assert_eq!(part("john", Part::Any), "john");
    for rule in [Rule::Dn, Rule::Integer, Rule::Boolean, Rule::Oid, Rule::Time] {
        assert_eq!(rule.prepare_part(b"a", Part::Any), None);
    }
}

#[test]
fn rules_are_known_by_name_and_number() {
    for (name, expected) in [
        ("caseIgnoreMatch", Some(Rule::CaseIgnore)),
        ("CASEIGNOREMATCH", Some(Rule::CaseIgnore)),
        ("2.5.13.2", Some(Rule::CaseIgnore)),
        ("2.5.13.5", Some(Rule::CaseExact)),
        ("2.5.13.1", Some(Rule::Dn)),
        ("1.2.840.113556.1.4.1941", Some(Rule::Dn)),
        ("2.5.13.14", Some(Rule::Integer)),
        ("2.5.13.13", Some(Rule::Boolean)),
        ("2.5.13.0", Some(Rule::Oid)),
        ("2.5.13.17", Some(Rule::Octet)),
        ("1.3.6.1.4.1.1466.109.114.1", Some(Rule::CaseExact)),
        ("1.3.6.1.4.1.1466.109.114.2", Some(Rule::CaseIgnore)),
        ("1.2.840.113556.1.4.803", None),
        ("", None),
    ] {
        assert_eq!(Rule::from_oid_or_name(name.as_bytes()), expected, "{name}");
    }
}

#[test]
fn pieces_match_in_order_without_overlap() {
    let matches = |value: &str, initial: &str, any: &[&str], last: &str| {
        matches_substrings(value.as_bytes(), Some(initial.as_bytes()), any, Some(last.as_bytes()))
    };
    assert!(matches("abcabc", "ab", &["ca"], "bc"));
    assert!(matches("abcabc", "", &["b", "b"], ""));
    assert!(matches("abc", "a", &[""], "c"));
    assert!(!matches("abcabc", "", &["b", "b", "b"], ""));
    assert!(!matches("abc", "ab", &[], "bc"));
    assert!(!matches("abc", "ab", &["b"], ""));
    assert!(!matches("abc", "", &["c"], "c"));
    assert!(!matches("abc", "b", &[], ""));
    assert!(!matches("abc", "", &["cb"], ""));
    assert!(!matches("ab", "", &["abc"], ""));
    let long = "x".repeat(50);
    assert!(matches(&format!("a{long}b"), "a", &[&long], "b"));
    assert!(!matches(&long, "x", &[&long], ""));
    assert!(matches_substrings(b"", None, &[] as &[&[u8]], None));
    assert!(matches_substrings(b"\xff\xfe", None, &[b"\xfe"], None));
}

/// Whether the value can be split into the pieces and anything between them.
fn slow(value: &[u8], pieces: &[&[u8]]) -> bool {
    match pieces {
        [] => true,
        [piece, rest @ ..] => {
            (0..=value.len()).any(|at| value[at..].starts_with(piece) && slow(&value[at + piece.len()..], rest))
        }
    }
}

proptest! {
    #[test]
    fn no_value_panics_and_preparing_twice_changes_nothing(
        value in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            "(20[0-9]{2}|[01][0-9]|Z|\\.|\\+|-|TRUE|cn=|ou=|,| |[A-Za-z0-9@.]){0,12}".prop_map(String::into_bytes),
            any::<String>().prop_map(String::into_bytes),
        ],
    ) {
        for rule in RULES {
            for part in [Part::Initial, Part::Any, Part::Last] {
                let _ = rule.prepare_part(&value, part);
            }
            if let Some(once) = rule.prepare(&value) {
                let twice = rule.prepare(&once);
                prop_assert_eq!(twice.as_deref(), Some(&*once), "{:?}", rule);
            }
        }
    }

    #[test]
    fn the_short_way_to_prepare_a_dn_agrees_with_the_long_one(
        text in "((cn|ou|dc|uid|o|CN|sn)=[a-z0-9@._A# -]{0,5}(,|, )){0,3}(cn|dc|=)[=,]?[a-z]{0,3}",
    ) {
        let long = dn::parse(text.as_bytes()).ok().map(|dn| dn.normalized());
        prop_assert_eq!(prepared(Rule::Dn, &text), long);
    }

    #[test]
    fn spellings_with_other_case_and_spaces_are_equal(words in proptest::collection::vec("[a-zA-Zäöü0-9]{1,5}", 1..4)) {
        let spelled = format!(" {}  ", words.join("   ")).to_uppercase();
        prop_assert_eq!(prepared(Rule::CaseIgnore, &spelled), prepared(Rule::CaseIgnore, &words.join(" ")));
    }

    #[test]
    fn substrings_agree_with_the_definition(value in "[ab]{0,12}", pieces in proptest::collection::vec("[ab]{0,3}", 0..4)) {
        let any: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
        prop_assert_eq!(matches_substrings(value.as_bytes(), None, &any, None), slow(value.as_bytes(), &any));
    }

    #[test]
    fn integers_are_ordered_by_value(a in any::<i64>(), b in any::<i64>()) {
        prop_assert_eq!(Rule::Integer.order(a.to_string().as_bytes(), b.to_string().as_bytes()), a.cmp(&b));
    }
}
