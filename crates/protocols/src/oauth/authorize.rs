//! Authorization requests (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).

use doorward_core::{claim_mapping::is_scope_token, provider::ClientType};
use std::collections::BTreeSet;

use super::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    pkce,
};
use crate::oidc::claims_request::ClaimsRequest;

/// How the answer travels (OAuth 2.0 Multiple Response Types, section 2.1; Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// As a form that the browser posts.
    FormPost,
}

/// What `prompt` asks for. Unknown values are ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Show nothing.
    pub none: bool,
    /// Make the person show again who they are.
    pub login: bool,
    /// Ask for consent.
    pub consent: bool,
}

/// An authorization request whose client and redirect URI were found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// Where the answer goes, byte for byte as it came.
    pub redirect_uri: String,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// Scopes asked for and allowed, sorted.
    pub scopes: BTreeSet<String>,
    /// Returned as it came.
    pub state: Option<String>,
    /// Bound to the ID token.
    pub nonce: Option<String>,
    /// What to show.
    pub prompt: Prompt,
    /// How long ago the person may have shown who they are, in seconds.
    pub max_age: Option<i64>,
    /// Who will probably sign in.
    pub login_hint: Option<String>,
    /// An ID token of the person expected.
    pub id_token_hint: Option<String>,
    /// PKCE challenge, S256.
    pub code_challenge: Option<String>,
    /// Claims asked for by name.
    pub claims: ClaimsRequest,
}

/// How an error travels back, as far as it can be made out of a request that has one.
pub fn error_response_mode(parameters: &Parameters) -> ResponseMode {
    match parameters.get("response_mode") {
        Some("form_post") => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    }
}

/// Reads a request of a known client to a redirect URI that was allowed. `configured` are the client's scopes.
///
/// # Errors
/// What goes back to the client by redirect.
pub fn parse(
    parameters: &Parameters,
    redirect_uri: &str,
    client_type: ClientType,
    configured: &BTreeSet<String>,
) -> Result<AuthorizeRequest, OAuthError> {
    let refuse = |code, description| Err(OAuthError::new(code, description));
    // OpenID Connect Core 1.0, section 6: ignoring these would drop what the client signed.
    if parameters.get("request").is_some() {
        return refuse(ErrorCode::RequestNotSupported, "Request objects are not supported");
    }
    if parameters.get("request_uri").is_some() {
        return refuse(ErrorCode::RequestUriNotSupported, "request_uri is not supported");
    }
    match parameters.get("response_type") {
        Some("code") => {}
        None => return refuse(ErrorCode::InvalidRequest, "response_type is missing"),
        Some(_) => return refuse(ErrorCode::UnsupportedResponseType, "Only response_type=code is supported"),
    }
    let response_mode = match parameters.get("response_mode") {
        None | Some("query") => ResponseMode::Query,
        Some("form_post") => ResponseMode::FormPost,
        Some(_) => {
            return refuse(ErrorCode::InvalidRequest, "Only response_mode=query and form_post are supported");
        }
    };
    let code_challenge = pkce::check_challenge(
        parameters.get("code_challenge"),
        parameters.get("code_challenge_method"),
        client_type == ClientType::Public,
    )?;
    let owned = |name| parameters.get(name).map(str::to_owned);
    let scopes = scopes(parameters.get("scope"), configured)?;
    Ok(AuthorizeRequest {
        redirect_uri: redirect_uri.to_owned(),
        response_mode,
        claims: claims(parameters.get("claims"), &scopes)?,
        scopes,
        state: owned("state"),
        nonce: owned("nonce"),
        prompt: prompt(parameters.get("prompt"))?,
        max_age: max_age(parameters.get("max_age"))?,
        login_hint: owned("login_hint"),
        id_token_hint: owned("id_token_hint"),
        code_challenge,
    })
}

/// Scopes that are not configured are dropped without a word (RFC 6749, section 3.3). No scope at all means all that
/// are configured, except to stay signed in while the person is away.
pub(super) fn scopes(scope: Option<&str>, configured: &BTreeSet<String>) -> Result<BTreeSet<String>, OAuthError> {
    let Some(scope) = scope else {
        return Ok(configured.iter().filter(|name| *name != "offline_access").cloned().collect());
    };
    let asked: Vec<_> = scope.split(' ').filter(|name| !name.is_empty()).collect();
    if !asked.iter().all(|name| is_scope_token(name)) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "scope is malformed"));
    }
    Ok(asked.into_iter().filter(|name| configured.contains(*name)).map(str::to_owned).collect())
}

/// Claims are asked for by name only in OpenID Connect; for plain OAuth the parameter is one of those that are not known
/// (RFC 6749, section 3.1).
fn claims(claims: Option<&str>, scopes: &BTreeSet<String>) -> Result<ClaimsRequest, OAuthError> {
    let claims = claims.filter(|_| scopes.contains("openid"));
    claims.map_or_else(|| Ok(ClaimsRequest::default()), ClaimsRequest::parse)
}

fn prompt(prompt: Option<&str>) -> Result<Prompt, OAuthError> {
    let values: BTreeSet<_> = prompt.unwrap_or("").split(' ').filter(|value| !value.is_empty()).collect();
    if values.contains("none") && values.len() > 1 {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "prompt=none cannot be joined with other values"));
    }
    Ok(Prompt {
        none: values.contains("none"),
        // Choosing another account is done by signing in.
        login: values.contains("login") || values.contains("select_account"),
        consent: values.contains("consent"),
    })
}

fn max_age(max_age: Option<&str>) -> Result<Option<i64>, OAuthError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match max_age {
        None => Ok(None),
        Some(text) if digits(text) => Ok(Some(text.parse().unwrap_or(i64::MAX))),
        Some(_) => Err(OAuthError::new(ErrorCode::InvalidRequest, "max_age is not a number of seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(query: &str) -> Result<AuthorizeRequest, OAuthError> {
        let configured = ["openid", "email", "profile", "offline_access"].map(str::to_owned).into();
        let parameters = Parameters::parse(query.as_bytes()).unwrap();
        parse(&parameters, "https://a.example/", ClientType::Confidential, &configured)
    }

    fn code(query: &str) -> ErrorCode {
        read(query).unwrap_err().code
    }

    #[test]
    fn a_request_of_netbox_is_read() {
        let request = read("response_type=code&scope=openid+profile+email&state=s&nonce=n").unwrap();
        assert_eq!(request.scopes, ["email", "openid", "profile"].map(str::to_owned).into());
        assert_eq!((request.state.as_deref(), request.nonce.as_deref()), (Some("s"), Some("n")));
        assert_eq!(request.response_mode, ResponseMode::Query);
    }

    #[test]
    fn every_error_has_the_code_of_its_specification() {
        assert_eq!(code("scope=openid"), ErrorCode::InvalidRequest);
        assert_eq!(code("response_type=token"), ErrorCode::UnsupportedResponseType);
        assert_eq!(code("response_type=code&request=x"), ErrorCode::RequestNotSupported);
        assert_eq!(code("response_type=code&request_uri=https://x/"), ErrorCode::RequestUriNotSupported);
        assert_eq!(code("response_type=code&response_mode=web_message"), ErrorCode::InvalidRequest);
        assert_eq!(code("response_type=code&prompt=none+login"), ErrorCode::InvalidRequest);
        assert_eq!(code("response_type=code&max_age=-1"), ErrorCode::InvalidRequest);
        assert_eq!(code("response_type=code&scope=op%22en"), ErrorCode::InvalidScope);
        assert_eq!(code("response_type=code&code_challenge=x&code_challenge_method=plain"), ErrorCode::InvalidRequest);
    }

    #[test]
    fn scopes_that_are_not_configured_are_dropped_and_none_means_all() {
        assert_eq!(read("response_type=code&scope=openid+admin").unwrap().scopes, ["openid".to_owned()].into());
        let all = read("response_type=code").unwrap().scopes;
        assert_eq!(all, ["email", "openid", "profile"].map(str::to_owned).into());
    }

    #[test]
    fn unknown_parameters_and_prompts_are_ignored() {
        let request = read("response_type=code&prompt=create+login&display=page&foo=bar&max_age=10").unwrap();
        assert_eq!(request.prompt, Prompt { login: true, ..Prompt::default() });
        assert_eq!(request.max_age, Some(10));
        assert_eq!(read("response_type=code&max_age=99999999999999999999").unwrap().max_age, Some(i64::MAX));
    }

    #[test]
    fn claims_are_read_where_openid_is_asked_for() {
        let asked = "response_type=code&claims=%7B%22userinfo%22%3A%7B%22name%22%3Anull%7D%7D";
        assert!(read(&format!("{asked}&scope=openid")).unwrap().claims.userinfo.contains_key("name"));
        assert_eq!(read(&format!("{asked}&scope=email")).unwrap().claims, ClaimsRequest::default());
        assert_eq!(code("response_type=code&scope=openid&claims=name"), ErrorCode::InvalidRequest);
        assert!(read("response_type=code&scope=email&claims=name").is_ok());
    }

    #[test]
    fn public_clients_must_use_pkce() {
        let parameters = Parameters::parse(b"response_type=code").unwrap();
        assert!(parse(&parameters, "https://a.example/", ClientType::Public, &BTreeSet::new()).is_err());
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "(response_type=code)?(&[a-z_]{1,14}=[ -~]{0,20}){0,8}") {
            if let Ok(parameters) = Parameters::parse(query.as_bytes()) {
                let _ = parse(&parameters, "https://a.example/", ClientType::Public, &BTreeSet::new());
            }
        }
    }
}
