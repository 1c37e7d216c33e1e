//! Token requests and answers (RFC 6749, sections 4.1.3, 5.1 and 6).

use doorward_core::grant_type::GrantType;
use serde::Serialize;
use std::collections::BTreeSet;

use super::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
};

/// The grant type of a token request, if it is one of the token endpoint's.
///
/// # Errors
/// `invalid_request` if there is none; `unsupported_grant_type`.
pub fn grant_type(form: &Parameters) -> Result<GrantType, OAuthError> {
    let name = form.require("grant_type", "grant_type is missing")?;
    GrantType::parse(name).filter(|grant_type| grant_type.is_of_token_endpoint()).ok_or_else(|| {
        OAuthError::new(ErrorCode::UnsupportedGrantType, "This grant_type is not supported")
            .detail(format!("grant_type {name:?} is not supported"))
    })
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

    #[test]
    fn only_the_token_endpoints_grants_are_read() {
        let read = |form: &str| grant_type(&Parameters::parse(form.as_bytes()).unwrap()).map_err(|error| error.code);
        assert_eq!(read("grant_type=refresh_token"), Ok(GrantType::RefreshToken));
        let device = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        assert_eq!(read(device), Ok(GrantType::DeviceCode));
        assert_eq!(read(""), Err(ErrorCode::InvalidRequest));
        assert_eq!(read("grant_type=implicit"), Err(ErrorCode::UnsupportedGrantType));
        assert_eq!(read("grant_type=Refresh_token"), Err(ErrorCode::UnsupportedGrantType));
    }

    #[test]
    fn a_refresh_can_narrow_scopes_but_not_widen_them() {
        let given = words("openid email");
        assert_eq!(narrow(&given, None).unwrap(), given);
        assert_eq!(narrow(&given, Some(words("openid"))).unwrap(), words("openid"));
        assert_eq!(narrow(&given, Some(words("openid admin"))).unwrap_err().code, ErrorCode::InvalidScope);
    }
}
