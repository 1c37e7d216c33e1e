//! Free attributes of users and groups, as LDAP shows them.

use serde_json::{Map, Value};

/// Attributes that name, classify or empower an entry: no free attribute takes their place.
const PROTECTED: [&str; 17] = [
    "ak-active",
    "ak-superuser",
    "cn",
    "dn",
    "entrydn",
    "entryuuid",
    "hassubordinates",
    "member",
    "memberof",
    "memberuid",
    "modifytimestamp",
    "createtimestamp",
    "objectclass",
    "structuralobjectclass",
    "subschemasubentry",
    "uniquemember",
    "userpassword",
];

/// A free attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    /// Its name in lower case: what it is found by.
    pub key: Box<str>,
    /// Its name as it was written.
    pub name: Box<str>,
    /// Its values, at least one.
    pub values: Box<[Box<str>]>,
}

/// The attributes that can be shown. As in authentik, `/` becomes `-`, `.` is dropped, lists have many values, and `%s`
/// in a user's value becomes the username. Objects, nulls, empty texts, names that LDAP cannot
/// write and numbers that are none are left out.
pub fn from_json(attributes: &Map<String, Value>, username: Option<&str>) -> Box<[Custom]> {
    let mut found: Vec<Custom> = attributes
        .iter()
        .filter_map(|(name, value)| {
            let name = name.replace('/', "-").replace('.', "");
            let key = name.to_ascii_lowercase();
            let values: Vec<Box<str>> = texts(value, username).filter(|text| fits(&key, text)).collect();
            let is_shown = is_attribute_name(&name) && !PROTECTED.contains(&key.as_str()) && !values.is_empty();
            is_shown.then(|| Custom { key: key.into(), name: name.into(), values: values.into() })
        })
        .collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found.dedup_by(|a, b| a.key == b.key);
    found.into()
}

/// RFC 4512, section 2.5 (`keystring`), and the underscore, which administrators write all the time.
fn is_attribute_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Numbers have to be numbers: Unix clients do what they like with others.
fn fits(key: &str, value: &str) -> bool {
    match key {
        "uidnumber" | "gidnumber" => value.parse::<u32>().is_ok(),
        _ => !value.is_empty(),
    }
}

fn texts<'v>(value: &'v Value, username: Option<&'v str>) -> impl Iterator<Item = Box<str>> + 'v {
    let (single, many) = match value {
        Value::Array(many) => (None, many.as_slice()),
        single => (Some(single), &[][..]),
    };
    single.into_iter().chain(many).filter_map(move |value| text(value, username))
}

fn text(value: &Value, username: Option<&str>) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(match username {
            Some(username) if text.contains("%s") => text.replace("%s", username).into(),
            _ => text.as_str().into(),
        }),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(true) => Some("TRUE".into()),
        Value::Bool(false) => Some("FALSE".into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(attributes: &Value) -> Vec<(String, Vec<String>)> {
        let custom = from_json(attributes.as_object().unwrap(), Some("alice"));
        custom.iter().map(|c| (c.name.to_string(), c.values.iter().map(ToString::to_string).collect())).collect()
    }

    #[test]
    fn names_are_tidied_and_values_spread() {
        let attributes = json!({
            "goauthentik.io/ldap/x": "1", "homeDirectory": "/srv/home/%s", "sshPublicKey": ["a", "b", ""], "n": 7,
            "on": true, "settings": {"locale": "de"}, "nothing": null, "odd name": "x", "1st": "x", "empty": ""
        });
        let expected = [
            ("goauthentikio-ldap-x", vec!["1"]),
            ("homeDirectory", vec!["/srv/home/alice"]),
            ("n", vec!["7"]),
            ("on", vec!["TRUE"]),
            ("sshPublicKey", vec!["a", "b"]),
        ];
        let expected: Vec<_> =
            expected.map(|(n, v)| (n.to_owned(), v.into_iter().map(str::to_owned).collect::<Vec<_>>())).into();
        assert_eq!(shown(&attributes), expected);
    }

    #[test]
    fn what_names_or_empowers_an_entry_is_not_replaced() {
        let attributes = json!({"ak-superuser": "TRUE", "CN": "root", "memberOf": "x", "userPassword": "x", "mail": "m", "uidNumber": "abc", "gidNumber": -1});
        assert_eq!(shown(&attributes), [("mail".to_owned(), vec!["m".to_owned()])]);
    }
}
