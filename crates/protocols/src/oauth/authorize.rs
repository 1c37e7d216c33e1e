//! Authorization requests (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).

use doorward_core::{claim_mapping::is_scope_token, grant_type::GrantType, provider::ClientType};
use std::collections::BTreeSet;

use super::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    pkce,
    response_mode::ResponseMode,
    response_type::ResponseType,
};
use crate::oidc::claims_request::ClaimsRequest;

/// What `prompt` asks for. Unknown values are ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the values of one parameter, each there or not")]
pub struct Prompt {
    /// Show nothing.
    pub none: bool,
    /// Make the person show again who they are.
    pub login: bool,
    /// Ask for consent.
    pub consent: bool,
    /// Let the person choose as whom to go on.
    pub select_account: bool,
}

/// What a client may ask for.
#[derive(Debug, Clone)]
pub struct ClientRules<'a> {
    /// Whether it can keep a secret.
    pub client_type: ClientType,
    /// The grant types that are switched on for it.
    pub grant_types: BTreeSet<GrantType>,
    /// Its scopes.
    pub scopes: &'a BTreeSet<String>,
}

/// An authorization request whose client and redirect URI were found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// Where the answer goes, byte for byte as it came.
    pub redirect_uri: String,
    /// What is answered with.
    pub response_type: ResponseType,
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

/// Reads a request of a known client to a redirect URI that was allowed. What is not known is ignored (RFC 6749, section
/// 3.1), and so are hints that change nothing here: `display`, `ui_locales`, `claims_locales`, `acr_values`.
///
/// # Errors
/// What goes back to the client by redirect.
pub fn parse(
    parameters: &Parameters,
    redirect_uri: &str,
    rules: &ClientRules<'_>,
) -> Result<AuthorizeRequest, OAuthError> {
    refuse_request_objects(parameters)?;
    let response_type = ResponseType::read(parameters.get("response_type"), &rules.grant_types)?;
    let response_mode = ResponseMode::read(parameters.get("response_mode"), response_type)?;
    let code_challenge = pkce::check_challenge(
        parameters.get("code_challenge"),
        parameters.get("code_challenge_method"),
        rules.client_type == ClientType::Public && response_type.has_code(),
    )?;
    let mut scopes = scopes(parameters.get("scope"), rules.scopes)?;
    if !response_type.has_code() {
        // OpenID Connect Core 1.0, section 11: there are no refresh tokens without a code.
        scopes.remove("offline_access");
    }
    check_id_token(parameters, response_type, &scopes)?;
    let owned = |name| parameters.get(name).map(str::to_owned);
    Ok(AuthorizeRequest {
        redirect_uri: redirect_uri.to_owned(),
        response_type,
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

/// Ignoring these would drop what the client signed or stood upon (OpenID Connect Core 1.0, sections 6 and 7.2.1).
fn refuse_request_objects(parameters: &Parameters) -> Result<(), OAuthError> {
    for (name, code, description) in [
        ("request", ErrorCode::RequestNotSupported, "Request objects are not supported"),
        ("request_uri", ErrorCode::RequestUriNotSupported, "request_uri is not supported"),
        ("registration", ErrorCode::RegistrationNotSupported, "The registration parameter is not supported"),
    ] {
        if parameters.get(name).is_some() {
            return Err(OAuthError::new(code, description));
        }
    }
    Ok(())
}

/// An ID token that comes by way of the browser needs a nonce, or another one could be put in its place (OpenID Connect Core
/// 1.0, section 3.2.2.1).
fn check_id_token(
    parameters: &Parameters,
    response_type: ResponseType,
    scopes: &BTreeSet<String>,
) -> Result<(), OAuthError> {
    if !response_type.has_id_token() {
        return Ok(());
    }
    if !scopes.contains("openid") {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "An ID token needs the scope openid").detail(
            "an ID token was asked for without the scope openid, or the application has no claim mapping of that scope",
        ));
    }
    if parameters.get("nonce").is_none() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "This response_type needs a nonce").detail(
            "this response_type needs the parameter nonce: switch it on in the application, or use response_type=code",
        ));
    }
    Ok(())
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

/// Scopes that were asked for and are not among those given. They are no error (RFC 6749, section 3.3), but nobody would
/// find out why a claim is missing.
pub fn left_out(scope: Option<&str>, given: &BTreeSet<String>) -> BTreeSet<String> {
    let asked = scope.unwrap_or_default().split(' ').filter(|name| !name.is_empty());
    asked.filter(|name| !given.contains(*name)).map(str::to_owned).collect()
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
        login: values.contains("login"),
        consent: values.contains("consent"),
        select_account: values.contains("select_account"),
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

    fn rules(client_type: ClientType, scopes: &BTreeSet<String>) -> ClientRules<'_> {
        let grant_types = GrantType::ALL.iter().map(|(grant_type, ..)| *grant_type).collect();
        ClientRules { client_type, grant_types, scopes }
    }

    fn read_as(client_type: ClientType, query: &str) -> Result<AuthorizeRequest, OAuthError> {
        let configured = ["openid", "email", "profile", "offline_access"].map(str::to_owned).into();
        let parameters = Parameters::parse(query.as_bytes()).unwrap();
        parse(&parameters, "https://a.example/", &rules(client_type, &configured))
    }

    fn read(query: &str) -> Result<AuthorizeRequest, OAuthError> {
        read_as(ClientType::Confidential, query)
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
        assert_eq!(code("response_type=code&registration=%7B%7D"), ErrorCode::RegistrationNotSupported);
        assert_eq!(code("response_type=code&response_mode=web_message"), ErrorCode::InvalidRequest);
        assert_eq!(code("response_type=code&prompt=none+login"), ErrorCode::InvalidRequest);
        assert_eq!(code("response_type=code&max_age=-1"), ErrorCode::InvalidRequest);
        assert_eq!(code("response_type=code&scope=op%22en"), ErrorCode::InvalidScope);
        assert_eq!(code("response_type=code&code_challenge=x&code_challenge_method=plain"), ErrorCode::InvalidRequest);
    }

    #[test]
    fn scopes_that_were_left_out_can_be_named() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let given = names(&["openid", "email"]);
        assert_eq!(left_out(Some("openid  roles email admin roles"), &given), names(&["admin", "roles"]));
        assert_eq!(left_out(Some("email openid"), &given), names(&[]));
        assert_eq!(left_out(None, &given), names(&[]));
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
    fn public_clients_must_use_pkce_wherever_a_code_is_issued() {
        let read = |query: &str| read_as(ClientType::Public, query);
        for response_type in ["code", "code+token", "code+id_token", "code+id_token+token"] {
            let query = format!("response_type={response_type}&scope=openid&nonce=n");
            assert_eq!(read(&query).unwrap_err().code, ErrorCode::InvalidRequest);
            let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
            assert!(read(&format!("{query}&code_challenge={challenge}&code_challenge_method=S256")).is_ok());
        }
        assert!(read("response_type=id_token&scope=openid&nonce=n").is_ok());
        assert!(read("response_type=id_token+token&scope=openid&nonce=n").is_ok());
    }

    #[test]
    fn id_tokens_by_way_of_the_browser_need_openid_and_a_nonce() {
        for response_type in ["id_token", "id_token+token", "code+id_token", "code+id_token+token"] {
            let query = format!("response_type={response_type}");
            assert_eq!(code(&format!("{query}&scope=openid")), ErrorCode::InvalidRequest);
            assert_eq!(code(&format!("{query}&scope=openid&nonce=")), ErrorCode::InvalidRequest);
            assert_eq!(code(&format!("{query}&scope=email&nonce=n")), ErrorCode::InvalidScope);
            assert!(read(&format!("{query}&scope=openid&nonce=n")).is_ok());
        }
        assert!(read("response_type=code+token&scope=email").is_ok());
    }

    #[test]
    fn offline_access_is_dropped_where_no_code_is() {
        let scopes = |response_type| {
            let query = format!("response_type={response_type}&scope=openid+offline_access&nonce=n");
            read(&query).unwrap().scopes.contains("offline_access")
        };
        assert!(scopes("code") && scopes("code+id_token+token"));
        assert!(!scopes("id_token") && !scopes("id_token+token"));
    }

    #[test]
    fn select_account_is_not_a_new_sign_in() {
        let prompt = read("response_type=code&prompt=select_account").unwrap().prompt;
        assert_eq!(prompt, Prompt { select_account: true, ..Prompt::default() });
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "(response_type=[a-z_+]{1,12})?(&[a-z_]{1,14}=[ -~]{0,20}){0,8}") {
            if let Ok(parameters) = Parameters::parse(query.as_bytes()) {
                let _ = parse(&parameters, "https://a.example/", &rules(ClientType::Public, &BTreeSet::new()));
            }
        }
    }
}
