use super::*;
use doorward_core::{
    claim_mapping::DEFAULTS,
    clock::Clock,
    group::{Group, GroupProfile},
    id::{GroupId, UserId},
    user::{User, UserProfile},
};
use proptest::prelude::*;
use serde_json::json;

fn input() -> ClaimInput {
    let clock = Clock::system();
    let mut profile = UserProfile::named("alice");
    profile.name = "Alice Example".into();
    profile.email = "alice@example.org".into();
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

#[test]
fn the_defaults_make_authentiks_claims_and_better() {
    let mappings: Vec<_> = DEFAULTS
        .iter()
        .map(|(scope, name, _, expression)| CompiledMapping::from_parts(name, scope, expression))
        .collect();
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
