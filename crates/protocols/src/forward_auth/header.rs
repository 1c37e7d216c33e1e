//! Values of headers that tell an application who somebody is.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Longest value of one header, in bytes. Proxies keep the whole answer in a buffer of a few times this size.
pub const VALUE_MAX: usize = 8 * 1024;

/// A value that is ASCII and visible, inner spaces apart; nothing if it is something else.
pub fn ascii(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_clean = text.len() <= VALUE_MAX && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    is_clean.then_some(text)
}

/// A value as UTF-8, as authentik sends it, without control characters; nothing if it holds some or is too long.
pub fn utf8(text: &str) -> Option<&str> {
    let text = text.trim();
    (text.len() <= VALUE_MAX && !text.chars().any(char::is_control)).then_some(text)
}

/// Names in one header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Joined<'a> {
    /// The names, joined.
    pub value: String,
    /// Names that could not be told.
    pub left_out: Vec<&'a str>,
}

/// Joins names so that whoever takes them apart at the separator gets the same names. What cannot be told is left out.
pub fn join<'a>(
    names: impl IntoIterator<Item = &'a str>,
    separator: &str,
    clean: impl Fn(&'a str) -> Option<&'a str>,
) -> Joined<'a> {
    let mut joined = Joined::default();
    for name in names {
        let is_whole = clean(name) == Some(name) && !name.is_empty() && !may_split(name, separator);
        let length = joined.value.len() + separator.len() + name.len();
        if !is_whole || length > VALUE_MAX {
            joined.left_out.push(name);
            continue;
        }
        if !joined.value.is_empty() {
            joined.value.push_str(separator);
        }
        joined.value.push_str(name);
    }
    joined
}

/// Whether a name holds a sign of the separator: with one of several signs, its end and the next name could make up another.
fn may_split(name: &str, separator: &str) -> bool {
    name.contains(|sign| separator.contains(sign))
}

/// `Basic` credentials (RFC 7617, section 2); nothing if the name holds a colon or either holds control characters.
pub fn basic(user: &str, password: &str) -> Option<String> {
    let is_sound =
        !user.contains(':') && !user.is_empty() && utf8(user).is_some() && !password.chars().any(char::is_control);
    let value = is_sound.then(|| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    value.filter(|value| value.len() <= VALUE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn groups_that_would_become_others_are_left_out() {
        let joined = join(["ops", "a|b", " lead", "Größe", "net box", "x\ny", ""], "|", ascii);
        assert_eq!(joined.value, "ops|net box");
        assert_eq!(joined.left_out, ["a|b", " lead", "Größe", "x\ny", ""]);
        assert_eq!(join(["ops", "Größe"], "|", utf8).value, "ops|Größe");
        assert_eq!(join(["a|", "|b"], "||", ascii).value, "");
    }

    #[test]
    fn a_value_has_an_end() {
        let long = "a".repeat(VALUE_MAX);
        assert!(ascii(&long).is_some() && ascii(&format!("{long}a")).is_none() && utf8(&format!("{long}a")).is_none());
        assert!(basic("a", &long).is_none());
        let joined = join([long.as_str(), "b"], "|", ascii);
        assert_eq!((joined.value.as_str(), joined.left_out.len()), ("b", 1));
    }

    #[test]
    fn basic_credentials_can_be_taken_apart_again() {
        assert_eq!(basic("alice", "s:ß").as_deref(), Some("Basic YWxpY2U6czrDnw=="));
        assert!(basic("a:b", "x").is_none() && basic("", "x").is_none() && basic("a", "x\ny").is_none());
    }

    proptest! {
        #[test]
        fn no_value_holds_a_control_character(text in "(\\PC|\\pC){0,40}", other in ".{0,20}") {
            let values = [ascii(&text).map(str::to_owned), utf8(&text).map(str::to_owned), basic(&text, &other)];
            let joined = join([text.as_str(), other.as_str()], "|", utf8).value;
            for value in values.into_iter().flatten().chain([joined]) {
                prop_assert!(!value.chars().any(char::is_control), "{value:?}");
            }
            prop_assert!(ascii(&text).is_none_or(str::is_ascii));
        }

        #[test]
        fn what_was_joined_comes_apart_as_it_was(names in proptest::collection::vec("[ -~ä]{0,6}", 0..6), separator in "[|,;]{1,3}") {
            let joined = join(names.iter().map(String::as_str), &separator, ascii);
            let kept: Vec<&str> = names.iter().map(String::as_str).filter(|name| !joined.left_out.contains(name)).collect();
            let apart: Vec<&str> = if joined.value.is_empty() { Vec::new() } else { joined.value.split(separator.as_str()).collect() };
            prop_assert_eq!(apart, kept);
        }
    }
}
