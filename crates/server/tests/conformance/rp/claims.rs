//! The standard claims (OpenID Connect Core 1.0, sections 5.1 and 5.4).

use serde_json::{Map, Value};

const TEXTS: [&str; 17] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "acr",
];
const ADDRESS: [&str; 6] = ["formatted", "street_address", "locality", "region", "postal_code", "country"];

/// The claims that a scope stands for; the suite warns of everyone that is missing.
pub(crate) fn of_scope(scope: &str) -> &'static [&'static str] {
    match scope {
        "openid" => &["sub"],
        "profile" => &[
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
            "preferred_username",
        ],
        "email" => &["email", "email_verified"],
        "address" => &["address"],
        "phone" => &["phone_number", "phone_number_verified"],
        "offline_access" => &[],
        other => panic!("{other} is not a standard scope"),
    }
}

/// Types and values of standard claims; nothing null, nothing empty.
#[track_caller]
pub(crate) fn check_standard_claims(claims: &Map<String, Value>) {
    for (name, value) in claims {
        let is_empty = value.as_str().is_some_and(str::is_empty) || value.as_object().is_some_and(Map::is_empty);
        assert!(!value.is_null() && !is_empty, "{name} is empty");
        if TEXTS.contains(&name.as_str()) {
            assert!(value.is_string(), "{name}: {value}");
        }
    }
    for name in ["email_verified", "phone_number_verified"] {
        assert!(claims.get(name).is_none_or(Value::is_boolean), "{name}: {:?}", claims.get(name));
    }
    for name in ["profile", "picture", "website"] {
        if let Some(address) = claims.get(name) {
            assert!(url::Url::parse(address.as_str().unwrap()).is_ok(), "{name}: {address}");
        }
    }
    // Seconds, not milliseconds, and not in words.
    if let Some(updated_at) = claims.get("updated_at") {
        assert!(updated_at.as_i64().is_some_and(|at| (1_000_000_000..10_000_000_000).contains(&at)), "{updated_at}");
    }
    if let Some(address) = claims.get("address") {
        for (name, value) in address.as_object().unwrap() {
            assert!(
                ADDRESS.contains(&name.as_str()) && value.as_str().is_some_and(|text| !text.is_empty()),
                "{address}"
            );
        }
    }
}
