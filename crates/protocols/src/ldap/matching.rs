//! How values are compared (RFC 4517, section 4; RFC 4518).

use std::{borrow::Cow, cmp::Ordering, str::from_utf8};

use super::{
    dn::{self, normalize_value},
    schema::{self, syntaxes},
};

/// Needles up to this many bytes are looked for in the plain way: it wins as long as texts are short.
const SHORT_NEEDLE: usize = 32;

/// How the values of an attribute are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Text, whatever the case and the number of spaces.
    CaseIgnore,
    /// Text, whatever the number of spaces.
    CaseExact,
    /// Distinguished names.
    Dn,
    /// Whole numbers of any size.
    Integer,
    /// `TRUE` or `FALSE`, whatever the case: authentik writes both.
    Boolean,
    /// Bytes.
    Octet,
    /// Names or object identifiers of classes.
    Oid,
    /// Points in time (RFC 4517, section 3.3.13).
    Time,
}

/// Where a piece of a substring assertion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `initial*`.
    Initial,
    /// `*any*`.
    Any,
    /// `*last`.
    Last,
}

impl Rule {
    /// The form in which two values are compared; what is in that form already is usually borrowed. Nothing if the
    /// value does not fit the syntax: the assertion is then `Undefined`.
    pub fn prepare(self, value: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::CaseIgnore | Self::CaseExact if is_tidy(value, self == Self::CaseIgnore) => Some(value.into()),
            Self::CaseIgnore => from_utf8(value).ok().map(|text| normalize_value(text).into_bytes().into()),
            Self::CaseExact => {
                let words: Vec<&str> = from_utf8(value).ok()?.split_whitespace().collect();
                Some(words.join(" ").into_bytes().into())
            }
            Self::Dn if is_normalized_dn(value) => Some(value.into()),
            Self::Dn => dn::parse(value).ok().map(|dn| dn.normalized().into_bytes().into()),
            Self::Integer => integer(value),
            Self::Boolean => match value.to_ascii_uppercase().as_slice() {
                b"TRUE" => Some(b"TRUE".into()),
                b"FALSE" => Some(b"FALSE".into()),
                _ => None,
            },
            Self::Octet => Some(value.into()),
            Self::Oid => oid(value),
            Self::Time => time(value),
        }
    }

    /// The same for a piece of a substring assertion, which may begin or end with a space that counts (RFC 4518,
    /// section 2.6.1). Nothing if the rule knows no substrings.
    pub fn prepare_part(self, value: &[u8], part: Part) -> Option<Cow<'_, [u8]>> {
        let folds = match self {
            Self::CaseIgnore => true,
            Self::CaseExact => false,
            Self::Octet => return Some(value.into()),
            Self::Dn | Self::Integer | Self::Boolean | Self::Oid | Self::Time => return None,
        };
        if is_tidy(value, folds) {
            return Some(value.into());
        }
        let text = from_utf8(value).ok()?;
        let is_spaced = |end: Option<char>| end.is_some_and(char::is_whitespace);
        let prepared = self.prepare(value)?;
        let mut out = Vec::with_capacity(prepared.len() + 2);
        if part != Part::Initial && is_spaced(text.chars().next()) {
            out.push(b' ');
        }
        out.extend_from_slice(&prepared);
        if part != Part::Last && is_spaced(text.chars().next_back()) && out != b" " {
            out.push(b' ');
        }
        Some(out.into())
    }

    /// Whether `>=` and `<=` mean something.
    pub fn is_ordered(self) -> bool {
        !matches!(self, Self::Dn | Self::Boolean | Self::Oid)
    }

    /// How two prepared values stand to one another.
    pub fn order(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Self::Integer => order_integers(a, b),
            // Without the zone, a fraction sorts behind the full second.
            Self::Time => a.strip_suffix(b"Z").unwrap_or(a).cmp(b.strip_suffix(b"Z").unwrap_or(b)),
            _ => a.cmp(b),
        }
    }

    /// The rule of a name or object identifier in an extensible match.
    pub fn from_oid_or_name(name: &[u8]) -> Option<Self> {
        let is_named =
            |rule: &&MatchingRule| rule.oid.as_bytes() == name || rule.name.as_bytes().eq_ignore_ascii_case(name);
        MATCHING_RULES.iter().find(is_named).map(|rule| rule.rule)
    }
}

/// A matching rule that clients may name.
pub(super) struct MatchingRule {
    pub(super) oid: &'static str,
    pub(super) name: &'static str,
    /// Syntax of the assertion value.
    pub(super) syntax: &'static str,
    pub(super) rule: Rule,
}

const fn rule(oid: &'static str, name: &'static str, syntax: &'static str, rule: Rule) -> MatchingRule {
    MatchingRule { oid, name, syntax, rule }
}

/// Microsoft's rule that follows memberships through groups. `member` and `memberOf` hold nested groups anyway, so it
/// compares DNs.
pub(super) const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// RFC 4517, section 4.2; RFC 2307, section 3; RFC 4530, section 2.2.
pub(super) const MATCHING_RULES: &[MatchingRule] = &[
    rule("2.5.13.0", "objectIdentifierMatch", syntaxes::OID, Rule::Oid),
    rule("2.5.13.1", "distinguishedNameMatch", syntaxes::DN, Rule::Dn),
    rule("2.5.13.2", "caseIgnoreMatch", syntaxes::TEXT, Rule::CaseIgnore),
    rule("2.5.13.3", "caseIgnoreOrderingMatch", syntaxes::TEXT, Rule::CaseIgnore),
    rule("2.5.13.4", "caseIgnoreSubstringsMatch", syntaxes::SUBSTRINGS, Rule::CaseIgnore),
    rule("2.5.13.5", "caseExactMatch", syntaxes::TEXT, Rule::CaseExact),
    rule("2.5.13.6", "caseExactOrderingMatch", syntaxes::TEXT, Rule::CaseExact),
    rule("2.5.13.7", "caseExactSubstringsMatch", syntaxes::SUBSTRINGS, Rule::CaseExact),
    rule("2.5.13.8", "numericStringMatch", syntaxes::NUMERIC, Rule::CaseIgnore),
    rule("2.5.13.10", "numericStringSubstringsMatch", syntaxes::SUBSTRINGS, Rule::CaseIgnore),
    rule("2.5.13.13", "booleanMatch", syntaxes::BOOLEAN, Rule::Boolean),
    rule("2.5.13.14", "integerMatch", syntaxes::INTEGER, Rule::Integer),
    rule("2.5.13.15", "integerOrderingMatch", syntaxes::INTEGER, Rule::Integer),
    rule("2.5.13.17", "octetStringMatch", syntaxes::OCTETS, Rule::Octet),
    rule("2.5.13.27", "generalizedTimeMatch", syntaxes::TIME, Rule::Time),
    rule("2.5.13.28", "generalizedTimeOrderingMatch", syntaxes::TIME, Rule::Time),
    rule("2.5.13.30", "objectIdentifierFirstComponentMatch", syntaxes::OID, Rule::Oid),
    rule("1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", syntaxes::IA5, Rule::CaseExact),
    rule("1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", syntaxes::IA5, Rule::CaseIgnore),
    rule("1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", syntaxes::SUBSTRINGS, Rule::CaseIgnore),
    rule("1.3.6.1.1.16.2", "uuidMatch", syntaxes::UUID, Rule::CaseIgnore),
    rule(IN_CHAIN, "LDAP_MATCHING_RULE_IN_CHAIN", syntaxes::DN, Rule::Dn),
];

/// Whether text is ASCII without spaces to remove and, if it `folds`, without capitals.
fn is_tidy(value: &[u8], folds: bool) -> bool {
    let mut previous = b' ';
    for &byte in value {
        let is_odd = !byte.is_ascii()
            || (0x09..=0x0d).contains(&byte)
            || (folds && byte.is_ascii_uppercase())
            || (byte == b' ' && previous == b' ');
        if is_odd {
            return false;
        }
        previous = byte;
    }
    value.is_empty() || previous != b' '
}

/// Whether a DN is plain enough to see that it is normalized: what most clients send, because it is what they got.
fn is_normalized_dn(value: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-@".contains(byte);
    let mut rdns = 0;
    value.len() <= dn::DN_MAX
        && value.split(|byte| *byte == b',').all(|rdn| {
            rdns += 1;
            let kind = rdn.iter().position(|byte| *byte == b'=').and_then(|at| rdn.split_at_checked(at + 1));
            rdns <= dn::RDNS_MAX
                && kind.is_some_and(|(kind, value)| {
                    matches!(kind, b"cn=" | b"ou=" | b"dc=" | b"uid=" | b"o=") && value.iter().all(is_plain)
                })
        })
}

/// An integer without leading zeros.
fn integer(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (is_negative, digits) = value.strip_prefix(b"-").map_or((false, value), |digits| (true, digits));
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (_, kept) = digits.split_at(digits.iter().take_while(|digit| **digit == b'0').count());
    Some(match (kept, is_negative) {
        ([], _) => Cow::Borrowed(b"0"),
        (kept, false) => Cow::Borrowed(kept),
        (kept, true) if kept.len() == digits.len() => Cow::Borrowed(value),
        (kept, true) => Cow::Owned([b"-", kept].concat()),
    })
}

fn order_integers(a: &[u8], b: &[u8]) -> Ordering {
    let by_size = |a: &[u8], b: &[u8]| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
    match (a.strip_prefix(b"-"), b.strip_prefix(b"-")) {
        (None, None) => by_size(a, b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(a), Some(b)) => by_size(b, a),
    }
}

/// A class by its usual name, in lower case. Names need not be in the schema: authentik has some with slashes.
fn oid(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let name = schema::class_name(value).map_or(Cow::Borrowed(value), |name| Cow::Borrowed(name.as_bytes()));
    Some(if name.iter().any(u8::is_ascii_uppercase) { Cow::Owned(name.to_ascii_lowercase()) } else { name })
}

/// A time in UTC with seconds, and a fraction only if there is one.
fn time(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let is_digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let text = from_utf8(value).ok()?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')?;
    let (local, zone) = text.split_at_checked(end)?;
    let (local, fraction) = local.split_once(['.', ',']).unwrap_or((local, ""));
    if !is_digits(fraction.as_bytes()) || (local.len() != 14 && !fraction.is_empty()) {
        return None;
    }
    // Minutes and seconds may be left out.
    let format = "00000000000000";
    let padded = match local.len() {
        10 | 12 | 14 => format!("{local}{}", format.get(local.len()..)?),
        _ => return None,
    };
    let zone = match zone {
        "Z" => "+0000".to_owned(),
        hours if hours.len() == 3 => format!("{hours}00"),
        other => other.to_owned(),
    };
    let time = jiff::fmt::strtime::parse("%Y%m%d%H%M%S%z", format!("{padded}{zone}")).ok()?.to_timestamp().ok()?;
    let whole = time.strftime("%Y%m%d%H%M%S").to_string();
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{whole}{dot}{fraction}Z").into_bytes().into())
}

/// Whether a prepared value has these prepared pieces, in that order and without overlap (RFC 4511, section 4.5.1.7.2).
pub fn matches_substrings(value: &[u8], initial: Option<&[u8]>, any: &[impl AsRef<[u8]>], last: Option<&[u8]>) -> bool {
    let Some(rest) = value.strip_prefix(initial.unwrap_or_default()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.unwrap_or_default()) else { return false };
    // The first place is the best one: it leaves most for the pieces after it.
    any.iter().map(AsRef::as_ref).all(|piece| {
        let after = find(rest, piece).and_then(|at| rest.get(at + piece.len()..));
        after.map(|after| rest = after).is_some()
    })
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.len() > SHORT_NEEDLE
        && let (Ok(text), Ok(needle)) = (from_utf8(text), from_utf8(needle))
    {
        // Linear, whatever the two are.
        return text.find(needle);
    }
    let Some(first) = needle.first() else { return Some(0) };
    text.windows(needle.len()).position(|window| window.first() == Some(first) && window == needle)
}
