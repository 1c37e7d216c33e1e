//! `response_mode`: how the answer travels (OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1; OAuth 2.0 Form
//! Post Response Mode).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    response_type::ResponseType,
};

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In its fragment, which browsers keep to themselves.
    Fragment,
    /// As a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// The name in requests and discovery.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Query, Self::Fragment, Self::FormPost].into_iter().find(|mode| mode.as_str() == text)
    }

    /// Reads the parameter.
    ///
    /// # Errors
    /// `invalid_request` if there is no such mode, or if tokens would travel in a query (Multiple Response Types,
    /// section 5).
    pub fn read(text: Option<&str>, response_type: ResponseType) -> Result<Self, OAuthError> {
        let refuse = |description| Err(OAuthError::new(ErrorCode::InvalidRequest, description));
        let Some(text) = text else { return Ok(response_type.default_mode()) };
        match Self::parse(text) {
            Some(Self::Query) if response_type.default_mode() != Self::Query => {
                refuse("response_mode=query cannot be used for tokens; use fragment or form_post")
            }
            Some(mode) => Ok(mode),
            None => refuse("This response_mode is not supported; use query, fragment or form_post"),
        }
    }

    /// How an error travels: as the answer would have, as far as that can be made out of a request that may be malformed;
    /// else in the query.
    pub fn for_error(parameters: &Parameters) -> Self {
        let words = || parameters.get("response_type").unwrap_or_default().split(' ');
        // RFC 6749, section 4.2.2.1: whoever asks for tokens looks into the fragment, also for what is not supported here.
        let is_token = |word: &str| matches!(word, "token" | "id_token");
        let default = if words().any(is_token) { Self::Fragment } else { Self::Query };
        let asked = match parameters.get("response_mode") {
            Some(mode) => Self::parse(mode),
            None => parameters.get("request").and_then(of_request_object),
        };
        match asked {
            None | Some(Self::Query) => default,
            Some(mode) => mode,
        }
    }
}

/// The response mode in a request object (OpenID Connect Core 1.0, section 6.1). Request objects are refused, but whoever put
/// the mode inside listens for the refusal there. Nothing else in it is looked at, and no signature: whoever made the request
/// could have said the same outside.
fn of_request_object(object: &str) -> Option<ResponseMode> {
    let payload = URL_SAFE_NO_PAD.decode(object.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get("response_mode")?.as_str().and_then(ResponseMode::parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn for_error(query: &str) -> ResponseMode {
        ResponseMode::for_error(&Parameters::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn request_objects_are_refused_where_they_ask_for_answers() {
        let object = |claims: &str| format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims));
        let form_post = object(r#"{"response_mode":"form_post"}"#);
        assert_eq!(for_error(&format!("response_type=code&request={form_post}")), ResponseMode::FormPost);
        assert_eq!(for_error(&format!("response_type=id_token&request={form_post}")), ResponseMode::FormPost);
        // What stands outside is what was said.
        assert_eq!(for_error(&format!("response_mode=fragment&request={form_post}")), ResponseMode::Fragment);
        for nothing in
            ["x", "a.b.c", "..", &object("[]"), &object(r#"{"response_mode":1}"#), &object(r#"{"response_mode":"x"}"#)]
        {
            assert_eq!(for_error(&format!("response_type=code&request={nothing}")), ResponseMode::Query, "{nothing}");
        }
        // Tokens in a query are not to be had this way either.
        let query = object(r#"{"response_mode":"query"}"#);
        assert_eq!(for_error(&format!("response_type=id_token&request={query}")), ResponseMode::Fragment);
    }

    proptest! {
        #[test]
        fn no_request_object_panics(object in "[ -~]{0,60}", claims in "[ -~]{0,60}") {
            of_request_object(&object);
            of_request_object(&format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims)));
        }
    }

    #[test]
    fn tokens_never_travel_in_a_query() {
        for response_type in ResponseType::ALL {
            let is_code = response_type == ResponseType::Code;
            assert_eq!(ResponseMode::read(Some("query"), response_type).is_ok(), is_code);
            let default = if is_code { ResponseMode::Query } else { ResponseMode::Fragment };
            assert_eq!(ResponseMode::read(None, response_type), Ok(default));
            for mode in [ResponseMode::Fragment, ResponseMode::FormPost] {
                assert_eq!(ResponseMode::read(Some(mode.as_str()), response_type), Ok(mode));
            }
            for bad in ["web_message", "Query", "form_post ", "query.jwt"] {
                assert!(ResponseMode::read(Some(bad), response_type).is_err());
            }
        }
    }

    #[test]
    fn errors_travel_as_the_answer_would_have() {
        assert_eq!(for_error(""), ResponseMode::Query);
        assert_eq!(for_error("response_type=nonsense"), ResponseMode::Query);
        assert_eq!(for_error("response_type=token"), ResponseMode::Fragment);
        assert_eq!(for_error("response_type=code+id_token&response_mode=query"), ResponseMode::Fragment);
        assert_eq!(for_error("response_type=code&response_mode=fragment"), ResponseMode::Fragment);
        assert_eq!(for_error("response_mode=form_post"), ResponseMode::FormPost);
        assert_eq!(for_error("response_type=id_token&response_mode=unknown"), ResponseMode::Fragment);
        for response_type in ResponseType::ALL {
            let query = format!("response_type={}", response_type.as_str().replace(' ', "+"));
            assert_eq!(for_error(&query), response_type.default_mode());
        }
    }
}
