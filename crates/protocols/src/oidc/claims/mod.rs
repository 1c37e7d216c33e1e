//! Claim mappings: Jinja expressions, evaluated with bounded effort, that may add claims and never replace those that
//! tokens stand on.

mod bounds;
mod input;

use doorward_core::claim_mapping::ClaimMapping;
use minijinja::{Environment, Expression, UndefinedBehavior};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, sync::LazyLock};

use bounds::{bounded_json, depth, undefined_member};
pub use input::ClaimInput;

/// Steps an evaluation may take.
const FUEL: u64 = 20_000;
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

    /// The claims for a person. Members that are null or empty are left out.
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
        drop_empty(&mut claims);
        if let Some(name) = PROTECTED.iter().find(|name| claims.contains_key(**name)) {
            return Err(MappingError(format!("the claim \"{name}\" cannot be written by a mapping")));
        }
        if claims.values().any(|value| depth(value) > DEPTH_MAX) {
            return Err(MappingError("the claims are nested more than 8 deep".to_owned()));
        }
        Ok(claims)
    }
}

/// Takes away members without a value: null, empty texts, and maps that hold nothing else (OpenID Connect Core 1.0, section
/// 5.3.2). An empty list stays: that somebody has no groups is something to tell.
fn drop_empty(claims: &mut Map<String, Value>) {
    claims.retain(|_, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => {
            drop_empty(members);
            !members.is_empty()
        }
        _ => true,
    });
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

/// Names of the claims that a mapping makes for somebody of whom everything is known: what discovery can promise. One that
/// fails promises nothing.
pub fn sample_names(mapping: &CompiledMapping) -> BTreeSet<String> {
    mapping
        .evaluate(&ClaimInput::sample())
        .map(|claims| claims.into_iter().map(|(name, _)| name).collect())
        .unwrap_or_default()
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
mod tests;
