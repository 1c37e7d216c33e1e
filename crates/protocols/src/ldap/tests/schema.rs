//! The schema, as clients read it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::ldap::{
    matching::Rule,
    schema::{ATTRIBUTE_TYPES, AttributeType, attribute_types, find, ldap_syntaxes, matching_rules, object_classes},
};

/// A definition as RFC 4512, section 4.1, writes it: its words, with lists in brackets and texts in quotes taken apart.
struct Definition {
    oid: String,
    fields: Vec<(String, Vec<String>)>,
}

impl Definition {
    fn parse(text: &str) -> Self {
        let inner = text.strip_prefix("( ").and_then(|text| text.strip_suffix(" )")).expect(text);
        let (oid, mut rest) = inner.split_once(' ').expect(text);
        assert!(oid.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit())), "{text}");
        let mut fields: Vec<(String, Vec<String>)> = Vec::new();
        while !rest.is_empty() {
            if let Some(list) = rest.strip_prefix("( ") {
                let (list, after) = list.split_once(" )").expect(text);
                let values = list.split([' ', '$']).filter(|word| !word.is_empty()).map(unquoted);
                fields.last_mut().expect(text).1.extend(values);
                rest = after.trim_start();
            } else if let Some(quoted) = rest.strip_prefix('\'') {
                let (value, after) = quoted.split_once('\'').expect(text);
                fields.last_mut().expect(text).1.push(value.to_owned());
                rest = after.trim_start();
            } else {
                let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
                let takes_value = fields.last().is_some_and(|(name, values)| {
                    ["SYNTAX", "EQUALITY", "ORDERING", "SUBSTR", "SUP", "USAGE"].contains(&name.as_str())
                        && values.is_empty()
                });
                if takes_value {
                    fields.last_mut().expect(text).1.push(word.to_owned());
                } else {
                    fields.push((word.to_owned(), Vec::new()));
                }
                rest = after;
            }
        }
        Self { oid: oid.to_owned(), fields }
    }

    fn field(&self, name: &str) -> &[String] {
        self.fields.iter().find(|(field, _)| field == name).map_or(&[], |(_, values)| values)
    }
}

fn unquoted(word: &str) -> String {
    word.trim_matches('\'').to_owned()
}

fn all(definitions: impl Iterator<Item = String>) -> Vec<Definition> {
    definitions.map(|text| Definition::parse(&text)).collect()
}

#[test]
fn attributes_are_found_by_every_name() {
    for (name, expected) in [
        ("cn", "cn"),
        ("CN", "cn"),
        ("commonName", "cn"),
        ("2.5.4.3", "cn"),
        ("cn;lang-de", "cn"),
        ("jpegPhoto;binary", "jpegPhoto"),
        ("SAMACCOUNTNAME", "sAMAccountName"),
        ("memberof", "memberOf"),
        ("goauthentik.io/ldap/superuser", "ak-superuser"),
        ("1.3.6.1.4.1.24552.500.1.1.1.13", "sshPublicKey"),
    ] {
        assert_eq!(find(name.as_bytes()).map(|kind| kind.names[0]), Some(expected), "{name}");
    }
    for name in ["", ";", "favouriteColour", "cn ", "2.5.4.33", "1.1", "*", "+"] {
        assert_eq!(find(name.as_bytes()), None, "{name}");
    }
    assert_eq!(find(&[b'a'; 65]), None);
}

#[test]
fn attributes_compare_as_clients_expect() {
    for (name, rule, is_single, is_operational) in [
        ("memberUid", Rule::CaseIgnore, false, false),
        ("memberOf", Rule::Dn, false, false),
        ("homeDirectory", Rule::CaseExact, true, false),
        ("uidNumber", Rule::Integer, true, false),
        ("ak-superuser", Rule::Boolean, true, false),
        ("objectClass", Rule::Oid, false, false),
        ("entryUUID", Rule::CaseIgnore, true, true),
        ("modifyTimestamp", Rule::Time, true, true),
        ("namingContexts", Rule::Dn, false, true),
    ] {
        let kind = find(name.as_bytes()).unwrap();
        assert_eq!((kind.rule, kind.is_single, kind.is_operational), (rule, is_single, is_operational), "{name}");
    }
}

#[test]
fn no_name_or_number_is_used_twice() {
    let mut seen = BTreeSet::new();
    for kind in ATTRIBUTE_TYPES {
        for name in kind.names.iter().chain([&kind.oid]) {
            assert!(seen.insert(name.to_ascii_lowercase()), "{name}");
        }
    }
    let mut seen = BTreeSet::new();
    for class in all(object_classes()) {
        assert!(seen.insert(class.oid.clone()) && seen.insert(class.field("NAME")[0].to_ascii_lowercase()));
    }
}

#[test]
fn the_definitions_name_only_what_is_defined() {
    let syntaxes: BTreeSet<String> = all(ldap_syntaxes()).into_iter().map(|syntax| syntax.oid).collect();
    let rules = all(matching_rules());
    let rule_names: BTreeSet<&String> = rules.iter().flat_map(|rule| rule.field("NAME")).collect();
    assert!(rules.iter().all(|rule| syntaxes.contains(&rule.field("SYNTAX")[0])));
    let types = all(attribute_types());
    assert_eq!(types.len(), ATTRIBUTE_TYPES.len());
    for kind in &types {
        assert!(syntaxes.contains(&kind.field("SYNTAX")[0]), "{}", kind.oid);
        for rule in ["EQUALITY", "ORDERING", "SUBSTR"].into_iter().flat_map(|word| kind.field(word)) {
            assert!(rule_names.contains(rule), "{rule}");
        }
    }
    let classes = all(object_classes());
    let names: BTreeSet<&String> = classes.iter().flat_map(|class| class.field("NAME")).collect();
    for class in &classes {
        assert!(class.field("SUP").iter().all(|superior| names.contains(superior)), "{}", class.oid);
        for attribute in ["MUST", "MAY"].into_iter().flat_map(|word| class.field(word)) {
            assert_eq!(find(attribute.as_bytes()).map(AttributeType::name), Some(attribute.as_str()));
        }
    }
}

#[test]
fn names_are_keystrings() {
    // RFC 4512, section 1.4: letters, digits and hyphens, a letter first. Some clients read nothing else.
    for definition in all(attribute_types()).iter().chain(&all(object_classes())).chain(&all(matching_rules())) {
        for name in definition.field("NAME") {
            assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
        }
    }
}

#[test]
fn definitions_are_written_as_the_rfc_writes_them() {
    let types: Vec<String> = attribute_types().collect();
    let cn = types.iter().find(|text| text.starts_with("( 2.5.4.3 ")).unwrap();
    assert_eq!(
        cn,
        "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'Username, or name of the group' EQUALITY caseIgnoreMatch \
         ORDERING caseIgnoreOrderingMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
    );
    let created = types.iter().find(|text| text.contains("createTimestamp")).unwrap();
    assert!(created.ends_with(" SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )"), "{created}");
    let person = object_classes().find(|text| text.contains("'person'")).unwrap();
    assert_eq!(
        person,
        "( 2.5.6.6 NAME 'person' DESC 'Person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( userPassword $ \
         telephoneNumber $ description ) )"
    );
}

proptest! {
    #[test]
    fn no_name_panics(name in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = find(&name);
    }
}
