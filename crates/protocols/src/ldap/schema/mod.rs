//! Which attribute types and object classes there are, and how the subschema writes them (RFC 4512, section 4).

mod attributes;
mod classes;
pub(super) mod syntaxes;

use std::{cmp::Ordering, sync::LazyLock};

use super::matching::{IN_CHAIN, MATCHING_RULES, Rule};
use classes::OBJECT_CLASSES;
use syntaxes::SYNTAXES;

pub use attributes::ATTRIBUTE_TYPES;

/// Longest name or object identifier that is looked up, in bytes. Longer ones are unknown.
const NAME_MAX: usize = 64;

/// An attribute type.
#[derive(Debug, PartialEq, Eq)]
pub struct AttributeType {
    /// Names, the usual one first.
    pub names: &'static [&'static str],
    /// Object identifier.
    pub oid: &'static str,
    /// How values are compared.
    pub rule: Rule,
    /// Whether an entry has at most one value.
    pub is_single: bool,
    /// Whether it is only returned when asked for by name or with `+`.
    pub is_operational: bool,
    /// What it holds, for people.
    pub description: &'static str,
    /// Object identifier of the syntax (RFC 4517).
    pub syntax: &'static str,
}

impl AttributeType {
    /// The usual name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or(self.oid)
    }
}

/// Attribute types by every name in lower case and by object identifier, the shortest first: comparing lengths settles
/// most steps of a search.
static BY_NAME: LazyLock<Vec<(Vec<u8>, &AttributeType)>> = LazyLock::new(|| {
    let all_names = |kind: &'static AttributeType| {
        kind.names.iter().chain([&kind.oid]).map(move |name| (name.to_ascii_lowercase().into_bytes(), kind))
    };
    let mut by_name: Vec<_> = ATTRIBUTE_TYPES.iter().flat_map(all_names).collect();
    by_name.sort_by(|(left, _), (right, _)| by_length(left, right));
    by_name
});

fn by_length(left: &[u8], right: &[u8]) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// The attribute type of a name or object identifier, whatever the case; options (`;binary`) do not count.
pub fn find(name: &[u8]) -> Option<&'static AttributeType> {
    let name = name.split(|byte| *byte == b';').next().unwrap_or(name);
    let mut buffer = [0; NAME_MAX];
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let found = BY_NAME.binary_search_by(|(name, _)| by_length(name, lower)).ok()?;
    BY_NAME.get(found).map(|(_, kind)| *kind)
}

/// The usual name of an object class given by object identifier.
pub(super) fn class_name(oid: &[u8]) -> Option<&'static str> {
    if !oid.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    OBJECT_CLASSES.iter().find(|class| class.oid.as_bytes() == oid).map(|class| class.name)
}

/// The attribute types as definitions of the subschema (RFC 4512, section 4.1.2).
pub fn attribute_types() -> impl Iterator<Item = String> {
    ATTRIBUTE_TYPES.iter().map(|kind| {
        let mut words = vec![format!("( {} NAME {} DESC '{}'", kind.oid, names(kind.names), kind.description)];
        let rules = ["EQUALITY", "ORDERING", "SUBSTR"].into_iter().zip(rules(kind));
        words.extend(rules.filter(|(_, rule)| !rule.is_empty()).map(|(word, rule)| format!("{word} {rule}")));
        words.push(format!("SYNTAX {}", kind.syntax));
        words.extend(kind.is_single.then(|| "SINGLE-VALUE".to_owned()));
        // RFC 4512, section 4.1.2: what users cannot change is operational.
        words.extend(kind.is_operational.then(|| "NO-USER-MODIFICATION USAGE directoryOperation".to_owned()));
        words.join(" ") + " )"
    })
}

/// The rules of an attribute type for equality, order and substrings, as the subschema names them.
fn rules(kind: &AttributeType) -> [&'static str; 3] {
    match (kind.rule, kind.syntax) {
        (_, syntaxes::JPEG) => ["", "", ""],
        (_, syntaxes::UUID) => ["uuidMatch", "", ""],
        (_, syntaxes::CLASS | syntaxes::ATTRIBUTE | syntaxes::RULE | syntaxes::SYNTAX) => {
            ["objectIdentifierFirstComponentMatch", "", ""]
        }
        (Rule::CaseIgnore, syntaxes::IA5) => ["caseIgnoreIA5Match", "", "caseIgnoreIA5SubstringsMatch"],
        (Rule::CaseIgnore, _) => ["caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch"],
        (Rule::CaseExact, syntaxes::IA5) => ["caseExactIA5Match", "", ""],
        (Rule::CaseExact, _) => ["caseExactMatch", "caseExactOrderingMatch", "caseExactSubstringsMatch"],
        (Rule::Dn, _) => ["distinguishedNameMatch", "", ""],
        (Rule::Integer, _) => ["integerMatch", "integerOrderingMatch", ""],
        (Rule::Boolean, _) => ["booleanMatch", "", ""],
        (Rule::Octet, _) => ["octetStringMatch", "", ""],
        (Rule::Oid, _) => ["objectIdentifierMatch", "", ""],
        (Rule::Time, _) => ["generalizedTimeMatch", "generalizedTimeOrderingMatch", ""],
    }
}

/// The object classes as definitions of the subschema (RFC 4512, section 4.1.1). authentik's own, which have slashes in
/// their names, cannot be written there.
pub fn object_classes() -> impl Iterator<Item = String> {
    OBJECT_CLASSES.iter().map(|class| {
        let mut words = vec![format!("( {} NAME '{}' DESC '{}'", class.oid, class.name, class.description)];
        words.extend((!class.superior.is_empty()).then(|| format!("SUP {}", class.superior)));
        words.push(class.kind.as_str().to_owned());
        let lists = [("MUST", class.must), ("MAY", class.may)].into_iter().filter(|(_, list)| !list.is_empty());
        words.extend(lists.map(|(word, list)| format!("{word} ( {} )", list.join(" $ "))));
        words.join(" ") + " )"
    })
}

/// The syntaxes as definitions of the subschema (RFC 4512, section 4.1.5).
pub fn ldap_syntaxes() -> impl Iterator<Item = String> {
    SYNTAXES.iter().map(|(oid, description)| format!("( {oid} DESC '{description}' )"))
}

/// The matching rules as definitions of the subschema (RFC 4512, section 4.1.3). The name of Microsoft's rule, with its
/// underscores, cannot be written there.
pub fn matching_rules() -> impl Iterator<Item = String> {
    MATCHING_RULES.iter().map(|rule| {
        let name = if rule.oid == IN_CHAIN { String::new() } else { format!(" NAME '{}'", rule.name) };
        format!("( {}{name} SYNTAX {} )", rule.oid, rule.syntax)
    })
}

/// `'one'` or `( 'one' 'two' )`, without names that have slashes: they cannot be written there.
fn names(names: &[&str]) -> String {
    let names: Vec<&str> = names.iter().copied().filter(|name| !name.contains('/')).collect();
    match names.as_slice() {
        [name] => format!("'{name}'"),
        names => format!("( '{}' )", names.join("' '")),
    }
}
