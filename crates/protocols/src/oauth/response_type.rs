//! `response_type`: what the authorization endpoint answers with (RFC 6749, section 3.1.1; OAuth 2.0 Multiple Response Type
//! Encoding Practices).

use doorward_core::grant_type::GrantType;
use std::collections::BTreeSet;

use super::{
    error::{ErrorCode, OAuthError},
    response_mode::ResponseMode,
};

/// What is answered with. Neither `token` alone, whose access tokens are bound to no sign-in that the client could check
/// (RFC 9700, section 2.1.2), nor `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// A code (OpenID Connect Core 1.0, section 3.1).
    Code,
    /// An ID token (section 3.2).
    IdToken,
    /// An ID token and an access token (section 3.2).
    IdTokenToken,
    /// A code and an access token (section 3.3).
    CodeToken,
    /// A code and an ID token (section 3.3).
    CodeIdToken,
    /// A code, an ID token and an access token (section 3.3).
    CodeIdTokenToken,
}

impl ResponseType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Code, Self::IdToken, Self::IdTokenToken, Self::CodeToken, Self::CodeIdToken, Self::CodeIdTokenToken];

    /// The name in discovery and requests; there the words may come in any order.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::IdToken => "id_token",
            Self::IdTokenToken => "id_token token",
            Self::CodeToken => "code token",
            Self::CodeIdToken => "code id_token",
            Self::CodeIdTokenToken => "code id_token token",
        }
    }

    /// The response type of these words, each given once, in any order.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words: Vec<_> = text.split(' ').collect();
        words.sort_unstable();
        Self::ALL.into_iter().find(|candidate| candidate.as_str().split(' ').eq(words.iter().copied()))
    }

    /// Reads the parameter of a client that may use these grant types.
    ///
    /// # Errors
    /// `invalid_request` if it is missing, `unsupported_response_type`, or `unauthorized_client` if its grant type is not
    /// switched on.
    pub fn read(text: Option<&str>, allowed: &BTreeSet<GrantType>) -> Result<Self, OAuthError> {
        let Some(text) = text else {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "response_type is missing"));
        };
        let response_type = Self::parse(text).ok_or_else(|| {
            OAuthError::new(ErrorCode::UnsupportedResponseType, "This response_type is not supported")
                .detail(format!("response_type {text:?} is not supported; code is right for nearly all applications"))
        })?;
        let needed = response_type.grant_type();
        if allowed.contains(&needed) {
            return Ok(response_type);
        }
        let (asked, name) = (response_type.as_str(), needed.as_str());
        Err(OAuthError::new(ErrorCode::UnauthorizedClient, "This client may not use this response_type").detail(format!(
            "the response type \"{asked}\" needs the grant type {name}, which is not switched on for this application; \
             switch it on there, or set the application to the response type code"
        )))
    }

    /// The grant type that a client needs for it.
    pub fn grant_type(self) -> GrantType {
        match self {
            Self::Code => GrantType::AuthorizationCode,
            Self::IdToken | Self::IdTokenToken => GrantType::Implicit,
            Self::CodeToken | Self::CodeIdToken | Self::CodeIdTokenToken => GrantType::Hybrid,
        }
    }

    /// Whether a code is in the answer.
    pub fn has_code(self) -> bool {
        !matches!(self, Self::IdToken | Self::IdTokenToken)
    }

    /// Whether an ID token is in the answer.
    pub fn has_id_token(self) -> bool {
        !matches!(self, Self::Code | Self::CodeToken)
    }

    /// Whether an access token is in the answer.
    pub fn has_access_token(self) -> bool {
        matches!(self, Self::IdTokenToken | Self::CodeToken | Self::CodeIdTokenToken)
    }

    /// How the answer travels unless the request says (Multiple Response Types, section 5): tokens never in the query, where
    /// servers write them into their logs.
    pub fn default_mode(self) -> ResponseMode {
        if self == Self::Code { ResponseMode::Query } else { ResponseMode::Fragment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_may_come_in_any_order_and_once_each() {
        assert_eq!(ResponseType::parse("token code id_token"), Some(ResponseType::CodeIdTokenToken));
        assert_eq!(ResponseType::parse("token id_token"), Some(ResponseType::IdTokenToken));
        for bad in ["", "token", "none", "code none", "code code", "code  token", " code", "Code", "id_token,token"] {
            assert_eq!(ResponseType::parse(bad), None, "{bad}");
        }
        for one in ResponseType::ALL {
            assert_eq!(ResponseType::parse(one.as_str()), Some(one));
            let words: Vec<_> = one.as_str().split(' ').collect();
            let has = (one.has_code(), one.has_id_token(), one.has_access_token());
            assert_eq!(has, (words.contains(&"code"), words.contains(&"id_token"), words.contains(&"token")));
        }
    }

    #[test]
    fn what_is_not_switched_on_is_refused_with_its_name() {
        let code = |text, allowed: &[GrantType]| {
            ResponseType::read(text, &allowed.iter().copied().collect()).map_err(|error| (error.code, error.detail))
        };
        let every = [GrantType::AuthorizationCode, GrantType::Implicit, GrantType::Hybrid];
        assert_eq!(code(None, &every).unwrap_err().0, ErrorCode::InvalidRequest);
        assert_eq!(code(Some("token"), &every).unwrap_err().0, ErrorCode::UnsupportedResponseType);
        for one in ResponseType::ALL {
            assert_eq!(code(Some(one.as_str()), &[one.grant_type()]), Ok(one));
            let others: Vec<_> = every.into_iter().filter(|grant_type| *grant_type != one.grant_type()).collect();
            let (refused, detail) = code(Some(one.as_str()), &others).unwrap_err();
            assert_eq!(refused, ErrorCode::UnauthorizedClient);
            assert!(detail.contains(one.grant_type().as_str()), "{detail}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = ResponseType::parse(&text);
        }
    }
}
