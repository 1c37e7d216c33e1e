//! Distinguished names.

use proptest::prelude::*;

use crate::ldap::dn::{DN_MAX, Dn, DnError, RDNS_MAX, Rdn, escape, normalize_value, parse};

fn normalized(text: &str) -> String {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")).normalized()
}

#[test]
fn the_examples_of_rfc_4514_section_4_are_read() {
    for (text, expected) in [
        ("UID=jsmith,DC=example,DC=net", "uid=jsmith,dc=example,dc=net"),
        ("OU=Sales+CN=J.  Smith,DC=example,DC=net", "cn=j. smith+ou=sales,dc=example,dc=net"),
        (r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#, r#"cn=james \"jim\" smith\, iii,dc=example,dc=net"#),
        (r"CN=Before\0dAfter,DC=example,DC=net", r"cn=before after,dc=example,dc=net"),
        ("1.3.6.1.4.1.1466.0=#04024869", "1.3.6.1.4.1.1466.0=hi"),
        (r"CN=Lu\C4\8Di\C4\87", "cn=lučić"),
    ] {
        assert_eq!(normalized(text), expected, "{text}");
    }
    let dn = parse(br#"CN=James \"Jim\" Smith\, III+SN=Smith,DC=example"#).unwrap();
    let [leaf, dc] = dn.rdns() else { panic!("{dn:?}") };
    assert_eq!(
        leaf.pairs(),
        [("CN".to_owned(), r#"James "Jim" Smith, III"#.to_owned()), ("SN".to_owned(), "Smith".to_owned())]
    );
    assert_eq!(dc.pairs(), [("DC".to_owned(), "example".to_owned())]);
    assert_eq!(dn.to_string(), r#"CN=James \"Jim\" Smith\, III+SN=Smith,DC=example"#);
}

#[test]
fn spellings_of_one_name_are_equal() {
    let spellings = [
        "cn=Alice  Smith,ou=users,dc=example",
        " CN = alice smith , OU=Users,DC=EXAMPLE ",
        "commonName=ALICE SMITH,organizationalUnitName=users,domainComponent=example",
        "2.5.4.3=alice\\20smith,2.5.4.11=u\\73ers,0.9.2342.19200300.100.1.25=example",
        r"cn=\61lice smith\ ,ou=users,dc=example",
        "cn=#040b616c69636520736d697468,ou=#0c057573657273 ,dc=example",
    ];
    for spelling in spellings {
        let spelling = spelling.replace("\\\\", "\\");
        assert_eq!(normalized(&spelling), "cn=alice smith,ou=users,dc=example", "{spelling}");
        assert_eq!(parse(spelling.as_bytes()), parse(spellings[0].as_bytes()));
    }
    assert_eq!(normalized("b=2+a=1"), normalized("A=1+B=2"));
}

#[test]
fn different_names_stay_different() {
    for (left, right) in [
        (r"cn=a\,ou=users", "cn=a,ou=users"),
        (r"cn=a\+sn=b", "cn=a+sn=b"),
        ("cn=ab", "cn=a b"),
        ("cn=a", "ou=a"),
        ("cn=a,ou=b", "ou=b,cn=a"),
        ("cn=\u{fb01}x", "cn=fix"),
    ] {
        assert_ne!(normalized(left), normalized(right));
        assert_ne!(parse(left.as_bytes()), parse(right.as_bytes()));
    }
}

#[test]
fn what_is_no_dn_is_refused() {
    let cases: [(&[u8], DnError); 22] = [
        (b"alice", DnError::Type),
        (b"=alice", DnError::Type),
        (b"c n=alice", DnError::Type),
        (b"1.=alice", DnError::Type),
        (b"1a=alice", DnError::Type),
        (b"-a=alice", DnError::Type),
        ("ä=alice".as_bytes(), DnError::Type),
        (b"cn=a,", DnError::Type),
        (b"cn=a+", DnError::Type),
        (b",cn=a", DnError::Type),
        (b"cn=a,,dc=b", DnError::Type),
        (b"cn=a\\", DnError::Value),
        (b"cn=a\\x", DnError::Value),
        (b"cn=\\4", DnError::Value),
        (b"cn=a\0", DnError::Value),
        (b"cn=\"a\"", DnError::Value),
        (b"cn=a;ou=b", DnError::Value),
        (b"cn=#", DnError::Value),
        (b"cn=#0402", DnError::Value),
        (b"cn=#04024869zz", DnError::Value),
        (b"cn=\\ff", DnError::Encoding),
        (b"cn=\xff", DnError::Encoding),
    ];
    for (text, error) in cases {
        assert_eq!(parse(text), Err(error), "{}", text.escape_ascii());
    }
}

#[test]
fn long_names_are_refused() {
    let long = |length: usize| format!("cn={}", "a".repeat(length - 3));
    assert!(parse(long(DN_MAX).as_bytes()).is_ok());
    assert_eq!(parse(long(DN_MAX + 1).as_bytes()), Err(DnError::TooLong));
    let deep = |rdns: usize| vec!["a=1"; rdns].join(",");
    assert!(parse(deep(RDNS_MAX).as_bytes()).is_ok());
    assert_eq!(parse(deep(RDNS_MAX + 1).as_bytes()), Err(DnError::TooLong));
}

#[test]
fn the_tree_is_walked_from_leaf_to_root() {
    let user = parse(b"cn=alice,ou=users,dc=example").unwrap();
    let base = parse(b"OU=Users,DC=Example").unwrap();
    assert!(user.ends_with(&base) && user.ends_with(&user) && user.ends_with(&Dn::default()));
    assert!(!base.ends_with(&user) && !user.ends_with(&parse(b"ou=users").unwrap()));
    assert_eq!(user.parent(), Some(base));
    assert_eq!(parse(b"dc=example").unwrap().parent(), parse(b"").ok());
    assert_eq!(Dn::default().parent(), None);
    assert!(parse(b"  ").unwrap().is_empty());
    assert_eq!(parse(b"").unwrap().normalized(), "");
}

#[test]
fn values_are_escaped_as_the_rfc_says() {
    for (value, escaped) in [
        ("Alice", "Alice"),
        ("#1", r"\#1"),
        ("a#1", "a#1"),
        (" a ", r"\ a\ "),
        (" ", r"\ "),
        (r#"a+b,c;<d>"\"#, r#"a\+b\,c\;\<d\>\"\\"#),
        ("a\0\n", r"a\00\0A"),
        ("a=b", "a=b"),
        ("Lučić", "Lučić"),
    ] {
        assert_eq!(escape(value), escaped);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_text_panics(text in r#"(cn|ou|2\.5\.4\.3| |=|,|\+|#|\\|"|;|[0-9a-f]{2}|.){0,40}"#) {
        if let Ok(dn) = parse(text.as_bytes()) {
            prop_assert_eq!(&parse(dn.to_string().as_bytes()), &Ok(dn.clone()));
            let again = parse(dn.normalized().as_bytes()).map(|dn| dn.normalized());
            prop_assert_eq!(again, Ok(dn.normalized()));
        }
    }

    #[test]
    fn escaped_values_come_back(value in r#"([ #+"\\<>;=,\x00\r\n]|.){0,60}"#, parent in "[a-z]{0,5}") {
        let text = format!("cn={},o={}", escape(&value), escape(&parent));
        let dn = parse(text.as_bytes()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let values: Vec<_> = dn.rdns().iter().flat_map(Rdn::pairs).map(|(_, value)| value.clone()).collect();
        prop_assert_eq!(values, [value, parent]);
    }

    #[test]
    fn normalizing_twice_changes_nothing(value in any::<String>()) {
        let once = normalize_value(&value);
        prop_assert_eq!(normalize_value(&once), once);
    }
}
