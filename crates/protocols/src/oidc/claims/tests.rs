use super::*;
use doorward_core::{
    claim_mapping::DEFAULTS,
    clock::Clock,
    group::{Group, GroupProfile},
    id::{GroupId, UserId},
    user::{User, UserProfile},
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

fn input() -> ClaimInput {
    input_with(json!({}))
}

fn input_with(attributes: Value) -> ClaimInput {
    let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
    let mut profile = UserProfile::named("alice");
    profile.name = "Alice Example".into();
    profile.email = "alice@example.org".into();
    profile.attributes = serde_json::from_value(attributes).unwrap();
    let user = User {
        id: UserId::new(&clock),
        pk: 1,
        uid: "u".into(),
        profile: profile.tidied(),
        created_at: clock.now(),
        updated_at: clock.now(),
    };
    let group = |name: &str| Group {
        id: GroupId::new(&clock),
        pk: 1,
        profile: GroupProfile::named(name),
        created_at: clock.now(),
    };
    ClaimInput::new(&user, &[group("netbox-users"), group("netbox-admins")], false, "netbox", "NetBox")
}

fn evaluate(expression: &str) -> Result<Value, String> {
    let made = CompiledMapping::from_parts("test", "openid", expression).evaluate(&input());
    made.map(Value::Object).map_err(|error| error.to_string())
}

fn defaults() -> Vec<CompiledMapping> {
    DEFAULTS.iter().map(|one| CompiledMapping::from_parts(one.name, one.scope, one.expression)).collect()
}

/// What a default mapping makes of attributes.
fn of_scope(scope: &str, attributes: Value) -> Value {
    Value::Object(evaluate_all(&defaults(), |found| found == scope, &input_with(attributes)).unwrap())
}

#[test]
fn the_standard_claims_come_from_attributes_when_they_are_there() {
    let attributes = json!({
        "middle_name": "B.", "nickname": "Al", "profile": "https://example.org/alice", "picture": "https://example.org/a.png",
        "website": "https://alice.example", "gender": "female", "birthdate": "1990-10-31", "zoneinfo": "Europe/Paris",
        "locale": "fr-FR",
    });
    let claims = of_scope("profile", attributes.clone());
    for (name, value) in attributes.as_object().unwrap() {
        assert_eq!(&claims[name], value, "{name}");
    }
    assert_eq!(claims.as_object().unwrap().len(), attributes.as_object().unwrap().len() + 6);
}

/// Whatever else stands in attributes of these names, nobody is kept out by it, and no claim has another type than the
/// specification says (OpenID Connect Core 1.0, sections 5.1 and 5.3.2).
#[test]
fn attributes_of_another_type_are_left_out() {
    let plain = of_scope("profile", json!({}));
    for odd in
        [json!(null), json!(""), json!(7), json!(true), json!(["x"]), json!({"x": {"y": 1}}), json!([]), json!({})]
    {
        let names =
            ["middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"];
        let attributes: Map<_, _> = names.into_iter().map(|name| (name.to_owned(), odd.clone())).collect();
        assert_eq!(of_scope("profile", Value::Object(attributes)), plain, "{odd}");
        let odd_phone = json!({ "phone_number": odd, "phone_number_verified": true });
        assert_eq!(of_scope("phone", odd_phone), json!({}), "{odd}");
        let phone = of_scope("phone", json!({ "phone_number": "+33 1", "phone_number_verified": odd }));
        assert_eq!(phone, json!({ "phone_number": "+33 1", "phone_number_verified": odd == json!(true) }));
        let address = of_scope("address", json!({ "address": odd }));
        assert_eq!(address, json!({}), "{odd}");
    }
    assert_eq!(
        of_scope("phone", json!({ "phone_number": "1", "phone_number_verified": "true" }))["phone_number_verified"],
        false
    );
}

#[test]
fn an_address_is_an_object_whether_it_was_a_text_or_a_map() {
    let empty = json!({});
    assert_eq!(of_scope("address", empty.clone()), empty);
    assert_eq!(of_scope("phone", empty.clone()), empty);
    let text = of_scope("address", json!({ "address": "1 Main Street\nSpringfield" }));
    assert_eq!(text, json!({ "address": { "formatted": "1 Main Street\nSpringfield" } }));
    let parts = json!({ "address": {
        "street_address": "1 Main Street", "locality": "Springfield", "region": "", "postal_code": 12345, "country": null,
        "door_code": "4711",
    } });
    let claim = json!({ "street_address": "1 Main Street", "locality": "Springfield", "postal_code": "12345" });
    assert_eq!(of_scope("address", parts), json!({ "address": claim }));
}

#[test]
fn nothing_empty_is_told() {
    let made = evaluate(
        "{\"a\": none, \"b\": \"\", \"c\": {\"d\": {\"e\": \"\"}}, \"f\": {\"g\": none, \"h\": 0}, \"i\": [], \"j\": false}",
    );
    assert_eq!(made, Ok(json!({ "f": { "h": 0 }, "i": [], "j": false })));
}

#[test]
fn what_discovery_promises_is_what_the_defaults_make_of_everything() {
    let names: BTreeSet<String> = defaults().iter().flat_map(sample_names).collect();
    let standard = [
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
        "groups",
        "email",
        "email_verified",
        "address",
        "phone_number",
        "phone_number_verified",
    ];
    assert_eq!(names, standard.map(str::to_owned).into());
    let failing = CompiledMapping::from_parts("x", "x", "{\"x\": user.nope}");
    assert!(sample_names(&failing).is_empty());
}

#[test]
fn the_defaults_make_authentiks_claims_and_better() {
    let mappings = defaults();
    let mut claims = evaluate_all(&mappings, |_| true, &input()).unwrap();
    claims.remove("updated_at").unwrap().as_i64().unwrap();
    assert_eq!(
        Value::Object(claims),
        json!({
            "email": "alice@example.org", "email_verified": false,
            "name": "Alice Example", "given_name": "Alice", "family_name": "Example",
            "preferred_username": "alice", "nickname": "alice", "groups": ["netbox-admins", "netbox-users"],
        })
    );
    let only_email = evaluate_all(&mappings, |scope| scope == "email", &input()).unwrap();
    assert_eq!(only_email.len(), 2);
}

#[test]
fn superuser_claims_are_plain_expressions() {
    let is_member = |group: &str| {
        format!("{{\"x\": user.groups | selectattr(\"name\", \"in\", [\"{group}\"]) | list | length > 0}}")
    };
    assert_eq!(evaluate(&is_member("netbox-admins")), Ok(json!({"x": true})));
    assert_eq!(evaluate(&is_member("other")), Ok(json!({"x": false})));
}

#[test]
fn protected_claims_cannot_be_written() {
    for name in PROTECTED {
        assert!(evaluate(&format!("{{\"{name}\": \"evil\"}}")).unwrap_err().contains(name));
    }
}

#[test]
fn failures_say_what_to_change() {
    assert!(evaluate("{\"x\": user.nickname}").unwrap_err().contains("does not exist"));
    assert!(evaluate("{\"x\": ").unwrap_err().contains("cannot be read"));
    assert!(evaluate("user.groups").unwrap_err().contains("must make a map"));
    assert_eq!(evaluate("{\"x\": none, \"y\": 1}"), Ok(json!({"y": 1})));
    assert_eq!(evaluate("{\"x\": user.attributes.phone | default(\"none\")}"), Ok(json!({"x": "none"})));
}

#[test]
fn effort_size_and_depth_are_bounded() {
    assert!(evaluate("{\"x\": range(1000000) | list}").is_err());
    assert!(evaluate("{\"x\": \"aaaaaaaaaaaaaaaa\" * 4000}").is_err());
    assert!(evaluate("{\"x\": [[[[[[[[[1]]]]]]]]]}").is_err());
    let nested = "[".repeat(2000) + &"]".repeat(2000);
    assert!(evaluate(&nested).is_err());
    assert!(evaluate("{\"x\": \"a\" * 999999999999}").is_err());
    assert!(evaluate("{\"x\": [1] * 100000000}").unwrap_err().contains("32 KiB"));
    assert!(evaluate("{\"x\": [[1] * 100000000] * 100000000}").unwrap_err().contains("32 KiB"));
    assert!(evaluate("{\"x\": [user.nope] * 1}").unwrap_err().contains("does not exist"));
}

#[test]
fn maps_are_merged_member_by_member() {
    let one = CompiledMapping::from_parts("1", "a", "{\"m\": {\"x\": 1}, \"n\": 1}");
    let two = CompiledMapping::from_parts("2", "a", "{\"m\": {\"y\": 2}, \"n\": 2}");
    let claims = evaluate_all(&[one, two], |_| true, &input()).unwrap();
    assert_eq!(Value::Object(claims), json!({"m": {"x": 1, "y": 2}, "n": 2}));
}

proptest! {
    #[test]
    fn no_expression_panics(expression in "[ -~]{0,80}") {
        let _ = evaluate(&expression);
    }
}
