//! The `claims` parameter of authorization requests (OpenID Connect Core 1.0, section 5.5).

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::{claims::PROTECTED, id_token::ACR};
use crate::oauth::error::{ErrorCode, OAuthError};

/// Longest parameter, in bytes of JSON.
pub const SIZE_MAX: usize = 8 * 1024;
/// Deepest nesting: `{"userinfo": {"address": {"value": {"country": "NL"}}}}` has four levels.
pub const DEPTH_MAX: usize = 8;
/// Most claims in `userinfo`, and as many in `id_token`.
pub const CLAIMS_MAX: usize = 100;
/// Longest name of a claim, in bytes.
pub const NAME_MAX: usize = 200;

/// How one claim is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether the client says that it needs it. A claim that cannot be had is left out all the same (section 5.5.1).
    pub essential: bool,
    /// The values it would take: one for `value`, all of `values`; `None` if any.
    pub values: Option<Vec<Value>>,
}

impl Wanted {
    /// Whether a value is one that was asked for.
    pub fn takes(&self, value: &Value) -> bool {
        self.values.as_ref().is_none_or(|values| values.contains(value))
    }
}

/// Claims asked for by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// To come from userinfo.
    pub userinfo: BTreeMap<String, Wanted>,
    /// To stand in the ID token.
    pub id_token: BTreeMap<String, Wanted>,
}

impl ClaimsRequest {
    /// Reads the parameter. Members that are not known are ignored, as section 5.5 wants it.
    ///
    /// # Errors
    /// `invalid_request` if it is too large or too deep, no JSON, or of another shape than section 5.5 has;
    /// `unmet_authentication_requirements` if an essential `acr` is asked for that is never reached (section 5.5.1.1).
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let request = Self::of(&object(text)?)?;
        request.check_acr()?;
        Ok(request)
    }

    /// What was kept with a grant: by [`Self::to_json`], which may have made it longer and deeper than it came. What cannot be
    /// read asks for nothing: fewer claims are given then.
    pub fn kept(text: Option<&str>) -> Self {
        let members = text.and_then(|text| serde_json::from_str(text).ok());
        members.and_then(|members| Self::of(&members).ok()).unwrap_or_default()
    }

    fn of(members: &Map<String, Value>) -> Result<Self, OAuthError> {
        Ok(Self {
            userinfo: wanted_claims("userinfo", members.get("userinfo"))?,
            id_token: wanted_claims("id_token", members.get("id_token"))?,
        })
    }

    /// As it is kept: the parameter again, without what was ignored. `None` if no claim is asked for.
    pub fn to_json(&self) -> Option<String> {
        let members = [("userinfo", &self.userinfo), ("id_token", &self.id_token)];
        let filled = members.into_iter().filter(|(_, claims)| !claims.is_empty());
        let json: Map<String, Value> = filled.map(|(name, claims)| (name.to_owned(), as_json(claims))).collect();
        (!json.is_empty()).then(|| Value::Object(json).to_string())
    }

    /// Names of the claims asked for anywhere, without those that stand in every token or answer or that no mapping can
    /// make.
    pub fn names(&self) -> BTreeSet<&str> {
        let all = self.userinfo.keys().chain(self.id_token.keys()).map(String::as_str);
        all.filter(|name| !PROTECTED.contains(name)).collect()
    }

    /// The same request for some claims only. What it says about protected claims (`sub`, `acr`, …) has had its effect
    /// when the request was answered.
    #[must_use]
    pub fn only(&self, names: &BTreeSet<String>) -> Self {
        let chosen = |claims: &BTreeMap<String, Wanted>| {
            let kept = claims.iter().filter(|(name, _)| names.contains(*name));
            kept.map(|(name, wanted)| (name.clone(), wanted.clone())).collect()
        };
        Self { userinfo: chosen(&self.userinfo), id_token: chosen(&self.id_token) }
    }

    /// Whether this is a person whom the request takes: `None` if it names nobody. A `sub` with a value asks for that
    /// person and no other (section 5.5.1, and section 3.1.2.2).
    pub fn takes_subject(&self, subject: &str) -> Option<bool> {
        let named = [&self.userinfo, &self.id_token].into_iter().filter_map(|claims| claims.get("sub"));
        let mut named = named.filter(|wanted| wanted.values.is_some()).peekable();
        named.peek()?;
        let subject = json!(subject);
        Some(named.all(|wanted| wanted.takes(&subject)))
    }

    /// Section 5.5.1.1: an essential `acr` with values that cannot be met is a failed authentication; without "essential"
    /// they are wishes.
    fn check_acr(&self) -> Result<(), OAuthError> {
        let Some(wanted) = self.id_token.get("acr").filter(|wanted| wanted.essential) else { return Ok(()) };
        if wanted.takes(&json!(ACR)) {
            return Ok(());
        }
        let description = "The authentication context asked for cannot be reached";
        Err(OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, description).detail(format!(
            "the claims parameter has an essential acr that is not {ACR:?}, the only one there is; ask for that one, or \
             without \"essential\""
        )))
    }
}

fn refuse<T>(description: &'static str, detail: impl Into<String>) -> Result<T, OAuthError> {
    Err(OAuthError::new(ErrorCode::InvalidRequest, description).detail(detail))
}

/// The parameter as a JSON object, within bounds that are looked at before anything is built.
fn object(text: &str) -> Result<Map<String, Value>, OAuthError> {
    if text.len() > SIZE_MAX {
        let detail = format!("the claims parameter takes {} bytes; it may take {SIZE_MAX}", text.len());
        return refuse("claims is too long", detail);
    }
    if depth(text) > DEPTH_MAX {
        return refuse(
            "claims is nested too deeply",
            format!("the claims parameter is nested more than {DEPTH_MAX} deep"),
        );
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => refuse(
            "claims is not a JSON object",
            "the claims parameter must be a JSON object, such as {\"userinfo\": {\"name\": null}}",
        ),
        Err(error) => refuse("claims is not JSON", format!("the claims parameter is not JSON: {error}")),
    }
}

/// How deep brackets are nested outside of texts.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// One of the two members. Some clients send null where they ask for nothing.
fn wanted_claims(member: &'static str, value: Option<&Value>) -> Result<BTreeMap<String, Wanted>, OAuthError> {
    let claims = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(claims)) => claims,
        Some(_) => {
            return refuse(
                "claims is malformed",
                format!("the member {member:?} of the claims parameter must be an object"),
            );
        }
    };
    if claims.len() > CLAIMS_MAX {
        let detail = format!(
            "the member {member:?} of the claims parameter names {} claims, more than {CLAIMS_MAX}",
            claims.len()
        );
        return refuse("claims asks for too many claims", detail);
    }
    claims.iter().map(|(name, value)| Ok((name.clone(), wanted(member, name, value)?))).collect()
}

fn wanted(member: &str, name: &str, value: &Value) -> Result<Wanted, OAuthError> {
    if name.len() > NAME_MAX {
        return refuse("claims asks for a claim with a long name", format!("a claim's name may take {NAME_MAX} bytes"));
    }
    let malformed =
        |what: &str| refuse("claims is malformed", format!("{member}.{name} of the claims parameter: {what}"));
    let details = match value {
        Value::Null => return Ok(Wanted::default()),
        Value::Object(details) => details,
        _ => return malformed("ask for a claim with null or an object"),
    };
    let essential = match details.get("essential") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return malformed("\"essential\" must be true or false"),
    };
    // Both at once contradict each other (section 5.5.1); then the one value is meant.
    let given = |name| details.get(name).filter(|value| !value.is_null());
    let values = match (given("value"), given("values")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        (None, Some(_)) => return malformed("\"values\" must be a list"),
        (None, None) => None,
    };
    Ok(Wanted { essential, values })
}

fn as_json(claims: &BTreeMap<String, Wanted>) -> Value {
    let one = |wanted: &Wanted| {
        let mut details = Map::new();
        if wanted.essential {
            details.insert("essential".to_owned(), json!(true));
        }
        if let Some(values) = &wanted.values {
            details.insert("values".to_owned(), json!(values));
        }
        if details.is_empty() { Value::Null } else { Value::Object(details) }
    };
    Value::Object(claims.iter().map(|(name, wanted)| (name.clone(), one(wanted))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> ErrorCode {
        ClaimsRequest::parse(text).unwrap_err().code
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        // Section 5.5.
        let request = ClaimsRequest::parse(
            r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null, "email": {"essential": true},
                 "http://example.info/claims/groups": null},
                "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}},
                "verified_claims": [1]}"#,
        )
        .unwrap();
        assert!(request.userinfo["given_name"].essential && !request.userinfo["nickname"].essential);
        assert_eq!(request.id_token["acr"].values, Some(vec![json!("urn:mace:incommon:iap:silver")]));
        let names: Vec<_> = request.names().into_iter().collect();
        assert_eq!(names, ["email", "given_name", "http://example.info/claims/groups", "nickname"]);
        assert_eq!(ClaimsRequest::kept(request.to_json().as_deref()), request);
    }

    #[test]
    fn what_asks_for_nothing_is_not_kept() {
        for text in ["{}", r#"{"userinfo": {}}"#, r#"{"userinfo": null, "id_token": null}"#, r#"{"other": 7}"#] {
            assert_eq!(ClaimsRequest::parse(text).unwrap().to_json(), None, "{text}");
        }
        assert_eq!(ClaimsRequest::kept(Some("broken")), ClaimsRequest::default());
    }

    #[test]
    fn every_other_shape_is_refused_with_what_to_change() {
        for (text, says) in [
            ("", "not JSON"),
            ("{", "not JSON"),
            ("{} {}", "not JSON"),
            ("[]", "must be a JSON object"),
            ("\"userinfo\"", "must be a JSON object"),
            (r#"{"userinfo": ["name"]}"#, "\"userinfo\""),
            (r#"{"id_token": {"name": true}}"#, "id_token.name"),
            (r#"{"id_token": {"name": {"essential": "yes"}}}"#, "\"essential\""),
            (r#"{"userinfo": {"name": {"values": "x"}}}"#, "\"values\""),
        ] {
            let error = ClaimsRequest::parse(text).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest, "{text}");
            assert!(error.detail.contains(says), "{text}: {}", error.detail);
        }
    }

    #[test]
    fn size_depth_number_and_names_are_bounded() {
        let nested = |depth: usize| {
            let inner = depth - 3;
            format!(r#"{{"userinfo": {{"x": {{"value": {}{}}}}}}}"#, "[".repeat(inner), "]".repeat(inner))
        };
        assert!(ClaimsRequest::parse(&nested(DEPTH_MAX)).is_ok());
        assert!(ClaimsRequest::parse(&nested(DEPTH_MAX + 1)).unwrap_err().detail.contains("deep"));
        assert_eq!(code(&"[".repeat(SIZE_MAX)), ErrorCode::InvalidRequest);
        let padded = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
        assert!(ClaimsRequest::parse(&padded(SIZE_MAX)).is_ok());
        assert!(ClaimsRequest::parse(&padded(SIZE_MAX + 1)).unwrap_err().detail.contains("bytes"));
        let many = |count: usize| {
            let names: Vec<_> = (0..count).map(|n| format!("\"c{n}\":null")).collect();
            format!("{{\"userinfo\":{{{}}}}}", names.join(","))
        };
        assert_eq!(ClaimsRequest::parse(&many(CLAIMS_MAX)).unwrap().userinfo.len(), CLAIMS_MAX);
        assert!(ClaimsRequest::parse(&many(CLAIMS_MAX + 1)).unwrap_err().detail.contains("100"));
        let named = |length: usize| format!("{{\"userinfo\":{{\"{}\":null}}}}", "n".repeat(length));
        assert!(ClaimsRequest::parse(&named(NAME_MAX)).is_ok());
        assert_eq!(code(&named(NAME_MAX + 1)), ErrorCode::InvalidRequest);
        // Brackets in texts are no depth.
        assert!(ClaimsRequest::parse(&format!("{{\"x\": \"\\\"{}\"}}", "[".repeat(100))).is_ok());
    }

    #[test]
    fn an_essential_acr_has_to_be_met_and_a_wish_has_not() {
        let acr = |details: &str| ClaimsRequest::parse(&format!(r#"{{"id_token": {{"acr": {details}}}}}"#));
        for fine in [
            "null",
            r#"{"essential": true}"#,
            r#"{"values": ["gold"]}"#,
            r#"{"essential": false, "value": "gold"}"#,
            r#"{"essential": true, "values": ["gold", "goauthentik.io/providers/oauth2/default"]}"#,
        ] {
            assert!(acr(fine).is_ok(), "{fine}");
        }
        for unmet in [r#"{"essential": true, "values": ["gold"]}"#, r#"{"essential": true, "value": "gold"}"#] {
            assert_eq!(acr(unmet).unwrap_err().code, ErrorCode::UnmetAuthenticationRequirements, "{unmet}");
        }
    }

    #[test]
    fn a_subject_is_taken_or_not() {
        let takes = |text: &str| ClaimsRequest::parse(text).unwrap().takes_subject("alice");
        assert_eq!(takes("{}"), None);
        assert_eq!(takes(r#"{"id_token": {"sub": {"essential": true}}}"#), None);
        assert_eq!(takes(r#"{"id_token": {"sub": {"value": "alice"}}}"#), Some(true));
        assert_eq!(takes(r#"{"id_token": {"sub": {"values": ["bob", "alice"]}}}"#), Some(true));
        assert_eq!(takes(r#"{"userinfo": {"sub": {"value": "bob"}}}"#), Some(false));
        assert_eq!(takes(r#"{"id_token": {"sub": {"values": []}}}"#), Some(false));
        assert_eq!(takes(r#"{"id_token": {"sub": {"value": null}}}"#), None);
        let both = r#"{"id_token": {"sub": {"value": "alice"}}, "userinfo": {"sub": {"value": "bob"}}}"#;
        assert_eq!(takes(both), Some(false));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[ -~]{0,200}|[{}\[\]":,a-z]{0,60}"#) {
            let _ = ClaimsRequest::parse(&text);
        }

        #[test]
        fn what_is_kept_reads_back(
            names in prop::collection::btree_map("\\PC{0,20}", (any::<bool>(), prop::option::of("[a-z]{0,5}")), 0..8),
            in_id_token in any::<bool>(),
        ) {
            let claims: BTreeMap<_, _> = names
                .into_iter()
                .map(|(name, (essential, value))| (name, Wanted { essential, values: value.map(|value| vec![json!(value)]) }))
                .filter(|(name, _)| name != "acr")
                .collect();
            let mut request = ClaimsRequest::default();
            *(if in_id_token { &mut request.id_token } else { &mut request.userinfo }) = claims;
            prop_assert_eq!(ClaimsRequest::kept(request.to_json().as_deref()), request);
        }
    }
}
