//! Request parameters: form-urlencoded, each name at most once, all of bounded size.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::error::{ErrorCode, OAuthError};
use crate::jose::verify::TOKEN_MAX;

/// Largest query or form, in bytes.
pub const TOTAL_MAX: usize = 64 * 1024;
/// Most parameters.
pub const COUNT_MAX: usize = 100;
/// Longest value, in bytes after decoding.
pub const VALUE_MAX: usize = 8 * 1024;
/// Whose value may be as long as our longest token.
const TOKENS: [&str; 1] = ["id_token_hint"];

/// Parameters of a request, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query or a form body.
    ///
    /// # Errors
    /// `invalid_request` if it is too large, holds a NUL or text that is not UTF-8, or repeats a name
    /// (RFC 6749, sections 3.1 and 3.2).
    pub fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        Self::parse_up_to(encoded, VALUE_MAX)
    }

    /// The same for a form that carries an access token, which may take up the whole form.
    ///
    /// # Errors
    /// As [`Parameters::parse`].
    pub fn parse_long(encoded: &[u8]) -> Result<Self, OAuthError> {
        Self::parse_up_to(encoded, TOTAL_MAX)
    }

    fn parse_up_to(encoded: &[u8], value_max: usize) -> Result<Self, OAuthError> {
        let refuse = |description| Err(OAuthError::new(ErrorCode::InvalidRequest, description));
        if encoded.len() > TOTAL_MAX {
            return refuse("The request is too large");
        }
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
                return refuse("A parameter is not valid UTF-8");
            }
            if name.contains('\0') || value.contains('\0') {
                return refuse("A parameter holds a NUL");
            }
            let value_max = if TOKENS.contains(&name.as_ref()) { value_max.max(TOKEN_MAX) } else { value_max };
            if value.len() > value_max || name.len() > VALUE_MAX {
                return refuse("A parameter is too long");
            }
            if parameters.len() == COUNT_MAX {
                return refuse("There are too many parameters");
            }
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(OAuthError::new(ErrorCode::InvalidRequest, "A parameter is given more than once")
                    .detail(format!("the parameter {name:?} is given more than once")));
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter. An empty value counts as left out (RFC 6749, section 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter as it came, empty or not.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request` with the description given.
    pub fn require(&self, name: &str, description: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| {
            OAuthError::new(ErrorCode::InvalidRequest, description).detail(format!("the parameter {name} is missing"))
        })
    }

    /// Whether nothing was sent at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All names and values, in order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn repeated_parameters_are_an_error() {
        let error = Parameters::parse(b"a=1&b=2&a=1").unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        assert!(error.detail.contains("\"a\""));
    }

    #[test]
    fn every_limit_holds() {
        let many = (0..=COUNT_MAX).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        for bad in [
            "a=".to_owned() + &"x".repeat(VALUE_MAX + 1),
            "x".repeat(TOTAL_MAX + 1),
            many,
            "id_token_hint=".to_owned() + &"x".repeat(TOKEN_MAX + 1),
            "a=%00".to_owned(),
            "a=%ff".to_owned(),
        ] {
            assert!(Parameters::parse(bad.as_bytes()).is_err(), "{}", &bad[..20.min(bad.len())]);
        }
        assert!(Parameters::parse(("a=".to_owned() + &"x".repeat(VALUE_MAX)).as_bytes()).is_ok());
        assert!(Parameters::parse(("id_token_hint=".to_owned() + &"x".repeat(TOKEN_MAX)).as_bytes()).is_ok());
    }

    #[test]
    fn empty_values_count_as_left_out() {
        let parameters = Parameters::parse(b"state=&scope=a+b").unwrap();
        assert_eq!((parameters.get("state"), parameters.raw("state")), (None, Some("")));
        assert_eq!(parameters.get("scope"), Some("a b"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = Parameters::parse(&bytes);
        }

        #[test]
        fn what_is_encoded_reads_back(pairs in prop::collection::btree_map("[^\0\u{fffd}]{1,20}", "[^\0\u{fffd}]{0,50}", 0..20)) {
            let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let parsed = Parameters::parse(encoded.as_bytes()).unwrap();
            prop_assert_eq!(parsed.0, pairs);
        }
    }
}
