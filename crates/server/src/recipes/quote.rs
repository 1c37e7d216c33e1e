//! Quoting of values for the languages that settings are written in.
//!
//! All output is printable ASCII on one line, so no value can end its literal, its line or its comment.

use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, Value};

/// Characters that `plain` lets through beside letters, digits and inner spaces.
pub(super) const PLAIN: &str = "- . _ ~ : / ? & = + @ , %";

/// Characters that `plain_dn` lets through beside letters, digits and inner spaces: none that escapes in a DN, expands in
/// a configuration file or ends a value there.
pub(super) const PLAIN_DN: &str = "- . _ = , @ : /";

/// Characters that `plain_host` lets through beside letters and digits: those of names, ports and IPv6 addresses.
pub(super) const PLAIN_HOST: &str = "- . _ : [ ]";

/// Detail of the error by which `plain` refuses a value.
pub(super) const UNWRITABLE: &str = "value holds characters that cannot be written here";
/// Likewise for `plain_dn`.
pub(super) const UNWRITABLE_DN: &str = "DN holds characters that cannot be written here";

/// Likewise for `plain_host`.
pub(super) const UNWRITABLE_HOST: &str = "host holds characters that cannot be written here";

/// Adds the filters that recipe templates quote with.
pub(super) fn add_filters(environment: &mut Environment<'_>) {
    environment.add_filter("python_string", |text: String| python_string(&text));
    environment.add_filter("python_list", |items: Vec<String>| list(&items, python_string));
    environment.add_filter("yaml_string", |text: String| yaml_string(&text));
    environment.add_filter("jinja_string", |text: String| jinja_string(&text));
    environment.add_filter("jinja_list", |items: Vec<String>| list(&items, jinja_string));
    environment.add_filter("plain", |value: Value| plain(&value));
    environment.add_filter("plain_dn", |value: Value| plain_dn(&value));
    environment.add_filter("plain_host", |value: Value| plain_host(&value));
}

fn list(items: &[String], quote: fn(&str) -> String) -> String {
    let quoted: Vec<String> = items.iter().map(|item| quote(item)).collect();
    format!("[{}]", quoted.join(", "))
}

/// A Python string literal (Python language reference 2.4.1).
pub(super) fn python_string(text: &str) -> String {
    let mut out = String::from("'");
    for character in text.chars() {
        match character {
            '\'' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(character),
            _ => wide_escape(&mut out, character),
        }
    }
    out.push('\'');
    out
}

/// A YAML double-quoted scalar (YAML 1.2.2, section 5.7).
pub(super) fn yaml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(character),
            _ => wide_escape(&mut out, character),
        }
    }
    out.push('"');
    out
}

/// A string literal of the expression language. Also valid JSON. Template delimiters are escaped, so that the expression may itself
/// stand in a template.
pub(super) fn jinja_string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '{' | '}' | '%' | '#' => utf16_escape(&mut out, character),
            ' '..='~' => out.push(character),
            _ => utf16_escape(&mut out, character),
        }
    }
    out.push('"');
    out
}

/// For formats without safe quoting: the value as it is, or a refusal.
fn plain(value: &Value) -> Result<String, Error> {
    let refuse = || Error::new(ErrorKind::InvalidOperation, UNWRITABLE);
    let text = value.as_str().ok_or_else(refuse)?;
    let ordinary = |character: char| character.is_ascii_alphanumeric() || character == ' ' || PLAIN.contains(character);
    let outer_space = text.starts_with(' ') || text.ends_with(' ');
    if !text.is_empty() && !outer_space && text.chars().all(ordinary) { Ok(text.to_owned()) } else { Err(refuse()) }
}

/// A DN for formats without safe quoting: as it is, or a refusal. Letters may be of any language.
fn plain_dn(value: &Value) -> Result<String, Error> {
    let refuse = || Error::new(ErrorKind::InvalidOperation, UNWRITABLE_DN);
    let text = value.as_str().ok_or_else(refuse)?;
    let ordinary = |character: char| character.is_alphanumeric() || character == ' ' || PLAIN_DN.contains(character);
    let outer_space = text.starts_with(' ') || text.ends_with(' ');
    if !text.is_empty() && !outer_space && text.chars().all(ordinary) { Ok(text.to_owned()) } else { Err(refuse()) }
}

/// A host or a port, or both, as it is, or a refusal: nothing that means something to a web proxy.
fn plain_host(value: &Value) -> Result<String, Error> {
    let text = value.to_string();
    let ordinary = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if !text.is_empty() && text.bytes().all(ordinary) {
        return Ok(text);
    }
    Err(Error::new(ErrorKind::InvalidOperation, UNWRITABLE_HOST))
}

/// A value of a search filter (RFC 4515, section 3).
pub(super) fn filter_value(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        // Writing to a String cannot fail.
        let _ = match character {
            '*' | '(' | ')' | '\\' | '\0' => write!(out, "\\{:02x}", u32::from(character)),
            _ => write!(out, "{character}"),
        };
    }
    out
}

/// `\xNN`, `\uNNNN` or `\UNNNNNNNN`, which Python and YAML share.
fn wide_escape(out: &mut String, character: char) {
    let code = u32::from(character);
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xFF => write!(out, "\\x{code:02x}"),
        0x100..=0xFFFF => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `\uNNNN`, as a pair of surrogates beyond the basic plane.
fn utf16_escape(out: &mut String, character: char) {
    let mut units = [0; 2];
    for unit in character.encode_utf16(&mut units) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;
    use proptest::prelude::*;

    use super::*;

    /// Reads one literal the way Python and YAML do, and fails unless the closing quote is the last character.
    fn read(literal: &str, quote: char) -> Option<String> {
        let mut characters = literal.chars();
        let mut out = String::new();
        if characters.next() != Some(quote) {
            return None;
        }
        loop {
            let character = characters.next()?;
            if character == quote {
                return characters.next().is_none().then_some(out);
            }
            if !(' '..='~').contains(&character) {
                return None;
            }
            if character != '\\' {
                out.push(character);
                continue;
            }
            let digits = match characters.next()? {
                'n' => {
                    out.push('\n');
                    continue;
                }
                'x' => 2,
                'u' => 4,
                'U' => 8,
                other if other == quote || other == '\\' => {
                    out.push(other);
                    continue;
                }
                _ => return None,
            };
            let code: String = characters.by_ref().take(digits).collect();
            out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
        }
    }

    fn nasty() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[\"'\\\\{}%#\n\r\t\u{0}\u{85}\u{2028}\u{1F600}a ]{0,40}",
            Just("'''\"\"\"\\'; import os #".to_owned()),
            Just("{{ 1 }}{% raw %}{# #}\\".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn python_literals_hold_exactly_their_value(text in nasty()) {
            prop_assert_eq!(read(&python_string(&text), '\''), Some(text));
        }

        #[test]
        fn yaml_literals_hold_exactly_their_value(text in nasty()) {
            prop_assert_eq!(read(&yaml_string(&text), '"'), Some(text));
        }

        #[test]
        fn jinja_literals_hold_exactly_their_value(text in nasty()) {
            let literal = jinja_string(&text);
            let delimiter = literal.contains(['{', '}', '%', '#', '\n']);
            prop_assert!(literal.is_ascii() && !delimiter);
            prop_assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), text.clone());
            let environment = Environment::new();
            let value = environment.compile_expression(&literal).unwrap().eval(context! {}).unwrap();
            prop_assert_eq!(value.as_str(), Some(text.as_str()));
            prop_assert_eq!(environment.render_str(&format!("{{{{ {literal} }}}}"), context! {}).unwrap(), text);
        }

        #[test]
        fn plain_refuses_or_repeats(text in nasty()) {
            if let Ok(written) = plain(&Value::from(text.as_str())) {
                prop_assert_eq!(&written, &text);
                let special = text.contains(['\'', '"', '\\', '\n', '\r', '{', '}', '$', '#', ';', '`', '(']);
                prop_assert!(!special);
            }
        }
    }

    #[test]
    fn the_reader_of_these_tests_sees_a_break_out() {
        assert_eq!(read("'a'b'", '\''), None);
        assert_eq!(read("'a\n'", '\''), None);
        assert_eq!(read("'a\\'", '\''), None);
    }

    #[test]
    fn dns_are_written_as_they_are_or_refused() {
        for text in ["dc=ldap,dc=goauthentik,dc=io", "o=M\u{fc}ller GmbH", "cn=linux-ldap,ou=users,dc=example,dc=org"] {
            assert_eq!(plain_dn(&Value::from(text)).unwrap(), text);
        }
        for text in ["", "cn=a\\,b", "dc=a?b", "dc=a%u", "dc='", "dc=$x", "dc=#", "dc=a\nb", "dc=a\u{0}"] {
            assert!(plain_dn(&Value::from(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn hosts_are_written_as_they_are_or_refused() {
        for text in ["netbox.example.org", "127.0.0.1:8001", "[::1]:9000", "8001"] {
            assert_eq!(plain_host(&Value::from(text)).unwrap(), text);
        }
        for text in ["", "a b", "a;b", "a$b", "a`b", "a{b", "a/b", "a\nb", "\u{e4}"] {
            assert!(plain_host(&Value::from(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn values_of_filters_are_escaped() {
        assert_eq!(filter_value("NetBox (ops) *\\\0 \u{e4}"), "NetBox \\28ops\\29 \\2a\\5c\\00 \u{e4}");
    }

    #[test]
    fn plain_lets_secrets_and_addresses_through() {
        for text in ["Abc019", "https://example.org/a/?b=c%3A&d=e_f~g", "openid profile"] {
            assert_eq!(plain(&Value::from(text)).unwrap(), text);
        }
        for text in ["", " a", "a ", "a#b", "a$b", "a\nb", "ä"] {
            assert!(plain(&Value::from(text)).is_err(), "{text}");
        }
        assert!(plain(&Value::from(1)).is_err());
    }
}
