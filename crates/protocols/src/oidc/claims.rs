//! Claim mappings: Jinja expressions, evaluated with bounded effort, that may add claims and never replace those that
//! tokens stand on.

use doorward_core::{claim_mapping::ClaimMapping, group::Group, user::User};
use minijinja::{Environment, Expression, UndefinedBehavior, context, value::ValueKind};
use serde_json::{Map, Value, json};
use std::{io, sync::LazyLock};

/// Steps an evaluation may take.
const FUEL: u64 = 20_000;
/// Largest claims of one mapping, as JSON, in bytes.
const CLAIMS_MAX: usize = 32 * 1024;
/// Deepest nesting of claims.
const DEPTH_MAX: usize = 8;

/// Claims that no mapping may write.
pub const PROTECTED: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "sid",
    "jti",
    "azp",
    "acr",
    "amr",
    "auth_time",
    "at_hash",
    "c_hash",
    "client_id",
    "scope",
];

/// Why a mapping made no claims. Says it in words that an administrator can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MappingError(String);

/// A mapping ready to be evaluated.
#[derive(Debug)]
pub struct CompiledMapping {
    /// Its name, for messages.
    pub name: String,
    /// Its scope.
    pub scope: String,
    expression: Result<Expression<'static, 'static>, MappingError>,
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    // These make much out of little.
    environment.remove_global("range");
    environment.remove_filter("indent");
    environment
});

impl CompiledMapping {
    /// Compiles a mapping. One that does not compile says so when it is evaluated.
    pub fn new(mapping: &ClaimMapping) -> Self {
        Self::from_parts(&mapping.profile.name, &mapping.profile.scope, &mapping.profile.expression)
    }

    /// Compiles an expression that is not kept yet.
    pub fn from_parts(name: &str, scope: &str, expression: &str) -> Self {
        let compiled = ENVIRONMENT
            .compile_expression_owned(expression.trim().to_owned())
            .map_err(|error| MappingError(format!("the expression cannot be read: {}", reason(&error))));
        Self { name: name.to_owned(), scope: scope.to_owned(), expression: compiled }
    }

    /// Whether the expression can be read.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn check(&self) -> Result<(), MappingError> {
        self.expression.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// The claims for a person. Members that are null are left out.
    ///
    /// # Errors
    /// If the expression fails, takes too many steps, makes no map or too large a one, or writes a protected claim.
    pub fn evaluate(&self, input: &ClaimInput) -> Result<Map<String, Value>, MappingError> {
        let expression = self.expression.as_ref().map_err(Clone::clone)?;
        let made = expression.eval(&input.0).map_err(|error| MappingError(reason(&error)))?;
        let json = bounded_json(&made)?;
        if let Some(path) = undefined_member(&made, DEPTH_MAX + 1) {
            return Err(MappingError(format!(
                "{path} is made from something that does not exist; test with \"is defined\" or use default()"
            )));
        }
        let Value::Object(mut claims) = json else {
            return Err(MappingError("the expression must make a map, such as {\"claim\": user.name}".to_owned()));
        };
        claims.retain(|_, value| !value.is_null());
        if let Some(name) = PROTECTED.iter().find(|name| claims.contains_key(**name)) {
            return Err(MappingError(format!("the claim \"{name}\" cannot be written by a mapping")));
        }
        if claims.values().any(|value| depth(value) > DEPTH_MAX) {
            return Err(MappingError("the claims are nested more than 8 deep".to_owned()));
        }
        Ok(claims)
    }
}

/// A value as JSON. Lists that an expression repeats are made item by item while they are written, so writing stops where
/// the limit is.
fn bounded_json(value: &minijinja::Value) -> Result<Value, MappingError> {
    let mut text = Bounded(Vec::new());
    serde_json::to_writer(&mut text, value).map_err(|error| {
        let is_full = error.is_io();
        MappingError(if is_full { "the claims take more than 32 KiB".to_owned() } else { error.to_string() })
    })?;
    serde_json::from_slice(&text.0).map_err(|error| MappingError(error.to_string()))
}

/// Takes at most [`CLAIMS_MAX`] bytes.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > CLAIMS_MAX {
            return Err(io::Error::other("full"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn reason(error: &minijinja::Error) -> String {
    match error.kind() {
        minijinja::ErrorKind::OutOfFuel => "the expression takes too many steps".to_owned(),
        minijinja::ErrorKind::UndefinedError => {
            format!(
                "the expression uses something that does not exist ({error}); test with \"is defined\" or use default()"
            )
        }
        _ => error.to_string(),
    }
}

/// The first member, as a path, whose value is undefined: in strict mode an undefined value fails when it is used, but
/// not when it is only handed on.
fn undefined_member(value: &minijinja::Value, levels: usize) -> Option<String> {
    if value.is_undefined() {
        return Some("the value".to_owned());
    }
    if levels == 0 || !matches!(value.kind(), ValueKind::Map | ValueKind::Seq | ValueKind::Iterable) {
        return None;
    }
    let is_map = value.kind() == ValueKind::Map;
    value.try_iter().ok()?.find_map(|key| {
        let member = if is_map { value.get_item(&key).ok()? } else { key.clone() };
        let inner = undefined_member(&member, levels - 1)?;
        Some(if is_map { format!("\"{key}\": {inner}") } else { inner })
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// What expressions can use: `user` (with `groups`) and `application`.
#[derive(Debug, Clone)]
pub struct ClaimInput(minijinja::Value);

impl ClaimInput {
    /// Gathers it. `groups` are the effective ones, in order of their names.
    pub fn new<'a>(
        user: &User,
        groups: impl IntoIterator<Item = &'a Group>,
        is_superuser: bool,
        slug: &str,
        application_name: &str,
    ) -> Self {
        let mut groups: Vec<&Group> = groups.into_iter().collect();
        groups.sort_by(|left, right| left.profile.name.cmp(&right.profile.name));
        let groups: Vec<Value> = groups
            .into_iter()
            .map(|group| {
                json!({
                    "name": group.profile.name,
                    "is_superuser": group.profile.is_superuser,
                    "attributes": group.profile.attributes,
                })
            })
            .collect();
        let profile = &user.profile;
        let user = json!({
            "id": user.id.to_string(),
            "pk": user.pk,
            "uid": user.uid,
            "username": profile.username,
            "name": profile.name,
            "given_name": profile.given_name,
            "family_name": profile.family_name,
            "email": profile.email,
            "email_verified": profile.email_verified,
            "type": profile.user_type.as_str(),
            "attributes": profile.attributes,
            "updated_at": user.updated_at.as_second(),
            "is_superuser": is_superuser,
            "groups": groups,
        });
        let application = json!({ "slug": slug, "name": application_name });
        Self(
            context! { user => minijinja::Value::from(minijinja::value::Serde(user)), application => minijinja::Value::from(minijinja::value::Serde(application)) },
        )
    }
}

/// All claims of the scopes given, merged in the order of the mappings; maps are merged member by member.
///
/// # Errors
/// The first mapping that fails: nothing is better than half (a missing superuser claim leaves a superuser).
pub fn evaluate_all<'a>(
    mappings: impl IntoIterator<Item = &'a CompiledMapping>,
    is_given: impl Fn(&str) -> bool,
    input: &ClaimInput,
) -> Result<Map<String, Value>, MappingError> {
    let mut claims = Map::new();
    for mapping in mappings.into_iter().filter(|mapping| is_given(&mapping.scope)) {
        let made = mapping
            .evaluate(input)
            .map_err(|error| MappingError(format!("claim mapping \"{}\": {error}", mapping.name)))?;
        merge(&mut claims, made);
    }
    Ok(claims)
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::{
        claim_mapping::DEFAULTS,
        clock::Clock,
        group::GroupProfile,
        id::{GroupId, UserId},
        user::UserProfile,
    };
    use proptest::prelude::*;

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
}
