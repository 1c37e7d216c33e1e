//! What comes back from the authorization endpoint.

use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

use super::{Run, entropy, request::AuthorizationRequest};
use crate::variant::{ResponseMode, ResponseType};

/// How parameters travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    Query,
    Fragment,
    FormPost,
}

/// Parameters at a redirect URI.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub carried: Carried,
    /// The address without what was added to it.
    pub target: String,
    parameters: BTreeMap<String, String>,
}

impl Answer {
    /// An answer by redirect.
    pub(crate) fn of_redirect(location: &str) -> Self {
        let mut url = Url::parse(location).unwrap();
        let (query, fragment) = (url.query().map(str::to_owned), url.fragment().map(str::to_owned));
        let (carried, encoded) = match (query, fragment) {
            (query, None) => (Carried::Query, query.unwrap_or_default()),
            (None, Some(fragment)) => (Carried::Fragment, fragment),
            (Some(_), Some(_)) => panic!("parameters in query and fragment: {location}"),
        };
        url.set_query(None);
        url.set_fragment(None);
        let pairs = form_urlencoded::parse(encoded.as_bytes()).into_owned().collect();
        Self::new(carried, url.into(), pairs)
    }

    /// An answer by a form that leaves Doorward.
    pub(crate) fn of_form(action: &str, pairs: Vec<(String, String)>) -> Self {
        assert!(!action.contains(['?', '#']), "form_post with parameters in the address: {action}");
        Self::new(Carried::FormPost, action.to_owned(), pairs)
    }

    fn new(carried: Carried, target: String, pairs: Vec<(String, String)>) -> Self {
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            assert!(parameters.insert(name.clone(), value).is_none(), "{name} came twice");
        }
        Self { carried, target, parameters }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.parameters))
    }

    /// Nothing but these parameters.
    #[track_caller]
    pub(crate) fn has_only(&self, expected: &[&str]) {
        let unexpected: Vec<_> = self.parameters.keys().filter(|name| !expected.contains(&name.as_str())).collect();
        assert!(unexpected.is_empty(), "unexpected {unexpected:?} in {:?}", self.parameters);
    }
}

impl Run {
    /// What holds for every answer: where it went and how, `state` (OpenID Connect Core 1.0, section 3.1.2.5), `iss` (RFC
    /// 9207, section 2.4: there, if discovery says so).
    #[track_caller]
    fn check_any(&self, request: &AuthorizationRequest, answer: &Answer) {
        let expected = match (self.variant.mode, request.get("response_type")) {
            (ResponseMode::FormPost, _) => Carried::FormPost,
            (ResponseMode::Default, None | Some("code")) => Carried::Query,
            (ResponseMode::Default, Some(_)) => Carried::Fragment,
        };
        assert_eq!(answer.carried, expected, "{answer:?}");
        assert_eq!(answer.target, super::CALLBACK);
        assert_eq!(answer.get("state"), request.get("state"), "{answer:?}");
        assert_eq!(self.metadata["authorization_response_iss_parameter_supported"], true);
        assert_eq!(answer.get("iss"), self.metadata["issuer"].as_str(), "{answer:?}");
    }

    /// A good answer has exactly what its response type says.
    #[track_caller]
    pub(crate) fn check_success(&self, request: &AuthorizationRequest, answer: &Answer) {
        assert_eq!(answer.get("error"), None, "{answer:?}");
        self.check_any(request, answer);
        let response_type = self.variant.response_type;
        let mut expected = vec!["state", "iss", "session_state"];
        if response_type.has_code() {
            expected.push("code");
            check_code(answer.text("code"));
        }
        if response_type.has_token() {
            expected.extend(["access_token", "token_type", "expires_in", "scope"]);
            super::token::check_access_token(answer.text("access_token"));
            assert!(answer.text("token_type").eq_ignore_ascii_case("bearer"));
            assert!(answer.text("expires_in").parse::<u32>().unwrap() > 0);
        }
        if response_type.has_id_token() {
            expected.push("id_token");
            assert!(answer.get("id_token").is_some());
        }
        answer.has_only(&expected);
    }

    /// An error that the application hears of: its code (OpenID Connect Core 1.0, section 3.1.2.6; RFC 6749, section 4.1.2.1).
    #[track_caller]
    pub(crate) fn check_error<'a>(&self, request: &AuthorizationRequest, answer: &'a Answer) -> &'a str {
        self.check_any(request, answer);
        answer.has_only(&["error", "error_description", "error_uri", "state", "iss", "session_state"]);
        if let Some(description) = answer.get("error_description") {
            check_description(description);
        }
        answer.text("error")
    }

    /// Answers of the types with a fragment may differ from those that only have a code.
    pub(crate) fn response_type(&self) -> ResponseType {
        self.variant.response_type
    }
}

/// 128 bits long, 96 bits of entropy, in the characters of RFC 6749, appendix A.11.
#[track_caller]
fn check_code(code: &str) {
    assert!(code.len() * 8 >= 128 && entropy(code) > 96.0, "weak code {code}");
    assert!(code.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
}

/// The characters of RFC 6749, sections 4.1.2.1 and 5.2: no quotes, no backslash, no line breaks or tabs.
#[track_caller]
pub(crate) fn check_description(description: &str) {
    let is_allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(description.bytes().all(is_allowed), "{description:?}");
}

/// Whether a list in the metadata has a value.
pub(crate) fn lists(metadata: &Value, name: &str, value: &str) -> bool {
    metadata[name].as_array().is_some_and(|values| values.iter().any(|found| found == value))
}
