//! Token requests and answers (RFC 6749, sections 4.1.3, 5.1 and 6).

use serde::Serialize;
use std::collections::BTreeSet;

use super::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
};

/// A token request, after the client was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// Exchange a code (RFC 6749, section 4.1.3).
    AuthorizationCode {
        /// The code.
        code: String,
        /// The redirect URI of the authorization request.
        redirect_uri: String,
        /// PKCE verifier.
        code_verifier: Option<String>,
    },
    /// Exchange a refresh token (RFC 6749, section 6).
    RefreshToken {
        /// The token.
        refresh_token: String,
        /// Scopes asked for, if fewer than were given.
        scope: Option<BTreeSet<String>>,
    },
}

/// The grant types that can be asked for; what discovery advertises.
pub const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

/// Reads a token request.
///
/// # Errors
/// `invalid_request` if something is missing; `unsupported_grant_type`.
pub fn parse(form: &Parameters) -> Result<TokenRequest, OAuthError> {
    match form.require("grant_type", "grant_type is missing")? {
        "authorization_code" => Ok(TokenRequest::AuthorizationCode {
            code: form.require("code", "code is missing")?.to_owned(),
            redirect_uri: form.require("redirect_uri", "redirect_uri is missing")?.to_owned(),
            code_verifier: form.get("code_verifier").map(str::to_owned),
        }),
        "refresh_token" => Ok(TokenRequest::RefreshToken {
            refresh_token: form.require("refresh_token", "refresh_token is missing")?.to_owned(),
            scope: form.get("scope").map(words),
        }),
        other => Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "This grant_type is not supported")
            .detail(format!("grant_type {other:?} is not supported"))),
    }
}

/// The words of a space-separated list.
pub fn words(text: &str) -> BTreeSet<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Scopes as they are kept and sent: sorted, separated by spaces.
pub fn join(scopes: &BTreeSet<String>) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The scopes of a refreshed token (RFC 6749, section 6): those asked for, if all were given before.
///
/// # Errors
/// `invalid_scope` if one was not given before.
pub fn narrow(given: &BTreeSet<String>, asked: Option<BTreeSet<String>>) -> Result<BTreeSet<String>, OAuthError> {
    match asked {
        None => Ok(given.clone()),
        Some(asked) if asked.is_subset(given) => Ok(asked),
        Some(_) => Err(OAuthError::new(ErrorCode::InvalidScope, "More scopes are asked for than were given")),
    }
}

/// A successful answer (RFC 6749, section 5.1; OpenID Connect Core 1.0, section 3.1.3.3).
#[derive(Debug, Clone, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// The access token's lifetime in seconds.
    pub expires_in: i64,
    /// Scopes given.
    pub scope: String,
    /// The ID token, if the scope `openid` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// A refresh token, if the scope `offline_access` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<TokenRequest, ErrorCode> {
        parse(&Parameters::parse(form.as_bytes()).unwrap()).map_err(|error| error.code)
    }

    #[test]
    fn requests_are_read_or_refused_by_the_book() {
        assert!(read("grant_type=authorization_code&code=c&redirect_uri=https://a/").is_ok());
        assert!(read("grant_type=refresh_token&refresh_token=r").is_ok());
        assert_eq!(read(""), Err(ErrorCode::InvalidRequest));
        assert_eq!(read("grant_type=authorization_code&redirect_uri=x"), Err(ErrorCode::InvalidRequest));
        assert_eq!(read("grant_type=authorization_code&code=c"), Err(ErrorCode::InvalidRequest));
        assert_eq!(read("grant_type=refresh_token"), Err(ErrorCode::InvalidRequest));
        assert_eq!(read("grant_type=password"), Err(ErrorCode::UnsupportedGrantType));
    }

    #[test]
    fn a_refresh_can_narrow_scopes_but_not_widen_them() {
        let given = words("openid email");
        assert_eq!(narrow(&given, None).unwrap(), given);
        assert_eq!(narrow(&given, Some(words("openid"))).unwrap(), words("openid"));
        assert_eq!(narrow(&given, Some(words("openid admin"))).unwrap_err().code, ErrorCode::InvalidScope);
    }
}
